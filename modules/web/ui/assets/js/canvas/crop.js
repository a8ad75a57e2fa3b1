/** What will be cut out, as a dashed rectangle that a person can drag and resize; and dashed previews of outlines. */

const MODES = ["mask", "paint_mask", "view_mask"]; // where only a part may be repainted
const BORDER = { strokeWidth: 1.5, strokeScaleEnabled: false };
const GRIP_PX = 8; // across the line; beyond it the tool in hand works
const SMALLEST_PX = 16; // on the picture
const INK = "#1e1c1a";

export class Crop {
  /** @param {Object} view see view.js */
  constructor(view) {
    this.view = view;
    this.layer = new Konva.Layer({ name: "crop", listening: false, visible: false });
    view.stage.add(this.layer);
    this.dark = new Konva.Line({ ...BORDER, stroke: INK, listening: false, visible: false });
    this.light = new Konva.Line({ ...BORDER, stroke: "#fff", dash: [5, 5], listening: false, visible: false });
    this.#makeRectangle();
    this.layer.add(this.ground, this.rectangle, this.label, this.transformer, this.dark, this.light);
  }

  #makeRectangle() {
    this.ground = new Konva.Rect({ ...BORDER, stroke: INK, listening: false, visible: false });
    this.rectangle = new Konva.Rect({
      ...BORDER, stroke: "#fff", dash: [7, 5], fillEnabled: false, hitStrokeWidth: GRIP_PX, draggable: true, visible: false,
    });
    this.label = new Konva.Label({ listening: false, visible: false });
    this.label.add(new Konva.Tag({ fill: INK, opacity: 0.82, cornerRadius: 3 }));
    this.label.add(new Konva.Text({ fontSize: 12, padding: 4, fill: "#fff", fontFamily: "system-ui, sans-serif" }));
    this.transformer = new Konva.Transformer({
      rotateEnabled: false, flipEnabled: false, keepRatio: false, borderEnabled: false, ignoreStroke: true, anchorSize: 9, visible: false,
      anchorStroke: INK, anchorFill: "#fff", anchorCornerRadius: 2,
    });
    this.transformer.shouldOverdrawWholeArea(false);
    const { rectangle } = this;
    rectangle.on("dragmove", () => this.#hold());
    rectangle.on("transform", () => this.#flatten());
    rectangle.on("dragend transformend", () => this.#tell());
    rectangle.on("dblclick dbltap", () => this.view.document.emit("crop-drag", null));
    rectangle.on("mouseenter", () => (this.view.box.style.cursor = "move"));
  }

  get #isOffered() {
    return Boolean(this.view.document.crop) && MODES.includes(this.view.mode) && Boolean(this.view.document.now.picture);
  }

  /** Whether a point of the stage is on the rectangle's border or a handle: exactly where Konva lets them be dragged. */
  isAt(point) {
    if (!this.layer.listening()) return false;
    if (this.transformer.isTransforming() || this.rectangle.isDragging()) return true;
    return this.view.stage.getIntersection(point) !== null;
  }

  /** Follow the document's crop and the camera. */
  update() {
    const { crop } = this.view.document;
    const isShown = this.#isOffered;
    if (!isShown && !this.layer.listening()) {
      if (this.light.visible()) this.#redraw();
      return;
    }
    for (const node of [this.ground, this.rectangle, this.label, this.transformer]) node.visible(isShown);
    this.layer.listening(isShown);
    if (isShown && !this.rectangle.isDragging() && !this.transformer.isTransforming()) {
      this.rectangle.setAttrs({ ...this.#toStage(crop), scaleX: 1, scaleY: 1 });
      this.transformer.nodes([this.rectangle]);
      this.label.getText().text(crop.label ?? "");
    }
    this.#place();
    this.#redraw();
  }

  #toStage({ x, y, width, height }) {
    const { zoom } = this.view.camera;
    return { ...this.view.camera.toScreen(x, y), width: width * zoom, height: height * zoom };
  }

  #place() {
    const { x, y, width, height } = this.rectangle.attrs;
    this.ground.setAttrs({ x, y, width, height });
    const room = this.label.height() + 3;
    this.label.position({ x: Math.max(2, x), y: y > room ? y - room : y + 3 });
    this.label.visible(this.rectangle.visible() && Boolean(this.label.getText().text()));
  }

  /** The rectangle in picture pixels, whole and within the picture. */
  #box() {
    const { picture } = this.view.document.now;
    const from = this.view.camera.toPicture(this.rectangle.x(), this.rectangle.y());
    const { zoom } = this.view.camera;
    const width = Math.min(picture.width, Math.max(Math.min(SMALLEST_PX, picture.width), Math.round(this.rectangle.width() / zoom)));
    const height = Math.min(picture.height, Math.max(Math.min(SMALLEST_PX, picture.height), Math.round(this.rectangle.height() / zoom)));
    const x = Math.min(picture.width - width, Math.max(0, Math.round(from.x)));
    const y = Math.min(picture.height - height, Math.max(0, Math.round(from.y)));
    return { x, y, width, height };
  }

  #hold() {
    this.rectangle.setAttrs(this.#toStage(this.#box()));
    this.#place();
  }

  #flatten() {
    const { rectangle } = this;
    rectangle.setAttrs({ width: rectangle.width() * rectangle.scaleX(), height: rectangle.height() * rectangle.scaleY(), scaleX: 1, scaleY: 1 });
    this.#place();
  }

  #tell() {
    const box = this.#box();
    this.rectangle.setAttrs(this.#toStage(box));
    this.view.document.setCrop({ ...box, label: this.view.document.crop?.label });
    this.view.document.emit("crop-drag", box);
  }

  /** See `View.preview`. */
  preview(points, isClosed) {
    const isShown = Boolean(points);
    const flat = (points ?? []).flatMap((point) => {
      const { x, y } = this.view.camera.toScreen(point.x, point.y);
      return [x, y];
    });
    for (const line of [this.dark, this.light]) line.setAttrs({ points: flat, closed: isClosed, visible: isShown });
    this.#redraw();
  }

  #redraw() {
    this.layer.visible(this.layer.listening() || this.light.visible()); // hidden, it costs nothing
    this.layer.batchDraw();
  }
}
