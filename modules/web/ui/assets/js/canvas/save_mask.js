/** The mask as a file of the person's. */

import { make } from "./dom.js";
import { ASSETS } from "./server.js";

/** Commit the mask and download it as PNG, named after the picture. */
export async function saveMask(canvas) {
  const id = await canvas.maskAsset();
  if (!id) {
    window.pentimento.toast(window.pentimento.t("canvas.no_mask"));
    return;
  }
  const name = (canvas.now.picture.name || "picture").replace(/\.[^.]*$/, "");
  make("a", { href: `${ASSETS}${id}`, download: `${name}-mask.png` }).click();
}
