/** PNG files, written in the browser: 8-bit grey for masks, RGBA for sketches (W3C, "Portable Network Graphics", third edition). */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY = 0;
const RGBA = 6;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(name, body) {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc32(bytes.subarray(4, body.length + 8)));
  return bytes;
}

function header(width, height, kind) {
  const body = new Uint8Array(13);
  const view = new DataView(body.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  body.set([8, kind, 0, 0, 0], 8);
  return body;
}

/**
 * Encode pixels.
 *
 * @param {Uint8ClampedArray} data `width * height * channels` bytes, rows from the top.
 * @param {1|4} channels 1 = grey, 4 = RGBA (not premultiplied).
 * @returns {Promise<Blob>} image/png.
 */
export async function encodePng(data, width, height, channels) {
  const line = width * channels;
  const rows = new Uint8Array((line + 1) * height); // each row begins with its filter type, 0 = none
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  const parts = [chunk("IHDR", header(width, height, channels === 1 ? GREY : RGBA)), chunk("IDAT", body), chunk("IEND", new Uint8Array(0))];
  return new Blob([new Uint8Array(SIGNATURE), ...parts], { type: "image/png" });
}
