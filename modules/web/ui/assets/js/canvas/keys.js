/** Keys of the canvas. They act only while pointer or focus is on a view, and never while someone types. */

import { openKeySheet } from "./key_sheet.js";
import { change, settings } from "./settings.js";
import { toolsFor } from "./tools.js";
import { fileOf } from "./welcome.js";

const SIZE_STEP = 1.15;
const HARDNESS_STEP = 0.1;
const ZOOM_STEP = 1.25;
const TYPED = "textarea, select, [contenteditable=''], [contenteditable=true], [role=textbox], input:not([type=range]):not([type=button]):not([type=checkbox]):not([type=radio]):not([type=file]):not([type=color])";

const grow = (factor) => {
  const size = settings.size * factor;
  change({ size: Math.abs(size - settings.size) < 1 ? settings.size + Math.sign(factor - 1) : Math.round(size), isOwnSize: true });
};
const show = (shown) => change({ shown: settings.shown === shown ? "overlay" : shown });

/** What a key does, by what it types; `view` is the one in use. */
const ACTIONS = {
  "[": () => grow(1 / SIZE_STEP),
  "]": () => grow(SIZE_STEP),
  "{": () => change({ hardness: settings.hardness - HARDNESS_STEP }),
  "}": () => change({ hardness: settings.hardness + HARDNESS_STEP }),
  x: (view) => view.setTool(view.tool()?.id === "eraser" ? "brush" : "eraser"),
  m: () => show("solo"),
  M: () => show("hidden"),
  0: (view) => view.fit(),
  1: (view) => view.zoomTo(1),
  "+": (view) => view.zoomTo(view.camera.zoom * ZOOM_STEP),
  "=": (view) => view.zoomTo(view.camera.zoom * ZOOM_STEP),
  "-": (view) => view.zoomTo(view.camera.zoom / ZOOM_STEP),
  f: (view) => view.toggleFullScreen(),
  "?": (view) => openKeySheet(view),
  Delete: (view) => view.channel && view.document.clearChannel(view.channel),
  Escape: (view) => view.pointers.abort(),
};
const WITH_CTRL = {
  z: (view, event) => (event.shiftKey ? view.document.redo() : view.document.undo()),
  y: (view) => view.document.redo(),
};

/**
 * Listen on the page.
 *
 * @param {() => Object|null} viewInUse the view below the pointer or with the focus.
 */
export function listenToKeys(viewInUse) {
  document.addEventListener("keydown", (event) => {
    const view = viewInUse();
    if (!view || isTyping(event.target) || (event.altKey && !isAltGraph(event)) || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === " ") holdSpace(view, event);
    else if (view.document.now.picture || event.key === "?" || event.ctrlKey || event.metaKey) press(view, event);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") releaseSpace(viewInUse());
  });
  addEventListener("blur", () => releaseSpace(viewInUse()));
  document.addEventListener("paste", (event) => {
    const view = viewInUse();
    const file = fileOf(event.clipboardData);
    if (!view || !file || isTyping(event.target)) return;
    event.preventDefault();
    view.welcome.open(file);
  });
}

/** AltGr writes [ ] { } on many keyboards; some systems report it as Ctrl+Alt. */
const isAltGraph = (event) => event.getModifierState("AltGraph");

function isTyping(target) {
  return target instanceof Element && target.closest(TYPED) !== null;
}

function holdSpace(view, event) {
  if (event.target instanceof HTMLButtonElement) return; // it presses the button
  event.preventDefault();
  view.isSpace = true;
  view.moved();
}

function releaseSpace(view) {
  if (!view?.isSpace) return;
  view.isSpace = false;
  view.moved();
}

function press(view, event) {
  const isCtrl = (event.ctrlKey || event.metaKey) && !isAltGraph(event);
  const key = event.key;
  if (view.tool()?.press?.(view, event)) {
    event.preventDefault();
    return;
  }
  const tool = !isCtrl && key.length === 1 && !event.shiftKey ? toolsFor(view.mode).find((one) => one.key.toLowerCase() === key.toLowerCase()) : null;
  const known = isCtrl ? WITH_CTRL : ACTIONS;
  const plain = event.shiftKey && !isCtrl ? null : known[key.toLowerCase()];
  const action = tool ? () => view.setTool(tool.id) : (known[key] ?? plain);
  if (!action) return;
  event.preventDefault();
  action(view, event);
}
