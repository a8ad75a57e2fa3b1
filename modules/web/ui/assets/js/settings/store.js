/** The options as the server has them, and the changes that wait for Apply; these outlive a reload. */

import { getJson, postJson } from "../api.js";

const KEY = "pentimento_settings";
const listeners = new Set();

export const settings = {
  /** Descriptions in the order of definition; null before `load`. */
  fields: null,
  /** Names for the top of the page. */
  quick: [],
  /** A1111's names without effect. */
  unsupported: [],
  /** Name to value that is not applied yet. */
  pending: readPending(),
};

function readPending() {
  try {
    return new Map(Object.entries(JSON.parse(sessionStorage.getItem(KEY) ?? "{}")));
  } catch {
    return new Map();
  }
}

const same = (one, two) => JSON.stringify(one) === JSON.stringify(two);

/** Call `listener()` after every change of values or of what is pending. */
export function onSettings(listener) {
  listeners.add(listener);
}

function tell() {
  sessionStorage.setItem(KEY, JSON.stringify(Object.fromEntries(settings.pending)));
  for (const listener of listeners) listener();
}

/** Fetch the descriptions; throws `Refusal`. */
export async function load() {
  const { fields, quick, unsupported } = await getJson("api/settings");
  Object.assign(settings, { fields, quick, unsupported });
  for (const [name, value] of settings.pending) change(name, value, false);
  tell();
}

export function find(name) {
  return settings.fields.find((field) => field.name === name);
}

/** The value that is shown: the pending one, else the server's. */
export function valueOf(field) {
  return settings.pending.has(field.name) ? settings.pending.get(field.name) : field.value;
}

export function isDefault(field) {
  return same(valueOf(field), field.default);
}

/** Note a change; one back to the server's value is none. */
export function change(name, value, isTold = true) {
  const field = find(name);
  if (!field || same(value, field.value)) settings.pending.delete(name);
  else settings.pending.set(name, value);
  if (isTold) tell();
}

/** Forget all changes. */
export function discard() {
  settings.pending.clear();
  tell();
}

/** Make every option its default; this waits for Apply like any change. */
export function resetAll() {
  for (const field of settings.fields) change(field.name, field.default, false);
  tell();
}

/** Save changes, all or none; throws `Refusal`, whose body names the options that are wrong under `errors`. */
export async function apply(changes) {
  const { values } = await postJson("api/settings", changes);
  for (const field of settings.fields ?? []) field.value = values[field.name];
  settings.quick = values.quicksettings_list;
  for (const name of Object.keys(changes)) settings.pending.delete(name);
  tell();
}
