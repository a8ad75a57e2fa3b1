/** Saying that a loaded mask had another size than the picture. */

const LEAST_STRETCH = 0.01; // less is rounding, as between 512 x 341 and 1024 x 683
const sizeOf = ({ width, height }) => `${width} × ${height}`;

/**
 * Tell the person what became of a mask that was made to fit; nothing where the sizes are the same.
 *
 * @param {{width: number, height: number}} mask in px, as loaded.
 * @param {{width: number, height: number}} picture in px.
 */
export function sayOtherSize(mask, picture) {
  if (mask.width === picture.width && mask.height === picture.height) return;
  const proportion = (mask.width * picture.height) / (mask.height * picture.width);
  const isStretched = Math.max(proportion, 1 / proportion) > 1 + LEAST_STRETCH;
  const id = isStretched ? "canvas.mask_stretched" : "canvas.mask_scaled";
  window.pentimento.toast(window.pentimento.t(id, { mask: sizeOf(mask), picture: sizeOf(picture) }));
}
