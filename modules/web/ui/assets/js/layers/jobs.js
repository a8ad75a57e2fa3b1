/** Work of the server that takes a while: followed until it is over. */

import { askJob, interruptJob } from "./server.js";

const LOOK_MS = 350;
const PATIENCE = 8; // looks in a row that may fail before one gives up
const OVER = ["done", "failed", "interrupted"];

/**
 * Follow a job.
 *
 * @param {Object} begun what the server said when the work began.
 * @param {(state: Object) => void} show called with every new state: {state, progress, doing, eta_s, document, error}.
 * @returns {{done: Promise<Object>, stop: () => Promise}} `done` gives the last state; it rejects when the server is gone.
 */
export function followJob(begun, show) {
  const look = async () => {
    let state = begun;
    let misses = 0;
    while (!OVER.includes(state.state)) {
      show(state);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      try {
        state = await askJob(begun.job);
        misses = 0;
      } catch (error) {
        misses += 1;
        if (error.status === 404 || misses >= PATIENCE) throw error;
      }
    }
    show(state);
    return state;
  };
  return { done: look(), stop: () => interruptJob(begun.job) };
}
