/** Many pictures at once: a folder taken apart, or a document rendered for every row of a table; with progress and what came of it. */

import { t } from "../pentimento.js";
import { BackendFields, textField } from "./backend.js";
import { choiceField, make, pickFile, set, wordButton } from "./dom.js";
import { keepJob, keptJob } from "./jobs.js";
import { Progress } from "./progress.js";
import { getDocument, renderTable, takeFolderApart } from "./server.js";
import { columnsOf, sampleOf } from "./table.js";

const JOB = "many";
const FORMATS = ["png", "jpg", "webp"];
const KEEP_MS = 60_000;

export class Many {
  #kind = null; // null | "batch" | "table"
  #table = null; // {name, address} of the file of rows
  #document = null; // the template, as the server has it
  #report = null; // the last state of what is over

  /** @param {() => void} onChange it was opened or closed. */
  constructor(store, onChange) {
    Object.assign(this, { store, onChange });
    this.documents = [];
    this.values = { folder: "", output: "", sizes: "", format: "png", document: "" };
    this.fields = new BackendFields("layers_many_", () => this.draw());
    this.progress = new Progress("layers_many_progress");
    this.trouble = make("p.pm-l-trouble", { role: "alert", hidden: true });
    this.element = make("section.pm-l-setup.pm-l-many", { id: "layers_many", hidden: true });
  }

  get isOpen() {
    return this.#kind !== null;
  }

  /** Buttons that open it. */
  doors() {
    return make("div.pm-l-row.pm-l-doors", {}, make("span.pm-l-note", {}, t("layers.many")),
      wordButton("layers.many.batch", () => this.open("batch"), { id: "layers_many_batch" }, ".pm-l-small"),
      wordButton("layers.many.table", () => this.open("table"), { id: "layers_many_table", disabled: !this.documents.length }, ".pm-l-small"));
  }

  async open(kind) {
    this.#kind = kind;
    this.#report = null;
    Object.assign(this.values, { folder: "", output: "" });
    this.#complain("");
    this.onChange();
    await this.#fill();
    this.element.querySelector("input, select")?.focus();
  }

  /** Ask the server what the fields need. */
  async #fill() {
    try {
      if (this.#kind === "batch") await this.fields.ask();
      else await this.#choose(this.documents.find((one) => one.id === this.values.document)?.id ?? this.documents[0]?.id);
    } catch (error) {
      this.store.emit("trouble", error);
    }
    this.onChange();
  }

  /** The person's documents, as the server has them now. */
  take(documents) {
    const isFirst = !this.documents.length;
    this.documents = documents;
    if (isFirst && this.#kind === "table") this.#fill();
  }

  close() {
    this.#kind = null;
    this.#report = null;
    this.onChange();
  }

  /** Take a document as the template. */
  async #choose(id) {
    if (!id) return;
    this.values.document = id;
    this.#document = (await getDocument(id)).document;
    this.draw();
  }

  draw() {
    this.element.hidden = !this.isOpen;
    if (!this.isOpen) return;
    const isRunning = Boolean(this.progress.job);
    const title = t(`layers.many.${this.#kind}`);
    const fields = this.#kind === "batch" ? this.#batchFields(isRunning) : this.#tableFields();
    const go = wordButton(`layers.many.${this.#kind}.go`, () => this.begin(), { id: "layers_many_go", disabled: isRunning || (this.#kind === "batch" && !this.fields.isUsable) }, ".pm-primary.pm-l-large");
    const no = wordButton(this.#report ? "layers.many.close" : "layers.cancel", () => this.close(), { id: "layers_many_cancel", hidden: isRunning });
    set(this.element, { aria: { label: title } });
    this.element.replaceChildren(make("div.pm-l-setup-side", {}, make("h2", {}, title), make("p.pm-l-note", {}, t(`layers.many.${this.#kind}.what`)),
      make("fieldset.pm-l-fields", { disabled: isRunning }, ...fields), this.trouble, this.progress.element, this.#reportElement(), make("div.pm-l-row", {}, go, no)));
  }

  #text(name, textId, options = {}) {
    const field = textField(textId, (value) => {
      this.values[name] = value.trim();
      if (name === "folder") this.place.placeholder = this.#output(); // the folder of the results may be named after it
    }, { id: `layers_many_${name}`, ...options });
    field.write(this.values[name]);
    if (name === "output") this.place = field.input;
    return field.element;
  }

  #outputField() {
    return this.#text("output", "layers.many.output", { placeholder: this.#output(), note: t("layers.many.output.what") });
  }

  /** Where results go if nobody says otherwise; relative to the studio's data folder. */
  #output() {
    const own = this.#kind === "batch" ? this.values.folder.split(/[\\/]/).filter(Boolean).at(-1) : this.#document?.name;
    const name = (own ?? "").replace(/[\\/:*?"<>|\p{C}]+/gu, " ").replace(/^[\s.]+|[\s.]+$/g, "").slice(0, 60);
    return `outputs/layers-${this.#kind}/${name || "1"}`;
  }

  #batchFields(isRunning) {
    this.fields.draw(isRunning);
    return [this.#text("folder", "layers.many.folder", { note: t("layers.many.folder.what") }), this.#outputField(), this.fields.element];
  }

  #tableFields() {
    const documents = choiceField("layers.many.template", this.documents.map((one) => [one.id, one.name]), (id) => this.#choose(id).catch((error) => this.store.emit("trouble", error)), { id: "layers_many_document" });
    documents.write(this.values.document);
    documents.element.classList.add("pm-l-wide");
    const take = async (file) => {
      this.#table = { name: file.name, address: await addressOf(file) };
      this.draw();
    };
    const pick = wordButton("layers.many.rows.pick", () => pickFile(".csv,.tsv,.txt,.json", take), { id: "layers_many_rows" }, ".pm-l-small");
    const sample = wordButton("layers.many.sample", () => this.#giveSample(), { id: "layers_many_sample", disabled: !this.#document }, ".pm-l-small", "download");
    const file = make("span.pm-l-file", { dir: "auto" }, this.#table?.name ?? t("layers.many.rows.none"));
    const columns = this.#document ? columnsOf(this.#document).map((name) => make("code", { dir: "auto" }, name)) : [];
    const format = choiceField("layers.many.format", FORMATS.map((name) => [name, name.toUpperCase()]), (value) => Object.assign(this.values, { format: value }), { id: "layers_many_format" });
    format.write(this.values.format);
    const sizes = this.#text("sizes", "layers.many.sizes", { placeholder: "1080x1350; 50%" });
    sizes.classList.remove("pm-l-wide");
    return [
      documents.element,
      make("div.pm-l-field.pm-l-wide", {}, make("span", {}, t("layers.many.rows")), make("div.pm-l-row", {}, pick, file, sample),
        make("small.pm-l-columns", {}, t("layers.many.columns"), " ", ...columns)),
      sizes, format.element,
      this.#text("folder", "layers.many.pictures", { note: t("layers.many.pictures.what") }), this.#outputField(),
    ];
  }

  /** A table to begin with: all columns, and a row that says what is there now. */
  #giveSample() {
    const link = make("a", { href: URL.createObjectURL(new Blob([sampleOf(this.#document)], { type: "text/csv" })), download: `${this.#document.name.replace(/[\\/:*?"<>|]/g, " ")}.csv` });
    this.element.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
  }

  #complain(words) {
    this.trouble.textContent = words;
    this.trouble.hidden = !words;
  }

  #ask() {
    const { folder, sizes, format, document } = this.values;
    const output = this.values.output || this.#output();
    if (this.#kind === "batch") return takeFolderApart({ folder, output_folder: output, ...this.fields.read() });
    return renderTable({ document, table: this.#table.address, folder, output_folder: output, sizes: sizes ? [sizes] : [], format });
  }

  async begin() {
    this.#report = null;
    this.#complain("");
    const isMissing = this.#kind === "table" ? !this.#table : !this.values.folder;
    if (isMissing) {
      this.#complain(t(this.#kind === "table" ? "layers.many.rows.missing" : "layers.many.folder.missing"));
      return;
    }
    try {
      const begun = await this.#ask();
      keepJob(JOB, { begun, kind: this.#kind, values: this.values });
      await this.#follow(begun);
    } catch (error) {
      this.#complain(error.message);
    }
    this.onChange();
  }

  /** Go on with what was under way when the page was left. */
  async resume() {
    const kept = keptJob(JOB);
    if (!kept || this.progress.job) return;
    this.#kind = kept.kind;
    Object.assign(this.values, kept.values);
    if (kept.kind === "batch") this.#fill();
    try {
      await this.#follow(kept.begun);
    } catch (error) {
      if (error.status === 404) this.#kind = null;
      else this.#complain(error.message);
    }
    this.onChange();
  }

  async #follow(begun) {
    const following = this.progress.follow(begun);
    this.onChange();
    const state = await following.finally(() => keepJob(JOB, null));
    if (state.state === "failed") throw new Error(state.error);
    this.#report = state;
  }

  #reportElement() {
    const said = this.#report;
    const box = make("div.pm-l-report", { id: "layers_many_report", role: "status", hidden: !said });
    if (!said) return box;
    const { done, failed, total, output, troubles } = said;
    box.append(make("b", {}, t(failed ? "layers.many.report.failed" : "layers.many.report", { done, failed, total })));
    if (said.state === "interrupted") box.append(make("p", {}, t("layers.many.stopped")));
    box.append(make("p", {}, t(`layers.many.report.${this.#kind}`), " ", make("code", { dir: "ltr" }, output)));
    if (troubles.length) box.append(make("ul", {}, ...troubles.map((one) => make("li", {}, make("b", { dir: "auto" }, one.name), ` ${one.error}`))));
    return box;
  }
}

function addressOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^data:[^,]*,/, "data:text/csv;base64,"));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
