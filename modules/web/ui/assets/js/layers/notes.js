/** Notes of the server in words: of taking apart, of files of other programs, of fonts. */

import { t } from "../pentimento.js";

const has = (id) => id in window.PENTIMENTO_TEXTS.en;
const FONT_NOTE = /^(font-[\w-]+): (.*?)(?: -> (.*))?$/s;

/** {key, text?, ...values} as a sentence; "" where there is nothing to say. */
export function noteWords(note) {
  const id = `layers.note.${String(note.key).replace(/^exchange\./, "file.")}`;
  const values = Object.fromEntries(Object.entries(note).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]));
  return has(id) ? t(id, values) : (note.text ?? note.detail ?? "");
}

/** What typesetting says of a text: "font-stands-in: WANTED -> TAKEN" and the like. */
export function fontWords(note) {
  const [, kind, what, font] = FONT_NOTE.exec(note) ?? [];
  const id = `layers.note.${kind}`;
  return kind && has(id) ? t(id, { what, font: font ?? "" }) : note;
}
