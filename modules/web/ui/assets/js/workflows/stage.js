/** The drawing of a workflow: looked at, moved, enlarged; nodes can be chosen, nothing can be changed. */

import { Camera } from "../canvas/camera.js";
import { iconButton, make, set } from "../layers/dom.js";
import { language, t } from "../pentimento.js";
import { Painter, readLook } from "./painter.js";
import { nodeAt, sceneOf } from "./scene.js";

const STEP = 1.2;
const PAN_PX = 60;
const CLICK_PX = 4;
const LARGEST = 3;
const LARGEST_FIT = 1.1; // a small workflow is not blown up
const EMPTY = { nodes: [], links: [], groups: [] };

class SheetCamera extends Camera {
  get fitZoom() {
    return Math.min(super.fitZoom, LARGEST_FIT);
  }
}

export class GraphStage {
  #frame = 0;
  #pointers = new Map();
  #moved = 0;
  #look = null;

  /** @param {(id: string|null) => void} onChoose a node was chosen here. */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.camera = new SheetCamera();
    this.scene = sceneOf(EMPTY);
    this.state = { chosen: null, marks: new Map(), progress: null, done: new Set(), pictures: new Map() };
    this.canvas = make("canvas", { id: "workflow_canvas", tabIndex: 0, role: "application" });
    this.painter = new Painter(this.canvas.getContext("2d", { alpha: false }));
    this.percent = make("button.pm-tool.pm-zoom", { on: { click: () => this.zoom(1 / this.camera.zoom) } });
    this.bar = make("div.pm-w-tools", { role: "toolbar" });
    this.element = make("div.pm-w-stage", {}, this.canvas, this.bar);
    this.#listen();
    this.relabel();
  }

  /** Show another drawing, all of it. */
  show(drawing) {
    this.scene = sceneOf(drawing ?? EMPTY);
    this.state = { chosen: null, marks: new Map(), progress: null, done: new Set(), pictures: new Map() };
    this.painter.forget();
    this.camera.isFitted = true;
    this.#measure();
    this.relabel();
  }

  /** Change what is told of the nodes: `chosen`, `marks`, `progress`, `done`. */
  tell(changes) {
    Object.assign(this.state, changes);
    this.draw();
  }

  /** Show a picture in a node, as soon as it is there. */
  showPicture(id, address) {
    const image = new Image();
    image.addEventListener("load", () => this.draw());
    image.src = address;
    this.state.pictures.set(id, image);
  }

  /** Choose a node, and bring it into view. */
  reveal(id) {
    const node = this.scene.byId.get(id);
    this.tell({ chosen: node ? id : null });
    if (!node) return;
    const { box } = node;
    if (this.camera.zoom < 0.5) this.camera.zoomTo(0.8);
    const at = this.camera.toScreen(box.x + box.width / 2, box.y + box.height / 2);
    this.camera.pan(this.canvas.clientWidth / 2 - at.x, this.canvas.clientHeight / 2 - at.y);
    this.draw();
  }

  fit() {
    this.camera.fit();
    this.draw();
  }

  zoom(factor, x, y) {
    this.camera.zoomTo(Math.min(LARGEST, this.camera.zoom * factor), x, y);
    this.draw();
  }

  /** Paint soon, once. */
  draw() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint() {
    const { canvas } = this;
    if (!canvas.clientWidth) return; // not shown
    this.#look ??= readLook(this.element);
    const view = { width: canvas.clientWidth, height: canvas.clientHeight, ratio: devicePixelRatio };
    const begun = performance.now();
    const seen = this.painter.paint(this.scene, this.camera, view, this.#look, this.state);
    Object.assign(canvas.dataset, { seen, ms: (performance.now() - begun).toFixed(1) });
    this.percent.textContent = new Intl.NumberFormat(language(), { style: "percent" }).format(this.camera.zoom);
  }

  #measure() {
    const { canvas } = this;
    if (!canvas.clientWidth) return;
    const [width, height] = [Math.round(canvas.clientWidth * devicePixelRatio), Math.round(canvas.clientHeight * devicePixelRatio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.camera.resize(this.scene, { width: canvas.clientWidth, height: canvas.clientHeight });
    this.draw();
  }

  #listen() {
    const { canvas } = this;
    new ResizeObserver(() => this.#measure()).observe(canvas);
    new MutationObserver(() => {
      this.#look = null;
      this.draw();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("dblclick", () => this.fit());
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.shiftKey) {
      this.camera.pan(-(event.deltaX || event.deltaY) * lines, 0);
      this.draw();
    } else this.zoom(Math.exp(-event.deltaY * lines * 0.0016), event.offsetX, event.offsetY);
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.#moved = this.#pointers.size > 1 ? Infinity : 0;
  }

  #move(event) {
    const old = this.#pointers.get(event.pointerId);
    if (!old) return;
    const now = { x: event.offsetX, y: event.offsetY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    this.#moved += Math.hypot(now.x - old.x, now.y - old.y);
    if (other) {
      const [before, after] = [old, now].map((point) => Math.hypot(point.x - other.x, point.y - other.y));
      this.zoom(after / Math.max(1, before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (this.#moved > CLICK_PX) {
      this.camera.pan(now.x - old.x, now.y - old.y);
      this.draw();
    }
  }

  #up(event) {
    const at = this.#pointers.get(event.pointerId);
    this.#pointers.delete(event.pointerId);
    if (event.type !== "pointerup" || !at || this.#moved > CLICK_PX) return;
    const point = this.camera.toPicture(at.x, at.y);
    const id = nodeAt(this.scene, point.x, point.y)?.id ?? null;
    this.tell({ chosen: id });
    this.onChoose(id);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [PAN_PX, 0], ArrowRight: [-PAN_PX, 0], ArrowUp: [0, PAN_PX], ArrowDown: [0, -PAN_PX] };
    if (pans[event.key]) {
      this.camera.pan(...pans[event.key]);
      this.draw();
    } else if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0" || event.key === "f") this.fit();
    else if (event.key === "n" || event.key === "p") this.#next(event.key === "n" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  /** The next node from left to right. */
  #next(step) {
    const order = [...this.scene.nodes].sort((one, two) => one.box.x - two.box.x || one.box.y - two.box.y);
    if (!order.length) return;
    const at = order.findIndex((node) => node.id === this.state.chosen);
    const { id } = order.at(at < 0 ? (step > 0 ? 0 : -1) : (at + step) % order.length);
    this.reveal(id);
    this.onChoose(id);
  }

  relabel() {
    const values = { nodes: this.scene.nodes.length, links: this.scene.links.length };
    set(this.canvas, { aria: { label: t("workflows.drawing", values) }, title: "" });
    set(this.percent, { title: t("workflows.actual"), aria: { label: t("workflows.actual") } });
    set(this.bar, { aria: { label: t("workflows.view") } });
    const tool = (name, text, run, keys) => iconButton(name, text, run, { keys });
    this.bar.replaceChildren(
      tool("minus", "workflows.zoom_out", () => this.zoom(1 / STEP), "-"), this.percent,
      tool("plus", "workflows.zoom_in", () => this.zoom(STEP), "+"), tool("fit", "workflows.fit", () => this.fit(), "0"),
    );
    this.draw();
  }
}
