/**
 * The clipspace: a picture, with its mask, copied from any result and pasted into any place that takes a picture; and the mask editor.
 *
 * A hidden component, `#clipspace_bridge`, says what Python's buttons copied: {"act": "copy" or "edit", "asset", "mask", "name", "at"}.
 */

import { copyAsset, editMask, pasteOnCanvas, pastePicture } from "./clipspace/actions.js";
import { mountChip } from "./clipspace/chip.js";
import { clipspace } from "./clipspace/clip.js";
import { MaskEditor } from "./clipspace/editor.js";
import { t, toast } from "./pentimento.js";

const EXTRAS = "extras";
let editor = null;

/** The one mask editor, made when it is first wanted. */
function maskEditor() {
  editor ??= new MaskEditor(handOver);
  return editor;
}

/** A picture with its new mask goes to the workflow's picture that it came from, else into the clipspace. */
function handOver(asset, target) {
  const { desk, tab } = window.pentimento.workflows ?? {};
  if (target && tab && desk.opened?.id === target.workflow) {
    tab.pictures.take(target.name, asset.id);
    toast(t("clipspace.saved_input", { input: target.name }));
    return;
  }
  clipspace.put(asset);
  const paste = { text: t("clipspace.paste_studio"), act: () => pasteOnCanvas(window.pentimento.document) };
  toast(t(target ? "clipspace.saved_elsewhere" : "clipspace.saved"), "info", paste);
}

function hear() {
  const { act, asset, mask = null, name = "" } = window.pentimentoClipspaceBridge?.props.value ?? {};
  if (act === "copy") copyAsset(asset, { mask, name });
  if (act === "edit") editMask(asset, { mask, name });
}

/** What Python's button in the Extras tab does. */
function pasteIntoExtras() {
  pastePicture((asset, note) => {
    window.pentimento.workflowDesk.tell({ asset: asset.id, mode: EXTRAS });
    if (note) toast(note);
  });
}

Object.assign(window.pentimento, { clipspace, maskEditor, hearClipspace: hear, pasteIntoExtras });
mountChip();
hear();
const kept = MaskEditor.kept();
if (kept) editMask(kept.asset.id, { ...kept, name: kept.asset.name }); // the page was left in the middle of it;
