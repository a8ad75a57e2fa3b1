/**
 * The one document of the page: picture, mask and sketch, with undo over all of it. It knows no canvas on the screen: views ask it.
 *
 * A state is frozen: `{picture, alpha, isAlphaAsked, frame, mask: ops, sketch: ops}`; going back puts an older one in force. Events: "picture",
 * "mask", "sketch" (argument: box in surface pixels, or null for all), "change" (any state), "commit" (the value), "crop", "busy".
 */

import { toast } from "../pentimento.js";
import { Channel } from "./channel.js";
import { drawn, isSame } from "./frame_math.js";
import { sayOtherSize } from "./other_size.js";
import { rasteriseApart } from "./rasteriser.js";
import { applyToMask, ASSETS, uploadAsset } from "./server.js";
import { recall, remember } from "./store.js";

const EMPTY = Object.freeze({ picture: null, alpha: "mask", isAlphaAsked: false, frame: null, mask: Object.freeze([]), sketch: Object.freeze([]) });
const COMMIT_MS = 400;
const RETRY_MS = 5000;
const MOST_STATES = 300;
const CHANNELS = ["mask", "sketch"];
const NOTHING = { id: null, isSoft: false };

let lastId = 0;
const newId = () => `${Date.now().toString(36)}-${(lastId++).toString(36)}`;

/** An operation, complete and frozen; see `raster.js`. */
export const operation = (values) => Object.freeze({ id: newId(), ...values });

export class CanvasDocument {
  #past = [];
  #future = [];
  #now = EMPTY;
  #listeners = new Map();
  #rasters = new WeakMap(); // ops -> {id, isSoft}
  #revision = 0;
  #value = null;
  #committing = null;
  #timer = 0;
  #crop = null;
  #settling = Promise.resolve();
  #turn = 0;
  #isRestoring = false;
  #stored = { picture: null, mask: null, sketch: null }; // the last rasters that the server has

  #isKept;

  /** @param {Object} options `isKept`: the browser remembers it beyond a reload; only one of a page. */
  constructor({ isKept = true } = {}) {
    this.#isKept = isKept;
    this.channels = { mask: new Channel("mask"), sketch: new Channel("sketch") };
    this.localFile = null; // {id, file} of the picture, where the person gave it
    addEventListener("pagehide", () => this.#remember());
  }

  get isKept() {
    return this.#isKept;
  }

  /** The state in force. */
  get now() {
    return this.#now;
  }

  /** What Python gets: the last committed mask and sketch, the current picture. */
  state() {
    const { picture, alpha, frame } = this.#now;
    const [mask, sketch] = CHANNELS.map((channel) => this.#rasters.get(this.#now[channel]) ?? NOTHING);
    return { picture, mask: mask.id, sketch: sketch.id, alpha, frame, is_soft_mask: mask.isSoft, revision: this.#revision };
  }

  /** Call `listener` at every `event`; returns a function that ends this. */
  on(event, listener) {
    const known = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, known.add(listener));
    return () => known.delete(listener);
  }

  emit(event, argument) {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument);
  }

  /* ---- pictures ---- */

  /**
   * Open a file of the person's: it is stored as it is, and its transparency, if any, becomes the mask.
   *
   * @param {File} file
   */
  async openFile(file) {
    const turn = ++this.#turn;
    const stored = await this.#busy(() => uploadAsset(file, file.name));
    const asset = { ...stored, name: file.name || stored.name }; // the same bytes may be stored under another name
    if (turn !== this.#turn) return asset; // another was opened meanwhile
    this.localFile = { id: asset.id, file };
    await this.setPicture(asset, { mask: asset.has_alpha ? "alpha" : "clear" });
    return asset;
  }

  /**
   * Open a stored picture.
   *
   * @param {Object} asset `{id, width, height, has_alpha, name, notes}`
   * @param {Object} options `mask`: "keep" (if the size is the same), "clear" or "alpha"; `maskId`, `sketchId`: assets to start from.
   */
  async setPicture(asset, { mask = "keep", maskId = null, sketchId = null } = {}) {
    const old = this.#now;
    const isKept = mask === "keep" && old.picture?.width === asset.width && old.picture?.height === asset.height;
    const fromAlpha = mask === "alpha" && asset.has_alpha;
    const ops = { mask: isKept ? old.mask : [], sketch: isKept ? old.sketch : [] };
    if (fromAlpha) ops.mask = [operation({ kind: "raster", asset: asset.id, part: "alpha" })];
    if (maskId) ops.mask = [operation({ kind: "raster", asset: maskId, part: "mask", isExact: true })];
    if (sketchId) ops.sketch = [operation({ kind: "raster", asset: sketchId, part: "sketch", isExact: true })];
    await this.#enter({ ...ops, picture: Object.freeze({ ...asset }), alpha: "mask", isAlphaAsked: fromAlpha, frame: null });
  }

  /** Open a stored picture as if nothing had been open before: there is no way back to that by undo. */
  async begin(asset, options) {
    await this.setPicture(asset, options);
    this.#now = Object.freeze({ ...this.#now, isAlphaAsked: false });
    this.#past.length = this.#future.length = 0;
    this.emit("change", this.#now);
  }

  /** Close the picture. */
  clear() {
    return this.#enter({ ...EMPTY });
  }

  /**
   * Say what the picture's transparency means.
   *
   * @param {"mask"|"keep"|"flatten"} choice "mask" makes it the mask; the others take it out of the mask again.
   */
  setAlpha(choice) {
    const { picture, mask } = this.#now;
    const isThere = mask.some((op) => op.part === "alpha");
    let ops = mask;
    if (choice === "mask" && !isThere) ops = [operation({ kind: "raster", asset: picture.id, part: "alpha" }), ...mask.filter((op) => op.kind !== "raster")];
    if (choice !== "mask" && isThere) ops = mask.filter((op) => op.part !== "alpha");
    return this.#enter({ ...this.#now, mask: ops, alpha: choice, isAlphaAsked: true });
  }

  /**
   * Draw the picture's frame outwards; one step of undo.
   *
   * @param {{left, right, up, down, overlap}|null} frame from `frame_math.js`; null = the picture's own.
   */
  setFrame(frame) {
    return isSame(frame, this.#now.frame) || !this.#now.picture ? Promise.resolve() : this.#enter({ ...this.#now, frame });
  }

  /** The person has seen the question about transparency. */
  dismissAlpha() {
    return this.#enter({ ...this.#now, isAlphaAsked: false }, { isStep: false });
  }

  /* ---- painting ---- */

  /**
   * Add an operation to a channel.
   *
   * @param {"mask"|"sketch"} channel
   * @param {Object} op made by `operation`; a raster replaces everything before it.
   */
  add(channel, op) {
    const ops = op.kind === "raster" ? [op] : [...this.#now[channel], op];
    return this.#enter({ ...this.#now, [channel]: ops });
  }

  /** A stroke whose pixels are on the surface already. */
  addDrawn(channel, op) {
    this.#push({ ...this.#now, [channel]: [...this.#now[channel], op] });
    this.#changed();
  }

  /** Empty a channel. */
  clearChannel(channel) {
    return this.#now[channel].length ? this.#enter({ ...this.#now, [channel]: [] }) : Promise.resolve();
  }

  /** Swap repaint and keep. */
  invertMask() {
    return this.add("mask", operation({ kind: "invert" }));
  }

  /**
   * Take a stored picture as mask.
   *
   * @param {string} assetId scaled to the picture's size.
   * @param {"replace"|"union"|"subtract"|"intersect"} combine with the mask that is there.
   */
  async loadMask(assetId, combine = "replace") {
    if (combine !== "replace") return this.apply(combine, { other: assetId });
    return this.add("mask", operation({ kind: "raster", asset: assetId, part: "mask" }));
  }

  /** Store a file and take it as mask; a mask of another size is scaled to the picture's, and the person told. */
  async openMaskFile(file, combine = "replace") {
    const asset = await this.#busy(() => uploadAsset(file, file.name));
    await this.loadMask(asset.id, combine);
    if (this.#now.picture) sayOtherSize(asset, this.#now.picture);
    return asset;
  }

  /** Commit, and the mask's asset id; null where nothing is painted. */
  async maskAsset() {
    return (await this.commit()).mask;
  }

  /**
   * Let the server work on the mask (`grow`, `feather`, `bucket`, `object` ...); one step of undo.
   *
   * @param {string} name of the operation.
   * @param {Object} params its parameters, and `other` and `combine` where it has them.
   */
  async apply(name, params = {}) {
    const mask = await this.maskAsset();
    const before = this.#now;
    const made = await this.#busy(() => applyToMask({ operation: name, mask, picture: before.picture?.id ?? null, ...params }));
    if (this.#now.picture?.id !== before.picture?.id) return null; // another picture was opened meanwhile
    const later = this.#now.mask.slice(before.mask.length);
    await this.#enter({ ...this.#now, mask: [operation({ kind: "raster", asset: made.id, part: "mask", isExact: true }), ...later] });
    return made;
  }

  /* ---- undo ---- */

  canUndo = () => this.#past.length > 0;
  canRedo = () => this.#future.length > 0;

  undo() {
    return this.#step(this.#past, this.#future);
  }

  redo() {
    return this.#step(this.#future, this.#past);
  }

  #step(from, to) {
    if (!from.length) return Promise.resolve();
    to.push(this.#now);
    return this.#show(from.pop());
  }

  #push(next) {
    this.#past.push(this.#now);
    if (this.#past.length > MOST_STATES) this.#past.shift();
    this.#future.length = 0;
    this.#now = Object.freeze({ ...next, mask: Object.freeze(next.mask), sketch: Object.freeze(next.sketch) });
  }

  #enter(next, { isStep = true } = {}) {
    const before = this.#now;
    if (isStep) this.#push(next);
    else this.#now = Object.freeze(next);
    return this.#settle(before);
  }

  #show(state) {
    const before = this.#now;
    this.#now = state;
    return this.#settle(before);
  }

  /** Bring the surfaces in step with the state in force; one after another, as decoding takes time. */
  #settle(before) {
    const { picture } = this.#now;
    if (picture?.id !== before.picture?.id) {
      this.#crop = null;
      this.emit("picture", picture);
      this.emit("crop", null);
    }
    this.#changed();
    this.#settling = this.#settling.then(async () => {
      for (const channel of CHANNELS) {
        try {
          const box = await this.channels[channel].become(this.#now.picture, this.#now[channel]);
          if (box) this.emit(channel, null);
        } catch (error) {
          await this.#doWithout(channel, error);
        }
      }
    });
    return this.#settling;
  }

  /** A stored raster cannot be had. If it is gone for good, what was painted after it stays. */
  async #doWithout(channel, error) {
    const isGone = error.status === 404;
    this.emit("trouble", { what: isGone ? "mask_gone" : "read", error });
    if (!isGone) return;
    const rest = Object.freeze(this.#now[channel].filter((op) => op.kind !== "raster"));
    this.#now = Object.freeze({ ...this.#now, [channel]: rest });
    await this.channels[channel].become(this.#now.picture, rest);
    this.emit(channel, null);
    this.#changed();
  }

  #changed() {
    this.#revision++;
    this.emit("change", this.#now);
    this.#commitSoon(COMMIT_MS);
  }

  /* ---- committing ---- */

  #commitSoon(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.isPainting?.()) this.#commitSoon(COMMIT_MS);
      else this.commit().catch((error) => this.emit("trouble", { what: "commit", error }));
    }, delay);
  }

  /**
   * Rasterise and upload what changed, and put it into the component's value.
   *
   * @returns {Promise<Object>} the value, as `state()`.
   */
  commit() {
    clearTimeout(this.#timer);
    this.#committing ??= this.#commit().finally(() => {
      this.#committing = null;
    });
    return this.#committing;
  }

  async #commit() {
    let seen;
    try {
      do {
        seen = this.#now;
        for (const channel of CHANNELS) await this.#rasterOf(channel, seen);
      } while (seen !== this.#now);
    } catch (error) {
      this.#commitSoon(RETRY_MS);
      throw error;
    } finally {
      this.#remember();
    }
    const value = this.state();
    if (JSON.stringify(value) !== JSON.stringify(this.#value)) {
      this.#value = value;
      this.emit("commit", value);
    }
    return value;
  }

  async #rasterOf(channel, { picture, [channel]: ops }) {
    if (!this.#rasters.has(ops)) this.#rasters.set(ops, picture && ops.length ? await this.#makeRaster(channel, picture, ops) : NOTHING);
    if (this.#stored.picture !== picture?.id) this.#stored = { picture: picture?.id, mask: null, sketch: null };
    this.#stored[channel] = this.#rasters.get(ops).id;
  }

  #remember() {
    if (!this.#isKept) return;
    if (this.#isRestoring && this.#now === EMPTY) return; // what is kept is still to come
    remember(this.#now, this.#stored.picture === this.#now.picture?.id ? this.#stored : {});
  }

  async #makeRaster(channel, picture, ops) {
    const isStored = ops.length === 1 && ops[0].isExact === true;
    const job = { channel, picture: picture.id, width: picture.width, height: picture.height, ops, assets: ASSETS, encode: !isStored };
    const made = await rasteriseApart(job);
    if (made.isEmpty) return NOTHING;
    const id = isStored ? ops[0].asset : (await uploadAsset(made.png, `${channel}.png`)).id;
    return { id, isSoft: channel === "mask" && made.isSoft };
  }

  /* ---- crop ---- */

  get crop() {
    return this.#crop;
  }

  /**
   * Show what will be cut out.
   *
   * @param {{x, y, width, height, label}|null} box in picture pixels; null takes it away.
   */
  setCrop(box) {
    this.#crop = box ? Object.freeze({ ...box }) : null;
    this.emit("crop", this.#crop);
  }

  /** Call `listener(box)` when a person has moved or resized the rectangle, `listener(null)` when it shall be automatic again. */
  onCrop(listener) {
    return this.on("crop-drag", listener);
  }

  /* ---- outside ---- */

  /** What came from Python: `{"set": {picture, mask, sketch, alpha, note}}`; anything else is left alone. */
  async takeValue(value) {
    if (!value?.set) return;
    const { picture, mask, sketch, alpha = "mask", frame, note } = value.set;
    if (note) toast(note);
    if (!picture) return this.clear();
    const rest = mask === undefined ? "keep" : "clear";
    const isByAlpha = picture.has_alpha && !mask && alpha === "mask";
    await this.setPicture(picture, { mask: isByAlpha ? "alpha" : rest, maskId: mask, sketchId: sketch });
    if (alpha !== "mask") await this.#enter({ ...this.#now, alpha, isAlphaAsked: true }, { isStep: false });
    if (frame) await this.#enter({ ...this.#now, frame: drawn(null, frame) }, { isStep: false });
  }

  /** Come back to the document of the last visit; says with `emit("trouble")` when its picture is gone. */
  async restore() {
    const kept = recall();
    if (!kept || this.#now !== EMPTY) return;
    this.#isRestoring = true;
    const answer = await this.#askUntilAnswered(`${ASSETS}${kept.picture.id}/info`, { cache: "no-store" });
    if (answer?.status === 404) {
      this.#isRestoring = false;
      this.emit("trouble", { what: "gone", error: new Error(kept.picture.name) });
      remember(EMPTY, {});
      return;
    }
    if (this.#now !== EMPTY) return; // Python was quicker
    const frozen = (ops) => Object.freeze((ops ?? []).map((op) => Object.freeze(op)));
    this.#now = Object.freeze({
      picture: Object.freeze(kept.picture), alpha: kept.alpha, isAlphaAsked: Boolean(kept.isAlphaAsked),
      frame: kept.frame ? drawn(null, kept.frame) : null,
      mask: frozen(kept.mask), sketch: frozen(kept.sketch),
    });
    await this.#settle(EMPTY);
  }

  async #askUntilAnswered(address, options) {
    for (;;) {
      const answer = await fetch(address, options).catch(() => null);
      if (answer?.ok || answer?.status === 404 || this.#now !== EMPTY) return answer;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the server starts anew; nothing is lost meanwhile
    }
  }

  async #busy(work) {
    this.emit("busy", true);
    try {
      return await work();
    } finally {
      this.emit("busy", false);
    }
  }
}
