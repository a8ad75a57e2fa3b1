/** One option's control: made from its description, read and written as the option's type. */

import { make } from "../elements.js";
import { t } from "../pentimento.js";

const CHOICE_TEXTS = {
  "": "choice.first",
  Automatic: "choice.automatic",
  Default: "choice.default",
  Ignore: "choice.ignore",
  "No norm": "choice.no_norm",
  None: "choice.none",
  Original: "choice.original",
  "Zero Terminal SNR": "choice.zero_terminal_snr",
};
const LANGUAGE_NAMES = { en: "English", "zh-CN": "简体中文" };
const MOST_SLIDER_STEPS = 1000;

/** A choice in words; names of files, samplers and formats stay as they are. */
export function sayChoice(field, choice) {
  if (choice.label) return choice.label;
  if (field.name === "localization" && choice.value in LANGUAGE_NAMES) return LANGUAGE_NAMES[choice.value];
  return choice.value in CHOICE_TEXTS ? t(CHOICE_TEXTS[choice.value]) : choice.value;
}

/** A value in words, as the line "Default: ..." shows it. */
export function sayValue(field, value) {
  if (field.kind === "bool") return t(value ? "settings.on" : "settings.off");
  if (field.choices) return sayChoice(field, field.choices.find((choice) => choice.value === value) ?? { value });
  if (field.kind === "list") return value.join(", ") || t("settings.empty");
  return value === "" ? t("settings.empty") : String(value);
}

/** What is wrong with a value, as a sentence; null when it may be sent. */
export function findFault(field, value) {
  if (field.kind !== "int" && field.kind !== "float") return null;
  if (typeof value !== "number" || !Number.isFinite(value)) return t("settings.wanted.number");
  const { minimum, maximum } = field;
  if (minimum !== null && maximum !== null && (value < minimum || value > maximum)) return t("settings.wanted.range", { minimum, maximum });
  if (minimum !== null && value < minimum) return t("settings.wanted.least", { minimum });
  return field.kind === "int" && !Number.isInteger(value) ? t("settings.wanted.whole") : null;
}

/** The sentence for a refusal of the server. */
export function sayRefusal(field, value) {
  return findFault(field, value) ?? t(field.kind === "color" ? "settings.wanted.color" : "settings.wanted.other");
}

function step(field) {
  if (field.kind === "int") return 1;
  const range = field.maximum - field.minimum;
  return range <= 10 ? 0.01 : range <= 100 ? 0.1 : 1;
}

/**
 * The control of an option.
 *
 * @param {Object} field its description, of /api/settings.
 * @param {string} id of the element that its label belongs to.
 * @param {(value) => void} changed called with every new value.
 * @returns {{element: HTMLElement, write: (value) => void}}
 */
export function makeWidget(field, id, changed) {
  if (field.kind === "bool") return makeSwitch(id, changed);
  if (field.choices) return makeSelect(field, id, changed);
  if (field.kind === "int" || field.kind === "float") return makeNumber(field, id, changed);
  if (field.kind === "color") return makeColor(id, changed);
  return makeText(field, id, changed);
}

function makeSwitch(id, changed) {
  const box = make("input", { type: "checkbox", id, role: "switch", class: "pm-switch", onchange: () => changed(box.checked) });
  return { element: box, write: (value) => (box.checked = value) };
}

function makeSelect(field, id, changed) {
  const options = field.choices.map((choice) => make("option", { value: choice.value }, sayChoice(field, choice)));
  const list = make("select", { id, class: "pm-input", onchange: () => changed(list.value) }, ...options);
  return { element: list, write: (value) => (list.value = value) };
}

function makeNumber(field, id, changed) {
  const { minimum, maximum } = field;
  const read = (box) => changed(box.value === "" ? null : box.valueAsNumber);
  const limits = { min: minimum ?? "", max: maximum ?? "" };
  const number = make("input", { type: "number", id, class: "pm-input pm-number", step: "any", ...limits, oninput: () => read(number) });
  const write = (value) => (number.value = value ?? "");
  if (minimum === null || maximum === null || (maximum - minimum) / step(field) > MOST_SLIDER_STEPS) return { element: number, write };
  const slider = make("input", { type: "range", class: "pm-slider", step: step(field), ...limits, tabIndex: -1, "aria-hidden": "true" });
  slider.addEventListener("input", () => {
    number.value = slider.value;
    read(number);
  });
  number.addEventListener("input", () => (slider.value = number.value));
  const both = (value) => {
    write(value);
    slider.value = value;
  };
  return { element: make("div", { class: "pm-slider-row" }, slider, number), write: both };
}

function makeColor(id, changed) {
  const canvas = document.createElement("canvas").getContext("2d");
  const text = make("input", { type: "text", id, class: "pm-input pm-number", spellcheck: false });
  const picker = make("input", { type: "color", class: "pm-color", tabIndex: -1, "aria-hidden": "true" });
  const show = (value) => {
    canvas.fillStyle = "#000000";
    canvas.fillStyle = value; // a name such as "teal" becomes "#008080"
    picker.value = canvas.fillStyle;
  };
  text.addEventListener("input", () => {
    show(text.value);
    changed(text.value);
  });
  picker.addEventListener("input", () => {
    text.value = picker.value;
    changed(picker.value);
  });
  const write = (value) => {
    text.value = value;
    show(value);
  };
  return { element: make("div", { class: "pm-slider-row" }, picker, text), write };
}

function makeText(field, id, changed) {
  const isList = field.kind === "list";
  const split = (text) => text.split(",").map((entry) => entry.trim()).filter(Boolean);
  const read = () => changed(isList ? split(text.value) : text.value);
  const text = make("input", { type: "text", id, class: "pm-input", spellcheck: false, oninput: read });
  return { element: text, write: (value) => (text.value = isList ? value.join(", ") : value) };
}
