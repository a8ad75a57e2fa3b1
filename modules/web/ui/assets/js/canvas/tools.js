/**
 * The registry of tools and panels of the canvas.
 *
 * A tool: `registerTool({
 *   id,                     "bucket"
 *   label,                  id of its text; shown as tooltip with the key, and read aloud
 *   icon,                   inner SVG of a 24 x 24 drawing with strokes, e.g. '<path d="M4 12h16"/>'
 *   key,                    one key, e.g. "G" (case does not matter); "" for none
 *   modes,                  where it is offered: of "mask", "edit_mask" (the mask editor), "paint", "paint_mask", "view", "view_mask"; left out = those to paint in
 *   cursor,                 "brush" for the circle of the brush's size, else a CSS cursor
 *   options,                names of shared controls ("size", "hardness", "opacity", "colour") or functions (view) => HTMLElement
 *   order,                  place in the toolbar; ours have 10, 20, ... 60
 *   down(view, point),      the pointer went down; point = {x, y, pressure, shift, alt, type}, x and y in picture pixels (floats)
 *   move(view, points),     one or more points since, oldest first
 *   up(view, point),        released
 *   cancel(view),           a second finger, Escape, or another picture: leave no trace
 *   press(view, event),     a key went down while the tool is in hand; true = it was the tool's
 *   enter(view), leave(view) picked, and given up for another tool
 * })`; all functions are optional.
 *
 * A panel, for anything with a menu: `registerPanel({id, label, icon, modes, order, fill(element, view)})` puts a button beside the tools
 * which opens a small sheet; `fill` is called each time it opens, with an empty element.
 *
 * A view offers tools: `view.document` (see document.js; `add`, `apply`, `now`), `view.channel` ("mask", "sketch" or null),
 * `view.settings` (brush: size, hardness, opacity, colour), `view.preview(points, isClosed)` / `view.preview(null)` for a dashed outline in
 * picture pixels, `view.colourAt(point)`, `view.camera`, `view.setTool(id)`, `view.say(textId, values)`.
 * While `document.apply` waits for the server the view shows it; what fails is thrown, and the caller's to say.
 */

export const PAINTING = ["mask", "edit_mask", "paint", "paint_mask"];

const tools = new Map();
const panels = new Map();
const listeners = new Set();

function register(entries, entry) {
  entries.set(entry.id, { modes: PAINTING, options: [], key: "", order: 100, cursor: "crosshair", ...entry });
  for (const listener of listeners) listener();
}

/** Offer a tool; see above. One with the same id is replaced. */
export const registerTool = (tool) => register(tools, tool);

/** Offer a panel; see above. */
export const registerPanel = (panel) => register(panels, panel);

/** Call `listener` whenever something is registered. */
export const onRegistered = (listener) => listeners.add(listener);

const forMode = (entries, mode) => [...entries.values()].filter((entry) => entry.modes.includes(mode)).sort((a, b) => a.order - b.order);

/** Tools of a mode, in the order of the toolbar. */
export const toolsFor = (mode) => forMode(tools, mode);

/** Panels of a mode, in order. */
export const panelsFor = (mode) => forMode(panels, mode);
