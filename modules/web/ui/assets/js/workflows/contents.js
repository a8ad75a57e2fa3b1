/** Whether a file holds a workflow, seen in the browser, so that only such files are sent for it. */

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const TEXTS = ["tEXt", "iTXt", "zTXt"];
const KEYS = ["prompt", "workflow"];
const MOST_BYTES = 1 << 28;
const JSON_ROOM = 1 << 26;
const EXIF_MARKS = ["prompt:", "workflow:"];

const letters = (bytes, from, count) => String.fromCharCode(...bytes.subarray(from, from + count));

/** Whether it is JSON by its name or type. */
export const isJson = (file) => file.type === "application/json" || /\.json$/i.test(file.name ?? "");

/**
 * Whether a file has one; what is too large to look through has none.
 *
 * @param {File} file
 */
export async function holdsWorkflow(file) {
  if (isJson(file)) return file.size <= JSON_ROOM;
  if (file.size > MOST_BYTES) return false;
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (PNG.every((byte, place) => bytes[place] === byte)) return inPng(bytes);
  if (letters(bytes, 0, 4) === "RIFF" && letters(bytes, 8, 4) === "WEBP") return inWebp(bytes);
  return false;
}

function inPng(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = PNG.length; at + 12 <= bytes.length; ) {
    const [size, type] = [view.getUint32(at), letters(bytes, at + 4, 4)];
    if (type === "IEND") return false;
    if (TEXTS.includes(type) && KEYS.some((key) => letters(bytes, at + 8, key.length + 1) === `${key}\0`)) return true;
    at += 12 + size;
  }
  return false;
}

function inWebp(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [type, size] = [letters(bytes, at, 4), view.getUint32(at + 4, true)];
    if (type === "EXIF") {
      const text = new TextDecoder("latin1").decode(bytes.subarray(at + 8, at + 8 + size));
      return EXIF_MARKS.some((mark) => text.toLowerCase().includes(mark));
    }
    at += 8 + size + (size % 2);
  }
  return false;
}
