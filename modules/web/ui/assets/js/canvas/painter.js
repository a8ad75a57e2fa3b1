/**
 * The two drawn layers of a view: picture and paint. Each is drawn only when what it shows has changed, and only where.
 *
 * No more than these lie over each other: a browser without a graphics card blends every layer anew, whole, for each frame.
 */

import { newCanvas } from "./pixels.js";
import { rgb } from "./settings.js";

const CHECK_PX = 8;
const FLAT = "#ffffff"; // what img2img_background_color is unless a person chose otherwise
const DASH = 3; // device pixels, as a power of two
const SHOWN = { view: [], paint: ["sketch"], mask: ["mask"], edit_mask: ["mask"], paint_mask: ["sketch"], view_mask: ["mask"] };

export class Painter {
  /**
   * @param {Konva.Stage} stage
   * @param {Object} document see document.js
   * @param {string} mode of the view
   */
  constructor(stage, document, mode) {
    this.stage = stage;
    this.document = document;
    this.channels = SHOWN[mode].map((name) => document.channels[name]);
    this.pyramid = null;
    this.alpha = null; // the meaning of transparency that was drawn last
    this.rim = null; // a canvas that is not on the page
    const layers = ["picture", "paint"].map((name) => new Konva.Layer({ name, listening: false }));
    stage.add(...layers);
    [this.picture, this.paint] = layers.map((layer) => layer.getCanvas());
  }

  #context(canvas, box = null) {
    const context = canvas.getContext()._context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (box) context.clearRect(box.x, box.y, box.width, box.height);
    else context.clearRect(0, 0, canvas.width * canvas.getPixelRatio(), canvas.height * canvas.getPixelRatio());
    return context;
  }

  get ratio() {
    return this.paint.getPixelRatio();
  }

  /** The picture, on a chequered ground where it is transparent, on white where that is flattened. */
  drawPicture(camera) {
    const context = this.#context(this.picture);
    const { picture, alpha } = this.document.now;
    this.alpha = alpha;
    if (!picture || !this.pyramid) return;
    const scale = camera.zoom * this.ratio;
    const [x, y, width, height] = [camera.x * this.ratio, camera.y * this.ratio, picture.width * scale, picture.height * scale];
    if (picture.has_alpha) this.#drawGround(context, alpha === "flatten", x, y, width, height);
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(this.pyramid.level(scale).image, x, y, width, height);
  }

  #drawGround(context, isFlat, x, y, width, height) {
    const side = CHECK_PX * this.ratio;
    this.checks ??= makeChecks(context, side);
    context.save();
    context.translate(x, y);
    context.fillStyle = isFlat ? FLAT : this.checks;
    context.fillRect(0, 0, width, height);
    context.restore();
  }

  /**
   * Mask or sketch over the picture.
   *
   * @param {Object|null} box in surface pixels: what changed; null for all of it.
   * @param {Object} settings how the mask is shown.
   * @param {boolean} hasRim also draw the mask's rim; it costs more, so that it waits until camera and brush rest.
   */
  drawPaint(camera, box, settings, hasRim) {
    const { picture } = this.document.now;
    const [first] = this.channels;
    if (!picture || !first?.surface) {
      this.#context(this.paint);
      return;
    }
    const scale = (camera.zoom * this.ratio) / first.surface.scale;
    const place = { x: camera.x * this.ratio, y: camera.y * this.ratio, scale };
    const part = box && this.#onScreen(box, place);
    const context = this.#context(this.paint, part);
    context.save();
    if (part) {
      context.beginPath();
      context.rect(part.x, part.y, part.width, part.height);
      context.clip();
    }
    if (settings.shown === "solo") {
      context.fillStyle = "#000";
      context.fillRect(place.x, place.y, picture.width * camera.zoom * this.ratio, picture.height * camera.zoom * this.ratio);
    }
    if (settings.shown !== "hidden") for (const channel of this.channels) this.#drawChannel(context, channel, place, part, settings);
    context.restore();
    if (hasRim) this.#drawRim(context, camera, settings);
  }

  #drawChannel(context, channel, place, part, { shown, overlay, overlayOpacity }) {
    const isMask = channel.name === "mask";
    if (isMask) channel.setColour(shown === "solo" ? [255, 255, 255] : rgb(overlay));
    context.globalAlpha = isMask && shown === "overlay" ? overlayOpacity : 1;
    context.imageSmoothingEnabled = place.scale < 3;
    const [x, y] = part ? [part.x, part.y] : [0, 0];
    const width = part ? part.width : this.paint.width;
    const height = part ? part.height : this.paint.height;
    const box = { x: (x - place.x) / place.scale, y: (y - place.y) / place.scale, width: width / place.scale, height: height / place.scale };
    channel.draw(context, place, box);
  }

  #onScreen(box, place) {
    const x = Math.floor(place.x + (box.x - 1) * place.scale) - 1;
    const y = Math.floor(place.y + (box.y - 1) * place.scale) - 1;
    return { x, y, width: Math.ceil((box.width + 2) * place.scale) + 3, height: Math.ceil((box.height + 2) * place.scale) + 3 };
  }

  /** The mask's rim in black and white dashes, which shows on any picture. */
  #drawRim(context, camera, settings) {
    const channel = this.channels.find((one) => one.name === "mask");
    if (!channel?.surface || settings.shown !== "overlay" || !channel.surface.applied.length) return;
    const [columns, rows] = [this.paint.width, this.paint.height];
    if (this.rim?.width !== columns || this.rim.height !== rows) {
      this.rim = newCanvas(columns, rows);
      this.rimContext = this.rim.getContext("2d", { willReadFrequently: true });
    }
    const image = this.rimContext.createImageData(columns, rows);
    traceRim(channel.surface, new Uint32Array(image.data.buffer), columns, rows, camera, this.ratio);
    this.rimContext.putImageData(image, 0, 0);
    context.drawImage(this.rim, 0, 0);
  }

  destroy() {
    this.channels = [];
    this.pyramid = null;
  }
}

function makeChecks(context, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2 * side;
  const tile = canvas.getContext("2d");
  tile.fillStyle = "#fff";
  tile.fillRect(0, 0, 2 * side, 2 * side);
  tile.fillStyle = "#c8c8c8";
  tile.fillRect(0, 0, side, side);
  tile.fillRect(side, side, side, side);
  return context.createPattern(canvas, "repeat");
}

/** Mark the device pixels between inside and outside; `out` holds ABGR words. */
function traceRim(surface, out, columns, rows, camera, ratio) {
  const perPixel = surface.scale / (camera.zoom * ratio);
  const at = (device, offset) => Math.floor((device + 0.5 - offset * ratio) * perPixel);
  const from = Int32Array.from({ length: columns }, (_, column) => {
    const x = at(column, camera.x);
    return x >= 0 && x < surface.width ? x : -1;
  });
  let above = new Uint8Array(columns);
  let here = new Uint8Array(columns);
  for (let row = 0; row < rows; row++) {
    const y = at(row, camera.y);
    const isIn = y >= 0 && y < surface.height;
    for (let column = 0; column < columns; column++) {
      const x = from[column];
      const inside = isIn && x >= 0 && surface.data[y * surface.width + x] >= 128 ? 1 : 0;
      here[column] = inside;
      if (inside !== above[column] || (column > 0 && inside !== here[column - 1])) {
        out[row * columns + column] = ((column + row) >> DASH) & 1 ? 0xffffffff : 0xff000000;
      }
    }
    [above, here] = [here, above];
  }
}
