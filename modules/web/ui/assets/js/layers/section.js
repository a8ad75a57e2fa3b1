/** Parts of the panel that fold, and stay as the person left them. */

import { t } from "../pentimento.js";
import { make } from "./dom.js";

const openSections = new Set(["place", "mix", "text"]); // of this visit

/** A part of the panel that folds. */
export function section(name, textId, ...children) {
  const head = make("summary", {}, t(textId));
  const part = make("details.pm-l-section", { data: { section: name }, open: openSections.has(name) }, head, make("div.pm-l-fields", {}, ...children));
  part.addEventListener("toggle", () => (part.open ? openSections.add(name) : openSections.delete(name)));
  return part;
}
