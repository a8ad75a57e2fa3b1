/** One view of the document: stage, camera, tools. Draws only while it is visible and something changed. */

import { AlphaBar } from "./alpha_bar.js";
import { Camera } from "./camera.js";
import { Crop } from "./crop.js";
import { Frame } from "./frame.js";
import { Painter } from "./painter.js";
import { Pointers } from "./pointers.js";
import { loadPyramid } from "./pyramid.js";
import { radiusAt, union } from "./raster.js";
import { css, onSettings, settings } from "./settings.js";
import { Toolbar } from "./toolbar.js";
import { toolsFor } from "./tools.js";
import { Welcome } from "./welcome.js";

const CHANNEL = { paint: "sketch", mask: "mask", edit_mask: "mask", paint_mask: "sketch", view: null, view_mask: null };
const SETTLE_MS = 70;
const t = (id, values) => window.pentimento.t(id, values);
const loaded = new WeakMap(); // document -> {id, pyramid}: the picture that its views share

function sharedPyramid(canvas) {
  const { picture } = canvas.now;
  const old = loaded.get(canvas);
  if (old?.id === picture.id) return old.pyramid;
  const file = canvas.localFile?.id === picture.id ? canvas.localFile.file : null;
  const pyramid = loadPyramid(picture, file);
  loaded.set(canvas, { id: picture.id, pyramid });
  old?.pyramid.then((before) => before.close(), () => {});
  return pyramid;
}

export class View {
  camera = new Camera();
  settings = settings;
  isSpace = false;
  #toolId;
  #frame = 0;
  #dirty = { picture: false, paint: null, rim: false };
  #settleTimer = 0;
  #pointer = null;
  #offs = [];

  /**
   * @param {HTMLElement} root an empty element with `data-mode`; kept by Gradio, filled by us.
   * @param {Object} canvas the document, see document.js.
   */
  constructor(root, canvas) {
    this.root = root;
    root.view = this; // for scripts and tests that have the element
    this.document = canvas;
    this.mode = root.dataset.mode;
    this.channel = CHANNEL[this.mode];
    this.#toolId = this.channel ? "brush" : "pan";
    this.#build();
    this.painter = new Painter(this.stage, canvas, this.mode);
    this.crop = new Crop(this);
    this.frame = new Frame(this);
    this.toolbar = new Toolbar(this);
    this.welcome = new Welcome(this);
    this.alphaBar = new AlphaBar(this);
    this.pointers = new Pointers(this);
    this.#listen();
    this.#reload();
  }

  #build() {
    this.root.classList.add("pm-view");
    this.box = document.createElement("div");
    this.box.className = "pm-stage";
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "application");
    const holder = document.createElement("div");
    this.cursor = document.createElement("div");
    this.cursor.className = "pm-cursor";
    this.cursor.hidden = true;
    this.box.append(holder, this.cursor);
    this.root.append(this.box);
    this.stage = new Konva.Stage({ container: holder, width: 1, height: 1 });
  }

  #listen() {
    const all = () => this.invalidate({ picture: true, paint: "all", outline: true });
    this.#offs = [
      this.document.on("picture", () => this.#reload()),
      this.document.on("mask", (box) => this.#painted("mask", box)),
      this.document.on("sketch", (box) => this.#painted("sketch", box)),
      this.document.on("change", ({ alpha }) => {
        if (alpha !== this.painter.alpha) this.invalidate({ picture: true });
        this.reframe();
        this.frame.update();
        this.toolbar.refresh();
      }),
      this.document.on("crop", () => this.crop.update()),
    ];
    onSettings((values) => {
      if ("shown" in values || "overlay" in values || "overlayOpacity" in values) all();
      this.toolbar.refresh();
      this.#showCursor();
    });
    window.pentimento.onLanguage(() => this.retell());
    new ResizeObserver(() => this.#resize()).observe(this.box);
    document.addEventListener("fullscreenchange", () => this.toolbar.refresh());
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", () => this.#resize(), { once: true });
    this.box.addEventListener("blur", () => this.box.classList.remove("pm-by-pointer"));
    this.box.addEventListener("dblclick", (event) => this.#doubleClick(event));
    this.retell();
  }

  /** Put everything into the language in force. */
  retell() {
    this.box.setAttribute("aria-label", t("canvas.label"));
    for (const part of [this.toolbar, this.welcome, this.alphaBar]) part.retell();
  }

  /** Gone from the page: Gradio made another element in its place. */
  get isGone() {
    return !this.root.isConnected;
  }

  get isVisible() {
    return this.stage.width() > 1 && this.box.clientWidth > 0;
  }

  destroy() {
    for (const off of this.#offs) off();
    this.painter.destroy();
    this.stage.destroy();
  }

  /* ---- size and camera ---- */

  #resize() {
    const [width, height] = [this.box.clientWidth, this.box.clientHeight];
    if (!width || !height) return;
    if (Math.abs(this.painter.ratio - devicePixelRatio) > 1e-6) {
      for (const layer of this.stage.getLayers()) layer.getCanvas().setPixelRatio(devicePixelRatio);
      matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", () => this.#resize(), { once: true });
    }
    if (this.stage.width() !== width || this.stage.height() !== height) this.stage.size({ width, height });
    if (this.document.now.picture) this.camera.resize(this.document.now.picture, { width, height }, this.#around);
    this.moved();
  }

  /** The camera moved: draw everything, the outline once it has come to rest. */
  moved() {
    this.invalidate({ picture: true, paint: "all", outline: true });
    this.crop.update();
    this.frame.update();
    this.toolbar.refreshZoom();
    this.#showCursor();
  }

  /** What is shown around the picture: the frame, where it can be drawn. */
  get #around() {
    return this.frame.isOffered ? this.document.now.frame : null;
  }

  /** The frame has changed: keep all of it in sight where the whole picture was. */
  reframe() {
    const { picture } = this.document.now;
    if (!picture || !this.isVisible || !this.camera.surround(this.#around)) return;
    this.moved();
  }

  fit() {
    this.camera.fit();
    this.moved();
  }

  zoomTo(zoom, x, y) {
    this.camera.zoomTo(zoom, x, y);
    this.moved();
  }

  toggleFullScreen() {
    if (document.fullscreenElement === this.root) document.exitFullscreen();
    else this.root.requestFullscreen?.().catch(() => {});
  }

  /** Where an event is on the stage, in CSS pixels of the stage, whatever scales or scrolls the page. */
  toScreen(event) {
    const bounds = this.box.getBoundingClientRect();
    const scale = bounds.width ? this.box.offsetWidth / bounds.width : 1;
    return { x: (event.clientX - bounds.left) * scale - this.box.clientLeft, y: (event.clientY - bounds.top) * scale - this.box.clientTop };
  }

  /** Where an event is on the picture; see tools.js. */
  toPoint(event) {
    const screen = this.toScreen(event);
    const pressure = event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1;
    return { ...this.camera.toPicture(screen.x, screen.y), pressure, shift: event.shiftKey, alt: event.altKey, type: event.pointerType };
  }

  #doubleClick(event) {
    if (!this.document.now.picture || this.isOverCrop(event)) return;
    const { x, y } = this.toPoint(event);
    const { width, height } = this.document.now.picture;
    const isOutside = x < 0 || y < 0 || x >= width || y >= height;
    if (isOutside || this.isSpace || this.tool()?.id === "pan" || !this.channel) this.fit();
  }

  isOverCrop(event) {
    return this.crop.isAt(this.toScreen(event)) || this.frame.isAt(this.toScreen(event));
  }

  /* ---- tools ---- */

  /** The tool in hand, or undefined in a view that only shows. */
  tool() {
    return toolsFor(this.mode).find((tool) => tool.id === this.#toolId);
  }

  setTool(id) {
    if (id === this.#toolId || !toolsFor(this.mode).some((tool) => tool.id === id)) return;
    this.pointers.abort();
    this.tool()?.leave?.(this);
    this.lastTool = this.#toolId;
    this.#toolId = id;
    this.tool()?.enter?.(this);
    this.toolbar.refresh();
    this.#showCursor();
  }

  /** A dashed outline through points in picture pixels; null takes it away. */
  preview(points, isClosed = false) {
    this.crop.preview(points, isClosed);
  }

  /** The picture's colour below the paint's, as [red, green, blue]; null outside. */
  colourAt({ x, y }) {
    const under = this.painter.pyramid?.colourAt(x, y);
    if (!under) return null;
    const { surface } = this.document.channels.sketch;
    const at = 4 * (Math.min(surface.height - 1, Math.floor(y * surface.scale)) * surface.width + Math.min(surface.width - 1, Math.floor(x * surface.scale)));
    const alpha = surface.data[at + 3] / 255;
    return [0, 1, 2].map((i) => Math.round(under[i] * (1 - alpha) + surface.data[at + i] * alpha));
  }

  /** Say something short. */
  say(textId, values, kind = "info") {
    window.pentimento.toast(t(textId, values), kind);
  }

  /* ---- drawing ---- */

  async #reload() {
    this.pointers?.abort();
    const { picture } = this.document.now;
    this.root.classList.toggle("pm-has-picture", Boolean(picture));
    this.painter.pyramid = null;
    this.camera.isFitted = true;
    this.#resize();
    this.welcome.refresh();
    this.toolbar.refresh();
    if (!picture) return;
    try {
      const pyramid = await sharedPyramid(this.document);
      if (this.document.now.picture?.id !== picture.id) return;
      this.painter.pyramid = pyramid;
      if (!settings.isOwnSize && this.channel) this.toolbar.suggestSize(picture);
      this.#resize();
    } catch (error) {
      loaded.delete(this.document);
      this.document.emit("trouble", { what: "read", error });
    }
  }

  #painted(channel, box) {
    if (!this.painter.channels.some((one) => one.name === channel)) return;
    if (box === "done") this.invalidate({ outline: true });
    else this.invalidate({ paint: box ?? "all", outline: box === null });
  }

  /** Ask for a frame. `paint` is a box in surface pixels or "all". */
  invalidate({ picture = false, paint = null, outline = false }) {
    if (!this.isVisible) return; // `#resize` draws everything when it is shown again
    this.#dirty.picture ||= picture;
    this.#dirty.paint = paint === "all" || this.#dirty.paint === "all" ? "all" : union(this.#dirty.paint, paint);
    if (outline) this.#outlineSoon();
    if (!this.#frame && (this.#dirty.picture || this.#dirty.paint)) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #outlineSoon() {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      if (!this.isVisible || this.pointers.isWorking) return;
      this.#dirty.rim = true;
      this.invalidate({ paint: "all" });
    }, SETTLE_MS);
  }

  #draw() {
    this.#frame = 0;
    const { picture, paint, rim } = this.#dirty;
    this.#dirty = { picture: false, paint: null, rim: false };
    if (picture) this.painter.drawPicture(this.camera);
    if (paint) this.painter.drawPaint(this.camera, paint === "all" ? null : paint, settings, rim && paint === "all");
  }

  /** The pointer is here; null: it left. */
  hover(event) {
    this.#pointer = event ? { ...this.toScreen(event), pressure: this.toPoint(event).pressure, type: event.pointerType } : null;
    this.#showCursor();
  }

  #showCursor() {
    const tool = this.tool();
    const isPanning = this.isSpace || this.pointers?.isPanning || !tool;
    const hand = this.pointers?.isPanning ? "grabbing" : "grab";
    const hasPicture = Boolean(this.document.now.picture);
    this.box.style.cursor = !hasPicture ? "" : isPanning ? hand : tool.cursor === "brush" ? "none" : tool.cursor;
    const isShown = hasPicture && !isPanning && tool.cursor === "brush" && this.#pointer !== null;
    this.cursor.hidden = !isShown;
    if (!isShown) return;
    const isPressed = this.pointers.isWorking && this.#pointer.pressure < 1;
    const radius = isPressed ? radiusAt({ size: settings.size }, this.#pointer.pressure) : settings.size / 2;
    const side = Math.max(4, 2 * radius * this.camera.zoom);
    this.cursor.style.width = this.cursor.style.height = `${side}px`;
    this.cursor.style.transform = `translate(${this.#pointer.x - side / 2}px, ${this.#pointer.y - side / 2}px)`;
    this.cursor.style.setProperty("--pm-core", this.channel === "mask" ? "transparent" : css([0, 0, 0]));
  }
}
