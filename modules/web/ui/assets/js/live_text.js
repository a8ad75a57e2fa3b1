/**
 * Texts inside HTML that the server made (`live_text.py`): `data-text` names the text, `data-values` holds what fills its gaps.
 */

import { onLanguage, t } from "./pentimento.js";
import { whenThere } from "./when.js";

const PLACE = "[data-text]";

/** A text whose values may be texts themselves: {text, values}. */
function say(id, values) {
  const said = Object.entries(values).map(([name, value]) => [name, value?.text ? say(value.text, value.values) : value]);
  return t(id, Object.fromEntries(said));
}

function fill(place) {
  const said = say(place.dataset.text, JSON.parse(place.dataset.values ?? "{}"));
  if (place.textContent !== said) place.textContent = said;
}

whenThere(PLACE, fill);
onLanguage(() => document.querySelectorAll(PLACE).forEach(fill));
