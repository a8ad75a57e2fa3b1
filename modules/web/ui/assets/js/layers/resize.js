/** How large the canvas is: two numbers, and where what is there stays. */

import { t } from "../pentimento.js";
import { make, numberField, set, wordButton } from "./dom.js";
import { section } from "./section.js";

const MOST_PX = 16384;
const PLACES = ["start", "middle", "end"];

/** The section of the document's properties. */
export function resizeSection(properties) {
  const { store } = properties;
  const wish = { x: 1, y: 1 }; // of PLACES
  const size = (textId, name) => numberField(textId, () => follow(), { id: `layers_canvas_${name}`, unit: "px", min: 1, max: MOST_PX, digits: 0 });
  const [width, height] = [size("layers.width", "width"), size("layers.height", "height")];
  const asked = () => ({ width: Math.round(Number(width.input.value)), height: Math.round(Number(height.input.value)) });
  const apply = () => {
    const { extent } = store.document;
    const now = asked();
    const box = { x: Math.round(((extent.width - now.width) * wish.x) / 2), y: Math.round(((extent.height - now.height) * wish.y) / 2), ...now };
    return store.edit([{ op: "resize_canvas", box }]);
  };
  const go = wordButton("layers.canvas.resize", apply, { id: "layers_canvas_resize" }, ".pm-l-small");
  const follow = () => {
    const { extent } = store.document;
    const now = asked();
    go.disabled = !(now.width >= 1 && now.height >= 1) || (now.width === extent.width && now.height === extent.height);
  };
  for (const field of [width, height]) {
    field.input.addEventListener("input", follow);
    field.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      follow();
      if (!go.disabled) apply();
    });
  }
  properties.watch((_, shown) => {
    width.write(shown.extent.width);
    height.write(shown.extent.height);
    follow();
  });
  return section("canvas", "layers.canvas.size", width.element, height.element, anchor(wish), make("div.pm-l-resize", {}, make("p.pm-l-note", {}, t("layers.canvas.size.what")), go));
}

/** Nine places: what is there stays there. */
function anchor(wish) {
  const radios = PLACES.flatMap((_, y) => PLACES.map((__, x) => {
    const name = t("layers.canvas.anchor.place", { x: t(`layers.canvas.x.${PLACES[x]}`), y: t(`layers.canvas.y.${PLACES[y]}`) });
    const radio = make("input", { type: "radio", name: "layers_canvas_anchor", checked: x === wish.x && y === wish.y, title: name, aria: { label: name } });
    radio.addEventListener("change", () => Object.assign(wish, { x, y }));
    return radio;
  }));
  return set(make("div.pm-l-anchor", {}, ...radios), { role: "radiogroup", aria: { label: t("layers.canvas.anchor") } });
}
