/** Painting a scene on a canvas: only what is seen, and words only where they can be read. */

import { inkOn, isColour, mix } from "./colours.js";
import { FIELD } from "./scene.js";

const TYPES = ["MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "IMAGE", "MASK"];
const COLOURS = ["ground", "grid", "node", "head", "line", "text", "dim", "field", "note", "noteText", "bad", "warn", "chosen", "busy", "done", "bypassed", "other"];
const FONT = { least: 12, most: 15, px: 9 }; // words are so large in units, and more where that makes them so large on the screen
const TITLE = { least: 13, px: 11, room: 5 };
const GROUP = { least: 18, most: 34, px: 12 };
const READABLE_PX = 6;
const LEAST_TITLE_PX = 34; // a narrower node has none
const LINE_HEIGHT = 4 / 3;
const HEAD_TINT = 0.3; // of a node's first output
const MOST_FITTED = 4000;
const RADIUS = 8;
const DOT = 4.5;
const GRID = 40;
const LEAST_PICTURE = 36;

/** The colours of the page as it is now, light or dark. */
export function readLook(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(`--pm-w-${name.toLowerCase()}`).trim();
  const look = Object.fromEntries(COLOURS.map((name) => [name, get(name)]));
  look.types = new Map(TYPES.map((type) => [type, get(type)]));
  look.font = style.fontFamily || "sans-serif";
  return look;
}

export class Painter {
  #wrapped = new WeakMap(); // field -> {size, lines}
  #fitted = new Map(); // text, font and width -> what fits
  #paths = null; // scene's lines by colour
  #zoom = 1;
  #size = FONT.least;

  constructor(context) {
    this.context = context;
  }

  /** Forget what was measured, for another scene or look. */
  forget() {
    this.#wrapped = new WeakMap();
    this.#fitted.clear();
    this.#paths = null;
  }

  /**
   * Paint.
   *
   * @param {Object} scene from `sceneOf`
   * @param {{zoom, x, y}} camera
   * @param {Object} view {width, height, ratio} in CSS pixels and device pixels for each
   * @param {Object} look from `readLook`
   * @param {Object} state {chosen: id, marks: Map of id -> "bad"|"warn", progress: {node, share}|null, done: Set of ids,
   *     pictures: Map of id -> image}
   * @returns {number} how many nodes are in view
   */
  paint(scene, camera, view, look, state) {
    const { context: c } = this;
    c.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    c.fillStyle = look.ground;
    c.fillRect(0, 0, view.width, view.height);
    this.#grid(camera, view, look);
    c.setTransform(view.ratio * camera.zoom, 0, 0, view.ratio * camera.zoom, view.ratio * camera.x, view.ratio * camera.y);
    const seen = { x0: -camera.x / camera.zoom, y0: -camera.y / camera.zoom, x1: (view.width - camera.x) / camera.zoom, y1: (view.height - camera.y) / camera.zoom };
    const canRead = FONT.most * camera.zoom >= READABLE_PX;
    this.#zoom = camera.zoom;
    this.#size = Math.round(Math.min(FONT.most, Math.max(FONT.least, FONT.px / camera.zoom)));
    for (const group of scene.groups) if (isIn(group, seen)) this.#group(group, look);
    this.#links(scene, look, Math.max(2.5, 1.2 / camera.zoom));
    const nodes = scene.nodes.filter((node) => isIn(node.box, seen));
    for (const node of nodes) this.#node(node, look, state, canRead);
    return nodes.length;
  }

  #grid(camera, view, look) {
    const step = GRID * camera.zoom;
    if (step < 12) return;
    const { context: c } = this;
    c.fillStyle = look.grid;
    for (let x = ((camera.x % step) + step) % step; x < view.width; x += step) {
      for (let y = ((camera.y % step) + step) % step; y < view.height; y += step) c.fillRect(x, y, 1.5, 1.5);
    }
  }

  #group(group, look) {
    const { context: c } = this;
    c.globalAlpha = 0.16;
    c.fillStyle = colourOf(group.color, look.other);
    c.fillRect(group.x, group.y, group.width, group.height);
    c.globalAlpha = 1;
    c.strokeStyle = look.line;
    c.lineWidth = 1;
    c.strokeRect(group.x, group.y, group.width, group.height);
    c.font = `600 ${Math.min(GROUP.most, Math.max(GROUP.least, GROUP.px / this.#zoom))}px ${look.font}`;
    c.fillStyle = look.text;
    c.textBaseline = "top";
    if (group.width * this.#zoom >= LEAST_TITLE_PX) c.fillText(this.#fit(group.title, group.width - 16), group.x + 8, group.y + 6);
  }

  #links(scene, look, width) {
    const { context: c } = this;
    this.#paths ??= pathsOf(scene.links);
    c.lineWidth = width;
    for (const [type, path] of this.#paths) {
      c.strokeStyle = look.types.get(type) || look.other;
      c.stroke(path);
    }
  }

  #node(node, look, state, canRead) {
    const { context: c } = this;
    const { x, y, width, height } = node.box;
    const isNamed = node.head && width * this.#zoom >= LEAST_TITLE_PX;
    const bar = canRead || !isNamed ? node.head : Math.min(height, Math.max(node.head, (TITLE.px + TITLE.room) / this.#zoom));
    const colour = headColour(node, look);
    c.globalAlpha = node.mode === "muted" ? 0.4 : 1;
    this.#outline(node, 0);
    c.fillStyle = node.isNote ? look.note : look.node;
    c.fill();
    if (node.head) {
      c.save();
      c.clip();
      c.fillStyle = colour;
      c.fillRect(x, y, width, bar);
      c.restore();
    }
    this.#edge(node, look, state);
    if (isNamed) this.#title(node, look, bar, colour);
    if (canRead) this.#words(node, look);
    this.#sockets(node, look, canRead);
    this.#picture(node, state.pictures.get(node.id));
    this.#progress(node, look, state);
    c.globalAlpha = 1;
  }

  #outline({ box: { x, y, width, height } }, more) {
    this.context.beginPath();
    this.context.roundRect(x - more, y - more, width + 2 * more, height + 2 * more, RADIUS + more);
  }

  #edge(node, look, state) {
    const { context: c } = this;
    const mark = state.marks.get(node.id) ?? (node.is_known ? null : "bad");
    this.#outline(node, 0);
    c.strokeStyle = mark ? look[mark] : look.line;
    c.lineWidth = mark ? 3 : 1;
    c.setLineDash(node.is_known ? [] : [9, 5]);
    c.stroke();
    c.setLineDash([]);
    if (state.chosen !== node.id) return;
    this.#outline(node, 5);
    c.strokeStyle = look.chosen;
    c.lineWidth = 2.5;
    c.stroke();
  }

  /** Read at any scale: larger than the rest of the node where that is small. */
  #title(node, look, bar, colour) {
    const { context: c } = this;
    const { x, y, width } = node.box;
    const size = Math.max(TITLE.least, Math.min(TITLE.px / this.#zoom, bar - TITLE.room));
    const edge = Math.min(10, 5 / this.#zoom);
    const mark = Math.min(20, width / 4); // for the dot that says that it is done
    c.textBaseline = "middle";
    c.font = `600 ${size}px ${look.font}`;
    c.fillStyle = inkOn(colour);
    c.fillText(this.#fit(node.title || node.class_type, width - edge - mark), x + edge, y + bar / 2 + 1);
  }

  #words(node, look) {
    const { context: c } = this;
    c.textBaseline = "middle";
    c.font = `${this.#size}px ${look.font}`;
    for (const field of node.fields) this.#field(node, field, look);
  }

  #field(node, field, look) {
    const { context: c } = this;
    const { x, y, width } = node.box;
    const top = y + field.y;
    const inner = width - 16;
    if (!node.isNote) {
      c.beginPath();
      c.roundRect(x + 8, top + 2, inner, field.height - 4, 5);
      c.fillStyle = look.field;
      c.fill();
    }
    c.fillStyle = node.isNote ? look.noteText : look.text;
    if (field.height > FIELD) {
      this.#lines(node, field, look);
      return;
    }
    const value = this.#fit(field.value, node.isNote ? inner : inner * 0.62);
    const room = inner - c.measureText(value).width - 22;
    c.textAlign = node.isNote ? "left" : "right";
    c.fillText(value, node.isNote ? x + 12 : x + width - 15, top + FIELD / 2);
    c.textAlign = "left";
    if (node.isNote || room < 20) return;
    c.fillStyle = look.dim;
    c.fillText(this.#fit(field.name, room), x + 15, top + FIELD / 2);
  }

  #lines(node, field, look) {
    const { context: c } = this;
    const { x, y, width } = node.box;
    let kept = this.#wrapped.get(field);
    if (kept?.size !== this.#size) this.#wrapped.set(field, (kept = this.#wrap(field, width - 30, look)));
    c.font = `${kept.used}px ${look.font}`;
    const line = kept.used * LINE_HEIGHT;
    kept.lines.forEach((text, number) => c.fillText(text, x + 15, y + field.y + line * 0.75 + number * line));
    c.font = `${this.#size}px ${look.font}`;
  }

  /** A long value in lines: {size, used, lines}; all of it in smaller words rather than a part in larger ones. */
  #wrap(field, width, look) {
    for (let used = this.#size; ; used -= 1) {
      this.context.font = `${used}px ${look.font}`;
      const most = Math.max(1, Math.floor((field.height - 6) / (used * LINE_HEIGHT)));
      const { lines, isCut } = wrap(this.context, field.value, width, most);
      if (!isCut || used <= FONT.least) return { size: this.#size, used, lines };
    }
  }

  #sockets(node, look, canRead) {
    const { context: c } = this;
    const { x, y, width, height } = node.box;
    const dot = (at, up, type) => {
      c.beginPath();
      c.arc(at, up, DOT, 0, 2 * Math.PI);
      c.fillStyle = look.types.get(type) || look.other;
      c.fill();
    };
    const shown = node.inputs.filter((input) => !input.isField || input.isLinked);
    for (const input of shown) dot(x, node.isBare ? y + height / 2 : y + input.y, input.type);
    for (const output of node.outputs) dot(x + width, node.isBare ? y + height / 2 : y + output.y, output.type);
    if (!canRead || node.isBare) return;
    c.font = `${this.#size}px ${look.font}`;
    c.textBaseline = "middle";
    c.fillStyle = look.dim;
    const half = node.outputs.length ? width / 2 - 14 : width - 22;
    for (const input of shown) if (!input.isField) c.fillText(this.#fit(input.name, half), x + 11, y + input.y);
    c.textAlign = "right";
    for (const output of node.outputs) c.fillText(this.#fit(output.name, width / 2 - 4), x + width - 11, y + output.y);
    c.textAlign = "left";
  }

  /** A picture in the room that is left. */
  #picture(node, image) {
    const { room, box } = node;
    if (!image?.naturalWidth || room.height < LEAST_PICTURE) return;
    const scale = Math.min((box.width - 16) / image.naturalWidth, room.height / image.naturalHeight);
    const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    this.context.drawImage(image, box.x + (box.width - width) / 2, box.y + room.y + (room.height - height) / 2, width, height);
  }

  #progress(node, look, state) {
    const { context: c } = this;
    const { x, y, width } = node.box;
    if (state.progress?.node === node.id) {
      this.#outline(node, 3);
      c.strokeStyle = look.busy;
      c.lineWidth = 3;
      c.stroke();
      c.fillStyle = look.busy;
      c.fillRect(x, y + node.head - 4, width * Math.max(0.03, state.progress.share), 4);
    } else if (state.done.has(node.id)) {
      c.fillStyle = look.done;
      c.beginPath();
      c.arc(x + width - 14, y + node.head / 2, 5, 0, 2 * Math.PI);
      c.fill();
    }
  }

  /** A text, cut to a width with "…". */
  #fit(text, width) {
    const key = `${this.context.font} ${Math.round(width)} ${text}`;
    if (!this.#fitted.has(key)) {
      if (this.#fitted.size > MOST_FITTED) this.#fitted.clear();
      this.#fitted.set(key, this.#cut(text, width));
    }
    return this.#fitted.get(key);
  }

  #cut(text, width) {
    const { context: c } = this;
    const line = text.length > 200 ? text.slice(0, 200) : text;
    if (c.measureText(line).width <= width) return line;
    let [low, high] = [0, line.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (c.measureText(`${line.slice(0, middle)}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    return `${line.slice(0, low)}…`;
  }
}

const isIn = (box, seen) => box.x < seen.x1 && box.y < seen.y1 && box.x + box.width > seen.x0 && box.y + box.height > seen.y0;
const colourOf = (text, otherwise) => (isColour(text) ? text : otherwise);

/** The file's own colour, else that of what the node gives. */
function headColour(node, look) {
  if (node.mode === "bypassed") return look.bypassed;
  if (isColour(node.color)) return node.color;
  const gives = look.types.get(node.outputs[0]?.type);
  return node.isNote || !gives ? look.head : mix(look.head, gives, HEAD_TINT);
}

/** One path for each type: strokes are dear, and there are thousands of lines. */
function pathsOf(links) {
  const paths = new Map();
  for (const { type, x0, y0, x1, y1, bend } of links) {
    if (!paths.has(type)) paths.set(type, new Path2D());
    const path = paths.get(type);
    path.moveTo(x0, y0);
    path.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  }
  return paths;
}

/** A text in lines of a width, at words where it can be, at letters where it must: {lines, isCut}; the last one says that there is more. */
function wrap(context, text, width, most) {
  const lines = [];
  for (const paragraph of text.slice(0, 4000).split("\n")) {
    let line = "";
    for (const word of paragraph.match(/[\u3000-\u9fff]|[^\s\u3000-\u9fff]+\s*|\s+/g) ?? [""]) {
      let rest = word;
      if (line && context.measureText(line + rest.trimEnd()).width > width) {
        lines.push(line.trimEnd());
        line = "";
      }
      while (rest.length > 1 && context.measureText(rest.trimEnd()).width > width) {
        let cut = rest.length - 1;
        while (cut > 1 && context.measureText(rest.slice(0, cut)).width > width) cut -= 1;
        lines.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      line += rest;
      if (lines.length > most) break;
    }
    lines.push(line.trimEnd());
    if (lines.length > most) break;
  }
  const isCut = lines.length > most;
  if (isCut) lines.splice(Math.max(0, most - 1), lines.length, `${lines[Math.max(0, most - 1)]} …`);
  return { lines, isCut };
}
