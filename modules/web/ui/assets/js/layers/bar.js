/** The bar over the canvas: back, name, undo, what can be added, zoom, export. */

import { t } from "../pentimento.js";
import { icon, iconButton, make, menu, pickFile, set } from "./dom.js";
import { exportFile } from "./server.js";

const KINDS = [["png", {}], ["zip", {}], ["psd", {}], ["ora", {}], ["pptx", {}], ["pptx", { text: "boxes" }], ["layers", {}]];
const KEEP_MS = 60_000; // a download may begin late

export class Bar {
  constructor(store, stage, tasks) {
    Object.assign(this, { store, stage, tasks });
    this.element = make("div.pm-l-bar", { id: "layers_bar" });
    for (const event of ["open", "change", "busy", "camera"]) store.on(event, () => this.follow());
  }

  draw() {
    const { store, stage, tasks } = this;
    set(this.element, { role: "toolbar", aria: { label: t("layers.tab") } });
    const back = iconButton("back", "layers.all", () => store.close(), { id: "layers_back" });
    this.name = make("input.pm-l-title", { id: "layers_name", maxLength: 200, dir: "auto", spellcheck: false, aria: { label: t("layers.document.name") } });
    this.name.addEventListener("change", () => {
      const wish = this.name.value.trim();
      if (wish && wish !== store.document.name) store.edit([{ op: "document", name: wish }]);
      else this.name.value = store.document.name;
    });
    this.name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.name.blur();
    });
    this.saved = make("span.pm-l-saved", { role: "status" });
    this.undo = iconButton("undo", "layers.undo", () => store.undo(), { id: "layers_undo", keys: "Ctrl+Z" });
    this.redo = iconButton("redo", "layers.redo", () => store.redo(), { id: "layers_redo", keys: "Ctrl+Shift+Z" });
    const add = menu(iconButton("plus", "layers.add", () => {}, { id: "layers_add" }), () => [
      { id: "layers_add_picture", text: t("layers.add.picture"), note: t("layers.add.picture.what"), act: () => pickFile("image/*", (file) => tasks.addFile(file)) },
      { id: "layers_add_text", text: t("layers.add.text"), note: t("layers.add.text.what"), act: () => tasks.addText() },
    ]);
    this.zoom = make("button.pm-tool.pm-zoom", { id: "layers_zoom", title: t("layers.zoom_whole"), on: { click: () => stage.zoomTo(1) } });
    const zoom = make("span.pm-l-group", { role: "group", aria: { label: t("layers.zoom") } },
      make("button.pm-tool", { aria: { label: t("layers.zoom_out") }, title: t("layers.zoom_out"), on: { click: () => stage.zoomBy(0.8) } }, "−"), this.zoom,
      make("button.pm-tool", { aria: { label: t("layers.zoom_in") }, title: t("layers.zoom_in"), on: { click: () => stage.zoomBy(1.25) } }, "+"),
      iconButton("fit", "layers.zoom_fit", () => stage.fit(), { id: "layers_fit", keys: "0" }));
    this.give = make("button.pm-word.pm-primary.pm-l-export", { id: "layers_export" }, icon("download"), make("span", {}, t("layers.export")));
    this.element.replaceChildren(back, this.name, this.saved, make("span.pm-l-group", {}, this.undo, this.redo, add), zoom, menu(this.give, () => this.#exports()));
    this.follow();
  }

  #exports() {
    return KINDS.map(([kind, options]) => {
      const name = options.text ? `${kind}_${options.text}` : kind;
      return { id: `layers_export_${name}`, text: t(`layers.export.${name}`), note: t(`layers.export.${name}.what`), act: () => this.#download(kind, options) };
    });
  }

  async #download(kind, options) {
    const { store } = this;
    this.give.classList.add("pm-l-working");
    try {
      const { blob, name, notes } = await exportFile(store.id, kind, options);
      const link = make("a", { href: URL.createObjectURL(blob), download: name });
      this.element.append(link); // some browsers follow no link outside the page
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
      store.emit("notes", [{ key: "exported", name }, ...notes]);
    } catch (error) {
      store.emit("trouble", error);
    } finally {
      this.give.classList.remove("pm-l-working");
    }
  }

  follow() {
    const { store, stage } = this;
    if (!store.document || !this.name) return;
    if (document.activeElement !== this.name) this.name.value = store.document.name;
    this.undo.disabled = !store.canUndo;
    this.redo.disabled = !store.canRedo;
    const said = t(store.isBusy ? "layers.saving" : "layers.saved");
    if (this.saved.textContent !== said) this.saved.textContent = said;
    this.element.classList.toggle("pm-l-busy", store.isBusy);
    const percent = `${Math.round(stage.camera.zoom * 100)}%`;
    this.zoom.textContent = percent;
    set(this.zoom, { aria: { label: `${t("layers.zoom_whole")} (${percent})` } });
  }
}
