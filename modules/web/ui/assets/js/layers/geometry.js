/** Where layers lie, as `modules/imaging/layering/placement.py` has it: flipped, scaled and turned about their own middle. */

const SMALLEST_PX = 1;
const SNAP_DEG = 15;
const UPRIGHT_DEG = 1.5; // nearer to upright than this is meant to be upright

export const rad = (degrees) => (degrees * Math.PI) / 180;
const turn = ({ x, y }, degrees) => {
  const [c, s] = [Math.cos(rad(degrees)), Math.sin(rad(degrees))];
  return { x: x * c - y * s, y: x * s + y * c };
};
const tidy = (value, digits = 4) => Number(value.toFixed(digits));

/** Canvas pixels that a layer takes at scale 1; null for a layer without any. */
export function sizeOf(layer) {
  const shown = layer.source ?? layer.difference;
  if (!shown) return null;
  const { width, height } = shown.extent;
  return { width: width / (shown.density || 1), height: height / (shown.density || 1) };
}

/** A placement's frame on the canvas: its middle, its sides as they are shown, its angle. */
export function frameOf(size, placement) {
  return {
    x: placement.left + size.width / 2,
    y: placement.top + size.height / 2,
    width: size.width * placement.scale_x,
    height: size.height * placement.scale_y,
    angle: placement.rotation_deg,
  };
}

/** The placement with another frame; whole pixels where nothing is resampled. */
export function placementOf(size, placement, frame) {
  const scale_x = tidy(frame.width / size.width, 5);
  const scale_y = tidy(frame.height / size.height, 5);
  const rotation_deg = tidy(((frame.angle % 360) + 360) % 360, 3);
  const isPlain = scale_x === 1 && scale_y === 1 && rotation_deg === 0;
  const near = (value) => (isPlain ? Math.round(value) : tidy(value, 3));
  return { ...placement, left: near(frame.x - size.width / 2), top: near(frame.y - size.height / 2), scale_x, scale_y, rotation_deg };
}

/** The upright box around a frame: {left, top, right, bottom}. */
export function boundsOf(frame) {
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([hx, hy]) => handlePoint(frame, hx, hy));
  const [xs, ys] = [corners.map((at) => at.x), corners.map((at) => at.y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** Where a handle is: (-1, -1) the left upper corner, (1, 0) the middle of the right side. */
export function handlePoint(frame, hx, hy) {
  const at = turn({ x: (hx * frame.width) / 2, y: (hy * frame.height) / 2 }, frame.angle);
  return { x: frame.x + at.x, y: frame.y + at.y };
}

/** A point of the canvas as a share of the layer's own picture, (0, 0) to (1, 1), flips undone. */
export function shareAt(frame, placement, point) {
  const own = turn({ x: point.x - frame.x, y: point.y - frame.y }, -frame.angle);
  const [x, y] = [own.x / frame.width, own.y / frame.height];
  return { x: 0.5 + (placement.is_flipped_x ? -x : x), y: 0.5 + (placement.is_flipped_y ? -y : y) };
}

/**
 * The frame after a handle was dragged to `point`.
 *
 * @param {{isFree: boolean, isFromMiddle: boolean}} how corners keep proportions unless free; the opposite side stays unless from the middle.
 */
export function resized(frame, hx, hy, point, { isFree = false, isFromMiddle = false } = {}) {
  const anchor = isFromMiddle ? { x: frame.x, y: frame.y } : handlePoint(frame, -hx, -hy);
  const reach = turn({ x: point.x - anchor.x, y: point.y - anchor.y }, -frame.angle);
  const share = isFromMiddle ? 2 : 1;
  let width = hx ? Math.max(SMALLEST_PX, reach.x * hx * share) : frame.width;
  let height = hy ? Math.max(SMALLEST_PX, reach.y * hy * share) : frame.height;
  if (hx && hy && !isFree) {
    const [dx, dy] = [hx * frame.width, hy * frame.height];
    const least = SMALLEST_PX / Math.min(frame.width, frame.height);
    const scale = Math.max(least, (share * (reach.x * dx + reach.y * dy)) / (dx * dx + dy * dy));
    [width, height] = [frame.width * scale, frame.height * scale];
  }
  if (isFromMiddle) return { ...frame, width, height };
  const middle = turn({ x: (hx * width) / 2, y: (hy * height) / 2 }, frame.angle);
  return { ...frame, width, height, x: anchor.x + middle.x, y: anchor.y + middle.y };
}

/** The frame turned from where `from` is to where `to` is, seen from its middle; in steps if `isStepped`. */
export function turned(frame, from, to, isStepped) {
  const towards = (point) => (Math.atan2(point.y - frame.y, point.x - frame.x) * 180) / Math.PI;
  let angle = frame.angle + towards(to) - towards(from);
  const upright = Math.round(angle / 90) * 90;
  if (isStepped) angle = Math.round(angle / SNAP_DEG) * SNAP_DEG;
  else if (Math.abs(angle - upright) < UPRIGHT_DEG) angle = upright;
  return { ...frame, angle };
}

/**
 * How far to shift a box so that its edges or middle meet the canvas's, where they nearly do.
 *
 * @returns {{dx, dy, lines: {x: number[], y: number[]}}} the canvas's lines that it then lies on.
 */
export function snap(box, extent, reach) {
  const along = (marks, lines) => {
    let best = { by: 0, line: null, distance: reach };
    for (const mark of marks) {
      for (const line of lines) {
        const distance = Math.abs(line - mark);
        if (distance < best.distance) best = { by: line - mark, line, distance };
      }
    }
    return best;
  };
  const x = along([box.left, (box.left + box.right) / 2, box.right], [0, extent.width / 2, extent.width]);
  const y = along([box.top, (box.top + box.bottom) / 2, box.bottom], [0, extent.height / 2, extent.height]);
  return { dx: x.by, dy: y.by, lines: { x: x.line === null ? [] : [x.line], y: y.line === null ? [] : [y.line] } };
}

/** CSS that puts a picture of `size` where the placement says, in canvas pixels from the canvas's corner. */
export function cssOf(size, placement) {
  const { x, y, angle } = frameOf(size, placement);
  const flip = (scale, isFlipped) => (isFlipped ? -scale : scale);
  const scales = `${flip(placement.scale_x, placement.is_flipped_x)}, ${flip(placement.scale_y, placement.is_flipped_y)}`;
  return `translate(${x}px, ${y}px) rotate(${angle}deg) scale(${scales}) translate(${-size.width / 2}px, ${-size.height / 2}px)`;
}

/** What follows a layer: the same shift, turn and growth, about the leader's middle. */
export function follow(frame, before, after) {
  const [kx, ky] = [after.width / before.width, after.height / before.height];
  const by = after.angle - before.angle;
  const own = turn({ x: frame.x - before.x, y: frame.y - before.y }, -before.angle);
  const at = turn({ x: own.x * kx, y: own.y * ky }, after.angle);
  return { ...frame, x: after.x + at.x, y: after.y + at.y, width: frame.width * kx, height: frame.height * ky, angle: frame.angle + by };
}
