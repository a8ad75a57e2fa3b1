/** The row of one option: its words, its control, its default and the way back to it. */

import { make } from "../elements.js";
import { language, t } from "../pentimento.js";
import { change, isDefault, settings, valueOf } from "./store.js";
import { findFault, makeWidget, sayValue } from "./widgets.js";

const IN_HEADER = "sd_model_checkpoint";

/** A text of an option in the language in force; the definition's own where nobody has put it into words, as with scripts' options. */
function textOf(field, part) {
  const id = `option.${field.name}.${part}`;
  return id in window.PENTIMENTO_TEXTS[language()] ? t(id) : field[part];
}

/** The label of an option. */
export function labelOf(field) {
  return textOf(field, "label");
}

/** What search looks through: label, name and explanation in every language. */
export function wordsOf(field) {
  const texts = Object.values(window.PENTIMENTO_TEXTS);
  const said = texts.flatMap((strings) => [strings[`option.${field.name}.label`] ?? "", strings[`option.${field.name}.help`] ?? ""]);
  return [field.name, field.label, field.help, ...said].join("\n").toLowerCase();
}

/** The element that labels and errors of an option point to. */
export function idOf(field) {
  const isTaken = field.name === IN_HEADER || settings.quick.includes(field.name);
  return `${isTaken ? "settings_page" : "setting"}_${field.name}`;
}

/**
 * @param {Object} field description of the option.
 * @returns {{element: HTMLElement, refresh: () => void, fail: (text: string) => void}} `refresh` shows the value in force anew.
 */
export function makeRow(field) {
  const id = idOf(field);
  const help = textOf(field, "help");
  const fault = make("p", { class: "pm-fault", id: `${id}_fault`, role: "alert" });
  const standard = make("p", { class: "pm-default" }, t("settings.default", { value: sayValue(field, field.default) }));
  const widget = makeWidget(field, `${id}_input`, (value) => {
    change(field.name, value);
    fail(findFault(field, value) ?? "");
  });
  const words = t("settings.reset", { name: labelOf(field) });
  const reset = make("button", { type: "button", class: "pm-reset", title: words, "aria-label": words }, "↺");
  reset.addEventListener("click", () => {
    change(field.name, field.default);
    widget.write(field.default);
    fail("");
    element.querySelector(`#${CSS.escape(id)}_input`).focus();
  });
  const name = make("p", { class: "pm-option-name" }, make("code", {}, field.name));
  if (!field.has_effect) name.append(make("span", { class: "pm-badge" }, t("settings.no_effect")));
  const label = make("label", { htmlFor: `${id}_input` }, labelOf(field));
  const explained = help ? make("p", { class: "pm-help", id: `${id}_help` }, help) : null;
  const element = make(
    "div",
    { class: "pm-setting", id, "data-option": field.name },
    make("div", { class: "pm-words" }, label, explained, name),
    make("div", { class: "pm-control" }, make("div", { class: "pm-widget" }, widget.element, reset), standard, fault),
  );
  const control = element.querySelector(`#${CSS.escape(id)}_input`);
  control.setAttribute("aria-describedby", [explained?.id, fault.id].filter(Boolean).join(" "));

  function fail(text) {
    fault.textContent = text;
    control.setAttribute("aria-invalid", String(text !== ""));
    element.classList.toggle("is-wrong", text !== "");
  }

  function mark() {
    element.classList.toggle("is-changed", !isDefault(field));
    element.classList.toggle("is-pending", settings.pending.has(field.name));
  }

  function refresh() {
    if (document.activeElement !== control) widget.write(valueOf(field));
    if (!settings.pending.has(field.name)) fail("");
    mark();
  }

  widget.write(valueOf(field));
  fail(findFault(field, valueOf(field)) ?? "");
  mark();
  return { element, refresh, fail };
}
