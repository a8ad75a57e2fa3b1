/** How something selected is joined with the mask: as chosen in the tool's options, or by Shift and Alt as in other programs. */

import { make, tell, textButton } from "./dom.js";
import { change, settings } from "./settings.js";

const WAYS = { union: "select.way.union", subtract: "select.way.subtract", intersect: "select.way.intersect", replace: "select.way.replace" };

/**
 * What the keys held at a point ask for.
 *
 * @param {{shift: boolean, alt: boolean}} point
 * @returns {"union"|"subtract"|"intersect"|null} Shift adds, Alt subtracts, both intersect; null where none is held.
 */
export function wayOfKeys({ shift, alt }) {
  if (shift && alt) return "intersect";
  if (alt) return "subtract";
  return shift ? "union" : null;
}

/** The way in force at a point: keys before the option. */
export const wayAt = (point) => wayOfKeys(point) ?? settings.selectWay ?? "union";

/** Buttons for the ways; for `options` of a tool. */
export function wayOption() {
  const buttons = Object.entries(WAYS).map(([way, text]) => {
    return textButton(text, () => change({ selectWay: way }), { class: "pm-choice", "data-way": way });
  });
  const option = make("span", { class: "pm-choices pm-select-ways", role: "group", "data-label": "select.way" }, ...buttons);
  option.refresh = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.way === (settings.selectWay ?? "union")));
  };
  option.refresh();
  tell(option);
  return option;
}
