/** A picture before it is taken apart: what with, what to look for; then how far it is. */

import { uploadAsset, viewAddress } from "../canvas/server.js";
import { refusal } from "../canvas/refusal.js";
import { t, toast } from "../pentimento.js";
import { BackendFields } from "./backend.js";
import { make, set, wordButton } from "./dom.js";
import { keepJob, keptJob } from "./jobs.js";
import { Progress } from "./progress.js";
import { takeApart } from "./server.js";

const JOB = "apart";

export class Setup {
  /** @param {() => void} onChange it was opened or closed. */
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.asset = null;
    this.fields = new BackendFields("layers_", () => this.draw());
    this.progress = new Progress("layers_progress");
    this.element = make("section.pm-l-setup", { id: "layers_setup", hidden: true });
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
    if (this.progress.job) return; // one at a time: it shows
    this.asset = asset;
    this.onChange();
    try {
      await this.fields.ask();
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

  draw() {
    const { asset } = this;
    this.element.hidden = !asset;
    if (!asset) return;
    const isRunning = Boolean(this.progress.job);
    const title = make("h2", { dir: "auto" }, t("layers.setup.title", { name: asset.name }));
    const facts = make("p.pm-l-note", {}, `${asset.width} × ${asset.height} px`);
    this.fields.draw(isRunning);
    const go = wordButton("layers.setup.go", () => this.begin(), { id: "layers_apart_go", disabled: !this.fields.isUsable || isRunning }, ".pm-primary.pm-l-large", "layers");
    const no = wordButton("layers.cancel", () => this.close(), { id: "layers_apart_cancel", hidden: isRunning });
    const side = make("div.pm-l-setup-side", {}, title, facts, this.fields.element, this.progress.element, make("div.pm-l-row", {}, go, no));
    const picture = make("div.pm-l-setup-picture", {}, make("img", { alt: asset.name, src: viewAddress(asset.id) }));
    this.element.replaceChildren(picture, side);
    set(this.element, { aria: { label: t("layers.setup.title", { name: asset.name }) } });
  }

  async begin() {
    const { asset } = this;
    const { backend, settings } = this.fields.read();
    try {
      const begun = await takeApart(asset.id, (asset.name || "").replace(/\.\w+$/, ""), backend, settings);
      keepJob(JOB, { begun, asset });
      await this.#follow(begun);
    } catch (error) {
      toast(t("layers.setup.failed", { why: error.message }), "error");
    }
    this.onChange();
  }

  /** Go on with what was under way when the page was left. */
  async resume() {
    const kept = keptJob(JOB);
    if (!kept || this.progress.job) return;
    this.asset = kept.asset;
    await this.fields.ask().catch(() => {});
    try {
      await this.#follow(kept.begun);
    } catch (error) {
      if (error.status === 404) this.asset = null; // the server has forgotten it: whatever came of it is in the list
      else toast(t("layers.setup.failed", { why: error.message }), "error");
    }
    this.onChange();
  }

  async #follow(begun) {
    const following = this.progress.follow(begun);
    this.onChange();
    const state = await following.finally(() => keepJob(JOB, null));
    if (state.state === "failed") throw new Error(state.error);
    if (state.state !== "done") return;
    this.asset = null;
    await this.store.open(state.document);
    this.store.emit("notes");
  }
}
