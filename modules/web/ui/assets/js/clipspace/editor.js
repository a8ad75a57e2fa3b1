/**
 * The mask editor: one picture's mask, painted with the tools of the Inpaint tab over the whole page, then saved into the picture's
 * transparency. It has a document of its own, so that the canvas and everything on it stay as they are.
 */

import { CanvasDocument } from "../canvas/document.js";
import { make, set, wordButton } from "../layers/dom.js";
import { onLanguage, t, toast } from "../pentimento.js";
import { layIntoAlpha } from "./server.js";

const KEY = "pentimento_mask_editor";
const ALIVE = "#pm_toasts"; // usable beside the editor

export class MaskEditor {
  #order = null;
  #before = null; // the mask that it began with
  #focused = null;
  #asleep = [];

  /** @param {(asset: Object, target: Object|null) => void} onSaved hands a picture to where it belongs. */
  constructor(onSaved) {
    this.onSaved = onSaved;
    this.canvas = new CanvasDocument({ isKept: false });
    this.canvas.on("commit", (value) => this.#keep(value));
    this.title = make("h2", { id: "mask_editor_title" });
    this.what = make("p", { id: "mask_editor_what", dir: "auto" });
    this.save = wordButton("clipspace.save_back", () => this.saveBack(), { id: "mask_editor_save" }, ".pm-primary");
    this.cancel = wordButton("clipspace.cancel", () => this.giveUp(), { id: "mask_editor_cancel" });
    const head = make("header", {}, make("div", {}, this.title, this.what), make("div.pm-me-does", {}, this.cancel, this.save));
    const place = make("div.pm-view", { data: { mode: "edit_mask" } });
    this.element = make("section.pm-mask-editor", { id: "mask_editor", role: "dialog", hidden: true, aria: { modal: true, labelledby: "mask_editor_title", describedby: "mask_editor_what" } }, head, place);
    document.body.append(this.element);
    this.view = window.pentimento.addView(place, this.canvas);
    addEventListener("keydown", (event) => this.#press(event), { capture: true });
    onLanguage(() => this.relabel());
  }

  get isOpen() {
    return this.#order !== null;
  }

  /**
   * Begin.
   *
   * @param {Object} order `{asset, mask, target, isEmpty}`; without a mask the picture's own transparency is it, unless `isEmpty`.
   */
  async open(order) {
    if (this.isOpen) return;
    this.#order = order;
    this.#before = null;
    delete this.element.dataset.ready;
    sessionStorage.setItem(KEY, JSON.stringify(order));
    this.relabel();
    this.#cover();
    const { asset, mask, isEmpty } = order;
    await this.canvas.begin(asset, { mask: asset.has_alpha && !isEmpty ? "alpha" : "clear", maskId: mask });
    this.#before = (await this.canvas.commit()).mask;
    this.element.dataset.ready = "1";
  }

  /** What was open when the page was left, or null. */
  static kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  #keep({ picture, mask }) {
    const order = this.#order;
    if (order && picture?.id === order.asset.id) sessionStorage.setItem(KEY, JSON.stringify({ ...order, mask, isEmpty: !mask }));
  }

  /** Put the mask into the picture and hand it over. */
  async saveBack() {
    const order = this.#order;
    if (!order || this.save.disabled) return;
    this.save.disabled = true;
    try {
      const { mask } = await this.canvas.commit();
      const made = await layIntoAlpha(order.asset.id, mask);
      this.#close();
      this.onSaved(made, order.target);
    } catch (error) {
      toast(t("clipspace.failed", { why: error.message }), "error");
    } finally {
      this.save.disabled = false;
    }
  }

  /** Close without saving; what was painted can be had back for a while. */
  async giveUp() {
    const order = this.#order;
    const mask = await this.canvas.commit().then((value) => value.mask, () => this.#before); // the server is away: painted in vain
    if (this.#order !== order) return;
    const isPainted = mask !== this.#before;
    this.#close();
    if (isPainted) toast(t("clipspace.not_saved"), "info", { text: t("clipspace.back_to_it"), act: () => this.open({ ...order, mask, isEmpty: !mask }) });
  }

  #cover() {
    this.#focused = document.activeElement;
    this.#asleep = [...document.body.children].filter((one) => one !== this.element && !one.matches(ALIVE) && !one.inert);
    for (const one of this.#asleep) one.inert = true;
    this.element.hidden = false;
    this.view.box.focus({ preventScroll: true });
  }

  #close() {
    this.#order = null;
    sessionStorage.removeItem(KEY);
    for (const one of this.#asleep) one.inert = false;
    this.element.hidden = true;
    this.canvas.clear(); // let its pixels go
    if (this.#focused?.isConnected) this.#focused.focus({ preventScroll: true });
  }

  /** Ctrl+Enter saves, Escape leaves; keys of the page below are not for it. */
  #press(event) {
    if (!this.isOpen || event.isComposing) return;
    const isControl = event.ctrlKey || event.metaKey;
    const isSave = isControl && event.key === "Enter";
    if (isSave || (isControl && event.key.toLowerCase() === "o")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (isSave) this.saveBack();
    }
  }

  relabel() {
    this.title.textContent = t("clipspace.editor");
    const { asset, target } = this.#order ?? {};
    const name = asset?.name || t("clipspace.untitled");
    this.what.textContent = !asset ? "" : target ? t("clipspace.editing_input", { name, input: target.name, workflow: target.title || t("workflows.untitled") }) : t("clipspace.editing", { name });
    for (const [button, id, keys] of [[this.save, "clipspace.save_back", "Ctrl+Enter"], [this.cancel, "clipspace.cancel", ""]]) {
      button.lastElementChild.textContent = t(id);
      set(button, { title: keys ? `${t(id)} (${keys})` : t(id), aria: { keyshortcuts: keys ? keys.replace("Ctrl", "Control") : null } });
    }
  }
}
