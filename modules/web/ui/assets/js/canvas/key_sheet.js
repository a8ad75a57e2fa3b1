/** The sheet that lists every key. */

import { iconButton, make } from "./dom.js";
import { ICONS } from "./icons.js";
import { toolsFor } from "./tools.js";

const t = (id) => window.pentimento.t(id);
const FIXED = [
  ["[ ]", "canvas.key.size"], ["{ }", "canvas.key.hardness"], ["X", "canvas.key.swap"], ["Shift", "canvas.key.straight"], ["Alt", "canvas.key.subtract"], ["Shift+Alt", "select.key.intersect"],
  ["↑ ↓ ← →", "canvas.key.frame"],
  ["Ctrl+Z", "canvas.undo"], ["Ctrl+Shift+Z", "canvas.redo"], ["Ctrl+Y", "canvas.redo"], ["Delete", "canvas.key.clear"],
  ["M", "canvas.shown.solo"], ["Shift+M", "canvas.shown.hidden"],
  ["Wheel", "canvas.key.zoom"], ["+ −", "canvas.key.zoom"], ["Space", "canvas.key.pan"], ["0", "canvas.zoom_fit"], ["1", "canvas.key.whole"],
  ["F", "canvas.full_screen"], ["Ctrl+V", "canvas.key.paste"], ["Esc", "canvas.key.cancel"], ["Ctrl+Enter", "canvas.key.generate"], ["?", "canvas.keys"],
];

/** Open it over the page; Escape or a click beside it closes it. */
export function openKeySheet(view) {
  const rows = [...toolsFor(view.mode).filter((tool) => tool.key).map((tool) => [tool.key, tool.label]), ...FIXED];
  const list = make("dl");
  for (const [keys, text] of rows) {
    const caps = keys === "+ −" || keys.length > 1 ? keys.split(/[ ]|(?<=\w)\+/) : [keys];
    const holder = make("dt");
    for (const cap of caps) holder.append(make("kbd", {}, cap));
    list.append(make("div", {}, holder, make("dd", {}, t(text))));
  }
  const dialog = make("dialog", { class: "pm-keys", "aria-label": t("canvas.keys") });
  const close = iconButton("canvas.keys_close", ICONS.close, "Esc", () => dialog.close());
  dialog.append(make("header", {}, make("h2", {}, t("canvas.keys")), close), list);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    view.box.focus({ preventScroll: true });
  });
  view.root.append(dialog);
  dialog.showModal();
}
