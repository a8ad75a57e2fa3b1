/** Thumbnails of a listing: only those on the screen, and a little around them, are in the page. */

import { t } from "../pentimento.js";
import { make, set } from "./dom.js";
import { thumbnailAddress } from "./server.js";
import { showCount, showTime } from "./words.js";

const GAP_PX = 10;
const TILE_PX = 168;
const NARROW_TILE_PX = 104;
const NARROW_PX = 560;
const ROWS_AROUND = 2;

/** The grid, which takes the keyboard as a list of options. */
export class Grid {
  /**
   * @param {Listing} listing
   * @param {Object} hear `open(place)`, `remove(ids)`, `chosen()`: what a person does.
   */
  constructor(listing, hear) {
    this.listing = listing;
    this.hear = hear;
    this.tiles = new Map();
    this.chosen = new Set();
    this.active = 0;
    this.anchor = null;
    this.element = make("div.pm-h-grid", {
      id: "history_grid",
      role: "listbox",
      tabIndex: 0,
      aria: { multiselectable: true },
      on: { keydown: (event) => this.press(event), click: (event) => this.click(event), focus: () => this.draw() },
    });
    const later = () => this.drawSoon();
    addEventListener("scroll", later, { passive: true, capture: true });
    new ResizeObserver(later).observe(this.element);
  }

  /** Forget place and choice: another search. */
  reset() {
    this.active = 0;
    this.anchor = null;
    this.choose([]);
    this.clearTiles();
    this.draw();
  }

  clearTiles() {
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
  }

  /** Say everything in the language in force. */
  relabel() {
    set(this.element, { aria: { label: t("history.grid") } });
    this.clearTiles();
    this.draw();
  }

  /** Make these, and no others, the chosen ones. */
  choose(ids) {
    this.chosen = new Set(ids);
    this.draw();
    this.hear.chosen();
  }

  drawSoon() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.draw();
    });
  }

  measure() {
    const width = this.element.clientWidth;
    const wanted = width < NARROW_PX ? NARROW_TILE_PX : TILE_PX;
    const columns = Math.max(2, Math.floor((width + GAP_PX) / (wanted + GAP_PX)));
    const side = (width - GAP_PX * (columns - 1)) / columns;
    return { columns, side, pitch: side + GAP_PX };
  }

  draw() {
    if (!this.element.clientWidth) return; // in a tab that is not open
    const { columns, side, pitch } = this.measure();
    const { ids } = this.listing;
    const rows = Math.ceil(ids.length / columns);
    this.element.style.height = `${Math.max(0, rows * pitch - GAP_PX)}px`;
    const above = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / pitch) - ROWS_AROUND) * columns;
    const last = Math.min(ids.length, (Math.ceil((above + innerHeight) / pitch) + ROWS_AROUND) * columns);
    const shown = new Set(ids.slice(first, Math.max(first, last)));
    if (this.active < ids.length) shown.add(ids[this.active]);
    for (const [id, tile] of this.tiles) {
      if (shown.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
    const place = (number) => this.place(number, columns, side, pitch);
    for (let number = first; number < last; number++) place(number);
    if (this.active < ids.length) place(this.active);
    this.mark();
    this.listing.need(first, last);
    if (last >= ids.length - columns) this.listing.more();
  }

  place(number, columns, side, pitch) {
    const id = this.listing.ids[number];
    const entry = this.listing.at(number);
    let tile = this.tiles.get(id);
    if (tile && tile.dataset.isEmpty && entry) {
      tile.remove();
      tile = undefined;
    }
    if (!tile) {
      tile = makeTile(id, entry);
      this.tiles.set(id, tile);
      this.element.append(tile);
    }
    const left = (number % columns) * pitch;
    const top = Math.floor(number / columns) * pitch;
    tile.style.cssText = `left: ${left}px; top: ${top}px; width: ${side}px; height: ${side}px`;
    set(tile, { aria: { posinset: number + 1, setsize: this.listing.total ?? this.listing.ids.length } });
  }

  mark() {
    const active = this.listing.ids[this.active];
    for (const [id, tile] of this.tiles) {
      tile.classList.toggle("pm-h-active", id === active);
      tile.setAttribute("aria-selected", String(this.chosen.has(id)));
    }
    set(this.element, { aria: { activedescendant: this.tiles.has(active) ? `history_tile_${active}` : null } });
    this.element.classList.toggle("pm-h-choosing", this.chosen.size > 0);
  }

  /** Move to a place and bring it into view. */
  go(number) {
    this.active = Math.max(0, Math.min(number, this.listing.ids.length - 1));
    this.draw();
    this.tiles.get(this.listing.ids[this.active])?.scrollIntoView({ block: "nearest" });
  }

  toggle(number) {
    const id = this.listing.ids[number];
    const chosen = new Set(this.chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.anchor = number;
    this.choose(chosen);
  }

  /** Choose everything from the last choice to here. */
  stretch(number) {
    const from = this.anchor ?? this.active;
    this.choose([...this.chosen, ...this.listing.ids.slice(Math.min(from, number), Math.max(from, number) + 1)]);
    this.anchor = from;
  }

  click(event) {
    const tile = event.target.closest(".pm-h-tile");
    if (!tile) return;
    const number = this.listing.ids.indexOf(Number(tile.dataset.id));
    if (number < 0) return;
    const isCheck = event.target.closest(".pm-h-check") !== null;
    if (event.shiftKey) this.stretch(number);
    else if (isCheck || event.ctrlKey || event.metaKey) this.toggle(number);
    this.go(number);
    if (!event.shiftKey && !isCheck && !event.ctrlKey && !event.metaKey) this.hear.open(number);
  }

  press(event) {
    if (event.altKey) return;
    const { columns } = this.measure();
    const rows = Math.max(1, Math.floor(innerHeight / this.measure().pitch) - 1);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -rows * columns, PageDown: rows * columns };
    const before = this.active;
    if (event.key in steps) this.step(before + steps[event.key], event.shiftKey);
    else if (event.key === "Home") this.step(0, event.shiftKey);
    else if (event.key === "End") this.step(this.listing.ids.length - 1, event.shiftKey);
    else if (event.key === "Enter" && this.listing.ids.length) this.hear.open(this.active);
    else if (event.key === " " && this.listing.ids.length) this.toggle(this.active);
    else if (event.key === "Delete" && this.listing.ids.length) this.hear.remove(this.toRemove());
    else if (event.key === "Escape" && this.chosen.size) this.choose([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(number, isStretched) {
    const from = this.active;
    this.go(number);
    if (!isStretched) return;
    this.anchor ??= from;
    this.stretch(this.active);
  }

  toRemove() {
    return this.chosen.size ? [...this.chosen] : [this.listing.ids[this.active]];
  }
}

function makeTile(id, entry) {
  const tile = make("div.pm-h-tile", { id: `history_tile_${id}`, role: "option", data: { id: String(id) } });
  if (!entry) {
    tile.dataset.isEmpty = "1";
    return tile;
  }
  set(tile, { title: entry.prompt || null, aria: { label: t("history.tile", { prompt: entry.prompt, time: showTime(entry.created_s) }) } });
  const picture = make("img", { loading: "lazy", decoding: "async", alt: "", src: thumbnailAddress(entry.result) });
  picture.addEventListener("error", () => picture.replaceWith(make("span.pm-h-none", {}, t("history.no_thumbnail"))));
  tile.append(picture, make("span.pm-h-check", { aria: { hidden: true } }));
  if (entry.is_missing) tile.append(make("span.pm-h-badge.pm-h-gone", {}, t("history.missing")));
  else if (entry.changed_outside > 0) {
    tile.append(make("span.pm-h-badge", { title: t("history.drift", { n: showCount(entry.changed_outside) }) }, "≠"));
  }
  return tile;
}
