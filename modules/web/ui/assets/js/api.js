/** Asking our own API. */

/** A refusal: `status` of HTTP (0 = no answer) and `body`, the JSON that came with it, or null. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body?.detail ? String(body.detail) : `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal(0, null);
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, body);
  return body;
}

/** JSON of `path`, which is relative to the page; throws `Refusal`. */
export function getJson(path, options = {}) {
  return ask(path, options);
}

/** Send `body` as JSON to `path`; gives the JSON that comes back, throws `Refusal`. */
export function postJson(path, body, options = {}) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), ...options });
}
