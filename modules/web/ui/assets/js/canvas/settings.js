/** What a person set on the canvas: brush, tool, how the mask is shown. The same in all views, and kept for the next visit. */

const KEY = "pentimento_canvas";
const START = {
  size: 48, hardness: 1, opacity: 1, colour: "#c9673b", isOwnSize: false,
  overlay: "#e5484d", overlayOpacity: 0.55, shown: "overlay", // or "solo", "hidden"
};
export const SIZES_PX = { min: 1, max: 1000 };
const listeners = new Set();

function load() {
  try {
    return { ...START, ...JSON.parse(localStorage.getItem(KEY)), shown: "overlay" };
  } catch {
    return { ...START };
  }
}

/** Read it; change it with `change`. */
export const settings = load();

/** Set some of `settings`. */
export function change(values) {
  Object.assign(settings, values);
  settings.size = Math.min(SIZES_PX.max, Math.max(SIZES_PX.min, settings.size));
  settings.hardness = Math.min(1, Math.max(0, settings.hardness));
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // the browser forbids it: the settings hold until the page is closed
  }
  for (const listener of listeners) listener(values);
}

/** Call `listener(values)` after each change. */
export const onSettings = (listener) => listeners.add(listener);

/** "#c9673b" as [201, 103, 59]. */
export const rgb = (css) => [1, 3, 5].map((at) => parseInt(css.slice(at, at + 2), 16));

/** [201, 103, 59] as "#c9673b". */
export const css = (colour) => `#${colour.slice(0, 3).map((value) => value.toString(16).padStart(2, "0")).join("")}`;
