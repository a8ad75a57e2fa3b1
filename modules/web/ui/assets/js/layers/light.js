/** Where the light comes from, turned like a dial; shadows are made anew for it, and go where their caster goes. */

import { t } from "../pentimento.js";
import { choiceField, make, numberField, set, sliderField, wordButton } from "./dom.js";
import { actOn } from "./server.js";
import { section } from "./section.js";

const CASTERS = ["subject", "text", "other"];

/** A dial: 0° is up, clockwise. `tell(deg)` when let go. */
function dial(tell) {
  const hand = make("i", {});
  const element = make("div.pm-l-dial", { id: "layers_light_dial", role: "slider", tabIndex: 0 }, hand);
  let value = 0;
  const show = (deg) => {
    value = (Math.round(deg) + 360) % 360;
    hand.style.transform = `rotate(${value}deg)`;
    set(element, { aria: { valuenow: value, valuemin: 0, valuemax: 359, valuetext: `${value}°`, label: t("layers.light_from") } });
  };
  const towards = (event) => {
    const box = element.getBoundingClientRect();
    const deg = (Math.atan2(event.clientX - box.left - box.width / 2, box.top + box.height / 2 - event.clientY) * 180) / Math.PI;
    show(event.shiftKey ? Math.round(deg / 15) * 15 : deg);
  };
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    element.focus();
    element.setPointerCapture(event.pointerId);
    towards(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && towards(event));
  element.addEventListener("pointerup", () => tell(value));
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    show(value + step * (event.shiftKey ? 15 : 5));
    tell(value);
  });
  return { element, write: (deg) => !element.matches(":active") && show(deg) };
}

/** The section; `layer` is the chosen one or null for the document. */
export function lightSection(properties, layer) {
  const { store } = properties;
  const put = (values) => store.edit([{ op: "document", ...values }]);
  const turn = dial((deg) => put({ light_from_deg: deg }));
  const from = numberField("layers.light_from", (deg) => put({ light_from_deg: deg }), { id: "layers_light_from", unit: "°", min: 0, max: 360, digits: 0 });
  const height = sliderField("layers.light_height", {
    id: "layers_light_height", min: 5, max: 85, step: 1, words: (value) => `${value}°`, tell: (value) => put({ light_height_deg: value }),
  });
  const rows = [
    make("div.pm-l-sun", {}, properties.bind(turn, (_, shown) => shown.light_from_deg), make("div.pm-l-fields", {},
      properties.bind(from, (_, shown) => shown.light_from_deg), properties.bind(height, (_, shown) => shown.light_height_deg))),
  ];
  if (layer) rows.push(...shadowRows(properties, layer));
  return section("light", layer ? "layers.shadow" : "layers.light_direction", ...rows);
}

function shadowRows(properties, layer) {
  const { store } = properties;
  const others = store.layers.filter((one) => one.id !== layer.id && !store.movingWith([layer.id]).has(one.id));
  const follows = choiceField("layers.follows", [["", t("layers.follows.none")], ...others.map((one) => [one.id, one.name])], (id) => store.edit([{ op: "link", layer: layer.id, follows: id }]), { id: "layers_follows" });
  const rows = [properties.bind(follows, (now) => now.follows)];
  const caster = layer.kind === "shadow" ? store.layer(layer.follows) : layer;
  if (layer.kind === "shadow" ? caster : CASTERS.includes(layer.kind)) {
    const act = () => store.run((id, revision) => actOn(id, layer.id, "shadow", { revision }));
    rows.push(wordButton(layer.kind === "shadow" ? "layers.shadow.again" : "layers.shadow.make", act, { id: "layers_shadow" }, ".pm-l-small"));
  }
  return rows;
}
