/** What the workflows ask of the server. Addresses are relative to the page, so that a proxy may move it. */

import { getJson, postJson, Refusal } from "../api.js";
import { t } from "../pentimento.js";

const API = new URL("../../../api/", import.meta.url).href;
const MOST_LETTERS = 200;
const part = (text) => encodeURIComponent(text);

async function open(query, body) {
  let answer;
  try {
    answer = await fetch(`${API}workflows/open?${new URLSearchParams(query)}`, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });
  } catch {
    throw new Refusal(0, { detail: t("workflows.away") });
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said;
}

/**
 * Read a file.
 *
 * @param {Blob} file
 * @returns {Promise<Object>} {id, name, source, drawing, problems, missing, form, pictures, outputs}; a `Refusal` where there is no workflow in it.
 */
export const openWorkflow = (file, name) => open({ name: name.slice(-MOST_LETTERS) }, file);

/** Read one of our own. */
export const openBundled = (name) => open({ bundled: name });

/** Read the one in a kept picture. */
export const openInAsset = (asset, name) => open({ asset, name: name.slice(-MOST_LETTERS) });

/** One that was opened before, looked at anew. */
export const findWorkflow = (id) => getJson(`${API}workflows/${part(id)}`);

/** Our own: [{name, title}]. */
export const listBundled = () => getJson(`${API}workflows/bundled`);

/** Checkpoints that can run, by the names that workflows have for them. */
export const listCheckpoints = () => getJson(`${API}workflows/checkpoints`);

/** Begin to run it as the graph it is; `pictures`: asset ids by the names that it has for them; `other`: values by NODE.INPUT. {job}. */
export const runWorkflow = (id, pictures, other = {}) => postJson(`${API}workflows/${part(id)}/run`, { pictures, set: other });

export const askJob = (job) => getJson(`${API}jobs/${part(job)}`);
/** Where the picture of the step last looked at is. */
export const previewAddress = (job, number) => `${API}jobs/${part(job)}/preview?no=${number}`;
export const interruptJob = (job) => postJson(`${API}jobs/${part(job)}/interrupt`, {});

/** What can be fetched by name: [{name, job, ...}]. */
export const listKnown = () => getJson(`${API}models/known`);

/** Begin to fetch a model; {job}. */
export const getModel = (name) => postJson(`${API}models/get`, { name, agreed: true });

export const thumbnailAddress = (asset, side = 256) => `${API}assets/${part(asset)}/thumbnail?side_px=${side}`;
export const viewAddress = (asset) => `${API}assets/${part(asset)}/view`;
export const fileAddress = (asset) => `${API}assets/${part(asset)}`;
