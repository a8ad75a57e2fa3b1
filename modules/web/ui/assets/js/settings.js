/** The settings tab: sections at the side, a search box, one row an option, and a bar that applies what was changed. */

import { Refusal } from "./api.js";
import { make } from "./elements.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { labelOf, makeRow, wordsOf } from "./settings/rows.js";
import { apply, discard, find, isDefault, load, onSettings, resetAll, settings, valueOf } from "./settings/store.js";
import { sayRefusal } from "./settings/widgets.js";
import { whenSeen } from "./when.js";

const ALL = "*";
const CHANGED = "+";
const view = { place: null, section: null, search: "", rows: new Map() };

const SECTIONS = {
  API: "settings.section.api",
  Compatibility: "settings.section.compatibility",
  Extensions: "settings.section.extensions",
  Extras: "settings.section.extras",
  Folders: "settings.section.folders",
  Guidance: "settings.section.guidance",
  History: "settings.section.history",
  Infotext: "settings.section.infotext",
  Interface: "settings.section.interface",
  Model: "settings.section.model",
  Sampling: "settings.section.sampling",
  Saving: "settings.section.saving",
  Upscaling: "settings.section.upscaling",
  img2img: "settings.section.img2img",
};
const sectionText = (section) => (section in SECTIONS ? t(SECTIONS[section]) : section);
const sections = () => [...new Set(settings.fields.map((field) => field.section))];

function matches(field) {
  const words = view.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) return words.every((word) => wordsOf(field).includes(word));
  if (view.section === CHANGED) return !isDefault(field);
  return view.section === ALL || field.section === view.section;
}

/** Show the rows that section and search ask for; rows are made once and hidden. */
function filter() {
  let shown = 0;
  for (const group of view.place.querySelectorAll(".pm-section")) {
    let count = 0;
    for (const row of group.querySelectorAll(".pm-setting")) {
      row.hidden = !matches(find(row.dataset.option));
      count += row.hidden ? 0 : 1;
    }
    group.hidden = count === 0;
    shown += count;
  }
  view.place.querySelector(".pm-nothing").hidden = shown > 0;
  const isSearching = view.search.trim() !== "";
  for (const button of view.place.querySelectorAll(".pm-sections button[data-section]")) {
    button.setAttribute("aria-current", String(!isSearching && button.dataset.section === view.section));
  }
}

function choose(section) {
  view.section = section;
  view.search = "";
  view.place.querySelector(".pm-search").value = "";
  filter();
  if (view.place.getBoundingClientRect().top < 0) view.place.scrollIntoView();
}

function makeSide() {
  const search = make("input", {
    type: "search", class: "pm-input pm-search", id: "settings_search", value: view.search, placeholder: t("settings.search"),
    "aria-label": t("settings.search"),
    oninput: () => {
      view.search = search.value;
      filter();
    },
  });
  const entry = (section, text) => make("button", { type: "button", "data-section": section, onclick: () => choose(section) }, text);
  const changed = entry(CHANGED, "");
  changed.classList.add("pm-changed");
  const list = make("nav", { class: "pm-sections", "aria-label": t("settings.sections") }, entry(ALL, t("settings.all")),
    ...sections().map((section) => entry(section, sectionText(section))), changed);
  const reset = make("button", { type: "button", class: "pm-button", id: "settings_reset", onclick: resetAll }, t("settings.reset_all"));
  return make("div", { class: "pm-settings-side" }, search, list, reset);
}

function makeGroups() {
  view.rows.clear();
  return sections().map((section) => {
    const fields = settings.fields.filter((field) => field.section === section);
    const rows = fields.map((field) => {
      const row = makeRow(field);
      view.rows.set(field.name, row);
      return row.element;
    });
    return make("section", { class: "pm-section pm-card" }, make("h2", {}, sectionText(section)), ...rows);
  });
}

function makeBar() {
  const count = make("p", { class: "pm-count", role: "status" });
  const drop = make("button", { type: "button", class: "pm-button", id: "settings_discard", onclick: discard }, t("settings.discard"));
  const send = make("button", { type: "button", class: "pm-button pm-primary", id: "settings_submit", onclick: submit }, t("settings.apply"));
  return make("div", { class: "pm-settings-bar" }, count, drop, send);
}

function draw() {
  view.section ??= sections()[0];
  const foreign = make("details", { class: "pm-foreign" }, make("summary", {}, t("settings.unsupported")),
    make("p", {}, ...settings.unsupported.flatMap((name) => [make("code", {}, name), " "])));
  const nothing = make("p", { class: "pm-nothing", role: "status" }, t("settings.nothing_found"));
  const main = make("div", { class: "pm-settings-main" }, ...makeGroups(), nothing, foreign, makeBar());
  view.place.replaceChildren(makeSide(), main);
  refresh();
  filter();
}

function refresh() {
  if (!view.place?.querySelector(".pm-settings-bar")) return;
  for (const row of view.rows.values()) row.refresh();
  const count = settings.pending.size;
  view.place.querySelector(".pm-count").textContent = count ? t("settings.changes", { n: count }) : "";
  view.place.querySelector(".pm-settings-bar").classList.toggle("is-needed", count > 0);
  for (const id of ["settings_submit", "settings_discard"]) view.place.querySelector(`#${id}`).disabled = count === 0;
  const changed = settings.fields.filter((field) => !isDefault(field)).length;
  view.place.querySelector(".pm-changed").textContent = t("settings.changed_only", { n: changed });
}

async function submit() {
  const changes = Object.fromEntries(settings.pending);
  try {
    await apply(changes);
    for (const name of Object.keys(changes)) view.rows.get(name)?.fail("");
    toast(t("settings.applied"));
    view.place.querySelector("#settings_search").focus({ preventScroll: true });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    showErrors(refusal);
  }
}

function showErrors(refusal) {
  const errors = refusal.body?.errors;
  if (!Array.isArray(errors)) {
    toast(t("settings.failed", { reason: refusal.status ? refusal.message : t("settings.unreachable") }), "error");
    return;
  }
  const wrong = errors.map(({ field }) => find(field)).filter(Boolean);
  for (const field of wrong) view.rows.get(field.name).fail(sayRefusal(field, valueOf(field)));
  toast(t("settings.invalid", { names: wrong.map(labelOf).join(", ") }), "error");
  if (!wrong.length) return;
  choose(wrong.every((field) => field.section === wrong[0].section) ? wrong[0].section : ALL);
  view.rows.get(wrong[0].name).element.scrollIntoView({ block: "center" });
}

async function open(place) {
  view.place = place;
  place.replaceChildren(make("p", { class: "pm-nothing", role: "status" }, t("settings.loading")));
  try {
    await load();
    draw();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    const reason = refusal.status ? refusal.message : t("settings.unreachable");
    place.replaceChildren(make("p", { class: "pm-nothing", role: "alert" }, reason));
  }
}

whenSeen("#pm_settings", open);
onSettings(refresh);
onLanguage(() => {
  if (view.place?.isConnected && settings.fields) draw();
});
