/** In the header: what was copied, small, with what can be done with it. */

import { make, menu, set } from "../layers/dom.js";
import { onLanguage, t } from "../pentimento.js";
import { whenThere } from "../when.js";
import { clipWords, editMask, pasteOnCanvas } from "./actions.js";
import { clipspace } from "./clip.js";
import { smallAddress } from "./server.js";

const STUDIO = "[role=tab][id='tab_img2img-button']";

function entries() {
  const { value } = clipspace;
  const paste = () => {
    document.querySelector(STUDIO)?.click();
    pasteOnCanvas(window.pentimento.document);
  };
  return [
    { id: "clipspace_paste", text: t("clipspace.paste_studio"), note: clipWords(value), act: paste },
    { id: "clipspace_edit", text: t("clipspace.edit"), act: () => editMask(value.asset.id, { mask: value.mask, name: value.asset.name }) },
    null,
    { id: "clipspace_clear", text: t("clipspace.clear"), act: () => clipspace.clear() },
  ];
}

/** Put it beside the languages. */
export function mountChip() {
  const picture = make("img", { alt: "" });
  const button = make("button.pm-tool.pm-clip", { id: "clipspace" }, picture);
  const holder = menu(button, entries);
  const draw = () => {
    const { value } = clipspace;
    holder.hidden = !value;
    if (!value) return;
    const words = t("clipspace.chip", { what: clipWords(value) });
    set(button, { title: words, aria: { label: words } });
    const address = smallAddress(value.asset.id);
    if (picture.src !== address) picture.src = address;
  };
  clipspace.on(draw);
  onLanguage(draw);
  draw();
  whenThere("#pm_language", (place) => place.before(holder));
}
