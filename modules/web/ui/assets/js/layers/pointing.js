/** Mouse, pen, fingers and arrow keys on the canvas: choose, move, scale, turn; two fingers, the wheel or the space bar look around. */

import { boundsOf, follow, placementOf, resized, sizeOf, snap, turned } from "./geometry.js";
import { layersAt } from "./hit.js";

const START_PX = { mouse: 3, pen: 4, touch: 8 }; // less is a click
const SNAP_PX = 7;
const WHEEL_STEP = 0.0016;
const LINE_PX = 16;
const SETTLE_MS = 450;
const round = (value) => Math.round(value * 10) / 10;

export class Pointing {
  #active = new Map();
  #gesture = null; // null | {kind: "press"|"move"|"resize"|"turn"|"pan"|"pinch"|"away", ...}
  #pending = null; // what keys have moved and the server does not know yet
  #timer = 0;
  isSpace = false;

  constructor(stage) {
    this.stage = stage;
    this.store = stage.store;
    stage.isHeld = () => this.isWorking;
    const listen = (kind, handler, options) => stage.box.addEventListener(kind, handler, options);
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#up(event));
    listen("pointercancel", (event) => this.#up(event, true));
    listen("wheel", (event) => this.#wheel(event), { passive: false });
    listen("contextmenu", (event) => event.preventDefault());
    listen("auxclick", (event) => event.preventDefault());
    listen("dblclick", () => this.store.emit("details"));
  }

  /** Whether something is held that the exact picture must not replace. */
  get isWorking() {
    return ["move", "resize", "turn"].includes(this.#gesture?.kind) || this.#pending !== null;
  }

  #down(event) {
    const { stage, store } = this;
    if (!store.document) return;
    stage.box.classList.add("pm-by-pointer");
    stage.box.focus({ preventScroll: true });
    event.preventDefault();
    this.settle();
    this.#active.set(event.pointerId, event);
    stage.box.setPointerCapture(event.pointerId);
    if (this.#active.size === 2) this.#startPinch();
    else if (this.#active.size === 1) this.#start(event);
  }

  #start(event) {
    const { store } = this;
    const at = this.stage.toCanvas(event);
    const base = { id: event.pointerId, from: at, screen: event, type: event.pointerType };
    const { hx, hy, turn } = event.target.dataset ?? {};
    const isPan = event.button !== 0 || this.isSpace;
    if (isPan) this.#gesture = { ...base, kind: "pan" };
    else if (turn !== undefined) this.#begin({ ...base, kind: "turn" });
    else if (hx !== undefined) this.#begin({ ...base, kind: "resize", hx: Number(hx), hy: Number(hy) });
    else this.#gesture = { ...base, kind: "press", found: layersAt(store, at), isMore: event.shiftKey || event.ctrlKey || event.metaKey };
  }

  /** Take hold of the chosen layers. */
  #begin(gesture) {
    const { store, stage } = this;
    const movable = store.chosenLayers.filter((layer) => store.canMove(layer));
    if (!movable.length) {
      this.#gesture = { ...gesture, kind: "pan" };
      return;
    }
    const leaders = movable.filter((layer) => !layer.follows || !store.chosen.includes(layer.follows));
    const frames = new Map([...store.movingWith(leaders.map((layer) => layer.id))].map((id) => [id, stage.frameOf(store.layer(id))]));
    this.#gesture = { ...gesture, leaders, frames, placements: new Map() };
  }

  /** A press becomes a drag: of what is chosen if that is below, else of what is topmost there; the background is not dragged by chance. */
  #startDrag() {
    const { store } = this;
    const { found } = this.#gesture;
    const chosen = found.find((layer) => store.chosen.includes(layer.id));
    const target = chosen ?? found.find((layer) => store.canMove(layer) && layer.kind !== "background");
    if (!target || !store.canMove(target)) {
      this.#gesture.kind = "pan";
      return;
    }
    if (!chosen) store.choose([target.id]);
    this.#begin({ ...this.#gesture, kind: "move" });
  }

  #startPinch() {
    this.cancel();
    this.#gesture = { kind: "pinch", ...this.#pair() };
  }

  #pair() {
    const [one, two] = [...this.#active.values()].map((event) => this.stage.toBox(event));
    return { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2, distance: Math.hypot(one.x - two.x, one.y - two.y) };
  }

  #move(event) {
    const { stage } = this;
    const before = this.#active.get(event.pointerId);
    if (!before) return;
    this.#active.set(event.pointerId, event);
    const gesture = this.#gesture;
    if (!gesture) return;
    if (gesture.kind === "press") {
      const far = Math.hypot(event.clientX - gesture.screen.clientX, event.clientY - gesture.screen.clientY);
      if (far < (START_PX[event.pointerType] ?? 4)) return;
      this.#startDrag();
    }
    const { kind } = this.#gesture;
    if (kind === "pan") {
      stage.camera.pan(event.clientX - before.clientX, event.clientY - before.clientY);
      stage.moved();
    } else if (kind === "pinch") this.#pinch();
    else if (kind !== "away" && kind !== "press") this.#drag(event);
  }

  #pinch() {
    const { camera } = this.stage;
    const now = this.#pair();
    const gesture = this.#gesture;
    camera.pan(now.x - gesture.x, now.y - gesture.y);
    if (gesture.distance > 0) camera.zoomTo((camera.zoom * now.distance) / gesture.distance, now.x, now.y);
    Object.assign(gesture, now);
    this.stage.moved();
  }

  #drag(event) {
    const gesture = this.#gesture;
    const { stage, store } = this;
    const at = stage.toCanvas(event);
    const [leader] = gesture.leaders.slice(-1);
    const before = gesture.frames.get(leader.id);
    const placements = new Map();
    let words = "";
    if (gesture.kind === "move") {
      const by = this.#shift(gesture, at, event);
      for (const [id, frame] of gesture.frames) this.#put(placements, id, { ...frame, x: frame.x + by.x, y: frame.y + by.y });
      words = `${round(by.x)}, ${round(by.y)}`;
    } else {
      const after = gesture.kind === "turn"
        ? turned(before, gesture.from, at, event.shiftKey)
        : resized(before, gesture.hx, gesture.hy, at, { isFree: event.shiftKey, isFromMiddle: event.altKey });
      for (const [id, frame] of gesture.frames) this.#put(placements, id, id === leader.id ? after : follow(frame, before, after));
      words = gesture.kind === "turn" ? `${round(placements.get(leader.id).rotation_deg)}°` : `${Math.round(after.width)} × ${Math.round(after.height)}`;
    }
    gesture.placements = placements;
    stage.frame.say(words, stage.toBox(event));
    stage.show(placements);
    store.emit("moving", placements);
  }

  #put(placements, id, frame) {
    const layer = this.store.layer(id);
    placements.set(id, placementOf(sizeOf(layer), layer.placement, frame));
  }

  /** How far the layers go: whole pixels, along one axis with Shift, to edges and middles of the canvas without Ctrl. */
  #shift(gesture, at, event) {
    const { stage, store } = this;
    let [x, y] = [at.x - gesture.from.x, at.y - gesture.from.y];
    if (event.shiftKey) [x, y] = Math.abs(x) > Math.abs(y) ? [x, 0] : [0, y];
    stage.frame.guide();
    if (!event.ctrlKey && !event.metaKey) {
      const boxes = gesture.leaders.map((layer) => boundsOf(gesture.frames.get(layer.id)));
      const box = {
        left: Math.min(...boxes.map((one) => one.left)) + x,
        right: Math.max(...boxes.map((one) => one.right)) + x,
        top: Math.min(...boxes.map((one) => one.top)) + y,
        bottom: Math.max(...boxes.map((one) => one.bottom)) + y,
      };
      const snapped = snap(box, store.document.extent, SNAP_PX / stage.camera.zoom);
      if (!(event.shiftKey && x === 0)) x += snapped.dx;
      if (!(event.shiftKey && y === 0)) y += snapped.dy;
      stage.frame.guide(snapped.lines);
    }
    return { x: Math.round(x), y: Math.round(y) };
  }

  #up(event, isCancelled = false) {
    if (!this.#active.delete(event.pointerId)) return;
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") {
      this.#gesture = { kind: "away" }; // the finger that is left does nothing until it is lifted
    } else if (gesture?.kind === "away") {
      if (!this.#active.size) this.#gesture = null;
    } else if (gesture && gesture.id === event.pointerId) {
      this.#gesture = null;
      this.#endMarks();
      if (isCancelled) this.stage.cancelPreview();
      else if (gesture.kind === "press") this.#pick(gesture);
      else if (gesture.leaders) this.#commit(gesture.leaders, gesture.placements);
    }
  }

  #endMarks() {
    this.stage.frame.guide();
    this.stage.frame.say("");
  }

  /** A click: the topmost layer there, the next below it when it is chosen already; with Shift or Ctrl one more. */
  #pick({ found, isMore }) {
    const { store } = this;
    if (!found.length) {
      if (!isMore) store.choose([]);
      return;
    }
    const place = found.findIndex((layer) => layer.id === store.current?.id);
    const next = isMore ? found[0] : found[(place + 1) % found.length];
    if (!isMore) store.choose([next.id]);
    else if (store.chosen.includes(next.id)) store.choose(store.chosen.filter((id) => id !== next.id));
    else store.choose([...store.chosen, next.id]);
  }

  /** Followers are moved by the server. */
  #commit(leaders, placements) {
    const { store } = this;
    const edits = [];
    for (const layer of leaders) {
      const placement = placements.get(layer.id);
      const isOther = placement && Object.keys(placement).some((name) => placement[name] !== layer.placement[name]);
      if (isOther) edits.push({ op: "set", layer: layer.id, values: { placement } });
    }
    if (edits.length) store.edit(edits, placements);
    else this.stage.cancelPreview();
  }

  /** Give up what is being done; whether there was something. */
  cancel() {
    const isAtWork = this.isWorking;
    clearTimeout(this.#timer);
    this.#pending = null;
    if (this.#gesture) this.#gesture = { kind: "away" };
    if (!this.#active.size) this.#gesture = null;
    this.#endMarks();
    if (isAtWork) {
      this.stage.cancelPreview();
      this.store.emit("moving", new Map());
    }
    return isAtWork;
  }

  /* ---- keys ---- */

  /** Arrow keys: move by a pixel, ten with Shift; with Alt turn (left, right) and scale (up, down). Whether it was one. */
  press(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return false;
    const { store, stage } = this;
    if (!store.chosen.length) return false;
    if (!this.#pending) {
      this.#begin({ kind: "keys" });
      const { leaders, frames } = this.#gesture;
      this.#gesture = null;
      if (!leaders) return true;
      this.#pending = { leaders, start: frames, frames: new Map(frames), placements: new Map() };
    }
    const pending = this.#pending;
    this.#nudge(pending, step, event);
    stage.show(pending.placements);
    store.emit("moving", pending.placements);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), SETTLE_MS);
    return true;
  }

  #nudge(pending, [dx, dy], event) {
    const much = event.shiftKey;
    const [leader] = pending.leaders.slice(-1);
    const before = pending.frames.get(leader.id);
    let after = { ...before, x: before.x + dx * (much ? 10 : 1), y: before.y + dy * (much ? 10 : 1) };
    if (event.altKey && dx) after = { ...before, angle: before.angle + dx * (much ? 15 : 1) };
    if (event.altKey && dy) {
      const scale = (much ? 1.1 : 1.01) ** -dy;
      after = { ...before, width: before.width * scale, height: before.height * scale };
    }
    for (const [id, frame] of pending.frames) {
      const next = id === leader.id ? after : follow(frame, before, after);
      pending.frames.set(id, next);
      this.#put(pending.placements, id, next);
    }
  }

  /** What keys have moved is sent, as one step to undo. */
  settle() {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = null;
    if (pending) this.#commit(pending.leaders, pending.placements);
  }

  #wheel(event) {
    const { stage } = this;
    if (!this.store.document) return;
    event.preventDefault();
    const { x, y } = stage.toBox(event);
    const amount = event.deltaMode === 1 ? event.deltaY * LINE_PX : event.deltaY;
    if (event.shiftKey) stage.camera.pan(-amount, 0);
    else stage.camera.zoomTo(stage.camera.zoom * Math.exp(-amount * (event.ctrlKey ? 5 : 1) * WHEEL_STEP), x, y);
    stage.moved();
  }
}
