/** Beside the drawing: what was opened, what can be done with it, what is wrong with it, and what the chosen node says. */

import { make, set, wordButton } from "../layers/dom.js";
import { t } from "../pentimento.js";
import { stopButton } from "./run.js";
import { isGrave, nodeWords, problemWords, saidWords } from "./words.js";

const IN_CARDS = ["missing_model", "missing_picture"];
const MOST_PROBLEMS = 60;
const MOST_REASONS = 6;
const WAYS = ["form", "graph"];

export class Panel {
  /**
   * @param {Object} parts {run: Run, pictures: PictureCards, models: ModelCards}
   * @param {Object} act {run, fill, close, reveal(id), way(), setWay(way)}
   */
  constructor(parts, act) {
    Object.assign(this, parts);
    this.act = act;
    this.opened = null;
    this.chosen = null;
    this.head = make("header.pm-w-head");
    this.does = make("div.pm-w-row.pm-w-does");
    this.verdict = make("div.pm-w-verdict", { id: "workflow_verdict", role: "status" });
    this.problems = make("section.pm-w-problems", { id: "workflow_problems", hidden: true });
    this.node = make("section.pm-w-node", { id: "workflow_node", hidden: true });
    this.list = make("ol.pm-w-list", { id: "workflow_nodes" });
    this.all = make("details.pm-w-all", {}, make("summary"), this.list);
    this.all.addEventListener("toggle", () => this.#drawList());
    this.go = wordButton("workflows.run", () => act.run(), { id: "workflow_run" }, ".pm-primary");
    this.stop = stopButton(this.run);
    this.fill = wordButton("workflows.fill", () => act.fill(), { id: "workflow_fill" });
    this.element = make("aside.pm-w-side", { tabIndex: -1 }, this.head, this.verdict, this.does, this.pictures.element, this.models.element, this.run.element, this.problems, this.node, this.all);
  }

  /** Show what was opened, {name, source, drawing, problems, form, ...}. */
  show(opened) {
    this.opened = opened;
    this.chosen = null;
    this.draw();
  }

  /** Whether the form can hold it. */
  get fits() {
    const form = this.opened?.form;
    return Boolean(form?.request) && !form.why_not.length;
  }

  /** Whether what a problem asks for was given on a card. */
  isMended({ kind, got }) {
    return Boolean((kind === "missing_picture" && this.pictures.given[got]) || (kind === "missing_model" && this.models.swaps[got]));
  }

  /** Whether everything that is wanted on cards is there. */
  get hasAll() {
    return !this.pictures.missing.length && this.models.areThere;
  }

  /** Whether it can run as the graph it is, now. */
  get canRun() {
    const { opened } = this;
    if (!opened || this.pictures.missing.length) return false;
    const blocked = new Set(opened.problems.filter((one) => !this.isMended(one)).flatMap((one) => one.affects));
    return opened.outputs.some((id) => !blocked.has(id));
  }

  draw() {
    const { opened } = this;
    if (!opened) return;
    this.#drawHead();
    this.#drawVerdict();
    this.#drawDoes();
    this.#drawProblems();
    this.drawNode(this.chosen);
    set(this.all.firstChild, { textContent: t("workflows.all_nodes", { n: opened.drawing.nodes.length }) });
    this.#drawList();
  }

  #drawHead() {
    const { name, source, drawing } = this.opened;
    const facts = t(`workflows.source.${source}`, { nodes: drawing.nodes.length, links: drawing.links.length });
    const close = make("button.pm-tool", { id: "workflow_close", title: t("workflows.close"), aria: { label: t("workflows.close") }, on: { click: () => this.act.close() } }, "×");
    this.head.replaceChildren(make("div", {}, make("h2", { id: "workflow_name", dir: "auto" }, name || t("workflows.untitled")), make("p.pm-w-note", {}, facts)), close);
  }

  #drawVerdict() {
    const { form } = this.opened;
    const lines = [];
    if (this.fits) lines.push(make("p", {}, t(this.hasAll ? "workflows.fits" : "workflows.fits_later")));
    else if (form?.why_not?.length) {
      lines.push(make("p", {}, t(this.canRun ? "workflows.graph_only" : "workflows.no_form")));
      const reasons = [...new Set(form.why_not.map((why) => saidWords(why, this.opened.drawing)))];
      const more = reasons.splice(MOST_REASONS).length;
      if (more) reasons.push(t("workflows.problems.more", { n: more }));
      lines.push(make("ul", {}, ...reasons.map((words) => make("li", {}, words))));
    }
    if (!this.canRun && this.hasAll) lines.push(make("p.pm-w-stopped", {}, t("workflows.cannot_run")));
    this.verdict.replaceChildren(...lines);
    if (this.fits) this.verdict.append(this.#choice());
  }

  #choice() {
    const choose = (way) => {
      const box = make("input", { type: "radio", name: "workflow_way", id: `workflow_way_${way}`, value: way, checked: this.act.way() === way, on: { change: () => this.act.setWay(way) } });
      return make("label.pm-w-way", {}, box, make("span", {}, t(`workflows.way.${way}`)));
    };
    return make("fieldset.pm-w-ways", {}, make("legend", {}, t("workflows.way")), ...WAYS.map(choose));
  }

  #drawDoes() {
    const { isRunning } = this.run;
    const words = (button, id, keys) => {
      button.lastElementChild.textContent = t(id);
      if (keys) set(button, { title: `${t(id)} (${keys})`, aria: { keyshortcuts: keys.replace("Ctrl", "Control") } });
    };
    words(this.go, "workflows.run", "Ctrl+Enter");
    words(this.fill, "workflows.fill");
    words(this.stop, "action.interrupt", "Escape");
    this.go.hidden = isRunning;
    this.stop.hidden = !isRunning;
    this.go.disabled = !this.canRun;
    this.fill.hidden = !this.fits;
    this.fill.disabled = !this.hasAll;
    if (!this.go.isConnected) this.does.replaceChildren(this.go, this.stop, this.fill);
  }

  #drawProblems() {
    const all = this.opened.problems.filter((one) => !IN_CARDS.includes(one.kind));
    this.problems.hidden = !all.length;
    if (!all.length) return;
    const rows = all.slice(0, MOST_PROBLEMS).map((one) => this.#problem(one));
    if (all.length > MOST_PROBLEMS) rows.push(make("li.pm-w-note", {}, t("workflows.problems.more", { n: all.length - MOST_PROBLEMS })));
    this.problems.replaceChildren(make("h3", {}, t("workflows.problems", { n: all.length })), make("ul", {}, ...rows));
  }

  #problem(problem) {
    const { text, detail } = problemWords(problem, this.opened.drawing);
    const words = [make("span", {}, text), detail && make("small", {}, detail)].filter(Boolean);
    const isShown = this.opened.drawing.nodes.some((node) => node.id === problem.node);
    const kind = isGrave(problem) ? ".pm-w-bad" : ".pm-w-warn";
    return make(`li${kind}`, {}, isShown ? make("button", { on: { click: () => this.act.reveal(problem.node) } }, ...words) : make("div", {}, ...words));
  }

  /** What a node says: all of its values, and where its inputs come from. */
  drawNode(id) {
    this.chosen = id;
    const { drawing } = this.opened;
    const node = drawing.nodes.find((one) => one.id === id);
    this.node.hidden = !node;
    if (!node) return;
    const facts = make("dl.pm-w-facts");
    const tell = (name, ...value) => facts.append(make("dt", {}, name), make("dd", { dir: "auto" }, ...value));
    tell(t("workflows.type"), node.class_type);
    for (const [name, value] of node.texts) tell(name, value);
    node.inputs.forEach(([name, type], slot) => {
      const link = drawing.links.find((one) => one.to_node === id && one.to_slot === slot);
      if (link) tell(`${name} (${type})`, make("button.pm-w-link", { on: { click: () => this.act.reveal(link.from_node) } }, nodeWords(link.from_node, drawing)));
    });
    const state = [node.mode && t(`workflows.mode.${node.mode}`), node.is_known ? "" : t("workflows.not_known")].filter(Boolean).join(" · ");
    this.node.replaceChildren(...[make("h3", { dir: "auto" }, nodeWords(id, drawing)), state && make("p.pm-w-note", {}, state), facts].filter(Boolean));
  }

  #drawList() {
    if (!this.all.open || !this.opened) {
      this.list.replaceChildren();
      return;
    }
    const { drawing } = this.opened;
    this.list.replaceChildren(...drawing.nodes.map((node) => make("li", {}, make("button.pm-w-link", { on: { click: () => this.act.reveal(node.id) } }, nodeWords(node.id, drawing)))));
  }
}
