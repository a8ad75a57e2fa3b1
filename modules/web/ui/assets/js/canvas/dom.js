/** Small makers of page elements. Texts are ids, and are put into words again when the language changes. */

const t = (id, values) => window.pentimento.t(id, values);

/** An element with attributes, handlers (`onclick`) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A drawing of 24 x 24. */
export function drawing(inner) {
  const holder = document.createElement("span");
  holder.className = "pm-drawing";
  holder.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${inner}</svg>`;
  return holder;
}

/**
 * A button that shows a drawing; its text is tooltip and name.
 *
 * @param {string} textId
 * @param {string} inner of the drawing.
 * @param {string} keys as the person presses them, "Ctrl+Z"; "" for none.
 */
export function iconButton(textId, inner, keys, onclick, attributes = {}) {
  const button = make("button", { type: "button", class: "pm-tool", "data-label": textId, "data-keys": keys || null, onclick, ...attributes }, drawing(inner));
  tell(button);
  return button;
}

/** A button in words. */
export function textButton(textId, onclick, attributes = {}) {
  const button = make("button", { type: "button", class: "pm-word", "data-words": textId, onclick, ...attributes });
  tell(button);
  return button;
}

/** Put `element` and all below it into the language in force. */
export function tell(element) {
  for (const one of [element, ...element.querySelectorAll("[data-label], [data-words]")]) {
    const { label, words, keys } = one.dataset;
    if (words) one.textContent = t(words);
    if (!label) continue;
    one.setAttribute("aria-label", t(label));
    one.title = keys ? `${t(label)} (${keys})` : t(label);
    if (keys) one.setAttribute("aria-keyshortcuts", keys.split(" ")[0].replace("Ctrl", "Control"));
  }
}

/** A file dialog; calls `onfile(file)` for what was picked. */
export function filePicker(onfile, attributes = {}) {
  const input = make("input", { type: "file", accept: "image/*,.tga,.jp2,.tif,.tiff", class: "pm-file", tabindex: "-1", ...attributes });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) onfile(file);
  });
  return input;
}
