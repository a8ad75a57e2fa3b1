/** Full-size rasters off the page's thread. */

let worker;
let count = 0;
const waiting = new Map();

function start() {
  const made = new Worker(new URL("./raster_worker.js", import.meta.url), { type: "module" });
  made.onmessage = ({ data: { number, result, error, status } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) resolve(result);
    else reject(Object.assign(new Error(error), { status }));
  };
  made.onerror = (event) => {
    event.preventDefault?.();
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error(`the raster worker failed: ${event.message ?? "it could not be loaded"}`));
    waiting.clear();
  };
  return made;
}

/**
 * Make the full-size raster of a channel; see `rasterise.js`.
 *
 * Runs in a worker; on the page's own thread where workers or off-screen canvases are missing.
 */
export async function rasteriseApart(job) {
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") return (await import("./rasterise.js")).rasterise(job);
  worker ??= start();
  const number = ++count;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    worker.postMessage({ number, job });
  });
}
