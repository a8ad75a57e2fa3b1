/** The dialog that makes, changes and deletes styles. */

import { Refusal, getJson, postJson } from "./api.js";
import { make } from "./elements.js";
import { askNotices } from "./notices.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { recount } from "./tokens.js";

const PLACEHOLDER = "{prompt}";
const LONGEST_NAME = 200;
const FIELDS = ["name", "prompt", "negative_prompt"];
const EMPTY = { name: "", prompt: "", negative_prompt: "" };
const state = { dialog: null, styles: [], chosen: null, saved: EMPTY };

const box = (name) => state.dialog.querySelector(`#pm_style_${name}`);
const read = () => Object.fromEntries(FIELDS.map((name) => [name, box(name).value]));
const isDirty = () => FIELDS.some((name) => box(name).value !== state.saved[name]);
const mayLeave = () => !isDirty() || confirm(t("styles.unsaved"));

function sayTrouble(refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  toast(t("styles.failed", { reason: refusal.status ? refusal.message : t("settings.unreachable") }), "error");
}

function fault(text) {
  state.dialog.querySelector(".pm-fault").textContent = text;
  box("name").setAttribute("aria-invalid", String(text !== ""));
}

/** Put a style into the form; null = a new one. */
function choose(style) {
  state.chosen = style?.name ?? null;
  state.saved = style ?? EMPTY;
  for (const name of FIELDS) box(name).value = state.saved[name];
  fault("");
  drawList();
}

function drawList() {
  const entries = state.styles.map((style) => {
    const isCurrent = style.name === state.chosen;
    return make("button", { type: "button", "aria-current": String(isCurrent), onclick: () => mayLeave() && choose(style) }, style.name);
  });
  const empty = make("p", { class: "pm-nothing" }, t("styles.none"));
  state.dialog.querySelector(".pm-style-list").replaceChildren(...(entries.length ? entries : [empty]));
  state.dialog.querySelector("#pm_style_delete").disabled = state.chosen === null;
}

function findFault(style) {
  const name = style.name.trim();
  if (!name || name.length > LONGEST_NAME) return t("styles.name_wanted");
  return name !== state.chosen && state.styles.some((other) => other.name === name) ? t("styles.name_taken") : "";
}

function spread(styles) {
  state.styles = styles;
  document.getElementById("img2img_styles_changed")?.click();
  recount();
  askNotices();
}

async function save() {
  const style = read();
  const wrong = findFault(style);
  fault(wrong);
  if (wrong) {
    box("name").focus();
    return;
  }
  try {
    spread(await postJson("api/styles", { ...style, old_name: state.chosen }));
    choose(state.styles.find((other) => other.name === style.name.trim()));
    toast(t("styles.saved", { name: style.name.trim() }));
  } catch (refusal) {
    sayTrouble(refusal);
  }
}

async function remove() {
  const name = state.chosen;
  if (!confirm(t("styles.ask_delete", { name }))) return;
  try {
    spread(await postJson("api/styles/delete", { name }));
    choose(null);
    toast(t("styles.deleted", { name }));
  } catch (refusal) {
    sayTrouble(refusal);
  }
}

function takePrompt() {
  box("prompt").value = document.querySelector("#img2img_prompt textarea").value;
  box("negative_prompt").value = document.querySelector("#img2img_neg_prompt textarea").value;
}

function makeBox(tag, name, properties) {
  const input = make(tag, { id: `pm_style_${name}`, class: "pm-input", ...properties });
  return [make("label", { htmlFor: input.id }, t(`styles.${name}`)), input];
}

function button(id, text, onclick, style = "") {
  return make("button", { type: "button", id: `pm_style_${id}`, class: `pm-button ${style}`, onclick }, text);
}

function fill() {
  const side = make("div", { class: "pm-style-side" }, button("new", t("styles.new"), () => mayLeave() && choose(null)),
    make("nav", { class: "pm-style-list pm-sections", "aria-label": t("styles.list") }));
  const form = make("form", { class: "pm-style-form", method: "dialog", onsubmit: (event) => event.preventDefault() },
    ...makeBox("input", "name", { type: "text", maxLength: LONGEST_NAME, autocomplete: "off", "aria-describedby": "pm_style_fault" }),
    make("p", { class: "pm-fault", id: "pm_style_fault", role: "alert" }),
    ...makeBox("textarea", "prompt", { rows: 4 }),
    make("p", { class: "pm-help" }, t("styles.help", { placeholder: PLACEHOLDER })),
    ...makeBox("textarea", "negative_prompt", { rows: 3 }),
    make("div", { class: "pm-style-buttons" }, button("take", t("styles.from_prompt"), takePrompt),
      button("delete", t("styles.delete"), remove), button("save", t("styles.save"), save, "pm-primary")));
  const close = make("button", { type: "button", class: "pm-close", title: t("styles.close"), "aria-label": t("styles.close"), onclick: leave }, "×");
  const head = make("header", {}, make("h2", { id: "pm_styles_title" }, t("styles.edit")), close);
  state.dialog.replaceChildren(head, make("div", { class: "pm-style-parts" }, side, form));
}

function leave() {
  if (mayLeave()) state.dialog.close();
}

/** Open the dialog. */
export async function editStyles() {
  if (!state.dialog) {
    state.dialog = make("dialog", { id: "pm_styles", "aria-labelledby": "pm_styles_title" });
    state.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave();
    });
    document.querySelector(".gradio-container .contain").append(state.dialog); // where Gradio applies our styles
  }
  fill();
  try {
    state.styles = await getJson("api/styles");
  } catch (refusal) {
    sayTrouble(refusal);
    return;
  }
  choose(state.styles.find((style) => style.name === state.chosen) ?? null);
  if (!state.dialog.open) state.dialog.showModal();
  box("name").focus();
}

onLanguage(() => {
  if (!state.dialog?.open) return;
  const kept = read();
  fill();
  for (const name of FIELDS) box(name).value = kept[name];
  drawList();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#img2img_styles_edit")) editStyles();
});
