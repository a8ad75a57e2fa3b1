/** The worker's side of `rasteriser.js`. One job after another: they share surfaces. */

import { rasterise } from "./rasterise.js";

let last = Promise.resolve();

self.onmessage = ({ data: { number, job } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ number, result: await rasterise(job) });
    } catch (error) {
      self.postMessage({ number, error: String(error?.message ?? error), status: error?.status });
    }
  });
};
