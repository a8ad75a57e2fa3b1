/** What is drawn over the canvas: frames around chosen layers, handles at the one in hand, the lines that it snaps to. */

import { make, set } from "./dom.js";
import { t } from "../pentimento.js";

const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
const CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];
const ROOM_PX = 44; // sides shorter than this have no handles of their own

export class Frame {
  #lines = { x: [], y: [] };

  constructor(stage) {
    this.stage = stage;
    this.handles = HANDLES.map(([hx, hy]) => make("i.pm-l-handle", { data: { hx, hy } }));
    this.turner = make("i.pm-l-turner", { data: { turn: "" } });
    this.own = make("div.pm-l-frame", { hidden: true }, ...this.handles, this.turner);
    this.others = make("div", {});
    this.guides = make("div", {});
    this.tip = make("output.pm-l-tip", { hidden: true });
    this.element = make("div.pm-l-over", { aria: { hidden: true } }, this.others, this.guides, this.own, this.tip);
  }

  relabel() {
    this.turner.title = t("layers.turn");
  }

  /** Show lines that a layer lies on: {x: [...], y: [...]}, canvas pixels. */
  guide(lines = { x: [], y: [] }) {
    this.#lines = lines;
  }

  /** Say something at a point of the box, such as a size; "" = nothing. */
  say(words, at = { x: 0, y: 0 }) {
    this.tip.hidden = !words;
    this.tip.textContent = words;
    Object.assign(this.tip.style, { left: `${at.x + 16}px`, top: `${at.y + 18}px` });
  }

  draw(placements = null) {
    const { stage } = this;
    const { store, camera } = stage;
    const current = store.current;
    const canMove = store.canMove(current);
    const frame = current && stage.frameOf(current, placements);
    this.own.hidden = !frame;
    if (frame) this.#place(this.own, frame);
    this.own.classList.toggle("pm-l-fixed", !canMove || store.chosen.length > 1);
    if (frame) this.#turnCursors(frame.angle, frame.width * camera.zoom, frame.height * camera.zoom);
    const rest = store.chosenLayers.filter((layer) => layer !== current).map((layer) => stage.frameOf(layer, placements)).filter(Boolean);
    this.others.replaceChildren(...rest.map((one) => this.#place(make("div.pm-l-frame.pm-l-other"), one)));
    const { x, y, zoom } = camera;
    const line = (kind, style) => make(`div.pm-l-guide.${kind}`, { style });
    const upright = this.#lines.x.map((at) => line("pm-l-upright", `left: ${at * zoom + x}px`));
    this.guides.replaceChildren(...upright, ...this.#lines.y.map((at) => line("pm-l-level", `top: ${at * zoom + y}px`)));
  }

  #place(element, frame) {
    const { camera } = this.stage;
    const at = camera.toScreen(frame.x, frame.y);
    const [width, height] = [frame.width * camera.zoom, frame.height * camera.zoom];
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
    element.style.transform = `translate(${at.x - width / 2}px, ${at.y - height / 2}px) rotate(${frame.angle}deg)`;
    return element;
  }

  /** Cursors point along what the handle does, however the frame is turned. */
  #turnCursors(angle, width, height) {
    for (const handle of this.handles) {
      const [hx, hy] = [Number(handle.dataset.hx), Number(handle.dataset.hy)];
      const own = hx * hy > 0 ? 0 : hx === 0 ? 1 : hy === 0 ? 3 : 2;
      handle.style.cursor = CURSORS[(own + Math.round(angle / 45) + 8) % 4];
      handle.hidden = (hx === 0 && width < ROOM_PX) || (hy === 0 && height < ROOM_PX);
    }
    set(this.turner, { hidden: false });
  }
}
