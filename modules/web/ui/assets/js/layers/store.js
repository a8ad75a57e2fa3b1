/**
 * The open document, as the server has it, and what the person is looking at: chosen layers, one layer alone.
 *
 * Changes are sent one after another and shown when the server has made them. Events: "open" (another document or none), "change" (its
 * layers), "chosen", "solo", "busy", "stale" (somebody else changed it), "trouble" (an error).
 */

import { copyDocument, getDocument, redo, sendEdits, undo } from "./server.js";

const STALE = 409;

export class LayersStore {
  #listeners = new Map();
  #queue = Promise.resolve();
  #waiting = 0;
  #opening = 0;
  #known = null; // the document as the server said it last
  #moved = []; // what was moved by hand and is on its way: maps of layer id -> placement

  id = null;
  document = null;
  revision = 0;
  canUndo = false;
  canRedo = false;
  notes = [];
  chosen = [];
  solo = null;
  refused = null; // edits that met a newer document

  on(event, listener) {
    const known = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, known.add(listener));
  }

  emit(event, argument) {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument);
  }

  get isBusy() {
    return this.#waiting > 0;
  }

  /** Layers, bottom first. */
  get layers() {
    return this.document?.layers ?? [];
  }

  layer(id) {
    return this.layers.find((one) => one.id === id) ?? null;
  }

  /** Chosen layers, in the order of the document. */
  get chosenLayers() {
    return this.layers.filter((one) => this.chosen.includes(one.id));
  }

  /** The layer that properties and handles are about: the one that was chosen last. */
  get current() {
    return this.layer(this.chosen.at(-1));
  }

  /** What moves when `ids` move: they, and what follows them. */
  movingWith(ids) {
    const moving = new Set(ids);
    for (let isGrowing = true; isGrowing; ) {
      const more = this.layers.filter((one) => one.follows && moving.has(one.follows) && !moving.has(one.id));
      more.forEach((one) => moving.add(one.id));
      isGrowing = more.length > 0;
    }
    return moving;
  }

  /** Whether a person may move it by hand. */
  canMove(layer) {
    return Boolean(layer) && !layer.is_locked && !this.document.is_canvas_locked && Boolean(layer.source ?? layer.difference);
  }

  async open(id) {
    const turn = (this.#opening += 1);
    await this.#queue;
    const state = await getDocument(id);
    if (turn !== this.#opening) return; // another one was asked for meanwhile
    Object.assign(this, { id, chosen: [], solo: null, refused: null, document: null });
    this.#take(state, "open");
  }

  close() {
    this.#opening += 1;
    Object.assign(this, { id: null, document: null, chosen: [], solo: null, notes: [], refused: null });
    this.emit("open");
  }

  /** Fetch what the server has now. */
  async reload() {
    if (this.id) this.#take(await getDocument(this.id));
  }

  choose(ids) {
    const there = ids.filter((id) => this.layer(id));
    if (there.join() === this.chosen.join()) return;
    this.chosen = there;
    this.emit("chosen");
  }

  showAlone(id) {
    this.solo = this.solo === id ? null : id;
    this.emit("solo");
  }

  /**
   * Change the document; resolves to whether it was done.
   *
   * @param {Map<string, Object>|null} moved placements that come of it: the layers are taken to lie there from now on, so that one may go
   *   on moving them while the server is slow.
   */
  edit(edits, moved = null) {
    return this.#send((id, revision) => sendEdits(id, revision, edits), edits, moved);
  }

  set(layer, values) {
    return this.edit([{ op: "set", layer, values }]);
  }

  undo() {
    return this.#send((id, revision) => (this.canUndo ? undo(id, revision) : null)); // a change that makes it possible may be on its way
  }

  redo() {
    return this.#send((id, revision) => (this.canRedo ? redo(id, revision) : null));
  }

  /** Have `act(id, revision)` change the document on the server; it gives the new state. */
  run(act) {
    return this.#send(act);
  }

  /** After "stale": show the newer document, and let the own change go. */
  async loadNewer() {
    this.refused = null;
    await this.reload();
    this.emit("stale");
  }

  /** After "stale": what this tab has, with the change that was refused, becomes a document of its own, which is opened. */
  async keepAsCopy(name) {
    const copy = await copyDocument(this.id, name, this.document);
    const { id } = copy.document;
    const edits = this.refused?.edits;
    if (edits?.length) await sendEdits(id, copy.revision, edits);
    await this.open(id);
    this.emit("stale");
  }

  #send(act, edits = null, moved = null) {
    const { id } = this;
    const land = () => {
      this.#moved = this.#moved.filter((one) => one !== moved);
    };
    const step = async () => {
      if (this.id !== id) return false;
      try {
        const state = await act(id, this.revision);
        land();
        if (state && this.id === id) this.#take(state);
        return Boolean(state);
      } catch (error) {
        land();
        if (this.id !== id) return false;
        this.document = this.#asMoved();
        if (error.status === STALE) {
          this.refused = { edits: [...(this.refused?.edits ?? []), ...(edits ?? [])] };
          this.emit("stale");
        } else this.emit("trouble", error);
        this.emit("change"); // what is shown goes back to what is there
        return false;
      } finally {
        this.#waiting -= 1;
        this.emit("busy");
      }
    };
    this.#waiting += 1;
    if (moved) {
      this.#moved.push(moved);
      this.document = this.#asMoved();
    }
    this.emit("busy");
    const done = this.#queue.then(step);
    this.#queue = done;
    return done;
  }

  /** The document with what was moved by hand where it was moved to. */
  #asMoved() {
    if (!this.#moved.length) return this.#known;
    const placements = new Map(this.#moved.flatMap((one) => [...one]));
    const layers = this.#known.layers.map((layer) => (placements.has(layer.id) ? { ...layer, placement: placements.get(layer.id) } : layer));
    return { ...this.#known, layers };
  }

  #take(state, event = "change") {
    const known = new Set(this.layers.map((one) => one.id));
    const isOther = event === "open";
    this.#known = state.document;
    if (isOther) this.#moved = [];
    Object.assign(this, { document: this.#asMoved(), revision: state.revision, canUndo: state.can_undo, canRedo: state.can_redo });
    this.notes = state.notes ?? [];
    const fresh = this.layers.filter((one) => !known.has(one.id)).map((one) => one.id);
    const kept = this.chosen.filter((id) => this.layer(id));
    const chosen = !isOther && fresh.length && fresh.length < 4 && kept.length + fresh.length > 0 && known.size ? fresh : kept;
    const isSame = chosen.join() === this.chosen.join();
    this.chosen = chosen;
    if (this.solo && !this.layer(this.solo)) this.solo = null;
    this.emit(event);
    if (!isSame) this.emit("chosen");
  }
}

/** A short text that changes when the pixels of a layer do (FNV-1a, 32 bit, of what they are made of). */
export function pixelsKey(layer) {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify([layer.source, layer.difference, layer.enlarged, layer.adjustments, layer.members?.length])) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
  }
  return `${(layer.source ?? layer.difference)?.id.slice(0, 12) ?? ""}${hash.toString(36)}`;
}
