/** Mouse, pen and fingers on a view: one paints or pans, two zoom; with a pen seen, fingers no longer paint. */

import { toolsFor } from "./tools.js";

const PEN_ERASER = 5; // the pen's other end (W3C, Pointer Events, "Chorded button interactions")
const MISTAKE_MS = 200; // a second finger within this time means that the first never meant to paint
const WHEEL_STEP = 0.0016;
const LINE_PX = 16;

let isPenSeen = false; // on this device, whichever view

export class Pointers {
  #active = new Map();
  #gesture = null; // null | {kind: "tool", tool, id, since} | {kind: "pan", id} | {kind: "pinch"}

  /** @param {Object} view offers `box`, `camera`, `tool()`, `isSpace`, `toPoint(event)`, `moved()`, `hover(event)`, `isOverCrop(event)`. */
  constructor(view) {
    this.view = view;
    const { box } = view;
    const listen = (kind, handler, options) => box.addEventListener(kind, handler, options);
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#up(event));
    listen("pointercancel", (event) => this.#up(event, true));
    listen("pointerleave", () => view.hover(null));
    listen("wheel", (event) => this.#wheel(event), { passive: false });
    listen("contextmenu", (event) => event.preventDefault());
    listen("auxclick", (event) => event.preventDefault());
  }

  get isPanning() {
    return this.#gesture?.kind === "pan" || this.#gesture?.kind === "pinch";
  }

  /** Whether a tool is at work. */
  get isWorking() {
    return this.#gesture?.kind === "tool";
  }

  #down(event) {
    const { view } = this;
    if (!view.document.now.picture || view.isOverCrop(event)) return;
    if (event.pointerType === "pen") isPenSeen = true;
    view.box.classList.add("pm-by-pointer"); // no ring round the canvas for those who see their pointer on it
    view.box.focus({ preventScroll: true });
    event.preventDefault();
    this.#active.set(event.pointerId, event);
    view.box.setPointerCapture(event.pointerId);
    if (this.#active.size === 2) this.#startPinch();
    else if (this.#active.size === 1) this.#start(event);
  }

  #start(event) {
    const { view } = this;
    const tool = event.button === PEN_ERASER && view.channel ? toolsFor(view.mode).find((one) => one.id === "eraser") : view.tool();
    const isFingerOnly = event.pointerType === "touch" && isPenSeen;
    const isPan = event.button === 1 || view.isSpace || isFingerOnly || !tool?.down || (event.button === 2 && event.pointerType === "mouse");
    if (!isPan && event.button !== 0 && event.button !== PEN_ERASER) return;
    this.#gesture = { kind: isPan ? "pan" : "tool", tool, id: event.pointerId, since: event.timeStamp };
    if (!isPan) tool.down(view, view.toPoint(event));
    view.hover(event);
  }

  #startPinch() {
    const { view } = this;
    if (this.#gesture?.kind === "tool") {
      const { since, id, tool } = this.#gesture;
      if (performance.now() - since < MISTAKE_MS || this.#active.get(id)?.pointerType === "touch") tool.cancel?.(view);
      else tool.up?.(view, view.toPoint(this.#active.get(id)));
    }
    this.#gesture = { kind: "pinch", ...this.#pair() };
    view.hover(null);
  }

  #pair() {
    const [one, two] = [...this.#active.values()].map((event) => this.view.toScreen(event));
    return { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2, distance: Math.hypot(one.x - two.x, one.y - two.y) };
  }

  #move(event) {
    const { view } = this;
    const gesture = this.#gesture;
    const before = this.#active.get(event.pointerId);
    if (before) this.#active.set(event.pointerId, event);
    if (gesture?.kind === "tool" && gesture.id === event.pointerId) {
      const all = event.getCoalescedEvents?.() ?? [];
      gesture.tool.move?.(view, (all.length ? all : [event]).map((one) => view.toPoint(one)));
    } else if (gesture?.kind === "pan" && gesture.id === event.pointerId) {
      const [from, to] = [view.toScreen(before), view.toScreen(event)];
      view.camera.pan(to.x - from.x, to.y - from.y);
      view.moved();
    } else if (gesture?.kind === "pinch" && before) this.#pinch(gesture);
    view.hover(event);
  }

  #pinch(gesture) {
    const { camera } = this.view;
    const now = this.#pair();
    camera.pan(now.x - gesture.x, now.y - gesture.y);
    if (gesture.distance > 0) camera.zoomTo((camera.zoom * now.distance) / gesture.distance, now.x, now.y);
    Object.assign(gesture, now);
    this.view.moved();
  }

  #up(event, isCancelled = false) {
    const { view } = this;
    if (!this.#active.delete(event.pointerId)) return;
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") {
      this.#gesture = null; // the finger that is left does nothing until it is lifted
    } else if (gesture?.id === event.pointerId) {
      this.#gesture = null;
      if (gesture.kind === "tool") {
        if (isCancelled) gesture.tool.cancel?.(view);
        else gesture.tool.up?.(view, view.toPoint(event));
      }
    }
    view.hover(event.pointerType === "touch" ? null : event);
  }

  /** Give up what is being done. */
  abort() {
    if (this.#gesture?.kind === "tool") this.#gesture.tool.cancel?.(this.view);
    this.#gesture = null;
  }

  #wheel(event) {
    const { view } = this;
    if (!view.document.now.picture) return;
    event.preventDefault();
    const { x, y } = view.toScreen(event);
    const amount = event.deltaMode === 1 ? event.deltaY * LINE_PX : event.deltaY;
    const step = event.ctrlKey ? 5 * WHEEL_STEP : WHEEL_STEP; // a pinch on a touch pad comes as small steps with Ctrl
    view.camera.zoomTo(view.camera.zoom * Math.exp(-amount * step), x, y);
    view.moved();
    view.hover(event);
  }
}
