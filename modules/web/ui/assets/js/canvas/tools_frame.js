/** The tool that draws the picture's frame outwards: by its handles, by numbers, and by the arrow keys. */

import { make, tell, textButton } from "./dom.js";
import { chosenOverlap, drawn, MOST_OVERLAP_PX, MOST_PX, SIDES, sizeOf, STEP_PX } from "./frame_math.js";
import { change } from "./settings.js";
import { registerTool } from "./tools.js";

const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const FIRST_PX = 64;
const CARD = "#img2img_intent_extend";

function numberOption(view, name, most, read, write) {
  const text = `canvas.frame.${name}`;
  const input = make("input", { type: "number", min: 0, max: most, step: STEP_PX, "data-label": text, "data-option": `frame_${name}` });
  const option = make("label", { class: "pm-option pm-option-number" }, make("span", { "data-words": text }), input);
  input.addEventListener("change", () => {
    write(Number(input.value));
    option.refresh();
  });
  option.refresh = () => {
    input.value = read();
    input.disabled = !view.document.now.picture;
  };
  return following(option);
}

function following(option) {
  option.refresh();
  tell(option);
  return option;
}

const sideOption = (side) => (view) =>
  numberOption(view, side, MOST_PX, () => view.document.now.frame?.[side] ?? 0, (value) => view.document.setFrame(drawn(view.document.now.frame, { [side]: value })));

const overlapOption = (view) =>
  numberOption(view, "overlap", MOST_OVERLAP_PX, () => view.document.now.frame?.overlap ?? chosenOverlap(), (value) => {
    change({ frameOverlap: value });
    const { frame } = view.document.now;
    if (frame) view.document.setFrame(drawn(frame, { overlap: value }));
  });

function sizeOption(view) {
  const size = make("output", { class: "pm-frame-size", "aria-live": "polite" });
  const reset = textButton("canvas.frame.reset", () => view.document.setFrame(null), { "data-act": "frame_reset" });
  const option = make("span", { class: "pm-option" }, size, reset);
  option.refresh = () => {
    const { picture, frame } = view.document.now;
    const { width, height } = picture ? sizeOf(picture, frame) : {};
    size.textContent = picture ? `${width} × ${height}` : "";
    reset.disabled = !frame;
  };
  return following(option);
}

registerTool({
  id: "frame", label: "canvas.tool.frame", key: "U", order: 48, modes: ["mask"], cursor: "default",
  icon: '<rect x="8" y="8" width="8" height="8"/><path d="M12 5V2M12 22v-3M5 12H2M22 12h-3M10 3.500 12 1.500l2 2M10 20.500l2 2 2-2M3.500 10l-2 2 2 2M20.500 10l2 2-2 2"/>',
  options: [...SIDES.map(sideOption), overlapOption, sizeOption],
  enter: (view) => view.frame.update(),
  leave: (view) => requestAnimationFrame(() => view.frame.update()),
  /** Arrows draw a side outwards, with Shift back inwards. */
  press(view, event) {
    const side = KEYS[event.key];
    if (!side || event.ctrlKey || event.metaKey) return false;
    const { frame } = view.document.now;
    view.document.setFrame(drawn(frame, { [side]: Math.max(0, (frame?.[side] ?? 0) + (event.shiftKey ? -STEP_PX : STEP_PX)) }));
    return true;
  },
});

/** The card "Extend" takes the tool in hand, and draws a first frame where there is none. */
export function followCard(views, canvas) {
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest(CARD) || !canvas.now.picture) return;
    for (const view of views) if (view.mode === "mask") view.setTool("frame");
    if (!canvas.now.frame) canvas.setFrame(drawn(null, Object.fromEntries(SIDES.map((side) => [side, FIRST_PX]))));
  });
}
