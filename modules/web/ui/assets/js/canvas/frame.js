/** The picture's frame, drawn outwards by its sides and corners: what is beyond the picture will be painted. */

import { drawn, grownBy, sizeOf } from "./frame_math.js";

const MODES = ["mask"]; // where a part of the picture is repainted, and the tool is offered
const INK = "#1e1c1a";
const BORDER = { strokeWidth: 1.5, strokeScaleEnabled: false };
const GRIP_PX = 14; // across a side; beyond it the tool in hand works
const HANDLE_PX = 11;
const HANDLES = [["left", "up"], ["up"], ["right", "up"], ["right"], ["right", "down"], ["down"], ["left", "down"], ["left"]];
const SHADE = "rgba(120, 118, 112, 0.28)";
const CURSORS = { left: "ew-resize", right: "ew-resize", up: "ns-resize", down: "ns-resize", "left up": "nwse-resize", "right down": "nwse-resize",
  "right up": "nesw-resize", "left down": "nesw-resize" };

export class Frame {
  #drag = null; // {frame: at its start, now}

  /** @param {Object} view see view.js */
  constructor(view) {
    this.view = view;
    this.layer = new Konva.Layer({ name: "frame", listening: false, visible: false });
    view.stage.add(this.layer);
    this.shade = new Konva.Path({ fill: SHADE, fillRule: "evenodd", listening: false });
    this.ground = new Konva.Rect({ ...BORDER, stroke: INK, listening: false });
    this.line = new Konva.Rect({ ...BORDER, stroke: "#fff", dash: [7, 5], listening: false });
    this.label = new Konva.Label({ listening: false });
    this.label.add(new Konva.Tag({ fill: INK, opacity: 0.82, cornerRadius: 3 }));
    this.label.add(new Konva.Text({ fontSize: 12, padding: 4, fill: "#fff", fontFamily: "system-ui, sans-serif" }));
    this.sides = HANDLES.filter((names) => names.length === 1).map((names) => this.#grip(names, new Konva.Line({ stroke: "transparent", hitStrokeWidth: GRIP_PX, strokeWidth: 1 })));
    const look = { width: HANDLE_PX, height: HANDLE_PX, offsetX: HANDLE_PX / 2, offsetY: HANDLE_PX / 2, fill: "#fff", stroke: INK, strokeWidth: 1, cornerRadius: 2, hitStrokeWidth: 8 };
    this.handles = HANDLES.map((names) => this.#grip(names, new Konva.Rect({ ...look, name: names.join(" ") })));
    this.layer.add(this.shade, this.ground, this.line, this.label, ...this.sides, ...this.handles);
  }

  #grip(names, node) {
    node.setAttrs({ draggable: true, sides: names });
    node.on("dragstart", () => {
      this.#drag = { from: { x: node.x(), y: node.y() }, frame: this.view.document.now.frame, now: this.view.document.now.frame };
    });
    node.on("dragmove", ({ evt }) => this.#move(node, evt));
    node.on("dragend", () => this.#end());
    node.on("mouseenter", () => (this.view.box.style.cursor = CURSORS[names.join(" ")]));
    node.on("dblclick dbltap", () => this.view.document.setFrame(drawn(this.view.document.now.frame, Object.fromEntries(names.map((name) => [name, 0])))));
    return node;
  }

  /** Whether the frame can be taken hold of in this view now. */
  get isOffered() {
    const { document, mode } = this.view;
    return Boolean(document.now.picture) && MODES.includes(mode) && (Boolean(document.now.frame) || this.view.tool()?.id === "frame");
  }

  /** Whether a point of the stage is on a side or a handle. */
  isAt(point) {
    if (!this.layer.listening()) return false;
    return this.#drag !== null || this.layer.getIntersection(point) !== null;
  }

  #move(node, event) {
    const { camera } = this.view;
    const { from, frame } = this.#drag;
    const step = { x: (node.x() - from.x) / camera.zoom, y: (node.y() - from.y) / camera.zoom };
    this.#drag.now = grownBy(frame, node.attrs.sides, step, event.altKey ? 1 : undefined);
    this.#place(this.#drag.now);
  }

  #end() {
    const { now } = this.#drag;
    this.#drag = null;
    this.view.document.setFrame(now);
  }

  /** Follow document, tool and camera. */
  update() {
    const isShown = this.isOffered;
    if (!isShown && !this.layer.listening()) return;
    this.layer.listening(isShown);
    this.layer.visible(isShown);
    if (isShown && !this.#drag) this.#place(this.view.document.now.frame);
    else this.layer.batchDraw();
  }

  #place(frame) {
    const { picture } = this.view.document.now;
    const { left = 0, right = 0, up = 0, down = 0 } = frame ?? {};
    const inner = this.#toStage(0, 0, picture.width, picture.height);
    const outer = this.#toStage(-left, -up, picture.width + right, picture.height + down);
    this.shade.data(`${rectangle(outer)} ${rectangle(inner)}`);
    const place = { x: outer.x0, y: outer.y0, width: outer.x1 - outer.x0, height: outer.y1 - outer.y0 };
    this.ground.setAttrs(place);
    this.line.setAttrs(place);
    const at = { left: outer.x0, right: outer.x1, up: outer.y0, down: outer.y1 };
    for (const node of this.handles) {
      const [first, second] = node.attrs.sides;
      const isAcross = first === "left" || first === "right";
      node.position({ x: isAcross ? at[first] : (outer.x0 + outer.x1) / 2, y: second ? at[second] : isAcross ? (outer.y0 + outer.y1) / 2 : at[first] });
    }
    for (const node of this.sides) {
      const [side] = node.attrs.sides;
      const isAcross = side === "left" || side === "right";
      node.position({ x: 0, y: 0 });
      node.points(isAcross ? [at[side], outer.y0, at[side], outer.y1] : [outer.x0, at[side], outer.x1, at[side]]);
    }
    this.#tell(frame, outer);
    this.layer.batchDraw();
  }

  #tell(frame, outer) {
    const { width, height } = sizeOf(this.view.document.now.picture, frame);
    this.label.visible(Boolean(frame));
    this.label.getText().text(`${width} × ${height}`);
    this.label.position({ x: Math.max(2, outer.x0 + 4), y: Math.max(2, outer.y0 + 4) });
  }

  #toStage(x0, y0, x1, y1) {
    const from = this.view.camera.toScreen(x0, y0);
    const to = this.view.camera.toScreen(x1, y1);
    return { x0: from.x, y0: from.y, x1: to.x, y1: to.y };
  }
}

const rectangle = ({ x0, y0, x1, y1 }) => `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
