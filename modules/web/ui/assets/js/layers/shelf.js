/** Before a document is open: a place to drop a picture or a file of layers, and the documents that there are. */

import { ask } from "../history/ask.js";
import { fileOf } from "../canvas/welcome.js";
import { language, t, toast } from "../pentimento.js";
import { icon, iconButton, make, pickFile, set, wordButton } from "./dom.js";
import { deleteDocument, importFile, listDocuments, pictureAddress, renameDocument, restoreDocument } from "./server.js";
import { Many } from "./many.js";
import { Setup } from "./setup.js";

const LAYERED = /\.(zip|psd|psb|ora|layers)$/i;
const ACCEPT = "image/*,.tif,.tiff,.tga,.jp2,.zip,.psd,.ora,.layers";
const THUMBNAIL_PX = 320;
const time = (seconds) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));

const isDamaged = (one) => one.notes.some((note) => note.key === "damaged");

export class Shelf {
  constructor(store) {
    this.store = store;
    this.setup = new Setup(store, () => this.draw());
    this.many = new Many(store, () => this.draw());
    this.documents = [];
    this.isUsed = false; // whether they were ever asked for
    this.drop = make("section.pm-l-drop", { id: "layers_drop" });
    this.cards = make("ul.pm-l-cards", { id: "layers_documents" });
    this.doors = make("div", {});
    this.title = make("h2", {});
    this.kept = make("section.pm-l-kept", {}, this.title, this.cards);
    this.element = make("div.pm-l-shelf", {}, this.drop, this.setup.element, this.many.element, this.doors, this.kept);
    this.#acceptDrops();
  }

  draw() {
    this.drop.hidden = this.setup.isOpen || this.many.isOpen;
    this.doors.hidden = this.drop.hidden;
    const pick = wordButton("layers.drop.pick", () => pickFile(ACCEPT, (file) => this.take(file)), { id: "layers_pick" }, ".pm-primary.pm-l-large");
    const words = make("div.pm-l-drop-words", {}, make("h2", {}, t("layers.drop.title")), make("p", {}, t("layers.drop.say")), pick, make("small", {}, t("layers.drop.kinds")));
    this.drop.replaceChildren(stack(), words);
    this.setup.draw();
    this.many.draw();
    this.#drawCards();
  }

  /** Go on with what was under way when the page was left. */
  resume() {
    this.setup.resume();
    this.many.resume();
  }

  /** Ask for the documents. */
  async refresh() {
    try {
      this.documents = await listDocuments();
      this.isUsed = true;
    } catch (error) {
      this.store.emit("trouble", error);
    }
    this.#drawCards();
  }

  #drawCards() {
    this.many.take(this.documents.filter((one) => !isDamaged(one)));
    this.doors.replaceChildren(this.many.doors());
    this.kept.hidden = !this.documents.length || this.setup.isOpen || this.many.isOpen;
    this.title.textContent = t("layers.documents");
    this.cards.replaceChildren(...this.documents.map((one) => this.#card(one)));
  }

  #card(one) {
    const isBroken = isDamaged(one);
    const picture = isBroken ? icon("layers") : make("img", { alt: "", loading: "lazy", src: pictureAddress(one.id, one.revision, { maxSide: THUMBNAIL_PX }) });
    const facts = isBroken ? t("layers.damaged") : `${one.width} × ${one.height} · ${t("layers.count", { n: one.layers })}`;
    const words = make("span.pm-l-card-words", {}, make("b", { dir: "auto" }, one.name), make("small", {}, facts), make("small", {}, time(one.changed_s)));
    const open = make("button.pm-l-open", { disabled: isBroken, on: { click: () => this.open(one.id) } }, make("span.pm-l-card-picture", {}, picture), words);
    const rename = iconButton("brush", "layers.rename", () => this.#rename(card, one), { className: "pm-tool pm-l-card-tool" });
    const remove = iconButton("clear", "layers.document.delete", () => this.#remove(one), { className: "pm-tool pm-l-card-tool" });
    const card = make("li.pm-l-card", { data: { document: one.id } }, open, make("span.pm-l-card-tools", {}, rename, remove));
    return card;
  }

  async open(id) {
    try {
      await this.store.open(id);
    } catch (error) {
      this.store.emit("trouble", error);
      this.refresh();
    }
  }

  #rename(card, one) {
    const input = make("input.pm-l-rename", { value: one.name, maxLength: 200, aria: { label: t("layers.rename") } });
    let isOver = false;
    const end = async (isKept) => {
      if (isOver) return;
      isOver = true;
      const wish = input.value.trim();
      try {
        if (isKept && wish && wish !== one.name) await renameDocument(one.id, wish);
      } catch (error) {
        this.store.emit("trouble", error);
      }
      await this.refresh();
      this.cards.querySelector(`[data-document="${CSS.escape(one.id)}"] .pm-l-open`)?.focus();
    };
    input.addEventListener("blur", () => end(true));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (!event.isComposing && ["Enter", "Escape"].includes(event.key)) end(event.key === "Enter");
    });
    card.prepend(input);
    input.select();
    input.focus();
  }

  async #remove(one) {
    const answer = await ask({ title: t("layers.document.delete.ask", { name: one.name }), text: t("layers.document.delete.what"), yes: t("layers.document.delete") }, this.element);
    if (!answer) return;
    try {
      await deleteDocument(one.id);
      this.#offerBack(one);
    } catch (error) {
      this.store.emit("trouble", error);
    }
    await this.refresh();
  }

  #offerBack(one) {
    const back = wordButton("layers.document.restore", async () => {
      strip.remove();
      await restoreDocument(one.id).catch((error) => this.store.emit("trouble", error));
      this.refresh();
    }, { id: "layers_restore" }, ".pm-l-small", "undo");
    const strip = make("div.pm-l-strip", { role: "status" }, make("span", {}, t("layers.document.deleted", { name: one.name })), back);
    this.kept.before(strip);
    setTimeout(() => strip.remove(), 20000);
  }

  /** A file: a picture is set up to be taken apart, a file of layers opened. */
  async take(file) {
    if (!LAYERED.test(file.name)) {
      await this.setup.open(file);
      return;
    }
    const said = make("p.pm-l-strip", { role: "status" }, t("layers.import.doing", { name: file.name }));
    this.drop.after(said);
    try {
      const { document: made, notes } = await importFile(file);
      await this.store.open(made.id);
      this.store.notes = notes ?? [];
      this.store.emit("notes");
    } catch (error) {
      toast(t("layers.import.refused", { name: file.name, why: error.message }), "error");
    } finally {
      said.remove();
    }
  }

  #acceptDrops() {
    const { element } = this;
    const mark = (isOver) => element.classList.toggle("pm-l-drop-here", isOver);
    element.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      mark(true);
    });
    element.addEventListener("dragleave", (event) => !element.contains(event.relatedTarget) && mark(false));
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      const file = fileOf(event.dataTransfer);
      if (file) this.take(file);
    });
    document.addEventListener("paste", (event) => {
      const file = fileOf(event.clipboardData);
      if (!file || !element.offsetParent || event.target.closest?.("input, textarea")) return;
      event.preventDefault();
      this.take(file);
    });
    set(element, { data: { accepts: "files" } });
  }
}

/** A drawing: sheets lifted off each other. */
function stack() {
  const sheet = (y, inner) => `<g transform="translate(100 ${y})"><path class="pm-l-sheet" d="M0-34 88 0 0 34-88 0z"/>${inner}</g>`;
  const drawn = make("div.pm-l-stack", { aria: { hidden: true } });
  drawn.innerHTML = `<svg viewBox="0 0 200 190">${sheet(152, '<path class="pm-l-hill" d="M-62 0-30-12-4 2 24-10 60 0 0 24z"/>')}${sheet(112, '<ellipse class="pm-l-shade" cx="8" cy="6" rx="26" ry="9"/>')}${sheet(73, '<ellipse class="pm-l-body" cx="0" cy="-2" rx="24" ry="13"/>')}${sheet(35, '<path class="pm-l-letters" d="M-40-2 0-17M-26 6 24-13M-8 12 38-5"/>')}</svg>`;
  return drawn;
}
