/** Colours as "#rgb" and "#rrggbb": told apart, mixed, and written on. */

const DARK_INK = "#1f1a17";
const LIGHT_INK = "#ffffff";

/** Whether a text is a colour of those kinds. */
export const isColour = (text) => /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text);

/** Red, green and blue, 0 to 255. */
function channelsOf(colour) {
  const digits = colour.slice(1);
  const each = digits.length === 3 ? [...digits].map((digit) => digit + digit) : digits.match(/../g);
  return each.map((pair) => parseInt(pair, 16));
}

/** `share` (0 to 1) of the other in a colour; one that is written otherwise stays alone. */
export function mix(colour, other, share) {
  if (!isColour(colour) || !isColour(other)) return colour;
  const [from, to] = [channelsOf(colour), channelsOf(other)];
  const parts = from.map((value, place) => Math.round(value + (to[place] - value) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance, 0 to 1 (WCAG 2, "relative luminance"). */
function luminanceOf(colour) {
  const [red, green, blue] = channelsOf(colour).map((value) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** What can be read best on a colour: black or white. */
export function inkOn(colour) {
  if (!isColour(colour)) return DARK_INK;
  const light = luminanceOf(colour);
  return (1.05 / (light + 0.05)) > ((light + 0.05) / (luminanceOf(DARK_INK) + 0.05)) ? LIGHT_INK : DARK_INK;
}
