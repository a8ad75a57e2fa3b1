/** Work of the server that takes a while: followed until it is over, also after the page was loaded again. */

import { askJob, interruptJob } from "./server.js";

const LOOK_MS = 350;
const MISSED_MS = 2000;
const PATIENCE = 60; // looks in a row that may fail before one gives up: a server that starts again goes on with the work
const OVER = ["done", "failed", "interrupted"];
const KEY = "pentimento_layers_job_";

/**
 * Follow a job.
 *
 * @param {Object} begun what the server said when the work began.
 * @param {(state: Object) => void} show called with every new state: {state, progress, doing, eta_s, document, error}; `isAway`: of a
 *   server that does not answer.
 * @returns {{done: Promise<Object>, stop: () => Promise}} `done` gives the last state; it rejects when the server is gone.
 */
export function followJob(begun, show) {
  const look = async () => {
    let state = begun;
    let misses = 0;
    while (!OVER.includes(state.state)) {
      show({ ...state, isAway: misses > 1 });
      await new Promise((resolve) => setTimeout(resolve, misses ? MISSED_MS : LOOK_MS));
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

/** Keep in mind, for this browser tab, what is under way; null = nothing any more. */
export function keepJob(name, value) {
  try {
    if (value) sessionStorage.setItem(KEY + name, JSON.stringify(value));
    else sessionStorage.removeItem(KEY + name);
  } catch {
    // the browser forbids it: after a reload nothing is followed
  }
}

export function keptJob(name) {
  try {
    return JSON.parse(sessionStorage.getItem(KEY + name));
  } catch {
    return null;
  }
}
