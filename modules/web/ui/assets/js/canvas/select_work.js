/** Asking the server for work on the mask, one request at a time; what it notes and what goes wrong is said in the person's language. */

const HINTS = { without_network: "select.hint.without_network", by_colour: "select.hint.by_colour", resized: "select.hint.resized" };
const TROUBLE = { MissingModel: "select.trouble.network", NothingFound: "select.trouble.nothing" };
const t = (id, values) => window.pentimento.t(id, values);
let isWorking = false;

/**
 * One operation on the mask, as one step of undo.
 *
 * @param {Object} canvas the document.
 * @param {string} name of the operation, see `POST /api/masks`.
 * @param {Object} params its parameters.
 * @returns {Promise<Object|null>} the new mask's asset; null where it did not work, which the person was told.
 */
export async function work(canvas, name, params = {}) {
  return guarded(() => canvas.apply(name, params));
}

/** Load a stored mask, joined as `combine` says; as `work`. */
export async function load(canvas, assetId, combine) {
  return guarded(() => canvas.loadMask(assetId, combine));
}

async function guarded(ask) {
  if (isWorking) {
    window.pentimento.toast(t("select.still_working"));
    return null;
  }
  isWorking = true;
  try {
    const made = await ask();
    for (const hint of made?.hints ?? []) if (HINTS[hint]) window.pentimento.toast(t(HINTS[hint]));
    return made;
  } catch (error) {
    window.pentimento.toast(t(TROUBLE[error.kind] ?? "select.trouble.other", { why: error.message }), "error");
    return null;
  } finally {
    isWorking = false;
  }
}
