/** How workflows come in: dropped anywhere, by Ctrl+O, from the menu; on a canvas the picture opens, and its workflow is offered. */

import { fileOf } from "../canvas/welcome.js";
import { icon, make, menu, pickFile, set } from "../layers/dom.js";
import { onLanguage, t, toast } from "../pentimento.js";
import { whenThere } from "../when.js";
import { holdsWorkflow, isJson } from "./contents.js";
import { bundledTitle, KINDS } from "./tab.js";

const PLACES = ".pm-view"; // canvases
const STUDIO = "[role=tab][id='tab_img2img-button']";
const LINGER_MS = 150;
const OVERLAYS = "dialog[open]";

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

export class Arriving {
  #timer = 0;

  constructor(desk) {
    this.desk = desk;
    this.hint = make("div.pm-w-hint", { id: "workflow_hint", hidden: true, aria: { hidden: true } });
    document.body.append(this.hint);
    document.addEventListener("dragover", (event) => this.#over(event));
    document.addEventListener("drop", (event) => this.#drop(event));
    document.addEventListener("drop", (event) => this.#dropOnCanvas(event), { capture: true });
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    whenThere("#pm_language", (place) => this.#addMenu(place));
  }

  /** A file from anywhere but a canvas. */
  async take(file) {
    if (await holdsWorkflow(file)) return this.desk.open(file);
    document.querySelector(STUDIO)?.click();
    const canvas = window.pentimento.document;
    try {
      await canvas.openFile(file);
      toast(t("workflows.none", { name: file.name }));
    } catch (error) {
      canvas.emit("trouble", { what: "open", error });
    }
  }

  pick() {
    pickFile(`${KINDS},image/*`, (file) => this.take(file));
  }

  #over(event) {
    if (!holdsFiles(event)) return;
    const isTaken = event.defaultPrevented; // by a place that takes files itself
    event.preventDefault();
    this.hint.hidden = isTaken;
    this.hint.textContent = t("workflows.hint");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.hint.hidden = true), LINGER_MS);
  }

  #drop(event) {
    if (!holdsFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    const file = [...event.dataTransfer.files].find(isJson) ?? fileOf(event.dataTransfer);
    if (file) this.take(file);
  }

  /** The canvas opens the picture; a file that is no picture is not for it. */
  #dropOnCanvas(event) {
    if (!event.target.closest?.(PLACES) || !holdsFiles(event)) return;
    const file = fileOf(event.dataTransfer);
    if (!file) return;
    if (isJson(file)) {
      event.preventDefault();
      event.stopPropagation();
      event.target.closest(PLACES).classList.remove("pm-drop-here");
      this.desk.open(file);
      return;
    }
    holdsWorkflow(file).then((holds) => holds && toast(t("workflows.offer", { name: file.name }), "info", { text: t("workflows.offer.open"), act: () => this.desk.open(file) }));
  }

  #key(event) {
    const isOpen = event.key.toLowerCase() === "o" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!isOpen || document.querySelector(OVERLAYS)) return;
    event.preventDefault();
    event.stopPropagation();
    this.pick();
  }

  #addMenu(place) {
    const button = make("button.pm-tool", { id: "workflow_menu" }, icon("open"));
    const entries = () => [
      { id: "workflow_menu_open", text: t("workflows.open"), note: "Ctrl+O", act: () => this.pick() },
      ...(this.desk.bundled.length ? [null] : []),
      ...this.desk.bundled.map(({ name, title }) => ({ text: bundledTitle(name, title), note: t("workflows.bundled"), act: () => this.desk.openBundled(name) })),
    ];
    const relabel = () => set(button, { title: `${t("workflows.menu")} (Ctrl+O)`, aria: { label: t("workflows.menu") } });
    onLanguage(relabel);
    relabel();
    place.before(menu(button, entries));
  }
}
