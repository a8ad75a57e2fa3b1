/** What the history asks of the server. Addresses are relative to the page, so that a proxy may move it. */

const API = new URL("../../../api/", import.meta.url).href;

/** Where a small copy of a picture is; it outlives the picture. */
export const thumbnailAddress = (id, side = 256) => `${API}assets/${id}/thumbnail?side_px=${side}`;

/** Where a picture is as browsers show it. */
export const viewAddress = (id) => `${API}assets/${id}/view`;

/** Where the file itself is. */
export const fileAddress = (id) => `${API}assets/${id}`;

async function call(path, { method = "GET", query = {}, body } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  const options = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await fetch(`${API}${path}${search ? `?${search}` : ""}`, options);
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const why = typeof said.detail === "string" ? said.detail : said.errors || said.error || `HTTP ${answer.status}`;
  throw Object.assign(new Error(String(why)), { status: answer.status });
}

/** One page of a search: {entries, total, next}. */
export const searchHistory = (query) => call("history", { query });

/** Names of the checkpoints that `model` knows. */
export const listModels = () => call("history/models");

/** How much there is: {bytes, entries, budget_bytes, problem}. */
export const getUsage = () => call("history/usage");

/** Forget entries; `alsoFiles`: what was saved elsewhere too. */
export const deleteEntries = (ids, alsoFiles) => call("history/delete", { method: "POST", body: { ids, also_files: alsoFiles } });

/** What keeping a budget (null = the one in force) would delete: {entries, bytes}. */
export const countTrim = (gib = null) => call("history/trim", { method: "POST", body: { dry_run: true, budget_gib: gib } });

/** Delete the oldest entries until the budget is kept: {entries, bytes}. */
export const trimHistory = () => call("history/trim", { method: "POST", body: { dry_run: false } });

/** Keep another budget, in GiB; 0 = none. */
export const saveBudget = (gib) => call("settings", { method: "POST", body: { history_budget_gib: gib } });
