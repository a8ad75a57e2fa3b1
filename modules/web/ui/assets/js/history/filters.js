/** What is searched for: a bar of fields that the browser remembers. */

import { t } from "../pentimento.js";
import { make, set } from "./dom.js";
import { dayStart } from "./words.js";

const KEPT = "pentimento_history_filters";
const NOTHING = { words: "", model: "", mode: "", since: "", until: "" };
const MODES = ["img2img", "sketch", "inpaint", "inpaint_sketch", "inpaint_upload", "batch", "extras", "workflow"];
const TYPING_MS = 250;

/** The filters as they were left. */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return Object.fromEntries(Object.keys(NOTHING).map((name) => [name, typeof kept[name] === "string" ? kept[name] : ""]));
  } catch {
    return { ...NOTHING };
  }
}

/** The fields, and what is in them. */
export class Filters {
  /** @param {() => void} onChange called when the search is another one. */
  constructor(onChange) {
    this.values = remembered();
    this.onChange = onChange;
    this.models = [];
    const change = (name) => (event) => this.put({ [name]: event.target.value });
    this.words = make("input.pm-h-words", { type: "search", id: "history_words", on: { input: (event) => this.type(event.target.value) } });
    this.model = make("select", { id: "history_model", on: { change: change("model") } });
    this.mode = make("select", { id: "history_mode", on: { change: change("mode") } });
    this.since = make("input", { type: "date", id: "history_since", on: { change: change("since") } });
    this.until = make("input", { type: "date", id: "history_until", on: { change: change("until") } });
    this.clear = make("button.pm-h-button", { id: "history_clear", on: { click: () => this.empty() } });
    this.bar = make("form.pm-h-filters", { role: "search", on: { submit: (event) => event.preventDefault() } });
    this.relabel();
  }

  /** Whether anything is filtered at all. */
  get isActive() {
    return Object.values(this.values).some(Boolean);
  }

  /** For the server. */
  query() {
    const { words, model, mode, since, until } = this.values;
    return { words, model, mode, since: dayStart(since), until: dayStart(until, 1) };
  }

  put(changes) {
    this.values = { ...this.values, ...changes };
    localStorage.setItem(KEPT, JSON.stringify(this.values));
    this.show();
    this.onChange();
  }

  empty() {
    clearTimeout(this.timer); // what was being typed is gone too
    this.put({ ...NOTHING });
    this.words.focus();
  }

  type(words) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.put({ words }), TYPING_MS);
  }

  /** Offer these checkpoints; the bar stays where it is, for somebody may be about to press something. */
  setModels(models) {
    this.models = models;
    this.fillModels();
    this.show();
  }

  fillModels() {
    const known = [...new Set([...this.models, this.values.model])].filter(Boolean);
    const wanted = [new Option(t("history.any"), ""), ...known.map((name) => new Option(name, name))];
    const isSame = this.model.length === wanted.length && wanted.every((option, place) => option.text === this.model[place].text);
    if (!isSame) this.model.replaceChildren(...wanted);
  }

  /** Say everything in the language in force. */
  relabel() {
    const any = t("history.any");
    this.fillModels();
    this.mode.replaceChildren(new Option(any, ""), ...MODES.map((mode) => new Option(t(`tab.${mode}`), mode)));
    set(this.words, { placeholder: t("history.words.hint"), aria: { label: t("history.words") } });
    this.clear.textContent = t("history.clear");
    const field = (text, input) => make("label.pm-h-field", {}, make("span", {}, text), input);
    this.bar.replaceChildren(
      this.words,
      field(t("history.model"), this.model),
      field(t("history.mode"), this.mode),
      field(t("history.since"), this.since),
      field(t("history.until"), this.until),
      this.clear,
    );
    this.show();
  }

  show() {
    for (const name of Object.keys(NOTHING)) if (this[name].value !== this.values[name]) this[name].value = this.values[name];
    this.clear.hidden = !this.isActive;
  }
}
