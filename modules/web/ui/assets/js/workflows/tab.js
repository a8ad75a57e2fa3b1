/** The tab: a place to open workflows from, or the one that is open. */

import { make, pickFile, set, wordButton } from "../layers/dom.js";
import { onLanguage, t, toast } from "../pentimento.js";
import { ModelCards } from "./models.js";
import { Panel } from "./panel.js";
import { PictureCards } from "./pictures.js";
import { Run } from "./run.js";
import { GraphStage } from "./stage.js";
import { thumbnailAddress } from "./server.js";
import { Versus } from "./versus.js";
import { isGrave, nodeWords } from "./words.js";

export const KINDS = "image/png,image/webp,application/json,.png,.webp,.json";

export class WorkflowsTab {
  /**
   * @param {HTMLElement} root
   * @param {Object} desk what is open and what becomes of it: `desk.js`.
   */
  constructor(root, desk) {
    this.root = root;
    this.desk = desk;
    this.stage = new GraphStage((id) => this.panel.opened && this.panel.drawNode(id));
    this.pictures = new PictureCards((wasMissing) => this.#given(wasMissing), () => this.desk.opened);
    this.models = new ModelCards(() => desk.lookAgain(), () => this.#given(!this.pictures.missing.length));
    this.run = new Run({
      onState: (state) => this.#follow(state),
      onEnd: (state) => this.#end(state),
      send: (asset, to) => desk.tell({ asset, mode: to }),
      nodeName: (id) => (id ? nodeWords(id, this.panel.opened?.drawing) : ""),
    });
    const act = { run: () => this.begin(), fill: () => this.fill(), close: () => desk.close(), reveal: (id) => this.reveal(id), way: () => desk.way, setWay: (way) => (desk.way = way) };
    this.panel = new Panel({ run: this.run, pictures: this.pictures, models: this.models }, act);
    this.versus = new Versus({ opened: () => this.panel.opened, taken: (name) => this.models.swaps[name] ?? name, canRun: () => this.panel.canRun && !this.run.isRunning, begin: (other) => this.begin(other) });
    this.run.element.after(this.versus.element);
    this.shelf = make("section.pm-w-shelf", { id: "workflow_shelf" });
    this.studio = make("div.pm-w-studio", { hidden: true }, this.stage.element, this.panel.element);
    root.replaceChildren(this.shelf, this.studio);
    onLanguage(() => this.relabel());
    desk.on(() => this.show());
    this.show();
    this.#resume();
  }

  /** What the desk has open, or the shelf. */
  show() {
    const { opened } = this.desk;
    this.studio.hidden = !opened;
    this.shelf.hidden = Boolean(opened);
    set(this.root, { aria: { label: t("workflows.tab") } });
    if (!opened) return this.#drawShelf();
    const isSame = this.panel.opened?.id === opened.id;
    const { given } = this.pictures;
    this.pictures.show(opened.pictures);
    if (isSame) Object.assign(this.pictures.given, given);
    else this.run.show([]);
    this.pictures.draw();
    this.models.show(opened.missing);
    this.panel.show(opened);
    if (isSame) this.versus.draw();
    else this.versus.show();
    this.stage.show(opened.drawing);
    this.#mark();
  }

  /** Point out what is wrong, and show the pictures that are there. */
  #mark() {
    const { opened } = this.desk;
    const { given } = this.pictures;
    this.stage.tell({ marks: marksOf(opened.problems.filter((one) => !this.panel.isMended(one))) });
    for (const { name, asset, nodes } of opened.pictures) {
      const now = given[name] ?? asset;
      if (now) for (const id of nodes) this.stage.showPicture(id, thumbnailAddress(now));
    }
  }

  reveal(id) {
    this.stage.reveal(id);
    this.panel.drawNode(id);
  }

  /** Run it, with other values by NODE.INPUT if need be; gives the job's last state, null where it did not begin. */
  async begin(other = {}) {
    const { opened } = this.desk;
    if (!opened || this.run.isRunning || !this.panel.canRun) return null;
    let state = null;
    this.stage.tell({ done: new Set(), progress: null });
    this.#mark();
    try {
      state = await this.run.begin(opened.id, this.pictures.given, { ...this.models.changes, ...other });
    } catch (error) {
      toast(t("workflows.failed", { why: error.message }), "error");
    }
    this.panel.draw();
    this.versus.draw();
    return state;
  }

  async #resume() {
    const kept = this.run.kept();
    if (!kept) return this.desk.recall();
    try {
      await this.desk.reopen(kept.workflow);
      await this.run.follow(kept.job);
    } catch (error) {
      if (error.status !== 404) toast(t("workflows.failed", { why: error.message }), "error");
    }
  }

  /** It is over; the node that failed is shown. */
  #end(state) {
    this.panel.draw();
    for (const { node, asset } of state.results ?? []) this.stage.showPicture(node, thumbnailAddress(asset));
    if (state.state !== "failed" || !state.node || !this.panel.opened) return;
    this.stage.tell({ marks: new Map([...this.stage.state.marks, [state.node, "bad"]]) });
    this.reveal(state.node);
  }

  #follow(state) {
    const { done } = this.stage.state;
    for (const id of state?.nodes_done ?? []) done.add(id);
    const share = state?.steps ? state.step / state.steps : 0;
    this.stage.tell({ progress: state?.node ? { node: state.node, share } : null });
    if (this.panel.opened && this.panel.go.hidden !== this.run.isRunning) this.panel.draw();
  }

  fill() {
    this.desk.fill(this.pictures.given, this.models.swaps);
  }

  /** A picture or another model was given: as soon as nothing is missing, what fits the form is there. */
  #given(wasMissing) {
    this.panel.draw();
    this.versus.draw();
    this.#mark();
    if (wasMissing && this.panel.hasAll && this.panel.fits && this.desk.way === "form") this.fill();
  }

  #drawShelf() {
    const open = wordButton("workflows.open", () => pickFile(KINDS, (file) => this.desk.open(file)), { id: "workflow_open" }, ".pm-primary");
    const own = this.desk.bundled.map(({ name, title }) => make("button.pm-w-own", { data: { name }, on: { click: () => this.desk.openBundled(name) } }, make("b", {}, bundledTitle(name, title)), make("small", {}, bundledNote(name))));
    const drop = make("div.pm-w-drop", {}, make("p", {}, t("workflows.drop")), open, make("p.pm-w-note", {}, t("workflows.drop.note")));
    this.shelf.replaceChildren(drop, ...(own.length ? [make("h2", {}, t("workflows.bundled")), make("div.pm-w-owns", {}, ...own)] : []));
  }

  relabel() {
    this.stage.relabel();
    this.pictures.draw();
    this.models.draw();
    this.run.draw();
    this.versus.relabel();
    if (this.desk.opened) this.panel.draw();
    else this.#drawShelf();
    set(this.root, { aria: { label: t("workflows.tab") } });
  }
}

const has = (id) => id in window.PENTIMENTO_TEXTS.en;

/** Our own workflows have names in every language; others keep theirs. */
export function bundledTitle(name, title) {
  const id = `workflows.own.${name}`;
  return has(id) ? t(id) : title || name;
}

function bundledNote(name) {
  const id = `workflows.own.${name}.note`;
  return has(id) ? t(id) : "";
}

/** Which nodes to point out, and how. */
function marksOf(problems) {
  const marks = new Map();
  for (const one of problems) if (one.node && marks.get(one.node) !== "bad") marks.set(one.node, isGrave(one) ? "bad" : "warn");
  return marks;
}
