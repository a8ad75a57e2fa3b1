/**
 * The list of layers, the topmost first: eye, thumbnail, name, lock; dragged into another order by mouse or finger, moved by Alt and arrow
 * keys.
 */

import { t } from "../pentimento.js";
import { iconButton, make, set } from "./dom.js";
import { thumbnailAddress } from "./server.js";
import { pixelsKey } from "./store.js";
import { blendWords } from "./words.js";

const DRAG_PX = 5;
const REST = ["background", "texture", "residual"]; // what is left over is there for sure

/** Whether it is light type, which a light ground would hide. */
function isPale({ text }) {
  const [, r, g, b] = /^#(..)(..)(..)/.exec(text?.color ?? "") ?? [];
  return r !== undefined && 0.3 * parseInt(r, 16) + 0.59 * parseInt(g, 16) + 0.11 * parseInt(b, 16) > 170;
}

export class LayerList {
  #drag = null;
  #renaming = null;

  constructor(store) {
    this.store = store;
    this.rows = make("ul.pm-l-rows", { id: "layers_list", on: { keydown: (event) => this.#press(event) } });
    this.said = make("p.pm-l-unseen", { role: "status" });
    this.element = make("div.pm-l-list", {}, this.rows, this.said);
    store.on("open", () => this.draw());
    store.on("change", () => this.draw());
    store.on("chosen", () => this.mark());
    store.on("solo", () => this.mark());
  }

  draw() {
    if (this.#drag?.isMoving || this.#renaming) return; // drawn when that is over
    const focus = this.#focused();
    const top = [...this.store.layers].reverse();
    set(this.rows, { aria: { label: t("layers.list") } });
    this.rows.replaceChildren(...top.map((layer) => this.#row(layer)));
    this.mark();
    if (focus) this.focus(focus.id, focus.part);
  }

  #focused() {
    const row = this.rows.contains(document.activeElement) && document.activeElement.closest(".pm-l-row");
    return row && { id: row.dataset.layer, part: document.activeElement.dataset.part };
  }

  /** Put the focus on a row, or on a button in it. */
  focus(id, part = "name") {
    const row = this.#rowOf(id) ?? this.rows.firstElementChild;
    (row?.querySelector(`[data-part=${part}]`) ?? row?.querySelector("[data-part=name]"))?.focus();
  }

  #rowOf(id) {
    return this.rows.querySelector(`[data-layer="${CSS.escape(id ?? "")}"]`);
  }

  #row(layer) {
    const { store } = this;
    const grip = make("span.pm-l-grip", { aria: { hidden: true }, title: t("layers.drag") });
    grip.append(iconButton("grip", "layers.drag", () => {}).firstChild);
    const eye = iconButton(layer.is_visible ? "eye" : "eyeOff", "layers.visible", (event) => {
      if (event.altKey) store.showAlone(layer.id);
      else store.set(layer.id, { is_visible: !layer.is_visible });
    }, { data: { part: "eye" }, aria: { pressed: layer.is_visible } });
    const picture = make("img", { alt: "", draggable: false, loading: "lazy", src: thumbnailAddress(store.id, layer.id, pixelsKey(layer)) });
    const words = make("span.pm-l-words", {}, make("b", { dir: "auto" }, layer.name), make("small", {}, this.#facts(layer)));
    const name = make("button.pm-l-name", { title: layer.name, data: { part: "name" }, on: { click: (event) => this.#pick(layer.id, event), dblclick: () => this.rename(layer.id) } }, make(isPale(layer) ? "span.pm-l-thumb.pm-l-pale" : "span.pm-l-thumb", {}, picture), words);
    const solo = iconButton("solo", "layers.solo", () => store.showAlone(layer.id), { data: { part: "solo" } });
    const lock = iconButton(layer.is_locked ? "lock" : "unlock", "layers.locked", () => store.set(layer.id, { is_locked: !layer.is_locked }), {
      data: { part: "lock" }, aria: { pressed: layer.is_locked },
    });
    const row = make("li.pm-l-row", { data: { layer: layer.id } }, grip, eye, name, solo, lock);
    row.classList.toggle("pm-l-off", !layer.is_visible);
    row.classList.toggle("pm-l-locked", layer.is_locked);
    row.addEventListener("pointerdown", (event) => this.#grab(event, row));
    return row;
  }

  /** Kind, how sure it was found, and what else sets the layer apart. */
  #facts(layer) {
    const follows = layer.follows && this.store.layer(layer.follows);
    return [
      t(`layers.kind.${layer.kind}`),
      layer.confidence === null || layer.confidence === undefined || REST.includes(layer.kind) ? null : t("layers.sure", { percent: Math.round(layer.confidence * 100) }),
      layer.opacity < 1 ? `${Math.round(layer.opacity * 100)} %` : null,
      layer.blend === "normal" ? null : blendWords(layer.blend),
      follows ? t("layers.follows.short", { name: follows.name }) : null,
      layer.members?.length ? t("layers.members", { n: layer.members.length }) : null,
    ].filter(Boolean).join(" · ");
  }

  /** Which rows are chosen; one row alone can be reached by Tab. */
  mark() {
    const { store } = this;
    const current = store.current?.id ?? this.rows.firstElementChild?.dataset.layer;
    for (const row of this.rows.children) {
      const id = row.dataset.layer;
      const isChosen = store.chosen.includes(id);
      row.classList.toggle("pm-l-chosen", isChosen);
      row.classList.toggle("pm-l-alone", store.solo === id);
      row.classList.toggle("pm-l-unseen-now", Boolean(store.solo) && store.solo !== id);
      set(row.querySelector("[data-part=name]"), { aria: { pressed: isChosen } });
      set(row.querySelector("[data-part=solo]"), { aria: { pressed: store.solo === id } });
      for (const button of row.querySelectorAll("button")) button.tabIndex = id === current ? 0 : -1;
    }
    if (!this.#drag) this.#reveal(this.#rowOf(store.current?.id));
  }

  /** Scroll the list, and nothing but the list, to a row. */
  #reveal(row) {
    if (!row) return;
    const [box, own] = [this.rows.getBoundingClientRect(), row.getBoundingClientRect()];
    if (own.top < box.top) this.rows.scrollTop -= box.top - own.top + 4;
    else if (own.bottom > box.bottom) this.rows.scrollTop += own.bottom - box.bottom + 4;
  }

  #pick(id, event) {
    const { store } = this;
    if (event.shiftKey && store.current) {
      const order = store.layers.map((layer) => layer.id);
      const [from, to] = [order.indexOf(store.current.id), order.indexOf(id)];
      const between = order.slice(Math.min(from, to), Math.max(from, to) + 1);
      store.choose([...between.filter((one) => one !== id), id]);
    } else if (event.ctrlKey || event.metaKey) {
      const isChosen = store.chosen.includes(id);
      store.choose(isChosen ? store.chosen.filter((one) => one !== id) : [...store.chosen, id]);
    } else store.choose([id]);
  }

  /** Write another name in place. */
  rename(id) {
    const row = this.#rowOf(id);
    const layer = this.store.layer(id);
    if (!row || this.#renaming) return;
    const input = make("input.pm-l-rename", { value: layer.name, maxLength: 200, aria: { label: t("layers.rename") } });
    const name = row.querySelector("[data-part=name]");
    let isOver = false;
    const end = (isKept) => {
      if (isOver) return;
      isOver = true;
      this.#renaming = null;
      const wish = input.value.trim();
      input.replaceWith(name);
      this.draw();
      this.focus(id);
      if (isKept && wish && wish !== layer.name) this.store.set(id, { name: wish });
    };
    this.#renaming = id;
    input.addEventListener("blur", () => end(true));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault();
      end(event.key === "Enter");
    });
    name.replaceWith(input);
    input.select();
    input.focus();
  }

  #press(event) {
    const row = event.target.closest(".pm-l-row");
    if (!row || event.isComposing) return;
    const id = row.dataset.layer;
    const { key } = event;
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    const other = step && (step < 0 ? row.previousElementSibling : row.nextElementSibling);
    if (step && event.altKey) this.#shift(id, -step);
    else if (step && other) {
      const next = other.dataset.layer;
      this.store.choose(event.shiftKey ? [...this.store.chosen.filter((one) => one !== next), next] : [next]);
      this.focus(next, event.target.dataset.part);
    } else if (key === "ArrowRight" || key === "ArrowLeft") {
      const buttons = [...row.querySelectorAll("button")];
      const at = buttons.indexOf(event.target) + (key === "ArrowRight" ? 1 : -1);
      buttons[Math.max(0, Math.min(buttons.length - 1, at))].focus();
    } else if (key === "F2") this.rename(id);
    else if (!step) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move a layer up (1) or down (-1) by one. */
  async #shift(id, by) {
    const order = this.store.layers.map((layer) => layer.id);
    const at = order.indexOf(id);
    if (at + by < 0 || at + by >= order.length) return;
    order.splice(at, 1);
    order.splice(at + by, 0, id);
    if (!(await this.store.edit([{ op: "order", layers: order }]))) return;
    this.focus(id);
    this.said.textContent = t("layers.moved", { name: this.store.layer(id).name, place: order.length - order.indexOf(id), count: order.length });
  }

  /* ---- dragging into another order ---- */

  #grab(event, row) {
    const isByGrip = event.target.closest(".pm-l-grip");
    if (event.button !== 0 || (event.pointerType === "touch" && !isByGrip) || event.target.closest(".pm-tool, input")) return;
    if (isByGrip) event.preventDefault();
    const drag = { row, id: event.pointerId, y: event.clientY, isMoving: false };
    this.#drag = drag;
    const move = (moved) => moved.pointerId === drag.id && this.#dragTo(moved, drag);
    const end = (ended) => {
      if (ended.pointerId !== undefined && ended.pointerId !== drag.id) return;
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", stop);
      removeEventListener("keydown", escape, true);
      this.#drop(drag, ended.type === "pointerup");
    };
    const stop = (cancelled) => end(cancelled);
    const escape = (pressed) => {
      if (pressed.key !== "Escape" || !drag.isMoving) return;
      pressed.preventDefault();
      pressed.stopPropagation();
      end({ type: "escape" });
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", stop);
    addEventListener("keydown", escape, true);
  }

  #dragTo(event, drag) {
    if (!drag.isMoving && Math.abs(event.clientY - drag.y) < DRAG_PX) return;
    const { row } = drag;
    drag.isMoving = true;
    row.classList.add("pm-l-dragged");
    row.style.translate = "";
    const rest = [...this.rows.children].filter((one) => one !== row);
    const before = rest.find((one) => {
      const box = one.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    if (before !== row.nextElementSibling) this.rows.insertBefore(row, before ?? null);
    const list = this.rows.getBoundingClientRect();
    if (event.clientY < list.top + 24) this.rows.scrollTop -= 12;
    if (event.clientY > list.bottom - 24) this.rows.scrollTop += 12;
  }

  #drop(drag, isKept) {
    this.#drag = null;
    drag.row.classList.remove("pm-l-dragged");
    if (!drag.isMoving) return;
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true));
    const order = [...this.rows.children].map((row) => row.dataset.layer).reverse();
    const isOther = order.join() !== this.store.layers.map((layer) => layer.id).join();
    if (isKept && isOther) this.store.edit([{ op: "order", layers: order }]);
    else this.draw();
  }
}

function swallow(event) {
  event.preventDefault();
  event.stopPropagation();
}
