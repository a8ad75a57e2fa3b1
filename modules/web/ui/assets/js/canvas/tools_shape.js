/** Lasso, rectangle, eyedropper, hand. Alt takes an outline away instead of adding it; begun with Shift and Alt, it takes away all else. */

import { operation } from "./document.js";
import { change, css, rgb } from "./settings.js";
import { registerTool } from "./tools.js";

const SMALLEST_PX = 1;
const STEP_PX = 1.5; // on the screen: points of a lasso that lie closer are left out

let outline = null;

const isIntersecting = (start) => start.shift && start.alt;

/** The picture without an outline, as one outline: out round the picture, then along it; what is inside is crossed twice (even-odd rule). */
function around(points, { width, height }) {
  const [left, top, right, bottom] = [-2, -2, width + 2, height + 2];
  const frame = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]].map(([x, y]) => ({ x, y }));
  return [...frame, ...points, points[0], frame[0]];
}

function fill(view, points, erase) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const isNothing = Math.max(...xs) - Math.min(...xs) < SMALLEST_PX && Math.max(...ys) - Math.min(...ys) < SMALLEST_PX;
  if (isNothing) return;
  const { colour } = view.settings;
  const isAllElse = isIntersecting(points[0]);
  const opacity = isAllElse ? 1 : view.settings.opacity;
  const flat = (isAllElse ? around(points, view.document.now.picture) : points).flatMap((point) => [point.x, point.y].map((value) => Math.round(value * 100) / 100));
  view.document.add(view.channel, operation({ kind: "polygon", erase: erase || isAllElse, opacity, colour: rgb(colour), points: Object.freeze(flat) }));
}

const corners = (a, b) => [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];

/** The corner opposite `start` that makes a square, for Shift. */
function squared(start, point) {
  if (!point.shift || isIntersecting(start)) return point;
  const side = Math.max(Math.abs(point.x - start.x), Math.abs(point.y - start.y));
  return { x: start.x + side * Math.sign(point.x - start.x || 1), y: start.y + side * Math.sign(point.y - start.y || 1) };
}

function finish(view) {
  view.preview(null);
  outline = null;
}

registerTool({
  id: "lasso", label: "canvas.tool.lasso", key: "L", order: 30, options: ["opacity", "colour"],
  icon: '<path d="M12 4c5 0 9 2.4 9 5.6s-4 5.6-9 5.6-9-2.4-9-5.6S7 4 12 4z"/><path d="M7 14.5c-2 .8-2.500 3-.6 3.600s1.200 2.400-1 2.900"/>',
  down(view, point) {
    outline = [point];
  },
  move(view, points) {
    if (!outline) return;
    for (const point of points) {
      const last = outline.at(-1);
      if (Math.hypot(point.x - last.x, point.y - last.y) * view.camera.zoom >= STEP_PX) outline.push(point);
    }
    view.preview(outline, true);
  },
  up(view, point) {
    if (!outline) return;
    const points = outline;
    finish(view);
    if (points.length > 2) fill(view, points, point.alt);
  },
  cancel: finish,
});

registerTool({
  id: "rectangle", label: "canvas.tool.rectangle", key: "R", order: 40, options: ["opacity", "colour"],
  icon: '<rect x="4" y="6" width="16" height="12" stroke-dasharray="3.200 2.200"/>',
  down(view, point) {
    outline = [point];
  },
  move(view, points) {
    if (outline) view.preview(corners(outline[0], squared(outline[0], points.at(-1))), true);
  },
  up(view, point) {
    if (!outline) return;
    const [start] = outline;
    finish(view);
    fill(view, corners(start, squared(start, point)), point.alt);
  },
  cancel: finish,
});

function pick(view, point) {
  const colour = view.colourAt(point);
  if (colour) change({ colour: css(colour) });
}

registerTool({
  id: "eyedropper", label: "canvas.tool.eyedropper", key: "I", order: 50, options: ["colour"], modes: ["paint", "paint_mask"],
  icon: '<path d="m13 6 5 5M15.500 8.500 18 6a2 2 0 0 0-3-3l-2.500 2.500M13.500 7.500 5 16v3h3l8.500-8.500"/>',
  down: pick,
  move: (view, points) => pick(view, points.at(-1)),
  up: (view) => view.setTool("brush"),
});

registerTool({
  id: "pan", label: "canvas.tool.pan", key: "H", order: 60, cursor: "grab",
  icon: '<path d="M8 13V6a1.500 1.500 0 0 1 3 0v5V4.500a1.500 1.500 0 0 1 3 0V11V6a1.500 1.500 0 0 1 3 0v8c0 4-2 6.500-5.500 6.500S7 18.500 4.500 14.500a1.500 1.500 0 0 1 2.500-1.500z"/>',
});
