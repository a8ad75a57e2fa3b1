/** What takes pictures apart, and its settings; what was chosen last is remembered by the browser. */

import { t } from "../pentimento.js";
import { checkField, choiceField, make, numberField, set } from "./dom.js";
import { listBackends } from "./server.js";
import { settingNote, settingWords } from "./words.js";

const KEY = "pentimento_layers_setup";

export class BackendFields {
  #backends = [];
  #readers = new Map();

  /** @param {string} prefix begins the ids of the fields. */
  constructor(prefix, onChange) {
    Object.assign(this, { prefix, onChange });
    this.element = make("fieldset.pm-l-fields", {});
  }

  /** Ask the server what there is. */
  async ask() {
    this.#backends = await listBackends();
  }

  get #kept() {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  }

  #keep(values) {
    localStorage.setItem(KEY, JSON.stringify({ ...this.#kept, ...values }));
  }

  get #backend() {
    const usable = this.#backends.filter((one) => !one.why_not);
    return usable.find((one) => one.name === this.#kept.backend) ?? usable[0] ?? null;
  }

  /** Whether there is anything that takes pictures apart. */
  get isUsable() {
    return this.#backend !== null;
  }

  /** {backend, settings}, as the fields say. */
  read() {
    return { backend: this.#backend.name, settings: Object.fromEntries([...this.#readers].map(([name, read]) => [name, read()])) };
  }

  draw(isOff = false) {
    const backend = this.#backend;
    const options = this.#backends.map((one) => [one.name, one.why_not ? t("layers.backend.not", { name: settingWords("backend", one.name) }) : settingWords("backend", one.name), Boolean(one.why_not)]);
    const choice = choiceField("layers.setup.backend", options, (name) => {
      this.#keep({ backend: name });
      this.onChange();
    }, { id: `${this.prefix}backend` });
    choice.write(backend?.name ?? "");
    const away = this.#backends.filter((one) => one.why_not).map((one) => make("p.pm-l-note", {}, t("layers.backend.why_not", { name: settingWords("backend", one.name), why: one.why_not })));
    this.#readers = new Map();
    const kept = this.#kept.settings?.[backend?.name] ?? {};
    const put = (name, value) => {
      const all = this.#kept.settings;
      this.#keep({ settings: { ...all, [backend.name]: { ...all?.[backend.name], [name]: value } } });
    };
    const settings = (backend?.settings ?? []).map((setting) => this.#setting(setting, kept[setting.name] ?? setting.default, (value) => put(setting.name, value)));
    set(this.element, { disabled: isOff });
    this.element.replaceChildren(choice.element, ...away, make("div.pm-l-settings", {}, ...settings));
  }

  #setting({ name, type, least, most, choices }, value, put) {
    const id = `${this.prefix}setting_${name}`;
    const label = "layers.setting";
    let field;
    if (type === "bool") field = checkField(label, put, { id, note: settingNote(name) });
    else if (choices?.length) field = choiceField(label, choices.map((one) => [one, settingWords(name, one)]), put, { id });
    else if (type === "str") field = textField(label, put, { id });
    else field = numberField(label, put, { id, min: least, max: most, step: type === "int" ? 1 : "any" });
    field.element.querySelector("span").firstChild.data = settingWords(name); // a backend may have settings that no text is for
    field.element.title = "";
    field.write(value);
    const read = { bool: () => field.input.checked, str: () => field.input.value };
    this.#readers.set(name, read[type] ?? (choices?.length ? () => field.input.value : () => Number(field.input.value)));
    return field.element;
  }
}

/** A line of text. `tell(text)` when it is settled. */
export function textField(textId, tell, { id = null, note = "", placeholder = "" } = {}) {
  const input = make("input", { id, type: "text", placeholder, spellcheck: false, dir: "auto", on: { change: () => tell(input.value) } });
  const write = (value) => {
    input.value = value;
  };
  return { element: make("label.pm-l-field.pm-l-wide", {}, make("span", {}, t(textId)), input, note ? make("small", {}, note) : null), write, input };
}
