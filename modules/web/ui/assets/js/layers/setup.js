/** A picture before it is taken apart: what with, what to look for; then how far it is. */

import { uploadAsset, viewAddress } from "../canvas/server.js";
import { refusal } from "../canvas/refusal.js";
import { t, toast } from "../pentimento.js";
import { checkField, choiceField, make, numberField, set, wordButton } from "./dom.js";
import { Progress } from "./progress.js";
import { listBackends, takeApart } from "./server.js";
import { settingNote, settingWords } from "./words.js";

const KEY = "pentimento_layers_setup";

export class Setup {
  /** @param {() => void} onChange it was opened or closed. */
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.asset = null;
    this.backends = [];
    this.progress = new Progress("layers_progress");
    this.element = make("section.pm-l-setup", { id: "layers_setup", hidden: true });
    this.kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  }

  get isOpen() {
    return this.asset !== null;
  }

  /** Set up a file of the person's. */
  async open(file) {
    try {
      const asset = await uploadAsset(file, file.name);
      await this.openAsset({ ...asset, name: file.name || asset.name });
    } catch (error) {
      toast(refusal(error, "canvas.trouble.open"), "error");
    }
  }

  /** Set up a stored picture: {id, width, height, name}. */
  async openAsset(asset) {
    this.asset = asset;
    this.onChange();
    try {
      this.backends = await listBackends();
    } catch (error) {
      this.store.emit("trouble", error);
    }
    this.onChange();
    this.element.querySelector("#layers_apart_go")?.focus();
  }

  close() {
    this.asset = null;
    this.onChange();
  }

  get #backend() {
    const usable = this.backends.filter((one) => !one.why_not);
    return usable.find((one) => one.name === this.kept.backend) ?? usable[0] ?? null;
  }

  draw() {
    const { asset } = this;
    this.element.hidden = !asset;
    if (!asset) return;
    const isRunning = Boolean(this.progress.job);
    const backend = this.#backend;
    const title = make("h2", { dir: "auto" }, t("layers.setup.title", { name: asset.name }));
    const facts = make("p.pm-l-note", {}, `${asset.width} × ${asset.height} px`);
    const go = wordButton("layers.setup.go", () => this.begin(), { id: "layers_apart_go", disabled: !backend || isRunning }, ".pm-primary.pm-l-large", "layers");
    const no = wordButton("layers.cancel", () => this.close(), { id: "layers_apart_cancel", hidden: isRunning });
    const fields = make("fieldset.pm-l-fields", { disabled: isRunning }, ...this.#fields(backend));
    const side = make("div.pm-l-setup-side", {}, title, facts, fields, this.progress.element, make("div.pm-l-row", {}, go, no));
    const picture = make("div.pm-l-setup-picture", {}, make("img", { alt: asset.name, src: viewAddress(asset.id) }));
    this.element.replaceChildren(picture, side);
    set(this.element, { aria: { label: t("layers.setup.title", { name: asset.name }) } });
  }

  #fields(backend) {
    const keep = (values) => {
      Object.assign(this.kept, values);
      localStorage.setItem(KEY, JSON.stringify(this.kept));
    };
    const options = this.backends.map((one) => [one.name, one.why_not ? t("layers.backend.not", { name: one.name }) : settingWords("backend", one.name), Boolean(one.why_not)]);
    const choice = choiceField("layers.setup.backend", options, (name) => {
      keep({ backend: name });
      this.draw();
    }, { id: "layers_backend" });
    choice.write(backend?.name ?? "");
    const away = this.backends.filter((one) => one.why_not).map((one) => make("p.pm-l-note", {}, t("layers.backend.why_not", { name: one.name, why: one.why_not })));
    this.readers = new Map();
    const kept = this.kept.settings?.[backend?.name] ?? {};
    const put = (name, value) => keep({ settings: { ...this.kept.settings, [backend.name]: { ...this.kept.settings?.[backend.name], [name]: value } } });
    const settings = (backend?.settings ?? []).map((setting) => this.#setting(setting, kept[setting.name] ?? setting.default, (value) => put(setting.name, value)));
    return [choice.element, ...away, make("div.pm-l-settings", {}, ...settings)];
  }

  #setting({ name, type, least, most, choices }, value, put) {
    const id = `layers_setting_${name}`;
    const label = "layers.setting";
    let field;
    if (type === "bool") field = checkField(label, put, { id, note: settingNote(name) });
    else if (choices?.length) field = choiceField(label, choices.map((one) => [one, settingWords(name, one)]), put, { id });
    else if (type === "str") field = textField(label, put, id);
    else field = numberField(label, put, { id, min: least, max: most, step: type === "int" ? 1 : "any" });
    field.element.querySelector("span").firstChild.data = settingWords(name); // a backend may have settings that no text is for
    field.element.title = "";
    field.write(value);
    const read = { bool: () => field.input.checked, str: () => field.input.value };
    this.readers.set(name, read[type] ?? (choices?.length ? () => field.input.value : () => Number(field.input.value)));
    return field.element;
  }

  async begin() {
    const { asset } = this;
    const backend = this.#backend;
    const settings = Object.fromEntries([...this.readers].map(([name, read]) => [name, read()]));
    try {
      const begun = await takeApart(asset.id, (asset.name || "").replace(/\.\w+$/, ""), backend.name, settings);
      const following = this.progress.follow(begun);
      this.draw();
      const state = await following;
      if (state.state === "failed") throw new Error(state.error);
      if (state.state === "done") {
        this.asset = null;
        await this.store.open(state.document);
        this.store.emit("notes");
      }
    } catch (error) {
      toast(t("layers.setup.failed", { why: error.message }), "error");
    }
    this.onChange();
  }
}

function textField(label, tell, id) {
  const input = make("input", { id, type: "text", on: { change: () => tell(input.value) } });
  const write = (value) => {
    input.value = value;
  };
  return { element: make("label.pm-l-field.pm-l-wide", {}, make("span", {}, t(label)), input), write, input };
}
