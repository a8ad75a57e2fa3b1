/** What the canvas asks of the server: assets and mask operations. Addresses are relative to the page, so that a proxy may move it. */

const API = new URL("../../../api/", import.meta.url).href;

/** Where assets are, with a slash at the end. */
export const ASSETS = `${API}assets/`;

/** Address of an asset as a browser can show it: upright, in a format it knows. */
export const viewAddress = (id) => `${ASSETS}${id}/view`;

async function answerOf(request) {
  const answer = await request;
  if (answer.ok) return answer.json();
  const body = await answer.json().catch(() => ({}));
  const said = typeof body.detail === "string" ? body.detail : body.errors || body.error || `HTTP ${answer.status}`;
  throw Object.assign(new Error(String(said)), { status: answer.status, kind: body.error });
}

/**
 * Store a file.
 *
 * @param {Blob} file
 * @param {string} name as the person knows it.
 * @returns {Promise<{id, width, height, has_alpha, name, notes}>} a refusal has the file's name as `fileName`.
 */
export function uploadAsset(file, name) {
  const headers = { "Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(name) };
  return answerOf(fetch(`${API}assets`, { method: "POST", body: file, headers })).catch((error) => {
    throw Object.assign(error, { fileName: name });
  });
}

/** Run a mask operation (`grow`, `object` ...) and get the asset it made. */
export function applyToMask(body) {
  return answerOf(fetch(`${API}masks`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }));
}
