/** Running a workflow as the graph it is: how far it is, stopping it, and what came of it. */

import { copyAsset, editMask } from "../clipspace/actions.js";
import { make, set, wordButton } from "../layers/dom.js";
import { language, t, toast } from "../pentimento.js";
import { askJob, fileAddress, interruptJob, previewAddress, runWorkflow, thumbnailAddress, viewAddress } from "./server.js";

const LOOK_MS = 350;
const MISSED_MS = 2000;
const PATIENCE = 60;
const OVER = ["done", "failed", "interrupted"];
const KEY = "pentimento_workflow_job";
const SENT_TO = ["inpaint", "img2img", "sketch", "inpaint_sketch", "inpaint_upload"];
const seconds = (s) => new Intl.NumberFormat(language(), { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 0 }).format(s);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Run {
  #results = [];
  #chosen = 0;

  /**
   * @param {Object} hear `onState(state)` with every new state of the job, null when nothing runs; `onEnd(state)`; `send(asset, to)`;
   *     `nodeName(id)`.
   */
  constructor(hear) {
    this.hear = hear;
    this.job = null;
    this.fill = make("i");
    this.bar = make("div.pm-progress", { role: "progressbar" }, this.fill);
    this.words = make("p.pm-w-doing", { role: "status" });
    this.preview = make("img.pm-w-preview", { id: "workflow_preview", hidden: true, alt: "" });
    this.progress = make("div.pm-w-progress", { id: "workflow_progress", hidden: true }, this.words, this.bar, this.preview);
    this.preview.addEventListener("error", () => (this.preview.hidden = true)); // it was replaced or is over
    this.results = make("section.pm-w-results", { id: "workflow_results", hidden: true });
    this.element = make("div.pm-w-run", {}, this.progress, this.results);
  }

  get isRunning() {
    return this.job !== null;
  }

  /** Begin, and follow until it is over, with other values by NODE.INPUT if need be; gives the job's last state, throws a `Refusal`. */
  async begin(id, pictures, other = {}) {
    const { job } = await runWorkflow(id, pictures, other);
    this.#keep({ job, workflow: id });
    return this.follow(job);
  }

  /** What was under way when the page was left: {job, workflow}, or null. */
  kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  #keep(value) {
    if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
    else sessionStorage.removeItem(KEY);
  }

  async follow(job) {
    this.job = job;
    this.preview.hidden = true;
    let state = { state: "queued", progress: 0 };
    let misses = 0;
    this.#show(state);
    try {
      while (!OVER.includes(state.state)) {
        await wait(misses ? MISSED_MS : LOOK_MS);
        try {
          state = await askJob(job);
          misses = 0;
        } catch (error) {
          misses += 1;
          if (error.status === 404 || misses >= PATIENCE) throw error;
        }
        this.#show(state, misses > 1);
      }
    } finally {
      this.job = null;
      this.#keep(null);
      this.progress.hidden = true;
      this.hear.onState(null);
    }
    this.#end(state);
    return state;
  }

  stop() {
    if (this.job) interruptJob(this.job).catch(() => {});
  }

  #show(state, isAway = false) {
    const share = Math.round(100 * state.progress);
    this.progress.hidden = false;
    set(this.bar, { aria: { label: t("workflows.progress"), valuenow: share, valuemin: 0, valuemax: 100 } });
    this.fill.style.width = `${Math.max(2, share)}%`;
    const left = state.eta_s ? t("workflows.left", { s: seconds(state.eta_s) }) : "";
    const step = state.steps ? `${state.step} / ${state.steps}` : "";
    const doing = isAway ? t("workflows.away") : state.state === "queued" ? t("workflows.queued") : [this.hear.nodeName(state.node) || state.textinfo || t("workflows.running"), step, left].filter(Boolean).join(" · ");
    if (this.words.textContent !== doing) this.words.textContent = doing;
    if (state.preview_no) {
      this.preview.src = previewAddress(this.job, state.preview_no);
      this.preview.hidden = false;
    }
    this.hear.onState(state);
  }

  #end(state) {
    if (state.state === "failed") toast(t("workflows.failed", { why: state.error }), "error");
    for (const note of state.notes ?? []) toast(note);
    if (state.state === "interrupted") toast(t("workflows.interrupted"));
    this.show(state.results ?? []);
    this.hear.onEnd(state);
  }

  /** Show results: [{asset, node, name}]. */
  show(results) {
    this.#results = results;
    this.#chosen = 0;
    this.draw();
  }

  draw() {
    const shown = this.#results;
    this.results.hidden = !shown.length;
    if (!shown.length) return;
    const one = shown[this.#chosen];
    const large = make("a.pm-w-large", { href: viewAddress(one.asset), target: "_blank", rel: "noopener" }, make("img", { id: "workflow_result", src: viewAddress(one.asset), alt: one.name || t("workflows.result") }));
    const pick = (place) => () => {
      this.#chosen = place;
      this.draw();
      this.results.querySelector(`.pm-w-thumbs button:nth-child(${place + 1})`)?.focus();
    };
    const thumbs = make("div.pm-w-thumbs", { role: "group", aria: { label: t("workflows.results") } }, ...shown.map((each, place) =>
      make("button", { aria: { pressed: place === this.#chosen, label: t("workflows.result_no", { n: place + 1 }) }, on: { click: pick(place) } },
        make("img", { src: thumbnailAddress(each.asset, 128), alt: "" }))));
    this.results.replaceChildren(make("h3", {}, t("workflows.results")), large, ...(shown.length > 1 ? [thumbs] : []), this.#tools(one));
  }

  #tools(one) {
    const save = make("a.pm-word", { id: "workflow_save", href: fileAddress(one.asset), download: one.name ?? "" }, t("workflows.save"));
    const send = (to, text) => make("button.pm-word", { id: `workflow_send_${to}`, on: { click: () => this.hear.send(one.asset, to) } }, text);
    const clip = (act, click) => make("button.pm-word", { id: `workflow_${act}`, on: { click } }, t(`clipspace.${act}`));
    const clips = [clip("copy", () => copyAsset(one.asset, { name: one.name })), clip("edit", () => editMask(one.asset, { name: one.name }))];
    const modes = SENT_TO.map((mode) => send(mode, t(`tab.${mode}`)));
    return make("div.pm-w-row", {}, save, ...clips, make("span.pm-w-note", {}, t("results.send")), ...modes, send("extras", t("extras.tab")), send("layers", t("layers.tab")));
  }
}

/** The button that stops it. */
export const stopButton = (run) => wordButton("action.interrupt", () => run.stop(), { id: "workflow_interrupt" }, ".pm-w-stop");
