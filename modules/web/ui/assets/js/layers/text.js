/** A text layer's words: what it says, in which font, size and colour. */

import { t, toast } from "../pentimento.js";
import { choiceField, colorField, iconButton, make, numberField, pickFile, set } from "./dom.js";
import { addFont, actOn, listFonts } from "./server.js";
import { fontWords } from "./words.js";
import { section } from "./section.js";

const WAIT_MS = 700;
let fonts = null; // [[family, words]] once asked

/** Ask for the fonts; again after one was added. */
async function askFonts(isAgain = false) {
  if (!fonts || isAgain) {
    const found = await listFonts();
    fonts = found.map((font) => [font.family, font.has_chinese ? `${font.family} · 中文` : font.family]);
  }
  return fonts;
}

export function textSection(properties, layer) {
  const { store } = properties;
  const send = (values) => store.run((id, revision) => actOn(id, layer.id, "text", { revision, values }));
  const words = textBox(send, store, layer);
  const font = choiceField("layers.text.font", [[layer.text.font, layer.text.font || t("layers.text.font.unknown")]], (value) => send({ font: value }), { id: "layers_font" });
  const fill = (isAgain) => askFonts(isAgain).then((list) => {
    const own = store.layer(layer.id)?.text?.font ?? "";
    const isKnown = list.some(([family]) => family === own);
    font.put(isKnown ? list : [[own, own || t("layers.text.font.unknown")], ...list]);
    font.write(own);
  }, (error) => toast(error.message, "error"));
  fill(false);
  const upload = async (file) => {
    try {
      const added = await addFont(file);
      await fill(true);
      send({ font: added.family });
    } catch (error) {
      toast(t("layers.text.font.refused", { name: file.name, why: error.message }), "error");
    }
  };
  const own = iconButton("plus", "layers.text.font.add", () => pickFile(".ttf,.otf,.ttc,.otc", upload), { id: "layers_font_add" });
  const size = numberField("layers.text.size", (value) => send({ size_px: value }), { id: "layers_text_size", unit: "px", min: 1, max: 4000, digits: 1 });
  const tracking = numberField("layers.text.tracking", (value) => send({ tracking_px: value }), { id: "layers_tracking", unit: "px", min: -200, max: 1000, step: 0.5 });
  const angle = numberField("layers.text.angle", (value) => send({ angle_deg: value }), { id: "layers_text_angle", unit: "°", min: -360, max: 360, digits: 1 });
  const color = colorField("layers.color", (value) => send({ color: value }), { id: "layers_text_color" });
  const notes = make("p.pm-l-note", { hidden: true });
  properties.watch((now) => {
    const said = now?.text ? [...(now.text.is_typeset ? [] : [t("layers.text.lifted")]), ...now.text.notes.map(fontWords)] : [];
    notes.textContent = said.join(" ");
    notes.hidden = !said.length;
  });
  return section("text", "layers.text", properties.bind(words, (now) => now.text.string), make("div.pm-l-wide.pm-l-beside", {}, properties.bind(font, (now) => now.text.font), own),
    properties.bind(size, (now) => now.text.size_px), properties.bind(color, (now) => now.text.color),
    alignment(properties, send), properties.bind(tracking, (now) => now.text.tracking_px), properties.bind(angle, (now) => now.text.angle_deg), notes);
}

/** The string: sent when the person pauses or leaves. */
function textBox(send, store, layer) {
  const box = make("textarea", { id: "layers_string", rows: 2, dir: "auto", spellcheck: false });
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    const now = store.layer(layer.id)?.text?.string;
    if (now !== undefined && box.value !== now && box.value.trim()) send({ string: box.value });
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(settle, WAIT_MS);
  });
  box.addEventListener("change", settle);
  const write = (value) => {
    if (document.activeElement !== box) box.value = value;
  };
  return { element: make("label.pm-l-field.pm-l-wide", {}, make("span", {}, t("layers.text.string")), box), write };
}

function alignment(properties, send) {
  const buttons = ["left", "center", "right"].map((name) => {
    const button = iconButton(name, `layers.text.${name}`, () => send({ alignment: name }), { data: { alignment: name } });
    properties.watch((now) => now?.text && set(button, { aria: { pressed: now.text.alignment === name } }));
    return button;
  });
  return make("div.pm-l-buttons", { role: "group", aria: { label: t("layers.text.alignment") } }, ...buttons);
}
