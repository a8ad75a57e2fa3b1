/** The workflow that is open on this page, and what becomes of it; the tab shows it, once it was built. */

import { t, toast } from "../pentimento.js";
import { whenThere } from "../when.js";
import { findWorkflow, listBundled, openBundled, openInAsset, openWorkflow } from "./server.js";

const WAY = "pentimento_workflow_way";
const KEPT = "pentimento_workflow";
const CANVAS = "#mode_img2img .pm-view > *";
const BUILDING_MS = 3000; // a studio whose batch tab is open has no canvas
const TAB = "[role=tab][id='tab_workflow-button']";

export class WorkflowDesk {
  #listeners = new Set();

  constructor() {
    this.opened = null;
    this.bundled = [];
    this.taken = {}; // checkpoints that the form was filled with, by the names of missing ones
  }

  /** Call `listener()` whenever something else is open; returns a function that ends this. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #emit() {
    if (this.opened) sessionStorage.setItem(KEPT, this.opened.id);
    else sessionStorage.removeItem(KEPT);
    for (const listener of this.#listeners) listener();
  }

  /** What becomes of a workflow that fits the form: "form" or "graph". */
  get way() {
    return localStorage.getItem(WAY) === "graph" ? "graph" : "form";
  }

  set way(way) {
    localStorage.setItem(WAY, way);
  }

  /** Our own workflows, for menu and tab. */
  async listBundled() {
    try {
      this.bundled = await listBundled();
    } catch {
      this.bundled = []; // the server is away: the next load of the page asks again
    }
    for (const listener of this.#listeners) listener();
  }

  /** Open a file: into the form where it fits, else as the graph it is. */
  async open(file, name = file.name ?? "") {
    try {
      this.#take(await openWorkflow(file, name));
    } catch (error) {
      toast(t("workflows.refused", { name: name || t("workflows.untitled"), why: error.message }), "error");
    }
  }

  /** Look at the workflow in a kept picture. */
  async openAsset(asset, name = "") {
    try {
      this.#take(await openInAsset(asset, name), true);
    } catch (error) {
      toast(t("workflows.refused", { name: name || t("workflows.untitled"), why: error.message }), "error");
    }
  }

  async openBundled(name) {
    try {
      this.#take(await openBundled(name), true);
    } catch (error) {
      toast(t("workflows.refused", { name, why: error.message }), "error");
    }
  }

  /** What was open before the page was loaded again. */
  async recall() {
    const id = this.opened ? null : sessionStorage.getItem(KEPT);
    if (id) await this.reopen(id).catch(() => sessionStorage.removeItem(KEPT)); // forgotten meanwhile
  }

  /** Open again what was opened before. */
  async reopen(id) {
    this.opened = await findWorkflow(id);
    this.#emit();
  }

  /** What was missing may be there now. */
  lookAgain() {
    return this.opened && this.reopen(this.opened.id).catch((error) => toast(error.message, "error"));
  }

  /** @param {boolean} isShown it is to be looked at, whether it fits the form or not. */
  #take(opened, isShown = false) {
    this.opened = opened;
    this.#emit();
    const { form, pictures, missing } = opened;
    const fits = form?.request && !form.why_not.length;
    if (fits && !isShown && this.way === "form" && !missing.length && pictures.every((one) => one.asset)) this.fill({});
    else this.reveal();
  }

  /** Put it into the form; `given`: asset ids by the pictures' names; `models`: checkpoints that are taken, by the names of missing ones. */
  fill(given, models = {}) {
    this.taken = models;
    this.tell({ workflow: this.opened.id, pictures: given, models });
  }

  close() {
    this.opened = null;
    this.#emit();
  }

  /** Open the tab; the studio is built first: Gradio would leave the canvas out of one that is hidden before it was. */
  async reveal() {
    await Promise.race([new Promise((resolve) => whenThere(CANVAS, resolve)), new Promise((resolve) => setTimeout(resolve, BUILDING_MS))]);
    document.querySelector(TAB)?.click();
  }

  /** Have Python do something: {workflow, pictures, models} fills the form, {asset, mode} sends a result. */
  tell(wish) {
    const bridge = window.pentimentoWorkflowsBridge;
    if (!bridge) throw new Error("the page is not ready yet");
    bridge.props.value = { ...wish, at: Date.now() };
    bridge.trigger("submit");
  }
}
