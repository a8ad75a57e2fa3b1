/** Elements of the layers' tab: buttons with drawings, menus, fields that write what they are told and tell what was written. */

import { ICONS } from "../canvas/icons.js";
import { drawing } from "../canvas/dom.js";
import { make, set } from "../history/dom.js";
import { t } from "../pentimento.js";

export { make, set };

const OWN_ICONS = {
  eye: ICONS.overlay,
  eyeOff: ICONS.hidden,
  lock: '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
  unlock: '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V7.500a4 4 0 0 1 7.700-1.500"/>',
  solo: '<circle cx="12" cy="12" r="3.500" fill="currentColor"/><circle cx="12" cy="12" r="8.500"/>',
  grip: '<path d="M9 6v.01M15 6v.01M9 12v.01M15 12v.01M9 18v.01M15 18v.01" stroke-width="2.600"/>',
  copy: '<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15V6a2 2 0 0 1 2-2h8"/>',
  merge: '<path d="m4 8 8-4 8 4-8 4zM4 8v0M12 12v8M8.500 16.500 12 20l3.500-3.500"/>',
  part: '<path d="m4 14 8-4 8 4-8 4zM12 10V3M8.500 6.500 12 3l3.500 3.500"/>',
  plus: '<path d="M12 5v14M5 12h14"/>',
  minus: '<path d="M5 12h14"/>',
  swap: '<path d="M4 8h13M13 4l4 4-4 4M20 16H7M11 12l-4 4 4 4"/>',
  flipX: '<path d="M12 3v18M9 7 3.500 17H9zM15 7l5.500 10H15z"/>',
  flipY: '<path d="M3 12h18M7 9l10-5.500V9zM7 15l10 5.500V15z"/>',
  layers: '<path d="m12 3 9 4.500-9 4.500-9-4.500zM3 12l9 4.500 9-4.500M3 16.500 12 21l9-4.500"/>',
  download: '<path d="M4 15v5h16v-5M12 4v11M8 11l4 4 4-4"/>',
  back: '<path d="M19 12H5M11 6l-6 6 6 6"/>',
  brush: '<path d="M14 4l6 6-8 8c-2 2-6 2-8 2 1-1 1.500-2 1.500-4 0-2 1.500-3 2.500-4z"/>',
  more: '<path d="M5 12v.01M12 12v.01M19 12v.01" stroke-width="3"/>',
  left: '<path d="M4 6h16M4 11h10M4 16h16M4 21h8"/>',
  center: '<path d="M4 6h16M7 11h10M4 16h16M8 21h8"/>',
  right: '<path d="M4 6h16M10 11h10M4 16h16M12 21h8"/>',
  reset: '<path d="M5 5v5h5"/><path d="M5.500 10a7.500 7.500 0 1 1-1 5"/>',
  link: '<path d="M10 14a4 4 0 0 0 6 .400l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.400l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500"/>',
};
const DRAWINGS = { ...ICONS, ...OWN_ICONS };

export const icon = (name) => drawing(DRAWINGS[name]);

/** A button that shows a drawing; the text is its name and tooltip. */
export function iconButton(name, textId, click, properties = {}) {
  const { keys = "", ...rest } = properties;
  const label = t(textId);
  const shortcut = keys ? { keyshortcuts: keys.replaceAll("Ctrl", "Control") } : {};
  const element = make("button.pm-tool", { title: keys ? `${label} (${keys})` : label, on: { click } }, icon(name));
  return set(element, { ...rest, aria: { label, ...shortcut, ...rest.aria } });
}

/** A button in words, perhaps with a drawing before them. */
export function wordButton(textId, click, properties = {}, more = "", drawn = null) {
  return make(`button.pm-word${more}`, { ...properties, on: { click } }, drawn && icon(drawn), make("span", {}, t(textId)));
}

/** Choose a file, then `take(file)`. */
export function pickFile(accept, take) {
  const input = make("input", { type: "file", accept, hidden: true });
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  for (const done of ["change", "cancel"]) input.addEventListener(done, () => input.remove());
  document.body.append(input); // outside the document it may be collected while its dialog is open
  input.click();
}

let menus = 0;

/**
 * A button that opens a menu.
 *
 * @param {HTMLButtonElement} button
 * @param {() => Array<{text, act, id, note, isOff}|null>} list entries as they are when the menu opens; null = a line between.
 */
export function menu(button, list) {
  const id = `pm_l_menu_${(menus += 1)}`;
  const sheet = make("div.pm-l-menu", { id, role: "menu", popover: "auto" });
  const holder = make("span.pm-l-menu-holder", {}, button, sheet);
  const items = () => [...sheet.querySelectorAll("[role=menuitem]:not([aria-disabled=true])")];
  set(button, { aria: { haspopup: "menu", expanded: false, controls: id } });
  const open = () => {
    sheet.replaceChildren(...list().map((one) => (one ? entry(one, sheet) : make("hr", {}))));
    sheet.showPopover();
    place(sheet, button);
    items()[0]?.focus();
  };
  button.addEventListener("click", () => (sheet.matches(":popover-open") ? sheet.hidePopover() : open()));
  sheet.addEventListener("toggle", (event) => set(button, { aria: { expanded: event.newState === "open" } }));
  sheet.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      sheet.hidePopover();
      button.focus();
    } else if (step) items().at((items().indexOf(document.activeElement) + step) % items().length).focus();
    else return;
    event.preventDefault();
  });
  return holder;
}

function entry({ text, act, id, note, isOff }, sheet) {
  const click = () => {
    if (isOff) return;
    sheet.hidePopover();
    act();
  };
  const words = [make("span", {}, text), note ? make("small", {}, note) : null];
  return make("button.pm-l-item", { id, role: "menuitem", tabIndex: -1, aria: { disabled: Boolean(isOff) }, on: { click } }, ...words);
}

function place(sheet, button) {
  const [at, own] = [button.getBoundingClientRect(), sheet.getBoundingClientRect()];
  const left = Math.min(at.left, innerWidth - own.width - 8);
  const isAbove = at.bottom + own.height + 6 > innerHeight && at.top > own.height;
  Object.assign(sheet.style, { left: `${Math.max(8, left)}px`, top: `${isAbove ? at.top - own.height - 4 : at.bottom + 4}px` });
}

/* ---- fields: {element, write(value)}; a field that has the focus is not overwritten ---- */

const KEYS_MS = 400;
const isHeld = (input) => document.activeElement === input;

/** A number in words' width. `tell(value)` when it is settled. */
export function numberField(textId, tell, { step = 1, min = null, max = null, unit = "", id = null, digits = 2 } = {}) {
  const input = make("input.pm-l-number", { id, type: "number", step: String(step), min, max, inputMode: "decimal" });
  let before = "";
  const settle = () => {
    const value = Number(input.value);
    const isIn = input.value.trim() !== "" && Number.isFinite(value) && (min === null || value >= min) && (max === null || value <= max);
    if (!isIn) input.value = before;
    else if (input.value !== before) tell(value);
  };
  input.addEventListener("change", settle);
  const write = (value) => {
    before = value === null || value === undefined ? "" : String(Number(Number(value).toFixed(digits)));
    if (!isHeld(input) || Number(input.value) === Number(before)) input.value = before;
  };
  const words = make("span", {}, t(textId));
  return { element: make("label.pm-l-field", { title: t(textId) }, words, make("span.pm-l-with-unit", {}, input, unit && make("i", {}, unit))), write, input };
}

/** A slider with its number. `tell(value)` when let go, `show(value)` meanwhile. */
export function sliderField(textId, { min, max, step, tell, show = null, words = (value) => String(value), id = null }) {
  const input = make("input", { id, type: "range", min: String(min), max: String(max), step: String(step) });
  const output = make("output", {});
  const say = () => {
    output.textContent = words(Number(input.value));
    input.style.setProperty("--share", `${(100 * (input.value - min)) / (max - min)}%`);
  };
  let isDragged = false;
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    if (!isDragged) return;
    isDragged = false;
    tell(Number(input.value));
  };
  input.addEventListener("input", () => {
    isDragged = true;
    say();
    show?.(Number(input.value));
  });
  input.addEventListener("change", () => {
    clearTimeout(timer);
    if (isByKey) timer = setTimeout(settle, KEYS_MS); // several keys are one step to undo
    else settle();
  });
  let isByKey = false;
  input.addEventListener("keydown", () => (isByKey = true));
  input.addEventListener("pointerdown", () => (isByKey = false));
  input.addEventListener("blur", settle);
  input.addEventListener("dblclick", () => {
    if (min < 0 && max > 0) tell(0);
  });
  const write = (value) => {
    if (isDragged) return;
    input.value = String(value);
    say();
  };
  return { element: make("label.pm-l-slider", {}, make("span", {}, t(textId)), input, output), write, input };
}

/** A choice out of a list of [value, words]. */
export function choiceField(textId, options, tell, { id = null } = {}) {
  const input = make("select", { id, on: { change: () => tell(input.value) } });
  const put = (list) => input.replaceChildren(...list.map(([value, words, isOff]) => Object.assign(new Option(words, value), { disabled: Boolean(isOff) })));
  put(options);
  const write = (value) => {
    input.value = value;
  };
  return { element: make("label.pm-l-field", {}, make("span", {}, t(textId)), input), write, input, put };
}

export function colorField(textId, tell, { id = null, show = null } = {}) {
  const input = make("input", { id, type: "color", on: { change: () => tell(input.value), input: () => show?.(input.value) } });
  const write = (value) => {
    input.value = value || "#000000";
  };
  return { element: make("label.pm-l-field.pm-l-color", {}, make("span", {}, t(textId)), input), write, input };
}

export function checkField(textId, tell, { id = null, note = "" } = {}) {
  const input = make("input", { id, type: "checkbox", on: { change: () => tell(input.checked) } });
  const write = (value) => {
    input.checked = Boolean(value);
  };
  const words = make("span", {}, t(textId), note ? make("small", {}, note) : null);
  return { element: make("label.pm-l-check", {}, input, words), write, input };
}
