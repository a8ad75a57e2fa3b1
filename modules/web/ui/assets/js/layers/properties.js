/** What can be said of the chosen layer: place, mixing, colours, effects, text, shadow; and of the document when none is chosen. */

import { t } from "../pentimento.js";
import { checkField, choiceField, colorField, iconButton, make, numberField, set, sliderField, wordButton } from "./dom.js";
import { sizeOf } from "./geometry.js";
import { lightSection } from "./light.js";
import { resizeSection } from "./resize.js";
import { section } from "./section.js";
import { blendWords, settingWords } from "./words.js";
import { textSection } from "./text.js";

const BLENDS = ["normal", "multiply", "screen", "overlay", "darken", "lighten", "color-dodge", "color-burn", "hard-light", "soft-light", "difference", "exclusion", "add", "subtract"];
const KINDS = ["subject", "background", "text", "shadow", "highlight", "texture", "residual", "other"];
const SHADOW = { dx: 8, dy: 8, blur_px: 8, color: "#000000", opacity: 0.5 };
const STROKE = { width_px: 2, color: "#000000", opacity: 1 };
const percent = (value) => `${Math.round(value * 100)} %`;
const signed = (value) => (value > 0 ? `+${Math.round(value * 100)}` : String(Math.round(value * 100)));

export class Properties {
  #writers = [];
  #shown = null;

  /** @param {Stage} stage shows what is tried before it is sent. */
  constructor(store, stage, tasks) {
    Object.assign(this, { store, stage, tasks });
    this.body = make("div.pm-l-properties", { id: "layers_properties" });
    this.element = this.body;
    store.on("open", () => this.draw());
    store.on("chosen", () => this.draw());
    store.on("change", () => this.follow());
    store.on("moving", (placements) => this.#followMove(placements));
  }

  /** Build the panel for what is chosen now. */
  draw() {
    const { store } = this;
    this.#writers = [];
    set(this.body, { role: "group", aria: { label: t("layers.properties") } });
    if (!store.document) {
      this.body.replaceChildren();
      return;
    }
    const layer = store.current;
    this.#shown = layer ? this.#identity(layer) : store.id;
    this.body.replaceChildren(...(store.chosen.length > 1 ? this.#many() : layer ? this.#one(layer) : this.#whole()));
    this.#write();
  }

  #identity(layer) {
    return [layer.id, Boolean(layer.text), Boolean(layer.source), layer.kind, layer.is_locked, layer.members?.length, this.store.chosen.length].join();
  }

  /** The document changed: the fields say what is now. */
  follow() {
    const layer = this.store.current;
    const shown = layer ? this.#identity(layer) : this.store.id;
    if (shown !== this.#shown) this.draw();
    else this.#write();
  }

  #write() {
    const { store } = this;
    const isLocked = Boolean(store.current?.is_locked);
    this.body.classList.toggle("pm-l-is-locked", isLocked);
    for (const write of this.#writers) write(store.current, store.document);
  }

  /** Fill a field with what `read(layer, document)` finds, now and after every change. */
  bind(field, read) {
    this.#writers.push((layer, shown) => field.write(read(layer, shown)));
    return field.element;
  }

  /** Have `write(layer, document)` called now and after every change. */
  watch(write) {
    this.#writers.push(write);
  }

  set(values) {
    return this.store.set(this.store.current.id, values);
  }

  #place = [];

  #followMove(placements) {
    const placement = placements.get(this.store.current?.id) ?? this.store.current?.placement;
    if (placement) for (const write of this.#place) write(placement);
  }

  #one(layer) {
    const sections = [this.#head(layer)];
    if (layer.text) sections.push(textSection(this, layer));
    sections.push(this.#mixing());
    if (sizeOf(layer)) sections.push(this.#placement(layer));
    if (layer.source) sections.push(this.#colors(), this.#effects());
    sections.push(lightSection(this, layer));
    return sections;
  }

  #head(layer) {
    const title = make("h3", { dir: "auto" });
    this.watch((now) => {
      title.textContent = title.title = now?.name ?? "";
    });
    const fixed = make("p.pm-l-note", {}, t(this.store.document.is_canvas_locked ? "layers.canvas_locked.note" : "layers.locked.note"));
    this.watch((now, shown) => {
      fixed.hidden = !(now?.is_locked || shown.is_canvas_locked);
    });
    const actions = this.tasks.actions(layer);
    return make("div.pm-l-head", {}, title, actions, fixed);
  }

  #placement(layer) {
    const size = sizeOf(layer);
    const put = (values) => this.set({ placement: values });
    this.#place = [];
    const field = (textId, name, read, give, options) => {
      const one = numberField(textId, (value) => put(give(value, this.store.current.placement)), options);
      this.#place.push((placement) => one.write(read(placement)));
      one.input.id = `layers_${name}`;
      return this.bind(one, (now) => read(now.placement));
    };
    let isTied = layer.placement.scale_x === layer.placement.scale_y;
    const tie = iconButton("link", "layers.tied", () => {
      isTied = !isTied;
      set(tie, { aria: { pressed: isTied } });
    }, { aria: { pressed: isTied } });
    const both = (name) => (value, old) => {
      const scale = value / 100;
      const other = name === "scale_x" ? "scale_y" : "scale_x";
      return isTied ? { [name]: scale, [other]: (old[other] * scale) / old[name] } : { [name]: scale };
    };
    const flip = (name, drawn, textId) => {
      const button = iconButton(drawn, textId, () => put({ [name]: !this.store.current.placement[name] }));
      this.watch((now) => now && set(button, { aria: { pressed: now.placement[name] } }));
      return button;
    };
    const reset = iconButton("reset", "layers.place.reset", () => put({ scale_x: 1, scale_y: 1, rotation_deg: 0, is_flipped_x: false, is_flipped_y: false }));
    const scale = { min: 0.1, max: 10000, step: 1, unit: "%", digits: 2 };
    return section("place", "layers.place",
      field("layers.left", "left", (at) => at.left, (value) => ({ left: value }), { unit: "px" }),
      field("layers.top", "top", (at) => at.top, (value) => ({ top: value }), { unit: "px" }),
      field("layers.width", "scale_x", (at) => at.scale_x * 100, both("scale_x"), scale),
      field("layers.height", "scale_y", (at) => at.scale_y * 100, both("scale_y"), scale),
      field("layers.rotation", "rotation", (at) => at.rotation_deg, (value) => ({ rotation_deg: value }), { unit: "°", digits: 2 }),
      make("div.pm-l-buttons", {}, tie, flip("is_flipped_x", "flipX", "layers.flip_x"), flip("is_flipped_y", "flipY", "layers.flip_y"), reset),
      make("p.pm-l-size", {}, `${Math.round(size.width)} × ${Math.round(size.height)} px`),
    );
  }

  /** Try a look on the canvas, before it is sent. */
  #try(look) {
    const layer = this.store.current;
    if (layer.source) this.stage.show(new Map([[layer.id, layer.placement]]), new Map([[layer.id, look]]));
  }

  #mixing() {
    const opacity = sliderField("layers.opacity", {
      id: "layers_opacity", min: 0, max: 1, step: 0.01, words: percent, tell: (value) => this.set({ opacity: value }), show: (value) => this.#try({ opacity: value }),
    });
    const blend = choiceField("layers.blend", BLENDS.map((name) => [name, blendWords(name)]), (value) => this.set({ blend: value }), { id: "layers_blend" });
    const kind = choiceField("layers.kind", KINDS.map((name) => [name, t(`layers.kind.${name}`)]), (value) => this.set({ kind: value }), { id: "layers_kind" });
    return section("mix", "layers.mix", this.bind(opacity, (layer) => layer.opacity), this.bind(blend, (layer) => layer.blend), this.bind(kind, (layer) => layer.kind));
  }

  #colors() {
    const change = (values) => this.set({ adjustments: values });
    const filter = (values) => {
      const now = { ...this.store.current.adjustments, ...values };
      const old = this.store.current.adjustments;
      const more = (name) => 1 + now[name] - old[name];
      return `hue-rotate(${now.hue_deg - old.hue_deg}deg) saturate(${Math.max(0, more("saturation"))}) brightness(${Math.max(0, more("lightness"))})`;
    };
    const slide = (textId, name, range, words) => this.bind(sliderField(textId, {
      ...range, id: `layers_${name}`, words, tell: (value) => change({ [name]: value }), show: (value) => this.#try({ filter: filter({ [name]: value }) }),
    }), (layer) => layer.adjustments[name]);
    const tint = colorField("layers.tint.color", (value) => change({ tint: value }), { id: "layers_tint_color" });
    const strength = slide("layers.tint.strength", "tint_strength", { min: 0, max: 1, step: 0.01 }, percent);
    const hasTint = checkField("layers.tint", (isOn) => change({ tint: isOn ? tint.input.value : "" }), { id: "layers_tint" });
    const tinted = make("div.pm-l-under", {}, this.bind(tint, (layer) => layer.adjustments.tint || "#ae5029"), strength);
    this.watch((layer) => {
      tinted.hidden = !layer?.adjustments.tint;
    });
    const reset = wordButton("layers.colors.reset", () => change({ hue_deg: 0, saturation: 0, lightness: 0, gradient_map: [], tint: "", tint_strength: 1 }), { id: "layers_colors_reset" }, ".pm-l-small", "reset");
    return section("colors", "layers.colors",
      slide("layers.hue", "hue_deg", { min: -180, max: 180, step: 1 }, (value) => `${value}°`),
      slide("layers.saturation", "saturation", { min: -1, max: 1, step: 0.01 }, signed),
      slide("layers.lightness", "lightness", { min: -1, max: 1, step: 0.01 }, signed),
      this.bind(hasTint, (layer) => Boolean(layer.adjustments.tint)), tinted,
      ...this.#gradient(change), reset,
    );
  }

  /** Dark, middle and light become three colours. */
  #gradient(change) {
    const stops = ["layers.map.dark", "layers.map.middle", "layers.map.light"].map((textId) => colorField(textId, () => change({ gradient_map: collect() })));
    const collect = () => stops.map((stop, place) => [place / 2, stop.input.value]);
    const isOn = checkField("layers.map", (wish) => change({ gradient_map: wish ? collect() : [] }), { id: "layers_map" });
    const fallback = ["#31160d", "#c9673b", "#fdf5f0"];
    const under = make("div.pm-l-under.pm-l-three", {}, ...stops.map((stop, place) => this.bind(stop, (layer) => nearest(layer.adjustments.gradient_map, place / 2) ?? fallback[place])));
    this.watch((layer) => {
      under.hidden = !layer?.adjustments.gradient_map.length;
    });
    return [this.bind(isOn, (layer) => layer.adjustments.gradient_map.length > 0), under];
  }

  #effects() {
    const change = (values) => this.set({ effects: values });
    const group = (name, fallback, textId, fields) => {
      const part = (values) => change({ [name]: { ...(this.store.current.effects[name] ?? fallback), ...values } });
      const isOn = checkField(textId, (wish) => change({ [name]: wish ? fallback : null }), { id: `layers_${name}` });
      const under = make("div.pm-l-under", {}, ...fields(part, (layer) => layer.effects[name] ?? fallback));
      this.watch((layer) => {
        under.hidden = !layer?.effects[name];
      });
      return [this.bind(isOn, (layer) => Boolean(layer.effects[name])), under];
    };
    const number = (part, read, textId, name, options) => this.bind(numberField(textId, (value) => part({ [name]: value }), { unit: "px", ...options }), (layer) => read(layer)[name]);
    const color = (part, read) => this.bind(colorField("layers.color", (value) => part({ color: value })), (layer) => read(layer).color);
    const opacity = (part, read) => this.bind(sliderField("layers.opacity", { min: 0, max: 1, step: 0.01, words: percent, tell: (value) => part({ opacity: value }) }), (layer) => read(layer).opacity);
    const blur = sliderField("layers.blur", { id: "layers_blur", min: 0, max: 64, step: 0.5, words: (value) => `${value} px`, tell: (value) => change({ blur_px: value }) });
    return section("effects", "layers.effects",
      ...group("drop_shadow", SHADOW, "layers.drop_shadow", (part, read) => [
        number(part, read, "layers.shift_x", "dx"), number(part, read, "layers.shift_y", "dy"),
        number(part, read, "layers.blur", "blur_px", { min: 0, max: 500 }), color(part, read), opacity(part, read),
      ]),
      ...group("stroke", STROKE, "layers.stroke", (part, read) => [
        number(part, read, "layers.stroke_width", "width_px", { min: 0, max: 500 }), color(part, read), opacity(part, read),
      ]),
      this.bind(blur, (layer) => layer.effects.blur_px),
    );
  }

  #many() {
    const n = this.store.chosen.length;
    const words = [make("h3", {}, t("layers.chosen", { n })), make("p.pm-l-note", {}, t("layers.chosen.note"))];
    return [make("div.pm-l-head", {}, ...words, this.tasks.actionsOfMany())];
  }

  /** Nothing is chosen: the document. */
  #whole() {
    const { store } = this;
    const put = (values) => store.edit([{ op: "document", ...values }]);
    const { extent, made_by: madeBy } = store.document;
    const light = choiceField("layers.light", ["srgb", "linear"].map((name) => [name, t(`layers.light.${name}`)]), (value) => put({ light: value }), { id: "layers_light" });
    const lock = checkField("layers.canvas_locked", (value) => put({ is_canvas_locked: value }), { id: "layers_canvas_locked", note: t("layers.canvas_locked.what") });
    const facts = make("p.pm-l-note", {}, `${extent.width} × ${extent.height} px · ${t("layers.count", { n: store.layers.length })}`);
    const tip = make("p.pm-l-note", {}, t("layers.choose_one"));
    const { backend } = madeBy ?? {};
    const said = backend === "import" ? t("layers.made_by.import") : t("layers.made_by", { backend: settingWords("backend", backend ?? "") });
    const made = backend ? make("p.pm-l-note", {}, said) : null;
    const head = make("div.pm-l-head", {}, make("h3", {}, t("layers.document")), facts, tip, made);
    return [head, section("mix", "layers.canvas", this.bind(light, (_, shown) => shown.light), this.bind(lock, (_, shown) => shown.is_canvas_locked)), resizeSection(this), lightSection(this, null)];
  }
}

/** The colour of the stop nearest to a position, or undefined. */
function nearest(stops, position) {
  const ordered = [...stops].sort((one, other) => Math.abs(one[0] - position) - Math.abs(other[0] - position));
  return ordered[0]?.[1];
}
