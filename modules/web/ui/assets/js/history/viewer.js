/** One entry, large: the result, what it started from, how it was made, and what can be done with it. */

import { copyAsset, editMask } from "../clipspace/actions.js";
import { t, toast } from "../pentimento.js";
import { make, set } from "./dom.js";
import { fileAddress, thumbnailAddress, viewAddress } from "./server.js";
import { showCount, showTime } from "./words.js";

const SEND = ["img2img", "sketch", "inpaint", "inpaint_sketch", "inpaint_upload", "extras", "layers"];
const BIG_THUMBNAIL_PX = 768;

/** The dialog; made once, and put into the page by its owner. */
export class Viewer {
  /**
   * @param {Listing} listing
   * @param {Object} hear `go(place)`, `restore(entry)`, `send(entry, mode)`, `remove(ids)`, `similar(entry)`.
   */
  constructor(listing, hear) {
    this.listing = listing;
    this.hear = hear;
    this.stage = make("div.pm-h-stage");
    this.strip = make("div.pm-h-strip", { role: "radiogroup" });
    this.side = make("div.pm-h-side");
    this.close = make("button.pm-h-close", { id: "history_close", on: { click: () => this.dialog.close() } }, "×");
    this.newer = make("button.pm-h-step", { id: "history_newer", on: { click: () => this.step(-1) } }, "‹");
    this.older = make("button.pm-h-step.pm-h-older", { id: "history_older", on: { click: () => this.step(1) } }, "›");
    const picture = make("div.pm-h-picture", {}, this.stage, this.newer, this.older, this.strip);
    const keys = { keydown: (event) => this.press(event) };
    this.dialog = make("dialog.pm-h-viewer", { id: "history_viewer", tabIndex: -1, autofocus: true, on: keys }, picture, this.side, this.close);
  }

  /** Show the entry at a place of the listing. */
  async open(place) {
    this.place = place;
    await this.listing.need(place, place + 1);
    const entry = this.listing.at(place);
    if (!entry) return;
    this.entry = entry;
    this.draw();
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.dialog.focus(); // on nothing in particular: arrow keys turn pages
    }
    this.hear.go(place);
  }

  /** The listing changed below: stay on the same entry, or go to its neighbour, or close. */
  follow() {
    if (!this.dialog.open) return;
    const place = this.listing.ids.indexOf(this.entry.id);
    if (place >= 0) this.place = place;
    else if (this.listing.ids.length) this.open(Math.min(this.place, this.listing.ids.length - 1));
    else this.dialog.close();
  }

  async step(by) {
    const place = this.place + by;
    if (place < 0) return;
    if (place >= this.listing.ids.length) await this.listing.more();
    if (place < this.listing.ids.length) await this.open(place);
  }

  press(event) {
    event.stopPropagation();
    const isTyping = event.target.closest?.("textarea, input, select");
    if (event.altKey || event.ctrlKey || event.metaKey || isTyping) return;
    if (event.key === "Delete") this.hear.remove([this.entry.id]);
    else if (event.target.closest?.(".pm-h-strip")) return;
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else return;
    event.preventDefault();
  }

  /** Say and show everything anew. */
  draw() {
    if (!this.entry) return;
    set(this.dialog, { aria: { label: t("history.viewer") } });
    set(this.close, { aria: { label: t("history.close") }, title: t("history.close") });
    set(this.newer, { aria: { label: t("history.newer") }, disabled: this.place === 0 });
    set(this.older, { aria: { label: t("history.older") }, disabled: this.listing.isWhole && this.place === this.listing.ids.length - 1 });
    this.drawStrip();
    this.show("result");
    this.side.replaceChildren(...this.facts(), this.buttons(), ...this.texts());
    this.side.scrollTop = 0;
  }

  /** Result, start picture, mask and sketch: those that there are. */
  drawStrip() {
    const { result, recipe } = this.entry;
    const views = { result, picture: recipe.picture, mask: recipe.mask, sketch: recipe.sketch };
    this.views = Object.fromEntries(Object.entries(views).filter(([, id]) => id));
    set(this.strip, { aria: { label: t("history.views") }, hidden: Object.keys(this.views).length < 2 });
    const texts = { result: "history.result", picture: "history.start", mask: "history.mask", sketch: "history.sketch" };
    const buttons = Object.entries(this.views).map(([name, id]) => {
      const small = make("img", { alt: "", src: thumbnailAddress(id), on: { error: () => small.replaceWith(make("span.pm-h-none", {}, t("history.gone"))) } });
      const choose = { click: () => this.show(name), keydown: (event) => this.turn(event, name) };
      return make("button.pm-h-view", { role: "radio", data: { view: name }, on: choose }, small, make("span", {}, t(texts[name])));
    });
    this.strip.replaceChildren(...buttons);
  }

  /** Arrow keys go round the views, as in every group of radio buttons. */
  turn(event, name) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const names = Object.keys(this.views);
    const next = names[(names.indexOf(name) + step + names.length) % names.length];
    event.preventDefault();
    this.show(next);
    this.strip.querySelector(`[data-view=${next}]`).focus();
  }

  show(name) {
    const id = this.views[name];
    for (const button of this.strip.children) {
      const isShown = button.dataset.view === name;
      set(button, { aria: { checked: isShown }, tabIndex: isShown ? 0 : -1 });
    }
    const isGone = name === "result" && this.entry.is_missing;
    const picture = make("img", { alt: this.entry.prompt, draggable: false, src: isGone ? thumbnailAddress(id, BIG_THUMBNAIL_PX) : viewAddress(id) });
    picture.addEventListener("error", () => this.fallBack(picture, id), { once: true });
    this.stage.replaceChildren(picture);
    if (isGone) this.stage.append(make("p.pm-h-gone-note", { role: "status" }, t("history.missing.why")));
  }

  /** The picture is gone: its thumbnail, else words. */
  fallBack(picture, id) {
    const small = thumbnailAddress(id, BIG_THUMBNAIL_PX);
    const words = () => picture.replaceWith(make("p.pm-h-none", {}, t("history.no_picture")));
    if (picture.src === small) return words();
    picture.addEventListener("error", words, { once: true });
    picture.src = small;
    this.stage.append(make("p.pm-h-gone-note", { role: "status" }, t("history.missing.why")));
  }

  facts() {
    const { entry } = this;
    const { fields } = entry.recipe;
    const rows = [
      ["history.made", showTime(entry.created_s)],
      ["history.mode", t(`tab.${entry.mode}`)],
      ["history.size", `${entry.width} × ${entry.height}`],
      ["history.model", entry.model],
      ["history.seed", entry.seed >= 0 ? String(entry.seed) : ""],
      ["history.sampler", [fields.sampler_name, fields.scheduler, fields.steps].filter(Boolean).join(" · ")],
      ["history.strength", fields.denoising_strength === undefined ? "" : String(fields.denoising_strength)],
      ["history.script", entry.recipe.script ?? ""],
      ["history.saved_as", entry.saved_as ?? ""],
    ];
    const table = make("dl.pm-h-facts");
    for (const [label, value] of rows) if (value) table.append(make("dt", {}, t(label)), make("dd", {}, value));
    const drift = this.drift();
    const prompt = make("p.pm-h-prompt", { dir: "auto" }, entry.prompt || t("history.no_prompt"));
    const negative = entry.negative_prompt && make("p.pm-h-prompt.pm-h-negative", { dir: "auto", title: t("history.negative") }, entry.negative_prompt);
    return [prompt, negative || null, drift, table].filter(Boolean);
  }

  drift() {
    const count = this.entry.changed_outside;
    if (count === null || count === undefined) return null;
    if (count === 0) return make("p.pm-h-drift.pm-h-exact", {}, t("history.no_drift"));
    return make("p.pm-h-drift", {}, t("history.drift", { n: showCount(count) }));
  }

  buttons() {
    const { entry } = this;
    const act = (text, id, click, more = "") => make(`button.pm-h-button${more}`, { id, on: { click } }, t(text));
    const isWorkflow = entry.mode === "workflow"; // the form has nothing to restore of it
    const open = () => this.leave(() => window.pentimento.workflowDesk.openAsset(entry.result, entry.saved_as ?? ""));
    const look = act("workflows.offer.open", "history_workflow", open, isWorkflow ? ".pm-h-primary" : "");
    const restore = isWorkflow ? look : act("history.restore", "history_restore", () => this.leave(() => this.hear.restore(entry)), ".pm-h-primary");
    const send = make("select.pm-h-send", { id: "history_send", disabled: entry.is_missing, aria: { label: t("history.send") } });
    send.append(new Option(t("history.send"), ""), ...SEND.map((mode) => new Option(t(`tab.${mode}`), mode)));
    send.addEventListener("change", () => send.value && this.leave(() => this.hear.send(entry, send.value)));
    const download = make("a.pm-h-button", { id: "history_download", href: fileAddress(entry.result), download: entry.saved_as ?? `${entry.id}.png` }, t("history.download"));
    const similar = act("history.similar", "history_similar", () => this.leave(() => this.hear.similar(entry)));
    const named = { name: entry.saved_as ?? "" };
    const copy = act("clipspace.copy", "history_clip", async () => {
      if (await copyAsset(entry.result, named)) copy.textContent = t("history.copied"); // messages of the page are below the dialog
    });
    const edit = act("clipspace.edit", "history_edit", () => this.leave(() => editMask(entry.result, named)));
    for (const button of [copy, edit, look]) button.disabled = entry.is_missing;
    const remove = act("history.delete", "history_delete", () => this.hear.remove([entry.id]), ".pm-h-stop");
    const row = make("div.pm-h-row", {}, send, entry.is_missing ? null : download, copy, edit, isWorkflow ? null : look, similar, remove);
    const notes = [entry.recipe.is_whole === false ? make("p.pm-h-note", {}, t("history.not_whole")) : null];
    return make("div.pm-h-actions", {}, restore, ...notes, row);
  }

  texts() {
    const { infotext } = this.entry;
    if (!infotext) return [];
    const copy = make("button.pm-h-button.pm-h-small", { id: "history_copy", on: { click: () => this.copy(infotext) } }, t("history.copy"));
    const head = make("div.pm-h-row.pm-h-head", {}, make("h3", {}, t("history.infotext")), copy);
    return [head, make("pre.pm-h-infotext", { tabIndex: 0 }, infotext)];
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const pre = this.side.querySelector(".pm-h-infotext"); // no clipboard without https: leave it selected for Ctrl+C
      getSelection().selectAllChildren(pre);
      return;
    }
    const button = this.side.querySelector("#history_copy");
    if (button) button.textContent = t("history.copied");
  }

  /** Close, then act: messages of the page would be below the dialog. */
  leave(act) {
    this.dialog.close();
    try {
      act();
    } catch (error) {
      toast(error.message, "error");
    }
  }
}
