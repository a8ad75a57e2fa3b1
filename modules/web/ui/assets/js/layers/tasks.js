/** What can be done with layers as a whole: copy, delete, merge, part, replace, enlarge, repaint, take apart further. */

import { uploadAsset } from "../canvas/server.js";
import { t, toast } from "../pentimento.js";
import { BackendFields } from "./backend.js";
import { iconButton, make, menu, pickFile, set, wordButton } from "./dom.js";
import { keepJob, keptJob } from "./jobs.js";
import { Progress } from "./progress.js";
import { sendToInpaint } from "./repaint.js";
import { actOn } from "./server.js";

const JOB = "layer";
const PICTURES = "image/*,.tif,.tiff,.tga,.jp2,.webp";

export class Tasks {
  constructor(store) {
    this.store = store;
    this.progress = new Progress("layers_work");
    this.element = this.progress.element;
    store.on("open", () => this.#resume());
  }

  /** Buttons for the chosen layer. */
  actions(layer) {
    const { store } = this;
    const more = iconButton("more", "layers.more", () => {}, { id: "layers_more" });
    const row = make("div.pm-l-buttons.pm-l-actions", { role: "toolbar", aria: { label: t("layers.actions") } },
      iconButton("copy", "layers.duplicate", () => this.duplicate(), { id: "layers_duplicate", keys: "Ctrl+J" }),
      iconButton("swap", "layers.replace", () => this.replace(), { id: "layers_replace" }),
      iconButton("brush", "layers.repaint", () => this.repaint(), { id: "layers_repaint" }),
      layer.members?.length ? iconButton("part", "layers.part", () => store.edit([{ op: "part", layer: layer.id }]), { id: "layers_part", keys: "Ctrl+Shift+E" }) : null,
      menu(more, () => this.#more(store.layer(layer.id))),
      iconButton("clear", "layers.delete", () => this.remove(), { id: "layers_delete", keys: "Delete" }),
    );
    const locked = [...row.querySelectorAll("#layers_replace, #layers_repaint, #layers_part, #layers_delete")];
    for (const button of locked) set(button, { disabled: layer.is_locked || (!layer.source && button.id !== "layers_delete") });
    return row;
  }

  #more(layer) {
    const { store } = this;
    const { scale_x: x, scale_y: y } = layer.placement;
    const isLarger = Math.max(x, y) > 1.01;
    return [
      { id: "layers_apart", text: t("layers.apart_again"), note: t("layers.apart_again.what"), act: () => this.takeApart(), isOff: !layer.source || layer.is_locked },
      { id: "layers_enlarge", text: t("layers.enlarge"), note: t(isLarger ? "layers.enlarge.what" : "layers.enlarge.not_yet"), act: () => this.enlarge(), isOff: !isLarger || !layer.source },
      { id: "layers_rename", text: t("layers.rename"), act: () => store.emit("rename", layer.id) },
      null,
      { id: "layers_to_top", text: t("layers.to_top"), act: () => this.reorder(store.layers.length) },
      { id: "layers_to_bottom", text: t("layers.to_bottom"), act: () => this.reorder(0) },
    ];
  }

  /** Buttons for several chosen layers. */
  actionsOfMany() {
    return make("div.pm-l-buttons.pm-l-actions", { role: "toolbar", aria: { label: t("layers.actions") } },
      iconButton("merge", "layers.merge", () => this.merge(), { id: "layers_merge", keys: "Ctrl+E" }),
      iconButton("copy", "layers.duplicate", () => this.duplicate(), { id: "layers_duplicate", keys: "Ctrl+J" }),
      iconButton("clear", "layers.delete", () => this.remove(), { id: "layers_delete", keys: "Delete" }),
    );
  }

  #each(op) {
    const { chosen } = this.store;
    return chosen.length ? this.store.edit(chosen.map((layer) => ({ op, layer }))) : Promise.resolve(false);
  }

  duplicate() {
    return this.#each("duplicate");
  }

  async remove() {
    const names = this.store.chosenLayers.map((layer) => layer.name);
    if (!names.length || !(await this.#each("delete"))) return;
    toast(t(names.length === 1 ? "layers.deleted.one" : "layers.deleted.many", { name: names[0], n: names.length }));
  }

  merge() {
    const { chosenLayers } = this.store;
    if (chosenLayers.length > 1) this.store.edit([{ op: "merge", layers: chosenLayers.map((layer) => layer.id) }]);
  }

  part() {
    const { current } = this.store;
    if (current?.members?.length) this.store.edit([{ op: "part", layer: current.id }]);
  }

  /** Put the chosen layer at a place of the order, 0 = the bottom. */
  reorder(place) {
    const { current } = this.store;
    if (!current) return;
    const order = this.store.layers.map((layer) => layer.id).filter((id) => id !== current.id);
    order.splice(Math.max(0, Math.min(place, order.length)), 0, current.id);
    this.store.edit([{ op: "order", layers: order }]);
  }

  /** One up (1) or down (-1). */
  raise(by) {
    const { current, layers } = this.store;
    if (current) this.reorder(layers.indexOf(current) + by);
  }

  replace() {
    const { current } = this.store;
    if (current) pickFile(PICTURES, (file) => this.replaceBy(file, current.id));
  }

  /** A file takes the layer's place, fitted to its box. */
  replaceBy(file, layer) {
    return this.store.run(async (id, revision) => {
      const asset = await uploadAsset(file, file.name);
      return actOn(id, layer, "picture", { revision, image: asset.id });
    });
  }

  /** A file becomes a layer on top. */
  async addFile(file) {
    await this.store.run(async (id, revision) => {
      const asset = await uploadAsset(file, file.name);
      return actOn(id, "new", "picture", { revision, image: asset.id });
    });
  }

  /** Words on top, ready to be written over. */
  async addText() {
    const isDone = await this.store.run((id, revision) => actOn(id, "new", "text", { revision, values: { string: t("layers.add.text.words") } }));
    if (isDone) this.store.emit("details", true);
  }

  enlarge() {
    return this.#work("enlarge", {});
  }

  /** Take the chosen layer apart, with what the person wants it done. */
  async takeApart() {
    const chosen = await this.#askHow();
    const before = this.store.layers.length;
    if (chosen && (await this.#work("decompose", chosen, false))) toast(t(this.store.layers.length > before ? "layers.apart_again.done" : "layers.one_piece"));
  }

  /** {backend, settings}; null = rather not. */
  async #askHow() {
    const fields = new BackendFields("layers_again_", () => fields.draw());
    try {
      await fields.ask();
    } catch (error) {
      this.store.emit("trouble", error);
      return null;
    }
    fields.draw();
    return new Promise((resolve) => {
      const dialog = make("dialog.pm-l-dialog", { id: "layers_again", aria: { label: t("layers.apart_again") }, on: { keydown: (event) => event.stopPropagation() } });
      const go = wordButton("layers.setup.go", () => {
        resolve(fields.read());
        dialog.close();
      }, { id: "layers_again_go", disabled: !fields.isUsable, autofocus: true }, ".pm-primary");
      dialog.append(make("h2", {}, t("layers.apart_again")), fields.element, make("div.pm-l-row.pm-l-end", {}, wordButton("layers.cancel", () => dialog.close()), go));
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(null); // does nothing after an answer
      });
      this.element.after(dialog);
      dialog.showModal();
    });
  }

  /** Work that is a job: shown while it lasts, then the document is fetched. */
  async #work(what, body, hasRevision = true) {
    const { store } = this;
    const layer = store.current;
    if (!layer) return false;
    const document = store.id;
    try {
      const begun = await actOn(document, layer.id, what, hasRevision ? { revision: store.revision, ...body } : body);
      keepJob(JOB, { begun, document });
      return await this.#follow(begun, document);
    } catch (error) {
      store.emit("trouble", error);
      return false;
    }
  }

  /** Until it is over; then the document is fetched. Whether it was done. */
  async #follow(begun, document) {
    const state = await this.progress.follow(begun).finally(() => keepJob(JOB, null));
    if (state.state === "failed") throw new Error(state.error);
    if (this.store.id === document) await this.store.reload();
    return state.state === "done";
  }

  /** Go on with what was under way when the page was left. */
  async #resume() {
    const kept = keptJob(JOB);
    if (!kept || this.progress.job || kept.document !== this.store.id) return;
    await this.#follow(kept.begun, kept.document).catch((error) => error.status !== 404 && this.store.emit("trouble", error));
  }

  async repaint() {
    const { store } = this;
    const layer = store.current;
    if (!layer) return;
    try {
      await sendToInpaint(store, layer);
    } catch (error) {
      store.emit("trouble", error);
    }
  }
}
