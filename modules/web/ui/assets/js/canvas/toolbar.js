/** The buttons round a view: tools above, the picture's size, zoom and files below. */

import { filePicker, iconButton, make, tell } from "./dom.js";
import { sizeOf } from "./frame_math.js";
import { ICONS } from "./icons.js";
import { openKeySheet } from "./key_sheet.js";
import { makeOptions } from "./options.js";
import { change, settings } from "./settings.js";
import { saveMask } from "./save_mask.js";
import { onRegistered, panelsFor, toolsFor } from "./tools.js";
import { copyCanvas, pasteOnCanvas } from "../clipspace/actions.js";
import { clipspace } from "../clipspace/clip.js";

const SHOWN = { overlay: "canvas.shown.overlay", solo: "canvas.shown.solo", hidden: "canvas.shown.hidden" };
const SHOWN_KEYS = { overlay: "", solo: "M", hidden: "Shift+M" };
const SUGGESTED_SHARE = 1 / 16;
const ZOOM_STEP = 1.25;

export class Toolbar {
  /** @param {Object} view see view.js */
  constructor(view) {
    this.view = view;
    this.top = make("div", { class: "pm-bar pm-bar-top", role: "toolbar" });
    this.options = make("div", { class: "pm-options" });
    this.bottom = make("div", { class: "pm-bar pm-bar-bottom", role: "toolbar" });
    if (view.channel) view.root.prepend(this.top, this.options);
    view.root.append(this.bottom);
    this.#fillTop();
    this.#fillBottom();
    onRegistered(() => this.#fillTop());
    view.document.on("busy", (isBusy) => view.root.classList.toggle("pm-busy", isBusy));
    document.addEventListener("pointerdown", (event) => {
      if (this.sheet && !this.sheet.holder.contains(event.target)) this.#closeSheet();
    });
    view.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.sheet) return;
      event.stopPropagation();
      const { button } = this.sheet;
      this.#closeSheet();
      button.focus();
    });
  }

  /* ---- above ---- */

  #fillTop() {
    const { view } = this;
    if (!view.channel) return;
    this.tools = new Map(toolsFor(view.mode).map((tool) => {
      const attributes = { "data-tool": tool.id, "aria-pressed": "false" };
      return [tool.id, iconButton(tool.label, tool.icon, tool.key, () => view.setTool(tool.id), attributes)];
    }));
    const panels = panelsFor(view.mode).map((panel) => this.#panelButton(panel));
    const canvas = view.document;
    this.undo = iconButton("canvas.undo", ICONS.undo, "Ctrl+Z", () => canvas.undo());
    this.redo = iconButton("canvas.redo", ICONS.redo, "Ctrl+Shift+Z", () => canvas.redo());
    const isMask = view.channel === "mask";
    this.clear = iconButton(isMask ? "canvas.clear_mask" : "canvas.clear_sketch", ICONS.clear, "Delete", () => canvas.clearChannel(view.channel));
    const invert = isMask ? [iconButton("canvas.invert", ICONS.invert, "", () => canvas.invertMask())] : [];
    this.top.replaceChildren(
      make("span", { class: "pm-group" }, ...this.tools.values(), ...panels),
      make("span", { class: "pm-group" }, this.undo, this.redo, this.clear, ...invert),
      this.#shownGroup(isMask),
    );
    this.refresh();
  }

  #shownGroup(isMask) {
    this.shown = Object.keys(SHOWN).map((shown) => {
      const attributes = { "data-shown": shown, "aria-pressed": "false" };
      return iconButton(SHOWN[shown], ICONS[shown], SHOWN_KEYS[shown], () => change({ shown }), attributes);
    });
    const fill = (element) => element.append(...makeOptions(this.view, ["overlay", "overlayOpacity"]));
    const colours = isMask ? [this.#panelButton({ id: "overlay", label: "canvas.overlay", icon: ICONS.colours, fill })] : [];
    return make("span", { class: "pm-group pm-group-right" }, ...this.shown, ...colours);
  }

  #panelButton(panel) {
    const button = iconButton(panel.label, panel.icon, "", () => {
      const isOpen = this.sheet?.button === button;
      this.#closeSheet();
      if (!isOpen) this.#openSheet(panel, button, holder);
    }, { "aria-expanded": "false", "data-panel": panel.id });
    const holder = make("span", { class: "pm-sheet-holder" }, button);
    return holder;
  }

  #openSheet(panel, button, holder) {
    const element = make("div", { class: "pm-sheet", role: "group", "data-label": panel.label });
    holder.append(element);
    button.setAttribute("aria-expanded", "true");
    this.sheet = { button, element, holder };
    panel.fill(element, this.view);
    tell(element);
    const over = element.getBoundingClientRect().right - this.view.root.getBoundingClientRect().right;
    if (over > 0) element.style.marginLeft = `${-over}px`;
  }

  #closeSheet() {
    this.sheet?.button.setAttribute("aria-expanded", "false");
    this.sheet?.element.remove();
    this.sheet = null;
  }

  /* ---- below ---- */

  #fillBottom() {
    const { view } = this;
    const canvas = view.document;
    this.size = make("span", { class: "pm-size" });
    this.zoom = iconButton("canvas.zoom_fit", "", "0", () => view.fit(), { class: "pm-tool pm-zoom" });
    const zoomOut = iconButton("canvas.zoom_out", '<path d="M5 12h14"/>', "-", () => view.zoomTo(view.camera.zoom / ZOOM_STEP));
    const zoomIn = iconButton("canvas.zoom_in", '<path d="M5 12h14M12 5v14"/>', "+", () => view.zoomTo(view.camera.zoom * ZOOM_STEP));
    this.full = iconButton("canvas.full_screen", ICONS.fullScreen, "F", () => view.toggleFullScreen(), { "aria-pressed": "false" });
    const isOwn = view.mode !== "edit_mask"; // there the picture is another's
    const files = isOwn ? [iconButton("canvas.replace", ICONS.open, "Ctrl+V", () => view.welcome.picker.click(), { "data-act": "replace" })] : [];
    if (view.channel === "mask" || view.mode === "view_mask") files.push(...this.#maskFiles());
    if (isOwn) files.push(...this.#clips(), iconButton("canvas.remove", ICONS.close, "", () => canvas.clear(), { "data-act": "remove" }));
    const help = iconButton("canvas.keys", ICONS.help, "?", () => openKeySheet(view));
    this.bottom.replaceChildren(
      make("span", { class: "pm-group" }, ...files),
      this.size,
      make("span", { class: "pm-group pm-group-right" }, zoomOut, this.zoom, zoomIn, this.full, help),
    );
    this.refresh();
  }

  #maskFiles() {
    const { view } = this;
    const picker = filePicker((file) => view.document.openMaskFile(file).catch((error) => view.document.emit("trouble", { what: "open", error })), {
      "data-role": "mask",
    });
    this.save = iconButton("canvas.save_mask", ICONS.saveMask, "", () => saveMask(view.document), { "data-act": "save_mask" });
    return [iconButton("canvas.load_mask", ICONS.loadMask, "", () => picker.click(), { "data-act": "load_mask" }), picker, this.save];
  }

  #clips() {
    const canvas = this.view.document;
    this.copy = iconButton("clipspace.copy", ICONS.copy, "", () => copyCanvas(canvas), { "data-act": "copy" });
    this.paste = iconButton("clipspace.paste", ICONS.paste, "", () => pasteOnCanvas(canvas), { "data-act": "paste" });
    clipspace.on(() => this.refresh());
    return [this.copy, this.paste];
  }

  /* ---- state ---- */

  /** Brush size for a picture that was just opened: what suits 512 px is lost on 4096 px. */
  suggestSize(picture) {
    change({ size: Math.max(4, Math.round(Math.max(picture.width, picture.height) * SUGGESTED_SHARE)) });
  }

  refresh() {
    const { view } = this;
    const { picture, [view.channel]: ops } = view.document.now;
    if (this.size) this.size.textContent = picture ? this.#sizes(picture) : "";
    this.full?.setAttribute("aria-pressed", String(document.fullscreenElement === view.root));
    if (this.copy) this.copy.disabled = !picture;
    if (this.paste) this.paste.disabled = !clipspace.value;
    if (this.save) this.save.disabled = !view.document.now.mask.length;
    this.refreshZoom();
    if (!view.channel || !this.tools) return;
    const tool = view.tool();
    for (const [id, button] of this.tools) button.setAttribute("aria-pressed", String(id === tool?.id));
    for (const button of this.shown) button.setAttribute("aria-pressed", String(button.dataset.shown === settings.shown));
    this.undo.disabled = !view.document.canUndo();
    this.redo.disabled = !view.document.canRedo();
    this.clear.disabled = !ops.length;
    if (this.shownTool !== tool) {
      this.shownTool = tool;
      this.options.replaceChildren(...makeOptions(view, (tool?.options ?? []).filter((name) => name !== "colour" || view.channel === "sketch")));
    } else for (const option of this.options.children) option.refresh?.();
  }

  #sizes(picture) {
    const { frame } = this.view.document.now;
    const own = `${picture.width} × ${picture.height}`;
    if (!frame || this.view.mode !== "mask") return own;
    const { width, height } = sizeOf(picture, frame);
    return `${own} → ${width} × ${height}`;
  }

  refreshZoom() {
    if (this.zoom) this.zoom.textContent = this.view.document.now.picture ? `${Math.round(this.view.camera.zoom * 100)}%` : "";
  }

  retell() {
    for (const bar of [this.top, this.options, this.bottom]) tell(bar);
    this.refresh();
  }
}
