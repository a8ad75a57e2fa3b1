/** Width and height that move together while "keep proportions" is on. */

const STEP_PX = 8;
const [LEAST_PX, MOST_PX] = [64, 2048];
const SIDES = ["width", "height"];

let ratio = 1;

const rounded = (px) => Math.min(MOST_PX, Math.max(LEAST_PX, Math.round(px / STEP_PX) * STEP_PX));
const shown = (side) => Number(document.querySelector(`#img2img_${side} input[type=number]`)?.value) || 0;

/** What the sides are to each other as a person begins to move one: the picture's own proportions where they are that, but for rounding. */
function remember() {
  const [width, height] = SIDES.map(shown);
  if (!width || !height) return;
  ratio = width / height;
  const picture = window.pentimento.document?.state().picture;
  if (!picture) return;
  const own = picture.width / picture.height;
  const isOwn = Math.abs(width - height * own) <= STEP_PX / 2 || Math.abs(height - width / own) <= STEP_PX / 2;
  if (isOwn) ratio = own;
}

for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(
    kind,
    (event) => {
      if (event.target.closest?.("#img2img_width, #img2img_height")) remember();
    },
    { capture: true, passive: true },
  );
}

/**
 * Both sides after one was moved.
 *
 * @param {"width"|"height"} side the one that was moved.
 * @returns {number[]} width and height.
 */
window.pentimento.keepProportions = (side, width, height, keeps) => {
  if (!keeps) return [width, height];
  if (side === "width") return [width, rounded(width / ratio)];
  return [rounded(height * ratio), height];
};
