/**
 * The canvas: one document, seen by any number of views. See canvas/document.js for what `pentimento.document` offers, canvas/tools.js for
 * how to add tools.
 *
 * Gradio makes the elements and calls us through `window.pentimentoMounts`, a list of `[kind, {element, props, trigger, watch}]`.
 */

import "../vendor/konva/konva.min.js";
import { CanvasDocument } from "./canvas/document.js";
import { listenToKeys } from "./canvas/keys.js";
import { mountMaskDrop } from "./canvas/mask_drop.js";
import { refusal } from "./canvas/refusal.js";
import { registerPanel, registerTool } from "./canvas/tools.js";
import "./canvas/select_panel.js";
import "./canvas/select_tools.js";
import { followCard } from "./canvas/tools_frame.js";
import "./canvas/tools_paint.js";
import "./canvas/tools_shape.js";
import { View } from "./canvas/view.js";

Konva.autoDrawEnabled = false; // we say when: nothing moves, nothing is drawn

const canvas = new CanvasDocument();
const views = new Set();
const sketches = new Map(); // element id -> document of its own
const TROUBLE = { read: "canvas.trouble.read", open: "canvas.trouble.open", commit: "canvas.trouble.commit", gone: "canvas.trouble.gone",
  mask_gone: "canvas.trouble.mask_gone" };

let isStoreAway = false; // said once, not at every try

function sayTrouble({ what, error }) {
  if (what === "commit" && isStoreAway) return;
  isStoreAway ||= what === "commit";
  const text = what === "open" ? refusal(error, TROUBLE.open) : window.pentimento.t(TROUBLE[what], { why: error.message });
  window.pentimento.toast(text, "error");
}

canvas.on("trouble", sayTrouble);
canvas.on("commit", () => {
  isStoreAway = false;
});

const MOUNT = {
  view({ element }) {
    for (const view of [...views]) {
      if (!view.isGone) continue;
      view.destroy();
      views.delete(view);
    }
    const root = element.querySelector(".pm-view");
    if (root && !root.childElementCount) views.add(new View(root, canvas));
  },
  document({ props, trigger, watch }) {
    canvas.on("commit", (value) => {
      props.value = value;
      trigger("commit");
    });
    const take = () => canvas.takeValue(props.value).catch((error) => canvas.emit("trouble", { what: "read", error }));
    watch("value", take);
    take();
  },
  sketch({ element, props, trigger, watch }) {
    const root = element.querySelector(".pm-view");
    if (!root || root.childElementCount) return;
    const own = new CanvasDocument({ isKept: false });
    own.on("trouble", sayTrouble);
    own.on("commit", (value) => {
      props.value = value;
      trigger("edit");
    });
    views.add(new View(root, own));
    sketches.set(element.closest(".block")?.id || element.id, own);
    const take = () => own.takeValue(props.value).catch((error) => own.emit("trouble", { what: "read", error }));
    watch("value", take);
    take();
  },
  mask_drop({ element }) {
    mountMaskDrop(element.querySelector(".pm-mask-drop"), canvas);
  },
};

function mountCanvases() {
  for (const [kind, parts] of (window.pentimentoMounts ??= []).splice(0)) MOUNT[kind](parts);
}

function viewInUse() {
  const shown = [...views].filter((view) => view.isVisible && !view.isGone);
  return shown.find((view) => view.root.matches(":hover")) ?? shown.find((view) => view.root.contains(document.activeElement)) ?? null;
}

/** Another view, in an empty element of the page's that stays. */
function addView(root, own) {
  own.on("trouble", sayTrouble);
  const view = new View(root, own);
  views.add(view);
  return view;
}

/** Before an event reads canvases of extensions: bring their values, at these places among `values`, up to date. */
async function withSketches(values, places) {
  const fresh = [...values];
  for (const [place, id] of places) if (sketches.has(id)) fresh[place] = await sketches.get(id).commit();
  return fresh;
}

listenToKeys(viewInUse);
followCard(views, canvas);
Object.assign(window.pentimento, { document: canvas, mountCanvases, addView, registerTool, registerPanel, viewInUse, withSketches });
mountCanvases();
canvas.restore().catch((error) => canvas.emit("trouble", { what: "read", error }));
