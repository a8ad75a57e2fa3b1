/**
 * The canvas of a document: the server's exact picture at rest, a picture put together by the browser while something is moved.
 *
 * For that preview the layers that move are pictures of their own, placed by CSS, between pictures of all that rests below, between and
 * above them.
 */

import { Camera } from "../canvas/camera.js";
import { t } from "../pentimento.js";
import { make, set } from "./dom.js";
import { Frame } from "./frame.js";
import { cssOf, frameOf, sizeOf } from "./geometry.js";
import { prepare } from "./hit.js";
import { layerAddress, pictureAddress } from "./server.js";
import { pixelsKey } from "./store.js";

const SMALL_PX = 2048; // as large as a picture is fetched until it is looked at closer
const PIECE_PX = [512, 1024]; // the preview's pictures are as small as they are seen
const PREPARE_MS = 200;
const BLENDS = { add: "plus-lighter", subtract: "difference" }; // what CSS has; the exact picture follows

export class Stage {
  #settling = 0;
  #timer = 0;
  isHeld = () => false; // whether a layer is just being moved
  #previews = null; // null | {key, box, pieces: Map(layer id -> img), isReady}
  #laid = null; // the one of these that is in the page

  constructor(store) {
    this.store = store;
    this.camera = new Camera();
    this.exact = make("img.pm-l-exact", { alt: "", draggable: false, hidden: true });
    this.preview = make("div.pm-l-preview", { hidden: true });
    this.paper = make("div.pm-l-paper");
    this.world = make("div.pm-l-world", {}, this.exact, this.preview);
    this.frame = new Frame(this);
    this.box = make("div.pm-l-stage", { id: "layers_stage", tabIndex: 0, role: "application" }, this.paper, this.world, this.frame.element);
    this.element = this.box;
    new ResizeObserver(() => this.fitToRoom()).observe(this.box);
    store.on("open", () => this.#begin());
    store.on("change", () => this.#follow());
    store.on("solo", () => this.refresh());
    store.on("chosen", () => this.#choose());
  }

  relabel() {
    set(this.box, { aria: { label: t("layers.stage"), roledescription: t("layers.stage.role"), description: t("layers.stage.keys") } });
    this.exact.alt = this.store.document?.name ?? "";
    this.frame.relabel();
  }

  /** A point of the canvas below a pointer. */
  toCanvas(event) {
    const bounds = this.box.getBoundingClientRect();
    return this.camera.toPicture(event.clientX - bounds.left - this.box.clientLeft, event.clientY - bounds.top - this.box.clientTop);
  }

  toBox(event) {
    const bounds = this.box.getBoundingClientRect();
    return { x: event.clientX - bounds.left - this.box.clientLeft, y: event.clientY - bounds.top - this.box.clientTop };
  }

  #begin() {
    this.exact.hidden = true;
    this.exact.removeAttribute("src");
    this.#laid = null;
    this.endPreview();
    if (!this.store.document) return;
    this.camera.isFitted = true;
    this.fitToRoom();
    this.relabel();
    this.refresh();
  }

  /** The document changed. */
  #follow() {
    if (!this.store.document) return;
    const { width, height } = this.store.document.extent;
    if (this.world.style.width !== `${width}px` || this.world.style.height !== `${height}px`) this.exact.hidden = true; // of another canvas
    this.fitToRoom();
    this.refresh();
  }

  fitToRoom() {
    const { document: shown } = this.store;
    if (!shown || !this.box.clientWidth) return;
    this.camera.resize(shown.extent, { width: this.box.clientWidth, height: this.box.clientHeight });
    this.moved();
  }

  fit() {
    this.camera.fit();
    this.moved();
  }

  zoomBy(factor) {
    this.camera.zoomTo(this.camera.zoom * factor);
    this.moved();
  }

  zoomTo(zoom) {
    this.camera.zoomTo(zoom);
    this.moved();
  }

  /** The camera moved. */
  moved() {
    const { extent } = this.store.document ?? {};
    if (!extent) return;
    const { x, y, zoom } = this.camera;
    const place = { left: `${x}px`, top: `${y}px`, width: `${extent.width * zoom}px`, height: `${extent.height * zoom}px` };
    Object.assign(this.paper.style, place);
    Object.assign(this.world.style, { width: `${extent.width}px`, height: `${extent.height}px`, transform: `translate(${x}px, ${y}px) scale(${zoom})` });
    this.box.classList.toggle("pm-l-close", zoom * devicePixelRatio >= 3);
    this.frame.draw();
    this.store.emit("camera");
    clearTimeout(this.closer);
    this.closer = setTimeout(() => this.#wantedSide() !== this.shownSide && this.refresh(), PREPARE_MS);
  }

  #wantedSide() {
    const { width, height } = this.store.document.extent;
    const longer = Math.max(width, height);
    return longer <= SMALL_PX || this.camera.zoom * devicePixelRatio * longer > SMALL_PX * 1.1 ? null : SMALL_PX;
  }

  /** Show the document as the server composes it; the preview stays until that is there. */
  async refresh() {
    const { store } = this;
    if (!store.document || this.isHeld()) return; // what is held is shown; when it is let go this is called again
    this.frame.draw();
    prepare(store);
    const turn = (this.#settling += 1);
    const side = this.#wantedSide();
    const address = pictureAddress(store.id, store.revision, { only: store.solo && [store.solo], maxSide: side });
    const next = new Image();
    next.src = address;
    try {
      await next.decode();
    } catch {
      if (turn === this.#settling && store.document) store.emit("trouble", new Error(t("layers.trouble.picture")));
      return;
    }
    if (turn !== this.#settling) return;
    this.shownSide = side;
    this.exact.src = address;
    await this.exact.decode().catch(() => {});
    if (turn !== this.#settling) return;
    this.exact.hidden = false;
    this.box.dataset.revision = String(store.revision);
    this.endPreview();
    this.#prepareSoon();
  }

  #choose() {
    this.frame.draw();
    this.#prepareSoon();
  }

  #prepareSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const ids = this.store.chosenLayers.filter((layer) => this.store.canMove(layer)).map((layer) => layer.id);
      if (ids.length && this.preview.hidden) this.#cut(this.store.movingWith(ids));
    }, PREPARE_MS);
  }

  /** Make the pictures that the preview consists of. */
  #cut(moving) {
    const { store } = this;
    const { width, height } = store.document.extent;
    const seen = Math.max(width, height) * this.camera.zoom * devicePixelRatio;
    const side = PIECE_PX.find((px) => px >= seen) ?? SMALL_PX;
    const key = `${store.id} ${store.revision} ${store.solo} ${[...moving].join()}`;
    if (this.#previews?.key === key) return;
    const pieces = new Map();
    const images = [];
    const add = (src, own) => {
      const image = make("img", { alt: "", draggable: false, src });
      images.push(image.decode().catch(() => {}));
      box.append(set(image, own));
      return image;
    };
    const box = make("div", {});
    let resting = [];
    const rest = () => {
      if (resting.length) add(pictureAddress(store.id, store.revision, { only: resting, maxSide: side }), { className: "pm-l-resting" });
      resting = [];
    };
    for (const layer of store.layers) {
      if (!layer.is_visible || (store.solo && store.solo !== layer.id)) continue;
      if (!moving.has(layer.id) || !layer.source) {
        resting.push(layer.id);
        continue;
      }
      rest();
      pieces.set(layer.id, add(layerAddress(store.id, layer.id, pixelsKey(layer), side), { className: "pm-l-moving" }));
    }
    rest();
    const cut = { key, box, pieces, isReady: false };
    this.#previews = cut;
    Promise.all(images).then(() => {
      if (this.#previews !== cut) return;
      cut.isReady = true;
      this.#laid = cut; // until now the one before goes on showing what is moved
      this.preview.replaceChildren(box);
      if (this.#wish) this.show(...this.#wish);
    });
  }

  #wish = null;

  /**
   * Show layers with other placements, or with other looks, before the server knows.
   *
   * @param {Map<string, Object>} placements layer id -> placement.
   * @param {Map<string, Object>} looks layer id -> {opacity, filter}.
   */
  show(placements, looks = new Map()) {
    const { store } = this;
    this.#wish = [placements, looks];
    this.#settling += 1; // an exact picture on its way is of before
    this.#cut(new Set([...placements.keys(), ...looks.keys()]));
    const cuts = new Set([this.#laid, this.#previews].filter(Boolean));
    for (const [id, image] of [...cuts].flatMap((one) => [...one.pieces])) {
      const layer = store.layer(id);
      const size = layer && sizeOf(layer);
      if (!size) continue;
      const { opacity = layer.opacity, filter = "" } = looks.get(id) ?? {};
      Object.assign(image.style, {
        width: `${size.width}px`,
        height: `${size.height}px`,
        transform: cssOf(size, placements.get(id) ?? layer.placement),
        opacity: String(opacity),
        filter,
        mixBlendMode: BLENDS[layer.blend] ?? layer.blend,
      });
    }
    if (this.#previews.isReady) {
      this.preview.hidden = false;
      this.exact.classList.add("pm-l-below");
    }
    this.frame.draw(placements);
  }

  /** The exact picture alone. */
  endPreview() {
    this.#wish = null;
    this.preview.hidden = true;
    this.exact.classList.remove("pm-l-below");
  }

  /** What was tried is given up. */
  cancelPreview() {
    this.endPreview();
    this.frame.draw();
    this.refresh();
  }

  /** A layer's frame, as it is or would be. */
  frameOf(layer, placements = null) {
    const size = sizeOf(layer);
    return size && frameOf(size, placements?.get(layer.id) ?? layer.placement);
  }
}
