/** What the layers ask of the server. Addresses are relative to the page, so that a proxy may move it. */

import { t } from "../pentimento.js";

const API = new URL("../../../api/layers", import.meta.url).href;

/** What came back instead of an answer: `status` of HTTP, `field` and `revision` where the server names them. */
export class Refused extends Error {
  constructor(status, body) {
    const said = typeof body?.detail === "string" ? body.detail : body?.errors || body?.error;
    super(String(said || `HTTP ${status}`));
    this.status = status;
    this.kind = body?.error ?? "";
    this.field = body?.field ?? "";
  }
}

/** `fetch`, with words for a server that does not answer. */
async function ask(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Refused(0, { detail: t("layers.trouble.away") });
  }
}

async function call(path, { method = "GET", body, file, headers = {} } = {}) {
  const options = { method, headers: { ...headers } };
  if (body !== undefined) Object.assign(options, { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } });
  if (file !== undefined) Object.assign(options, { body: file, headers: { ...headers, "Content-Type": "application/octet-stream" } });
  const answer = await ask(`${API}${path}`, options);
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

const post = (path, body = {}) => call(path, { method: "POST", body });
const part = (text) => encodeURIComponent(text);

function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `${API}${path}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

/** The person's documents, the last changed first. */
export const listDocuments = () => call("");

/** Ways to take pictures apart: [{name, why_not, settings}]. */
export const listBackends = () => call("/backends");

/** Begin to take a stored picture apart: {job}. */
export const takeApart = (image, name, backend, settings) => post("/decompose", { image, name, backend, settings, wait: false });

/** Begin to take a folder apart, or to render a document for every row of a table: {job}. */
export const takeFolderApart = (body) => post("/batch", body);
export const renderTable = (body) => post("/table", body);

/** How a job of the layers stands: {state, progress, doing, document, error}. */
export const askJob = (job) => call(`/jobs/${part(job)}`);
export const interruptJob = (job) => post(`/jobs/${part(job)}/interrupt`);

/** Make a document of a file of layers. */
export const importFile = (file) => call(`/import?name=${part(file.name)}`, { method: "POST", file });

export const getDocument = (id) => call(`/${part(id)}`);
export const renameDocument = (id, name) => post(`/${part(id)}/rename`, { name });
export const deleteDocument = (id) => call(`/${part(id)}`, { method: "DELETE" });
export const restoreDocument = (id) => post(`/${part(id)}/restore`);
/** Keep a copy; `document`: of this state instead of the one in force. */
export const copyDocument = (id, name, document = null) => post(`/${part(id)}/copy`, { name, document });

/** Change a document; a `Refused` of status 409 where it was changed meanwhile. */
export const sendEdits = (id, revision, edits) => post(`/${part(id)}/edits`, { revision, edits });
export const undo = (id, revision) => post(`/${part(id)}/undo`, { revision });
export const redo = (id, revision) => post(`/${part(id)}/redo`, { revision });

/** Do something bigger to one layer: "text", "picture", "enlarge", "shadow", "repaint", "decompose". */
export const actOn = (id, layer, what, body) => post(`/${part(id)}/layers/${part(layer)}/${what}`, body);

/** Where the picture is, composed; `only`: ids of the layers to show, null = all. */
export const pictureAddress = (id, revision, { only = null, maxSide = null } = {}) =>
  address(`/${part(id)}/picture.png`, { revision, only: only?.join(","), max_side: maxSide });

/** Where a layer's own pixels are, with its colours adjusted, not placed; `key` changes when they do. */
export const layerAddress = (id, layer, key, maxSide = null) => address(`/${part(id)}/layers/${part(layer)}.png`, { max_side: maxSide, v: key });
export const thumbnailAddress = (id, layer, key) => address(`/${part(id)}/layers/${part(layer)}/thumbnail.png`, { v: key });

/** A document as a file of another program: {blob, name, notes}. */
export async function exportFile(id, kind, options = {}) {
  const answer = await ask(address(`/${part(id)}/export`, { kind, ...options }));
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
  const [, name = ""] = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "") ?? [];
  const notes = JSON.parse(answer.headers.get("X-Layers-Notes") ?? "[]");
  return { blob: await answer.blob(), name: decodeURIComponent(name) || `layers.${kind}`, notes };
}

export const listFonts = () => call("/fonts");
export const addFont = (file) => call(`/fonts?name=${part(file.name)}`, { method: "POST", file });
