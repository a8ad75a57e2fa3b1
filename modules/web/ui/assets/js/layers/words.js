/** Names of the server's values in the page's language. Ids of texts have no hyphens and one level below their family. */

import { t } from "../pentimento.js";

const has = (id) => id in window.PENTIMENTO_TEXTS.en;
const plain = (name) => String(name).replace(/[^a-z0-9]+/gi, "_");

/** A blend mode: "color-burn". */
export function blendWords(name) {
  const id = plain(name);
  return t(`layers.blend.${id}`);
}

/** A setting of a backend, a value of it ("light", "linear"), or a backend ("backend", "built-in"); what is not known keeps its name. */
export function settingWords(name, value = null) {
  const key = plain(value === null ? name : `${name}_${value}`);
  const id = `layers.setting.${key}`;
  return has(id) ? t(id) : (value ?? name);
}

/** What a setting is for, in a few words; "" where that is clear. */
export function settingNote(name) {
  const id = `layers.setting.${name}.what`;
  return has(id) ? t(id) : "";
}

/** A note of the server, {key, text?, ...values}, as a sentence; "" where there is nothing to say. */
export function noteWords(note) {
  const key = plain(String(note.key).replace("exchange.", "file."));
  const id = `layers.note.${key}`;
  const values = Object.fromEntries(Object.entries(note).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]));
  return has(id) ? t(id, values) : (note.text ?? note.detail ?? "");
}

const FONT_NOTE = /^([\w-]+): (.*?)(?: -> (.*))?$/s;

/** What typesetting says of a text: "font-stands-in: WANTED -> TAKEN" and the like. */
export function fontWords(note) {
  const [, kind = "", what, font = ""] = FONT_NOTE.exec(note) ?? [];
  const key = plain(kind);
  const id = `layers.note.${key}`;
  return has(id) ? t(id, { what, font }) : note;
}
