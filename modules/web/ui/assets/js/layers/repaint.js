/**
 * One layer on its way to Inpaint and back: there it is a picture with the layer's shape as mask; whatever was made of it comes back into
 * the layer. Which layer is away is kept for this browser tab.
 */

import { t } from "../pentimento.js";
import { thumbnailAddress as assetThumbnail } from "../history/server.js";
import { searchHistory } from "../history/server.js";
import { checkField, make, wordButton } from "./dom.js";
import { actOn } from "./server.js";

const KEY = "pentimento_layer_away";
const MOST = 12;

/** The layer that is away: {document, layer, name, picture}; or null. */
export function layerAway() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

const keepAway = (away) => (away ? sessionStorage.setItem(KEY, JSON.stringify(away)) : sessionStorage.removeItem(KEY));

/** Open the layer in Inpaint. */
export async function sendToInpaint(store, layer) {
  const bridge = window.pentimentoLayersBridge;
  if (!bridge) throw new Error("the page is not ready yet");
  const { picture, mask, box } = await actOn(store.id, layer.id, "repaint", {});
  keepAway({ document: store.id, layer: layer.id, name: layer.name, picture, box });
  bridge.props.value = { picture, mask, at: Date.now() };
  bridge.trigger("submit");
  store.emit("away");
}

/** A strip that says which layer is away, and brings it back. */
export class AwayStrip {
  constructor(store) {
    this.store = store;
    this.element = make("div.pm-l-strip.pm-l-away", { id: "layers_away", role: "status", hidden: true });
    for (const event of ["open", "away"]) store.on(event, () => this.draw());
  }

  draw() {
    const away = layerAway();
    const isHere = away && away.document === this.store.id;
    this.element.hidden = !isHere;
    if (!isHere) return;
    const bring = wordButton("layers.repaint.bring", () => this.choose(), { id: "layers_bring" }, ".pm-primary.pm-l-small", "brush");
    const give = wordButton("layers.repaint.forget", () => this.forget(), { id: "layers_forget" }, ".pm-l-small");
    this.element.replaceChildren(make("span", {}, t("layers.repaint.away", { name: away.name })), bring, give);
  }

  forget() {
    keepAway(null);
    this.draw();
  }

  /** Show the latest results; the one that is picked goes into the layer. */
  async choose() {
    let entries = [];
    try {
      ({ entries } = await searchHistory({ limit: MOST }));
    } catch (error) {
      this.store.emit("trouble", error);
      return;
    }
    const dialog = make("dialog.pm-l-dialog", { id: "layers_results", aria: { label: t("layers.repaint.which") }, on: { keydown: (event) => event.stopPropagation() } });
    const shape = checkField("layers.repaint.keep_shape", () => {}, { id: "layers_keep_shape", note: t("layers.repaint.keep_shape.what") });
    shape.write(true);
    const pick = (asset) => {
      dialog.close();
      this.bring(asset, shape.input.checked);
    };
    const tiles = entries.map((entry) => make("button.pm-l-tile", { aria: { label: entry.prompt || t("layers.repaint.result") }, on: { click: () => pick(entry.result) } }, make("img", { alt: "", src: assetThumbnail(entry.result) })));
    const none = tiles.length ? null : make("p.pm-l-note", {}, t("layers.repaint.none"));
    const cancel = wordButton("layers.cancel", () => dialog.close(), {}, "");
    dialog.append(make("h2", {}, t("layers.repaint.which")), make("div.pm-l-tiles", {}, ...tiles), ...(none ? [none] : [shape.element]), make("div.pm-l-row.pm-l-end", {}, cancel));
    dialog.addEventListener("close", () => dialog.remove());
    this.element.after(dialog);
    dialog.showModal();
  }

  /** Take a picture of the store into the layer that is away. */
  async bring(asset, keepsShape = true) {
    const away = layerAway();
    const isDone = await this.store.run((id, revision) => actOn(id, away.layer, "repaint", { revision, result: asset, keeps_alpha: keepsShape }));
    if (!isDone) return;
    keepAway(null);
    this.draw();
    this.store.choose([away.layer]);
  }
}
