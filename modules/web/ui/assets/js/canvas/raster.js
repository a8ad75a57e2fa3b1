/**
 * Strokes and shapes into pixels, by plain arithmetic, so that the page (small) and the worker (full size) agree.
 *
 * An operation is a plain frozen object in picture pixels:
 *   {id, kind: "stroke", erase, size, hardness, opacity, colour: [r, g, b], points: [x, y, pressure, x, y, pressure, ...]}
 *   {id, kind: "polygon", erase, opacity, colour, points: [x, y, x, y, ...]}
 *   {id, kind: "raster", asset, part: "mask" | "alpha" | "sketch"}      everything before it is replaced
 *   {id, kind: "invert"}
 * Within one stroke the strongest coverage counts, so that it may cross itself; strokes then lie over each other (Porter and Duff,
 * "Compositing Digital Images", SIGGRAPH 1984).
 */

const PATCH_BYTES = 96 * 2 ** 20;
const THINNEST_PX = 0.71; // half a pixel's diagonal: a line of this radius always meets a pixel's centre

/** The smallest box that holds both; either may be null. */
export function union(one, two) {
  if (!one || !two) return one ?? two;
  const x = Math.min(one.x, two.x);
  const y = Math.min(one.y, two.y);
  return { x, y, width: Math.max(one.x + one.width, two.x + two.width) - x, height: Math.max(one.y + one.height, two.y + two.height) - y };
}

function clip(x0, y0, x1, y1, width, height) {
  const x = Math.max(0, Math.floor(x0));
  const y = Math.max(0, Math.floor(y0));
  const right = Math.min(width, Math.ceil(x1));
  const bottom = Math.min(height, Math.ceil(y1));
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}

/** Half the width of a stroke at pen pressure `pressure`, in picture pixels. */
export const radiusAt = (op, pressure) => (op.size / 2) * (0.15 + 0.85 * pressure);

const radiusOf = (op, pressure, scale) => Math.max(THINNEST_PX, (pressure === 1 ? op.size / 2 : radiusAt(op, pressure)) * scale);

function boxOfOp(op, scale, width, height) {
  const step = op.kind === "stroke" ? 3 : 2;
  const margin = op.kind === "stroke" ? Math.max(THINNEST_PX, (op.size / 2) * scale) + 1 : 1;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < op.points.length; i += step) {
    x0 = Math.min(x0, op.points[i]);
    x1 = Math.max(x1, op.points[i]);
    y0 = Math.min(y0, op.points[i + 1]);
    y1 = Math.max(y1, op.points[i + 1]);
  }
  return clip(x0 * scale - margin, y0 * scale - margin, x1 * scale + margin, y1 * scale + margin, width, height);
}

/**
 * Cover the pixels whose centre lies on one segment of a stroke, keeping what is stronger already.
 *
 * @param {Uint8Array} cover of `area.width * area.height`.
 * @returns the box that may have changed, or null.
 */
function coverSegment(cover, area, op, scale, i) {
  const p = op.points;
  const j = i >= 3 ? i - 3 : i;
  const [ax, ay, ar] = [p[j] * scale, p[j + 1] * scale, radiusOf(op, p[j + 2], scale)];
  const [bx, by, br] = [p[i] * scale, p[i + 1] * scale, radiusOf(op, p[i + 2], scale)];
  const reach = Math.max(ar, br) + 1;
  const box = clip(Math.min(ax, bx) - reach - area.x, Math.min(ay, by) - reach - area.y, Math.max(ax, bx) + reach - area.x,
    Math.max(ay, by) + reach - area.y, area.width, area.height);
  if (!box) return null;
  const [dx, dy, dr] = [bx - ax, by - ay, br - ar];
  const length = dx * dx + dy * dy;
  const perLength = length > 0 ? 1 / length : 0;
  const hard = Math.min(1, op.hardness);
  for (let row = box.y; row < box.y + box.height; row++) {
    const qy = row + area.y + 0.5 - ay;
    let at = row * area.width + box.x;
    for (let column = box.x; column < box.x + box.width; column++, at++) {
      if (cover[at] === 255) continue;
      const qx = column + area.x + 0.5 - ax;
      let t = (qx * dx + qy * dy) * perLength;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ex = qx - t * dx;
      const ey = qy - t * dy;
      const squared = ex * ex + ey * ey;
      const radius = ar + t * dr;
      if (squared > radius * radius) continue;
      const value = hard >= 1 ? 255 : fallOff(Math.sqrt(squared) / radius, hard);
      if (value > cover[at]) cover[at] = value;
    }
  }
  return { x: box.x + area.x, y: box.y + area.y, width: box.width, height: box.height };
}

/** 255 up to the hard core, then down to 0 at the rim along a smoothstep; `distance` in radii. */
function fallOff(distance, hard) {
  if (distance <= hard) return 255;
  const u = (distance - hard) / (1 - hard);
  return Math.round(255 * (1 - u * u * (3 - 2 * u)));
}

/** Cover the pixels whose centre lies inside a polygon (even-odd rule). */
function coverPolygon(cover, area, op, scale) {
  const p = op.points;
  const count = p.length / 2;
  for (let row = 0; row < area.height; row++) {
    const y = row + area.y + 0.5;
    const crossings = [];
    for (let i = 0, j = count - 1; i < count; j = i++) {
      const [y0, y1] = [p[2 * j + 1] * scale, p[2 * i + 1] * scale];
      if (y0 <= y === y1 <= y) continue;
      const [x0, x1] = [p[2 * j] * scale, p[2 * i] * scale];
      crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5) - area.x);
      const to = Math.min(area.width, Math.ceil(crossings[i + 1] - 0.5) - area.x);
      if (to > from) cover.fill(255, row * area.width + from, row * area.width + to);
    }
  }
}

/**
 * The pixels of one channel, kept in step with a list of operations; going back is quick as long as what was there is remembered.
 *
 * `data` is one byte a pixel for a mask (255 = repaint), or RGBA (not premultiplied) for a sketch.
 */
export class Surface {
  /**
   * @param {number} width, height of the picture, in px.
   * @param {number} scale this surface has `round(width * scale)` columns.
   * @param {1|4} channels
   */
  constructor(width, height, scale, channels) {
    this.scale = scale;
    this.channels = channels;
    this.width = Math.max(1, Math.round(width * scale));
    this.height = Math.max(1, Math.round(height * scale));
    this.data = new Uint8ClampedArray(this.width * this.height * channels);
    this.applied = [];
    this.patches = new Map(); // operation id -> {box, bytes} of what was there before
    this.patchBytes = 0;
    this.live = null;
  }

  /** All of it, as a box. */
  get box() {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /**
   * Become what `ops` make.
   *
   * @param {Object[]} ops
   * @param {(op) => Uint8ClampedArray} pixelsOf gives the pixels of a raster operation at this surface's size.
   * @returns the box that changed, or null.
   */
  sync(ops, pixelsOf) {
    if (this.live) this.cancel();
    let same = 0;
    while (same < ops.length && same < this.applied.length && ops[same].id === this.applied[same].id) same++;
    let changed = null;
    if (same === 0 && this.applied.length) changed = this.#reset();
    while (this.applied.length > same) {
      const box = this.#takeBack(this.applied.at(-1));
      if (!box) {
        changed = this.#reset();
        same = 0;
        break;
      }
      this.applied.pop();
      changed = union(changed, box);
    }
    for (const op of ops.slice(this.applied.length)) changed = union(changed, this.#apply(op, pixelsOf));
    return changed;
  }

  /** Start a stroke whose points are still coming; `op` is changed by its owner until `end`. */
  begin(op) {
    this.cover ??= new Uint8Array(this.width * this.height);
    this.base ??= new Uint8ClampedArray(this.data.length);
    this.base.set(this.data);
    this.live = { op, done: 0, box: null };
  }

  /** Draw the points that came since; returns the box that changed, or null. */
  extend() {
    const { op } = this.live;
    let changed = null;
    for (; this.live.done < op.points.length; this.live.done += 3) {
      changed = union(changed, coverSegment(this.cover, this.box, op, this.scale, this.live.done));
    }
    if (changed) this.#blend(op, changed, this.cover, this.box, this.base, this.box);
    this.live.box = union(this.live.box, changed);
    return changed;
  }

  /** The stroke is done. */
  end() {
    const { op, box } = this.live;
    if (box) this.#keepPatch(op, box, this.#copy(this.base, box));
    this.#uncover(box);
    this.applied.push(op);
    this.live = null;
  }

  /** The stroke never was; returns the box that changed, or null. */
  cancel() {
    const { box } = this.live;
    if (box) this.#paste(this.#copy(this.base, box), box);
    this.#uncover(box);
    this.live = null;
    return box;
  }

  #uncover(box) {
    if (!box) return;
    for (let row = box.y; row < box.y + box.height; row++) this.cover.fill(0, row * this.width + box.x, row * this.width + box.x + box.width);
  }

  #apply(op, pixelsOf) {
    this.applied.push(op);
    if (op.kind === "raster" || op.kind === "invert") {
      if (op.kind === "raster") this.data.set(pixelsOf(op));
      else for (let i = 0; i < this.data.length; i++) this.data[i] = 255 - this.data[i];
      return this.box;
    }
    const box = boxOfOp(op, this.scale, this.width, this.height);
    if (!box) return null;
    const before = this.#copy(this.data, box);
    const cover = new Uint8Array(box.width * box.height);
    if (op.kind === "polygon") coverPolygon(cover, box, op, this.scale);
    else for (let i = 0; i < op.points.length; i += 3) coverSegment(cover, box, op, this.scale, i);
    this.#blend(op, box, cover, box, before, box);
    this.#keepPatch(op, box, before);
    return box;
  }

  #takeBack(op) {
    if (op.kind === "invert") {
      for (let i = 0; i < this.data.length; i++) this.data[i] = 255 - this.data[i];
      return this.box;
    }
    const patch = this.patches.get(op.id);
    if (!patch) return null;
    this.#paste(patch.bytes, patch.box);
    this.patches.delete(op.id);
    this.patchBytes -= patch.bytes.length;
    return patch.box;
  }

  #reset() {
    this.data.fill(0);
    this.applied = [];
    this.patches.clear();
    this.patchBytes = 0;
    return this.box;
  }

  #keepPatch(op, box, bytes) {
    this.patches.set(op.id, { box, bytes });
    this.patchBytes += bytes.length;
    for (const [id, patch] of this.patches) {
      if (this.patchBytes <= PATCH_BYTES) break;
      this.patches.delete(id);
      this.patchBytes -= patch.bytes.length;
    }
  }

  #copy(from, box) {
    const line = box.width * this.channels;
    const bytes = new Uint8ClampedArray(line * box.height);
    for (let row = 0; row < box.height; row++) {
      const start = ((box.y + row) * this.width + box.x) * this.channels;
      bytes.set(from.subarray(start, start + line), row * line);
    }
    return bytes;
  }

  #paste(bytes, box) {
    const line = box.width * this.channels;
    for (let row = 0; row < box.height; row++) {
      this.data.set(bytes.subarray(row * line, (row + 1) * line), ((box.y + row) * this.width + box.x) * this.channels);
    }
  }

  /** Lay `cover` (over `coverBox`) on `before` (over `beforeBox`) into `data`, within `box`. */
  #blend(op, box, cover, coverBox, before, beforeBox) {
    const lay = this.channels === 1 ? layMask : layColour;
    for (let row = box.y; row < box.y + box.height; row++) {
      const c = (row - coverBox.y) * coverBox.width + box.x - coverBox.x;
      const b = ((row - beforeBox.y) * beforeBox.width + box.x - beforeBox.x) * this.channels;
      lay(op, this.data, (row * this.width + box.x) * this.channels, before, b, cover, c, box.width);
    }
  }
}

function layMask(op, data, at, before, b, cover, c, count) {
  const opacity = op.opacity;
  for (let i = 0; i < count; i++) {
    const share = (cover[c + i] * opacity) / 255;
    const old = before[b + i];
    data[at + i] = op.erase ? old * (1 - share) : old + (255 - old) * share;
  }
}

function layColour(op, data, at, before, b, cover, c, count) {
  const [red, green, blue] = op.colour;
  for (let i = 0; i < count; i++, at += 4, b += 4) {
    const share = (cover[c + i] * op.opacity) / 255;
    const under = before[b + 3] / 255;
    const kept = under * (1 - share);
    const alpha = op.erase ? kept : share + kept;
    const mix = op.erase || alpha === 0 ? 0 : share / alpha;
    data[at] = before[b] + (red - before[b]) * mix;
    data[at + 1] = before[b + 1] + (green - before[b + 1]) * mix;
    data[at + 2] = before[b + 2] + (blue - before[b + 2]) * mix;
    data[at + 3] = alpha * 255;
  }
}
