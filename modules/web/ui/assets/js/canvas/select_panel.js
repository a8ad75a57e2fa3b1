/** The "Selection" sheet: everything that is done to the mask as a whole. */

import { filePicker, make, tell, textButton } from "./dom.js";
import { refusal } from "./refusal.js";
import { wayOption } from "./select_modes.js";
import { load, work } from "./select_work.js";
import { change, settings } from "./settings.js";
import { registerPanel } from "./tools.js";

const PX = 8;
const MOST_PX = 4096;
const SLIDER_PX = 200;
const CLIPBOARD = "pentimento_mask";
const t = (id, values) => window.pentimento.t(id, values);

const row = (...children) => make("div", { class: "pm-select-row" }, ...children);
const title = (text) => make("h4", { class: "pm-select-title", "data-words": text });

/** A mask that was copied, also in another window; null where none was. */
function copied() {
  try {
    return localStorage.getItem(CLIPBOARD);
  } catch {
    return null;
  }
}

async function copy(canvas) {
  const id = await canvas.maskAsset();
  if (!id) return window.pentimento.toast(t("select.nothing_to_copy"));
  localStorage.setItem(CLIPBOARD, id);
  return window.pentimento.toast(t("select.copied"));
}

/** Grow, shrink, feather, with their number as slider and field. */
function edges(canvas) {
  const px = () => settings.edgePx ?? PX;
  const slider = make("input", { type: "range", min: 1, max: SLIDER_PX, step: 1, "data-label": "select.px", "data-option": "edge" });
  const number = make("input", { type: "number", min: 0.5, max: MOST_PX, step: 0.5, "data-label": "select.px", "data-option": "edge_px" });
  const show = () => {
    slider.value = px();
    if (document.activeElement !== number) number.value = px();
  };
  const take = (input) => {
    const value = Number(input.value);
    if (value > 0 && value <= MOST_PX) change({ edgePx: value });
    show();
  };
  slider.addEventListener("input", () => take(slider));
  number.addEventListener("input", () => take(number));
  number.addEventListener("change", () => {
    number.value = px();
  });
  show();
  const button = (name, text) => textButton(text, () => work(canvas, name, { px: px() }), { "data-act": name });
  const ours = [button("grow", "select.grow"), button("shrink", "select.shrink"), button("feather", "select.feather")];
  return [row(slider, number, make("span", { "data-words": "select.px_unit" })), row(...ours)];
}

/** Load from a file, copy, paste. */
function exchange(canvas) {
  const way = () => settings.selectWay ?? "union";
  const fail = (error) => window.pentimento.toast(refusal(error, "select.trouble.other"), "error");
  const picker = filePicker((file) => canvas.openMaskFile(file, way()).catch(fail), { "data-role": "combine" });
  const paste = () => {
    const id = copied();
    if (id) load(canvas, id, way());
    else window.pentimento.toast(t("select.nothing_to_paste"));
  };
  return row(
    textButton("select.load", () => picker.click(), { "data-act": "load" }), picker,
    textButton("select.copy", () => copy(canvas).catch(fail), { "data-act": "copy" }),
    textButton("select.paste", paste, { "data-act": "paste" }),
  );
}

registerPanel({
  id: "selection", label: "select.panel", order: 46, modes: ["mask", "edit_mask"],
  icon: '<path d="M4 8V5.500A1.500 1.500 0 0 1 5.500 4H8M11 4h2M16 4h2.500A1.500 1.500 0 0 1 20 5.500V8M20 11v2M20 16v2.500a1.500 1.500 0 0 1-1.500 1.500H16M13 20h-2M8 20H5.500A1.500 1.500 0 0 1 4 18.500V16M4 13v-2"/><path d="m9 10.800 3 3 3-3"/>',
  fill(element, { document: canvas }) {
    const button = (name, text) => textButton(text, () => work(canvas, name, {}), { "data-act": name });
    const find = (name, text, act) => textButton(text, () => work(canvas, name, { combine: way() }), { "data-act": act });
    const way = () => settings.selectWay ?? "union";
    const ways = wayOption();
    ways.addEventListener("click", () => ways.refresh());
    element.classList.add("pm-select");
    element.append(
      row(textButton("select.invert", () => canvas.invertMask(), { "data-act": "invert" }), button("fill_holes", "select.fill_holes")),
      title("select.edge"), ...edges(canvas),
      title("select.way"), row(ways),
      row(find("object", "select.subject", "subject"), find("background", "select.background", "background")),
      exchange(canvas),
    );
    tell(element);
  },
});
