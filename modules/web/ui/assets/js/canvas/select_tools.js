/** The paint bucket, and the object tool: a click on an object, or a box drawn round it. Both work on the mask alone. */

import { make, tell } from "./dom.js";
import { wayAt, wayOption } from "./select_modes.js";
import { work } from "./select_work.js";
import { change, settings } from "./settings.js";
import { registerTool } from "./tools.js";

const DRAG_PX = 6; // on the screen: from here on it is a box
const SMALLEST_BOX_PX = 8; // of the picture
const TOLERANCE = 32;

const isOn = (view, { x, y }) => x >= 0 && y >= 0 && x < view.document.now.picture.width && y < view.document.now.picture.height;
const clamp = (value, most) => Math.min(most, Math.max(0, value));

function toleranceOption() {
  const input = make("input", { type: "range", min: 0, max: 255, step: 1, "data-label": "select.tolerance", "data-option": "tolerance" });
  const value = make("output");
  const option = make("label", { class: "pm-option" }, make("span", { "data-words": "select.tolerance" }), input, value);
  input.addEventListener("input", () => change({ tolerance: Number(input.value) }));
  option.refresh = () => {
    input.value = settings.tolerance ?? TOLERANCE;
    value.textContent = input.value;
  };
  option.refresh();
  tell(option);
  return option;
}

function contiguousOption() {
  const input = make("input", { type: "checkbox", "data-label": "select.contiguous", "data-option": "contiguous" });
  const option = make("label", { class: "pm-option" }, input, make("span", { "data-words": "select.contiguous" }));
  input.addEventListener("change", () => change({ contiguous: input.checked }));
  option.refresh = () => {
    input.checked = settings.contiguous ?? true;
  };
  option.refresh();
  tell(option);
  return option;
}

function hint(textId) {
  const option = make("span", { class: "pm-option pm-select-hint", "data-words": textId });
  tell(option);
  return option;
}

registerTool({
  id: "bucket", label: "select.tool.bucket", key: "G", order: 42, modes: ["mask", "edit_mask"],
  options: [wayOption, toleranceOption, contiguousOption],
  icon: '<path d="m11 3 9 9-7.500 7.500a1.800 1.800 0 0 1-2.600 0L4.500 14a1.800 1.800 0 0 1 0-2.600L12 4"/><path d="M4 12.700h15.300M21 15.500c1 1.500 1.500 2.400 1.500 3.200a1.500 1.500 0 0 1-3 0c0-.8.5-1.700 1.500-3.200z"/>',
  down(view, point) {
    if (!isOn(view, point)) return;
    const { tolerance = TOLERANCE, contiguous = true } = settings;
    work(view.document, "bucket", { x: point.x, y: point.y, tolerance, contiguous, combine: wayAt(point) });
  },
});

let drawn = null; // {start, end}: the box in hand

const boxOf = ({ start, end }, { width, height }) => [
  clamp(Math.min(start.x, end.x), width), clamp(Math.min(start.y, end.y), height),
  clamp(Math.max(start.x, end.x), width), clamp(Math.max(start.y, end.y), height),
];
const isBox = (view, { start, end }) => Math.hypot(end.x - start.x, end.y - start.y) * view.camera.zoom >= DRAG_PX;

function finish(view) {
  view.preview(null);
  drawn = null;
}

registerTool({
  id: "object", label: "select.tool.object", key: "O", order: 44, modes: ["mask", "edit_mask"],
  options: [wayOption, () => hint("select.object_help")],
  icon: '<path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4" /><path d="M12 8.500c2.500 0 4 1.700 4 4s-1.500 3.500-4 3.500-4-1.200-4-3.500 1.500-4 4-4z"/>',
  down(view, point) {
    drawn = { start: point, end: point };
  },
  move(view, points) {
    if (!drawn) return;
    drawn.end = points.at(-1);
    const [left, top, right, bottom] = boxOf(drawn, view.document.now.picture);
    const corners = [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
    view.preview(isBox(view, drawn) ? corners : null, true);
  },
  up(view, point) {
    if (!drawn) return;
    drawn.end = point;
    const { start } = drawn;
    const box = isBox(view, drawn) ? boxOf(drawn, view.document.now.picture) : null;
    finish(view);
    if (!box) {
      if (isOn(view, start)) work(view.document, "object", { x: start.x, y: start.y, combine: wayAt(start) });
    } else if (Math.min(box[2] - box[0], box[3] - box[1]) < SMALLEST_BOX_PX) view.say("select.small_box", { n: SMALLEST_BOX_PX });
    else work(view.document, "object", { box, combine: wayAt(start) });
  },
  cancel: finish,
});
