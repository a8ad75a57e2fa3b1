/** Options that a person wants on top of the page (`quicksettings_list`); a change is in force at once. */

import { make } from "./elements.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { labelOf } from "./settings/rows.js";
import { apply, find, load, onSettings, settings } from "./settings/store.js";
import { findFault, makeWidget } from "./settings/widgets.js";
import { whenThere } from "./when.js";

const IN_HEADER = "sd_model_checkpoint";
const PAUSE_MS = 400;
const place = make("div", { id: "pm_quick", class: "pm-quick" });
let shown = "";

async function save(field, value) {
  const fault = findFault(field, value);
  if (fault) {
    toast(`${labelOf(field)}: ${fault}`, "error");
    return;
  }
  try {
    await apply({ [field.name]: value });
  } catch (refusal) {
    toast(t("settings.failed", { reason: refusal.message }), "error");
  }
}

function makeChoice(field) {
  let timer = 0;
  const id = `setting_${field.name}`;
  const widget = makeWidget(field, `${id}_quick`, (value) => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS, field, value);
  });
  widget.write(field.value);
  return make("div", { class: "pm-quick-choice", id }, make("label", { htmlFor: `${id}_quick` }, labelOf(field)), widget.element);
}

function draw(isForced = false) {
  if (!settings.fields) return;
  const fields = settings.quick.filter((name) => name !== IN_HEADER).map(find).filter(Boolean);
  const wanted = JSON.stringify(fields.map((field) => [field.name, field.value]));
  if (wanted === shown && !isForced) return;
  if (place.contains(document.activeElement) && !isForced) return; // the person is at it
  shown = wanted;
  place.replaceChildren(...fields.map(makeChoice));
}

onSettings(draw);
onLanguage(() => draw(true));
whenThere("#refresh_sd_model_checkpoint", (button) => {
  button.after(place);
  const begin = () => load().catch((refusal) => console.warn("settings:", refusal)); // the settings tab says it, where it matters
  (window.requestIdleCallback ?? setTimeout)(begin);
});
