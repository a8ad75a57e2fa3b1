/**
 * Fetch answers that Gradio left lying.
 *
 * Its client listens to one stream while events are under way. An event that sets out while the server's word to end that stream is on
 * its way finds it still open and opens none of its own: its answer waits at the server until some other event opens the next stream.
 * Where that event is the one which asks how a job stands, the page would stand still. So a while after the last event an idle one
 * follows, and another where its own answer, too, was left lying.
 */

const QUIET_MS = 2500;
const MOST_AGAIN = 4; // a server that is gone answers none

const real = window.fetch;
let timer = 0;
let isIdle = false;
let again = 0;

window.fetch = function fetch(resource, options) {
  const address = typeof resource === "string" ? resource : resource.url ?? String(resource);
  if (address.includes("/queue/join")) {
    clearTimeout(timer);
    if (!isIdle) timer = setTimeout(nudge, QUIET_MS, 0);
    isIdle = false;
  }
  return real.call(this, resource, options);
};

function nudge(turn) {
  const button = document.getElementById("pm_nudge");
  if (!button) return;
  isIdle = true;
  button.click();
  clearTimeout(again);
  if (turn < MOST_AGAIN) again = setTimeout(nudge, QUIET_MS * 2 ** (turn + 1), turn + 1);
}

/** The idle event was answered; Python calls this. */
(window.pentimento ??= {}).nudged = () => clearTimeout(again);
