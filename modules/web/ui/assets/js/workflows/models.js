/**
 * Models that a workflow names and that are not here; those that are known are fetched, once their licence was agreed to. Another
 * checkpoint can be taken instead.
 */

import { make, wordButton } from "../layers/dom.js";
import { language, t, toast } from "../pentimento.js";
import { askJob, getModel, interruptJob, listCheckpoints, listKnown } from "./server.js";

const LOOK_MS = 700;
const CHECKPOINT = "checkpoint";
const [MIB, GIB] = [2 ** 20, 2 ** 30];
const counted = (number, unit) => `${new Intl.NumberFormat(language(), { maximumFractionDigits: 1 }).format(number)} ${unit}`;
const size = (bytes) => (bytes < GIB ? counted(bytes / MIB, "MiB") : counted(bytes / GIB, "GiB"));
/** A name as ids of texts have it. */
const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "_");
/** A text of ours in the page's language, else as the server has it. */
const said = (id, otherwise) => (id in window.PENTIMENTO_TEXTS.en ? t(id) : otherwise);

export class ModelCards {
  #jobs = new Map(); // name -> {job, progress}
  #here = []; // checkpoints that can run

  /**
   * @param {() => void} onFetched a model came.
   * @param {() => void} onSwapped another one is taken for a missing one, or no longer.
   */
  constructor(onFetched, onSwapped) {
    this.onFetched = onFetched;
    this.onSwapped = onSwapped;
    this.missing = [];
    this.all = [];
    this.swaps = {}; // names of checkpoints that are taken, by the names of missing ones
    this.element = make("section.pm-w-cards", { id: "workflow_models", hidden: true });
  }

  /** @param {Array<{kind, name, known}>} missing */
  show(missing) {
    this.all = missing.filter((one) => one.kind !== "picture");
    this.missing = this.all.filter((one, place) => this.all.findIndex((other) => other.name === one.name) === place);
    this.swaps = Object.fromEntries(Object.entries(this.swaps).filter(([name]) => this.missing.some((one) => one.name === name)));
    if (this.missing.some((one) => one.kind === CHECKPOINT)) this.#listHere();
    if (this.missing.some((one) => one.known && !this.#jobs.has(one.name))) this.#resume();
    this.draw();
  }

  /** Whether nothing is wanted any more. */
  get areThere() {
    return this.missing.every((one) => this.swaps[one.name]);
  }

  /** The nodes' values that name what is taken instead, by NODE.INPUT. */
  get changes() {
    return Object.fromEntries(this.all.filter((one) => this.swaps[one.name]).map((one) => [`${one.node}.${one.field}`, this.swaps[one.name]]));
  }

  async #listHere() {
    try {
      this.#here = await listCheckpoints();
    } catch {
      this.#here = []; // there is nothing to choose from until the workflow is looked at again
    }
    this.draw();
  }

  /** Go on watching what was being fetched when the page was loaded. */
  async #resume() {
    const jobs = await listKnown().catch(() => []);
    for (const { name, known } of this.missing) {
      const job = known && jobs.find((one) => one.name === known.name)?.job;
      if (job && !this.#jobs.has(name)) this.#watch(name, async () => ({ job }));
    }
  }

  draw() {
    this.element.hidden = !this.missing.length;
    this.element.replaceChildren(make("h3", {}, t("workflows.models")), ...this.missing.map((one) => this.#card(one)));
  }

  #card(one) {
    const { kind, name, known } = one;
    const id = `workflows.kind.${kind}`;
    const job = this.#jobs.get(name);
    const what = id in window.PENTIMENTO_TEXTS.en ? t(id) : kind;
    const words = make("div", {}, make("b", { dir: "auto" }, name), make("p.pm-w-note", {}, known ? `${what} · ${size(known.size ?? 0)}` : t("workflows.models.unknown", { kind: what })));
    if (job) words.append(this.#progress(job));
    else if (known) words.append(wordButton("workflows.models.fetch", () => this.#ask(one), {}, ".pm-primary.pm-w-small"));
    if (kind === CHECKPOINT && !job && this.#here.length) words.append(this.#instead(name));
    if (this.swaps[name]) return make("div.pm-w-card", { data: { name } }, make("span.pm-w-hole", { aria: { hidden: true } }, "◆"), words);
    return make("div.pm-w-card.pm-w-wanted", { data: { name } }, make("span.pm-w-hole", { aria: { hidden: true } }, "◇"), words);
  }

  /** A list of the checkpoints that are here. */
  #instead(name) {
    const change = () => {
      if (list.value) this.swaps[name] = list.value;
      else delete this.swaps[name];
      this.draw();
      this.element.querySelector(`[data-name="${CSS.escape(name)}"] select`)?.focus();
      this.onSwapped();
    };
    const list = make("select", { on: { change } }, new Option(t("workflows.models.none_instead"), ""), ...this.#here.map((each) => new Option(each, each)));
    list.value = this.swaps[name] ?? "";
    return make("label.pm-w-row.pm-w-instead", {}, make("span", {}, t("workflows.models.instead")), list);
  }

  #progress(job) {
    const share = Math.round(100 * job.progress);
    const bar = make("div.pm-progress", { role: "progressbar", aria: { label: t("workflows.models.fetching"), valuenow: share, valuemin: 0, valuemax: 100 } }, make("i"));
    bar.firstChild.style.width = `${Math.max(2, share)}%`;
    const stop = () => {
      job.isStopping = true;
      this.draw();
      interruptJob(job.job).catch(() => {});
    };
    return make("div.pm-w-row", {}, bar, wordButton("action.interrupt", stop, { disabled: Boolean(job.isStopping) }, ".pm-w-small"));
  }

  /** The licence comes first. */
  #ask({ name, known }) {
    const dialog = make("dialog.pm-l-dialog", { id: "workflow_licence", aria: { label: t("workflows.models.fetch") }, on: { keydown: (event) => event.stopPropagation(), close: () => dialog.remove() } });
    const yes = wordButton("workflows.models.agree", () => {
      dialog.close();
      this.#watch(name, () => getModel(known.name));
    }, { id: "workflow_licence_agree" }, ".pm-primary");
    const no = wordButton("layers.cancel", () => dialog.close(), { autofocus: true });
    const link = make("a", { href: known.licence.page, target: "_blank", rel: "noopener noreferrer" }, known.licence.name);
    const source = make("a", { href: known.page, target: "_blank", rel: "noopener noreferrer" }, known.page);
    const facts = [make("p", {}, said(`workflows.known.${plain(known.name)}`, known.about)), make("p", {}, t("workflows.models.what", { name: known.name, size: size(known.size) }), " ", source)];
    const licence = [make("p", {}, t("workflows.models.licence"), " ", link), make("p.pm-w-note", {}, said(`workflows.licence.${plain(known.licence.name)}`, known.licence.summary))];
    dialog.append(make("h2", {}, known.name), ...facts, ...licence, make("div.pm-w-row.pm-w-end", {}, no, yes));
    this.element.append(dialog);
    dialog.showModal();
  }

  /** Follow a fetch until it is over; `begin()` gives {job}. */
  async #watch(name, begin) {
    try {
      const { job } = await begin();
      let state = { progress: 0, state: "queued" };
      const watched = { job, progress: 0, isStopping: false };
      this.#jobs.set(name, watched);
      while (!["done", "failed", "interrupted"].includes(state.state)) {
        watched.progress = state.progress;
        this.draw();
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        state = await askJob(job);
      }
      this.#jobs.delete(name);
      if (state.state === "failed") throw new Error(state.error);
      if (state.state === "done") this.onFetched();
    } catch (error) {
      this.#jobs.delete(name);
      toast(t("workflows.models.failed", { name, why: error.message }), "error");
    }
    this.draw();
  }
}
