/**
 * The layers: a picture taken apart, changed layer by layer, put together again; drawn from `/api/layers`.
 *
 * Python hands pictures over through a hidden component, `#layers_bridge`, and opens those that are to be repainted.
 */

import { Bar } from "./layers/bar.js";
import { make, set, wordButton } from "./layers/dom.js";
import { listenToKeys } from "./layers/keys.js";
import { LayerList } from "./layers/list.js";
import { noteWords } from "./layers/words.js";
import { Pointing } from "./layers/pointing.js";
import { Properties } from "./layers/properties.js";
import { AwayStrip, layerAway } from "./layers/repaint.js";
import { Shelf } from "./layers/shelf.js";
import { Stage } from "./layers/stage.js";
import { LayersStore } from "./layers/store.js";
import { Tasks } from "./layers/tasks.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { whenThere } from "./when.js";

const KEY = "pentimento_layers_open";

class LayersTab {
  #heard = 0;

  constructor(root) {
    this.root = root;
    this.store = new LayersStore();
    const { store } = this;
    this.stage = new Stage(store);
    this.pointing = new Pointing(this.stage);
    this.tasks = new Tasks(store);
    this.list = new LayerList(store);
    this.properties = new Properties(store, this.stage, this.tasks);
    this.bar = new Bar(store, this.stage, this.tasks);
    this.away = new AwayStrip(store);
    this.shelf = new Shelf(store);
    this.stale = make("div.pm-l-strip.pm-l-stale", { id: "layers_stale", role: "alert", hidden: true });
    this.notes = make("div.pm-l-strip", { id: "layers_notes", role: "status", hidden: true });
    const side = make("div.pm-l-side", {}, this.list.element, this.properties.element);
    const middle = make("div.pm-l-middle", {}, this.stale, this.away.element, this.notes, this.stage.element, this.tasks.element);
    this.studio = make("div.pm-l-studio", { hidden: true }, this.bar.element, middle, side);
    root.replaceChildren(this.shelf.element, this.studio);
    this.#listen();
    this.relabel();
    onLanguage(() => this.relabel());
    listenToKeys(this);
    new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.look()).observe(root);
    this.#recall();
    this.shelf.resume();
  }

  #listen() {
    const { store } = this;
    store.on("open", () => this.show());
    store.on("stale", () => this.#drawStale());
    store.on("notes", (notes) => this.#drawNotes(notes));
    store.on("rename", (id) => this.list.rename(id));
    store.on("trouble", (error) => toast(t("layers.trouble", { why: error.message }), "error"));
    store.on("details", (isNew) => this.#edit(isNew));
    window.pentimento.hearLayers = () => this.hear();
  }

  /** The first field of the chosen layer; of a new text, ready to be written over. */
  #edit(isNew = false) {
    const field = this.properties.body.querySelector("textarea, input");
    field?.focus();
    if (isNew) field?.select();
  }

  /** The tab was opened. */
  look() {
    if (!this.store.document) this.shelf.refresh();
    this.stage.fitToRoom();
    this.hear();
  }

  /** Shelf or studio, whichever it is time for. */
  show() {
    const { store } = this;
    const isOpen = Boolean(store.document);
    this.studio.hidden = !isOpen;
    this.shelf.element.hidden = isOpen;
    try {
      if (isOpen) sessionStorage.setItem(KEY, store.id);
      else sessionStorage.removeItem(KEY);
    } catch {
      // the browser forbids it: the next visit begins with the list
    }
    this.#drawStale();
    this.#drawNotes();
    if (isOpen) this.stage.fitToRoom();
    else {
      this.shelf.draw();
      this.shelf.refresh();
    }
  }

  /** The document of this tab's last visit. */
  async #recall() {
    const id = sessionStorage.getItem(KEY);
    if (!id) return;
    try {
      await this.store.open(id);
    } catch {
      sessionStorage.removeItem(KEY); // deleted meanwhile
    }
  }

  /** Python handed a picture over: it goes into the layer that is away, or is set up to be taken apart. */
  hear() {
    const wish = window.pentimentoLayersBridge?.props.value;
    if (!wish?.asset || wish.at === this.#heard) return;
    this.#heard = wish.at;
    const away = layerAway();
    if (away) this.#offer(wish.asset, away);
    else this.#setUp(wish.asset);
  }

  #setUp(asset) {
    this.store.close();
    this.shelf.setup.openAsset(asset);
  }

  #offer(asset, away) {
    const dialog = make("dialog.pm-l-dialog", { id: "layers_arrived", aria: { label: t("layers.arrived") }, on: { keydown: (event) => event.stopPropagation() } });
    const act = (run) => () => {
      dialog.close();
      run();
    };
    const back = wordButton("layers.repaint.into", act(async () => {
      if (this.store.id !== away.document) await this.store.open(away.document);
      this.away.bring(asset.id);
    }), { id: "layers_arrived_back" }, ".pm-primary");
    const fresh = wordButton("layers.arrived.new", act(() => this.#setUp(asset)), { id: "layers_arrived_new" });
    const words = make("p.pm-l-note", {}, t("layers.arrived.say", { name: away.name }));
    dialog.append(make("h2", {}, t("layers.arrived")), words, make("div.pm-l-row.pm-l-end", {}, fresh, back));
    dialog.addEventListener("close", () => dialog.remove());
    this.root.append(dialog);
    dialog.showModal();
  }

  #drawStale() {
    const { store } = this;
    this.stale.hidden = !store.refused;
    if (!store.refused) return;
    const guard = (run) => () => run().catch((error) => store.emit("trouble", error));
    const newer = wordButton("layers.stale.load", guard(() => store.loadNewer()), { id: "layers_load_newer" }, ".pm-primary.pm-l-small");
    const copy = wordButton("layers.stale.copy", guard(() => store.keepAsCopy(t("layers.stale.name", { name: store.document.name }))), { id: "layers_keep_copy" }, ".pm-l-small");
    this.stale.replaceChildren(make("span", {}, t("layers.stale")), newer, copy);
  }

  /** What a person should know of how it was taken apart or imported, or of what was just done. */
  #drawNotes(notes = this.store.notes) {
    const said = this.store.document ? notes.map(noteWords).filter(Boolean) : [];
    this.notes.hidden = !said.length;
    const close = make("button.pm-tool", { aria: { label: t("layers.notes.close") }, title: t("layers.notes.close"), on: { click: () => (this.notes.hidden = true) } }, "×");
    this.notes.replaceChildren(make("span", {}, said.join(" ")), close);
  }

  relabel() {
    set(this.root, { aria: { label: t("layers.tab") } });
    this.stage.relabel();
    this.bar.draw();
    this.list.draw();
    this.properties.draw();
    this.away.draw();
    this.shelf.draw();
    this.#drawStale();
    this.#drawNotes();
  }
}

whenThere("#pm_layers", (root) => {
  const tab = new LayersTab(root);
  window.pentimento.layers = tab.store; // for scripts and tests
});
