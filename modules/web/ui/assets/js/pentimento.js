/**
 * What every script of the page shares: texts in the language in force, and short messages.
 *
 * `window.PENTIMENTO_TEXTS` (tag -> id -> text) is there before this runs.
 */

const texts = window.PENTIMENTO_TEXTS;
const listeners = new Set();

/** The language in force, "en" or "zh-CN". */
export function language() {
  const tag = document.documentElement.lang;
  return tag in texts ? tag : "en";
}

/**
 * A text in words.
 *
 * @param {string} id as in assets/lang.
 * @param {Object} values for the gaps, `{name}`.
 */
export function t(id, values = {}) {
  const text = texts[language()][id];
  if (text === undefined) throw new Error(`no text ${id}`);
  return text.replace(/\{(\w+)\}/g, (gap, name) => (name in values ? String(values[name]) : gap));
}

/** Call `listener()` whenever another language is picked; returns a function that ends this. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Put another language in force and tell everybody. */
export function setLanguage(tag) {
  if (!(tag in texts)) throw new Error(`no language ${tag}`);
  document.documentElement.lang = tag;
  for (const listener of listeners) listener(tag);
}

const SHOWN_MS = { info: 5000, error: 9000, offer: 15000 };

/**
 * A short message in the corner that goes by itself.
 *
 * @param {string} text in the person's language.
 * @param {"info"|"error"} kind
 * @param {{text: string, act: () => void}|null} offer what a button in it says and does.
 */
export function toast(text, kind = "info", offer = null) {
  let stack = document.getElementById("pm_toasts");
  if (!stack) {
    stack = document.createElement("div");
    stack.id = "pm_toasts";
    stack.setAttribute("role", "status");
    document.body.append(stack);
  }
  const note = document.createElement("div");
  note.className = `pm-toast pm-toast-${kind}`;
  note.textContent = text;
  if (offer) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "pm-word", textContent: offer.text });
    button.addEventListener("click", () => {
      note.remove();
      offer.act();
    });
    note.append(button);
  }
  stack.append(note);
  setTimeout(() => note.remove(), SHOWN_MS[offer ? "offer" : kind]);
}

window.pentimento = Object.assign(window.pentimento ?? {}, { language, t, onLanguage, setLanguage, toast });
