/**
 * Texts inside HTML that the server made (`live_text.py`): `data-text` names the text, `data-values` holds what fills its gaps.
 */

import { onLanguage, t } from "./pentimento.js";

/** Put all such texts below `root` into the language in force. */
export function relabel(root = document) {
  for (const place of root.querySelectorAll("[data-text]")) {
    place.textContent = t(place.dataset.text, JSON.parse(place.dataset.values ?? "{}"));
  }
}

onLanguage(() => relabel());
