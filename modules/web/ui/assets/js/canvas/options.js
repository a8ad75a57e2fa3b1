/** Controls of brush and mask overlay: sliders with their number, and colours. */

import { make, tell } from "./dom.js";
import { change, settings, SIZES_PX } from "./settings.js";

const percent = (text) => ({ text, min: 0, max: 100, read: (name) => Math.round(settings[name] * 100), write: (name, value) => ({ [name]: value / 100 }), unit: "%" });
const LOG_STEPS = 100;
const toStep = (size) => Math.round((Math.log(size / SIZES_PX.min) / Math.log(SIZES_PX.max / SIZES_PX.min)) * LOG_STEPS);
const fromStep = (step) => Math.round(SIZES_PX.min * (SIZES_PX.max / SIZES_PX.min) ** (step / LOG_STEPS));

const SLIDERS = {
  size: {
    text: "canvas.size", min: 0, max: LOG_STEPS, read: (name) => toStep(settings[name]), unit: " px", shown: (name) => Math.round(settings[name]),
    write: (name, step) => ({ size: fromStep(step), isOwnSize: true }),
  },
  hardness: percent("canvas.hardness"),
  opacity: percent("canvas.opacity"),
  overlayOpacity: percent("canvas.overlay_opacity"),
};
const COLOURS = { colour: "canvas.colour", overlay: "canvas.overlay_colour" };

/**
 * Elements for a tool's options; those with `refresh()` follow the settings.
 *
 * @param {Array<string|function>} names of shared controls, or functions (view) => HTMLElement.
 */
export function makeOptions(view, names) {
  return names.map((name) => {
    if (typeof name === "function") return name(view);
    return COLOURS[name] ? colourOption(name) : sliderOption(name);
  });
}

function sliderOption(name) {
  const { text, min, max, read, write, unit, shown = read } = SLIDERS[name];
  const input = make("input", { type: "range", min, max, step: 1, "data-label": text, "data-option": name });
  const value = make("output");
  const option = make("label", { class: "pm-option" }, make("span", { "data-words": text }), input, value);
  input.addEventListener("input", () => change(write(name, Number(input.value))));
  return following(option, () => {
    if (Number(input.value) !== read(name)) input.value = read(name);
    value.textContent = `${shown(name)}${unit}`;
  });
}

function colourOption(name) {
  const input = make("input", { type: "color", "data-label": COLOURS[name], "data-option": name });
  const option = make("label", { class: "pm-option pm-option-colour" }, make("span", { "data-words": COLOURS[name] }), input);
  input.addEventListener("input", () => change({ [name]: input.value }));
  return following(option, () => {
    if (input.value !== settings[name]) input.value = settings[name];
  });
}

function following(option, refresh) {
  option.refresh = refresh;
  refresh();
  tell(option);
  option.addEventListener("input", refresh);
  return option;
}
