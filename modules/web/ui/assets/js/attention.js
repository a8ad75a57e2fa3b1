/**
 * The weight of a few words in a prompt, `(words:1.1)`, raised and lowered with the keyboard.
 *
 * Pure functions over text and selection; keys.js applies them to the text box.
 */

const STEP = 0.1;
const NETWORK_STEP = 0.05;
const PLAIN_FACTOR = 1.1;
const BREAKS = new Set([...".,\\/!?%^*;:{}=`~()[]<>| \t\r\n"]);
const WEIGHT = /^:\s*(-?\d*\.?\d+)\s*([)>])/;

/** The words that are meant: the selection without blanks at its ends, else what the weight around the cursor holds, else a word. */
function meant(text, start, end) {
  if (start === end) {
    const around = enclosing(text, start);
    if (around) return around;
    while (start > 0 && !BREAKS.has(text[start - 1])) start -= 1;
    while (end < text.length && !BREAKS.has(text[end])) end += 1;
  }
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  return [start, end];
}

/** The content of the innermost `(content:weight)` or `<kind:name:weight>` that holds `place`, as [start, end]; null without one. */
function enclosing(text, place) {
  let depth = 0;
  for (let open = place - 1; open >= 0; open -= 1) {
    const sign = text[open];
    if (text[open - 1] === "\\") continue;
    if (sign === ")" || sign === ">") depth += 1;
    if (sign !== "(" && sign !== "<") continue;
    if (depth > 0) {
      depth -= 1;
      continue;
    }
    const found = new RegExp(sign === "(" ? "^\\(([^()]*):\\s*-?\\d*\\.?\\d+\\s*\\)" : "^<([^<>]*):-?\\d*\\.?\\d+>").exec(text.slice(open));
    if (!found || open + found[0].length <= place) return null;
    return [open + 1, open + 1 + found[1].length];
  }
  return null;
}

/** What surrounds [start, end): {from, to, weight, isNetwork}, `from` and `to` taking the signs in. */
function surrounding(text, start, end) {
  const before = text[start - 1];
  const stated = WEIGHT.exec(text.slice(end));
  if (stated && ((before === "(" && stated[2] === ")") || (before === "<" && stated[2] === ">"))) {
    return { from: start - 1, to: end + stated[0].length, weight: Number(stated[1]), isNetwork: before === "<" };
  }
  if (before === "(" && text[end] === ")") return { from: start - 1, to: end + 1, weight: PLAIN_FACTOR, isNetwork: false };
  if (before === "[" && text[end] === "]") return { from: start - 1, to: end + 1, weight: 1 / PLAIN_FACTOR, isNetwork: false };
  return { from: start, to: end, weight: 1, isNetwork: false };
}

/**
 * Weigh the selected words more or less.
 *
 * @param {string} text the prompt
 * @param {number} start first selected character
 * @param {number} end after the last one; the same as `start` for a mere cursor
 * @param {boolean} isMore raise the weight, else lower it
 * @returns {{from: number, to: number, insert: string, start: number, end: number} | null} what to replace by what, and the selection
 *   afterwards; null when there is no word
 */
export function weigh(text, start, end, isMore) {
  const [first, last] = meant(text, start, end);
  if (first === last) return null;
  const words = text.slice(first, last);
  const { from, to, weight, isNetwork } = surrounding(text, first, last);
  const step = isNetwork ? NETWORK_STEP : STEP;
  const next = Math.round((weight + (isMore ? step : -step)) * 100) / 100;
  if (isNetwork) return { from, to, insert: `<${words}:${next}>`, start: from + 1, end: from + 1 + words.length };
  if (next === 1) return { from, to, insert: words, start: from, end: from + words.length };
  return { from, to, insert: `(${words}:${next})`, start: from + 1, end: from + 1 + words.length };
}
