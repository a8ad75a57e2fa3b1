/** The same workflow on two checkpoints: runs it on each, and lays the two results under a slider. */

import { make, wordButton } from "../layers/dom.js";
import { t, toast } from "../pentimento.js";
import { slideResults } from "../results.js";
import { listCheckpoints } from "./server.js";

const LOADER = "CheckpointLoaderSimple";
const FIELD = "ckpt_name";

export class Versus {
  #names = [];
  #pair = null;

  /**
   * @param {Object} act `opened()`; `canRun()`; `taken(name)`, the checkpoint that is taken for one; `begin(other)`, which runs with other values by NODE.INPUT and gives the job's last state,
   *     null where it did not begin.
   */
  constructor(act) {
    this.act = act;
    this.list = make("select", { id: "workflow_versus_other" });
    this.start = wordButton("versus.start", () => this.run(), { id: "workflow_versus_start" }, ".pm-w-small");
    this.label = make("span");
    this.summary = make("summary");
    this.hint = make("p.pm-w-note");
    this.scene = make("div.pm-w-versus-scene", { id: "workflow_versus_scene" });
    const row = make("label.pm-w-row", {}, this.label, this.list);
    this.element = make("details.pm-w-versus", { id: "workflow_versus", hidden: true }, this.summary, this.hint, row, this.start, this.scene);
    this.element.addEventListener("toggle", () => this.element.open && this.#fill());
    this.relabel();
  }

  /** The one node that loads the checkpoint, and its name: {id, name}; null where there is none, or more than one. */
  get loader() {
    const nodes = this.act.opened()?.drawing.nodes.filter((node) => node.class_type === LOADER && !node.mode) ?? [];
    const name = nodes.length === 1 ? nodes[0].texts.find(([field]) => field === FIELD)?.[1] : undefined;
    return name === undefined ? null : { id: nodes[0].id, name: this.act.taken(name) };
  }

  /** Something else is open. */
  show() {
    this.#pair = null;
    this.scene.replaceChildren();
    this.draw();
  }

  draw() {
    this.element.hidden = !this.loader;
    this.start.disabled = !this.act.canRun() || !this.list.value;
  }

  async #fill() {
    try {
      this.#names = await listCheckpoints();
    } catch (error) {
      toast(t("workflows.failed", { why: error.message }), "error");
      return;
    }
    const { name } = this.loader ?? {};
    const before = this.list.value;
    this.list.replaceChildren(...this.#names.filter((one) => one !== name).map((one) => new Option(one, one)));
    if (this.#names.includes(before) && before !== name) this.list.value = before;
    this.draw();
  }

  async run() {
    const { loader } = this;
    const other = this.list.value;
    if (!loader || !other) return;
    this.scene.replaceChildren();
    const made = [];
    for (const name of [loader.name, other]) {
      const state = await this.act.begin({ [`${loader.id}.${FIELD}`]: name });
      const [first] = state?.results ?? [];
      if (!first || state.state !== "done") return; // what was wrong has been said
      made.push([first.asset, name]);
    }
    this.#pair = made;
    this.#drawPair();
  }

  #drawPair() {
    if (!this.#pair) return;
    const [[left, leftName], [right, rightName]] = this.#pair;
    this.scene.replaceChildren(slideResults(left, right, leftName, rightName));
  }

  relabel() {
    this.summary.textContent = t("versus.title");
    this.hint.textContent = t("versus.workflow_hint");
    this.label.textContent = t("versus.other");
    this.start.lastElementChild.textContent = t("versus.start");
    this.#drawPair();
  }
}
