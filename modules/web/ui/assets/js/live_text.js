/**
 * Texts inside HTML that the server made (`live_text.py`): `data-text` names the text, `data-values` holds what fills its gaps.
 */

import { onLanguage, t } from "./pentimento.js";

/** A text whose values may be texts themselves: {text, values}. */
function say(id, values) {
  const said = Object.entries(values).map(([name, value]) => [name, value?.text ? say(value.text, value.values) : value]);
  return t(id, Object.fromEntries(said));
}

/** Put all such texts below `root` into the language in force. */
export function relabel(root = document) {
  for (const place of root.querySelectorAll("[data-text]")) {
    place.textContent = say(place.dataset.text, JSON.parse(place.dataset.values ?? "{}"));
  }
}

onLanguage(() => relabel());
