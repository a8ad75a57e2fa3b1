/** Numbers of the picture's frame: `{left, right, up, down, overlap}` in pixels, or null where it is the picture's own. */

import { settings } from "./settings.js";

export const SIDES = ["left", "right", "up", "down"];
export const STEP_PX = 8;
export const MOST_PX = 8192;
export const OVERLAP_PX = 32;
export const MOST_OVERLAP_PX = 512;
const OUTWARDS = { left: ["x", -1], right: ["x", 1], up: ["y", -1], down: ["y", 1] };

const held = (value, most) => Math.min(most, Math.max(0, Math.round(Number(value) || 0)));

/** How far the new area fades into the picture, as chosen last. */
export const chosenOverlap = () => held(settings.frameOverlap ?? OVERLAP_PX, MOST_OVERLAP_PX);

/** A frame with other numbers, each held within its bounds; null where nothing is left to add. */
export function drawn(frame, changes) {
  const all = { left: 0, right: 0, up: 0, down: 0, overlap: chosenOverlap(), ...frame, ...changes };
  const next = Object.fromEntries(SIDES.map((side) => [side, held(all[side], MOST_PX)]));
  return SIDES.some((side) => next[side] > 0) ? Object.freeze({ ...next, overlap: held(all.overlap, MOST_OVERLAP_PX) }) : null;
}

/** A frame whose `sides` were dragged by `{x, y}` picture pixels; they come to rest at whole steps from the picture. */
export function grownBy(frame, sides, by, step = STEP_PX) {
  const changes = sides.map((side) => {
    const [axis, sign] = OUTWARDS[side];
    return [side, Math.round(((frame?.[side] ?? 0) + sign * by[axis]) / step) * step];
  });
  return drawn(frame, Object.fromEntries(changes));
}

/** The size that results. */
export function sizeOf(picture, frame) {
  const { left = 0, right = 0, up = 0, down = 0 } = frame ?? {};
  return { width: picture.width + left + right, height: picture.height + up + down };
}

export const isSame = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
