/** The extensions tab: what there is, what runs, what is broken; switching, adding, installing and removing, on this machine alone. */

import { getJson, postJson, Refusal } from "./api.js";
import { make } from "./elements.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { whenSeen } from "./when.js";

const view = { place: null, data: null, source: "", busy: "" };

const button = (text, onclick, more = {}) =>
  make("button", { type: "button", class: "pm-button", disabled: view.busy !== "", onclick, ...more }, text);

function sayWhy(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  return refusal.status ? refusal.message : t("extensions.unreachable");
}

/** Do something that changes an extension, saying meanwhile what; then look at the disk again. */
async function act(busy, path, body, done) {
  view.busy = busy;
  draw();
  try {
    const answer = await postJson(`api/extensions/${path}`, body);
    toast(done(answer));
    view.data = await getJson("api/extensions");
    return true;
  } catch (refusal) {
    toast(sayWhy(refusal), "error");
    return false;
  } finally {
    view.busy = "";
    draw();
  }
}

const enable = (name, is_on) => act(t("extensions.busy.switch", { name }), "enable", { name, is_on },
  () => t(is_on ? "extensions.enabled" : "extensions.disabled", { name }));

function install(name) {
  if (confirm(t("extensions.ask.install", { name }))) {
    act(t("extensions.busy.install", { name }), "install", { name }, () => t("extensions.installed", { name }));
  }
}

function remove(name) {
  if (confirm(t("extensions.ask.remove", { name }))) {
    act(t("extensions.busy.remove", { name }), "remove", { name }, (place) => (place ? t("extensions.removed", { place }) : t("extensions.unlinked")));
  }
}

async function add(event) {
  event.preventDefault();
  const source = view.source.trim();
  if (source && (await act(t("extensions.busy.add"), "add", { source }, (name) => t("extensions.added", { name })))) {
    view.source = "";
    draw();
  }
}

/** What is to be said of an extension: [text, is it a warning]. */
function notesOf(extension) {
  const notes = [];
  if (extension.state !== "enabled") notes.push([t(`extensions.state.${extension.state}`), false]);
  if (extension.is_enabled !== extension.is_running) notes.push([t("extensions.restart"), true]);
  if (extension.needs_install) notes.push([t("extensions.needs_install"), true]);
  if (extension.missing.length) notes.push([t("extensions.missing", { names: extension.missing.join(", ") }), true]);
  return notes;
}

function makeBroken(entries) {
  if (!entries.length) return null;
  const lines = entries.map(({ file, stage, reason }) =>
    make("li", {}, make("b", {}, file), " ", make("span", { class: "pm-badge" }, stageText(stage)), " ", make("code", {}, reason)));
  return make("ul", { class: "pm-extension-broken" }, ...lines);
}

const STAGES = { import: "extensions.stage.import", create: "extensions.stage.create", ui: "extensions.stage.ui" };
const stageText = (stage) => (stage in STAGES ? t(STAGES[stage]) : t("extensions.stage.callback", { name: stage }));

function makeRow(extension) {
  const { name } = extension;
  const box = make("input", {
    type: "checkbox", role: "switch", class: "pm-switch", checked: extension.is_enabled, "aria-label": t("extensions.runs", { name }),
    disabled: view.busy !== "" || !view.data.may_change || !["enabled", "disabled"].includes(extension.state),
    onchange: (event) => enable(name, event.target.checked),
  });
  const about = [extension.is_builtin ? t("extensions.builtin") : "", extension.remote, extension.commit_hash].filter(Boolean);
  const notes = notesOf(extension).map(([text, warns]) => make("p", { class: warns ? "pm-extension-note pm-warns" : "pm-extension-note" }, text));
  const tools = make("div", { class: "pm-extension-tools" });
  if (view.data.may_change && extension.has_installer) tools.append(button(t("extensions.install"), () => install(name)));
  if (view.data.may_change && !extension.is_builtin) tools.append(button(t("extensions.remove"), () => remove(name)));
  return make("li", { class: "pm-extension pm-card", "data-extension": name }, box,
    make("div", { class: "pm-extension-text" }, make("h3", {}, name), about.length ? make("p", { class: "pm-help" }, about.join(" · ")) : null,
      ...notes, makeBroken(extension.broken)), tools);
}

function makeAdding() {
  const field = make("input", {
    type: "text", class: "pm-input", id: "extensions_source", value: view.source, placeholder: t("extensions.add.placeholder"),
    "aria-label": t("extensions.add"), spellcheck: false, disabled: view.busy !== "",
    oninput: (event) => {
      view.source = event.target.value;
    },
  });
  const submit = make("button", { type: "submit", class: "pm-button pm-primary", id: "extensions_add", disabled: view.busy !== "" }, t("extensions.add.do"));
  return make("form", { class: "pm-extension-add pm-card", onsubmit: add }, make("h2", {}, t("extensions.add")),
    make("div", { class: "pm-extension-line" }, field, submit), make("p", { class: "pm-help" }, t("extensions.add.help", { folder: view.data.folder })));
}

function draw() {
  const { place, data } = view;
  if (!place || !data) return;
  const head = make("div", { class: "pm-extensions-head" }, make("p", { class: "pm-help" }, t("extensions.about")),
    button(t("extensions.look"), () => open(place), { id: "extensions_look" }));
  const busy = make("p", { class: "pm-extension-note", role: "status" }, view.busy);
  const list = data.extensions.length ? make("ul", { class: "pm-extensions" }, ...data.extensions.map(makeRow)) : make("p", {}, t("extensions.none"));
  const own = data.broken.length ? make("section", { class: "pm-card pm-extension-own" }, make("h2", {}, t("extensions.own_broken")), makeBroken(data.broken)) : null;
  const locked = data.may_change ? null : make("p", { class: "pm-extension-note pm-warns" }, t("extensions.locked"));
  place.replaceChildren(...[head, locked, busy, list, own, data.may_change ? makeAdding() : null].filter(Boolean));
}

async function open(place) {
  view.place = place;
  try {
    view.data = await getJson("api/extensions");
    draw();
  } catch (refusal) {
    place.replaceChildren(make("p", { class: "pm-extension-note", role: "alert" }, sayWhy(refusal)));
  }
}

whenSeen("#pm_extensions", open);
onLanguage(draw);
