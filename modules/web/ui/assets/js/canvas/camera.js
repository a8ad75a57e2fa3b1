/** Where the picture lies in a view: `screen = picture * zoom + offset`, in CSS pixels. */

const MARGIN_PX = 10;
const LARGEST_ZOOM = 32;
const LARGEST_FIT = 4;
const NOTHING = { left: 0, right: 0, up: 0, down: 0 };

export class Camera {
  zoom = 1;
  x = 0;
  y = 0;
  isFitted = true;
  #picture = { width: 1, height: 1 };
  #view = { width: 1, height: 1 };
  #around = NOTHING;

  /** Another picture, another size of the view, or something `around` the picture to show; stays fitted, or keeps its middle. */
  resize(picture, view, around = null) {
    this.#around = around ?? NOTHING;
    const middle = this.toPicture(this.#view.width / 2, this.#view.height / 2);
    const isOther = picture.width !== this.#picture.width || picture.height !== this.#picture.height;
    this.#picture = picture;
    this.#view = view;
    if (this.isFitted || isOther) this.fit();
    else this.#put(middle, view.width / 2, view.height / 2);
  }

  /** Show so much around the picture (`{left, right, up, down}`) when it is fitted; returns whether anything moved. */
  surround(around) {
    const isSame = Object.keys(NOTHING).every((side) => this.#around[side] === (around ?? NOTHING)[side]);
    this.#around = around ?? NOTHING;
    if (isSame || !this.isFitted) return false;
    this.fit();
    return true;
  }

  get fitZoom() {
    const { left, right, up, down } = this.#around;
    const room = (side, more) => Math.max(1, this.#view[side] - 2 * MARGIN_PX) / (this.#picture[side] + more);
    return Math.min(room("width", left + right), room("height", up + down), LARGEST_FIT);
  }

  fit() {
    this.zoom = this.fitZoom;
    const { left, right, up, down } = this.#around;
    this.x = (this.#view.width - (this.#picture.width + right - left) * this.zoom) / 2;
    this.y = (this.#view.height - (this.#picture.height + down - up) * this.zoom) / 2;
    this.isFitted = true;
  }

  /** Zoom so that the picture's point below (x, y) stays there; without a point, the middle of the view. */
  zoomTo(zoom, x = this.#view.width / 2, y = this.#view.height / 2) {
    const point = this.toPicture(x, y);
    this.zoom = Math.min(LARGEST_ZOOM, Math.max(zoom, Math.min(this.fitZoom, 1) / 4));
    this.isFitted = false;
    this.#put(point, x, y);
  }

  pan(dx, dy) {
    this.isFitted = false;
    this.x += dx;
    this.y += dy;
    this.#hold();
  }

  toPicture(x, y) {
    return { x: (x - this.x) / this.zoom, y: (y - this.y) / this.zoom };
  }

  toScreen(x, y) {
    return { x: x * this.zoom + this.x, y: y * this.zoom + this.y };
  }

  #put(point, x, y) {
    this.x = x - point.x * this.zoom;
    this.y = y - point.y * this.zoom;
    this.#hold();
  }

  /** Some of the picture always stays in view. */
  #hold() {
    const hold = (at, side) => {
      const some = Math.min(60, this.#view[side] / 4);
      return Math.min(this.#view[side] - some, Math.max(some - this.#picture[side] * this.zoom, at));
    };
    this.x = hold(this.x, "width");
    this.y = hold(this.y, "height");
  }
}
