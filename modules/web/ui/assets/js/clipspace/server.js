/** What the clipspace asks of the server. Addresses are relative to the page, so that a proxy may move it. */

import { getJson, postJson } from "../api.js";

const API = new URL("../../../api/", import.meta.url).href;
const part = (text) => encodeURIComponent(text);

/** A kept picture, {id, width, height, has_alpha, name}; throws a `Refusal` of status 404 where it is gone. */
export const describeAsset = (id) => getJson(`${API}assets/${part(id)}/info`, { cache: "no-store" });

/** A new picture whose alpha is 255 - mask; no mask = it becomes opaque. */
export const layIntoAlpha = (picture, mask) => postJson(`${API}masks/into_alpha`, { picture, mask });

export const smallAddress = (id) => `${API}assets/${part(id)}/thumbnail?side_px=64`;
