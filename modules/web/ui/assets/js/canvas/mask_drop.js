/** A place for a file that becomes the document's mask. */

import { drawing, filePicker, make, tell, textButton } from "./dom.js";
import { ICONS } from "./icons.js";
import { fileOf } from "./welcome.js";

/**
 * Fill `root`.
 *
 * @param {HTMLElement} root
 * @param {Object} canvas the document
 */
export function mountMaskDrop(root, canvas) {
  if (!root || root.childElementCount) return;
  const load = async (file) => {
    if (!canvas.now.picture) return window.pentimento.toast(window.pentimento.t("canvas.mask_needs_picture"));
    return canvas.openMaskFile(file).catch((error) => canvas.emit("trouble", { what: "open", error }));
  };
  const picker = filePicker(load);
  const pick = textButton("canvas.mask_drop_pick", () => picker.click());
  root.append(drawing(ICONS.loadMask), make("span", { "data-words": "canvas.mask_drop_say" }), pick, picker);
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = fileOf(event.dataTransfer);
    if (file) load(file);
  });
  window.pentimento.onLanguage(() => tell(root));
  tell(root);
}
