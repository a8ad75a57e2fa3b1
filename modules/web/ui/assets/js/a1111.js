/**
 * What scripts of extensions find in the browser under A1111: `gradioApp`, `onUiLoaded` and its like, `opts`. Loaded before them, and only
 * when there are extensions.
 */

import { create_submit_args, randomId, requestProgress, submitWithTab } from "./a1111_tasks.js";
import { getJson } from "./api.js";
import { onSettings, settings } from "./settings/store.js";
import { whenThere } from "./when.js";

const AFTER_UPDATE_MS = 200;
const ASK_AGAIN_MS = 500;
const LAST_BUILT = "#script_list";
const OWN_TABS = ["studio", "history", "pnginfo", "extras", "extensions", "settings", "workflow"];
const OPENING_MS = 15000;

const listeners = { load: [], update: [], afterUpdate: [], tab: [], options: [] };
const same = (one, two) => JSON.stringify(one) === JSON.stringify(two);
let isComing = false;
let isLoaded = false;
let afterUpdate = 0;

/** The element that holds the page. */
function gradioApp() {
  const app = document.querySelector("gradio-app") ?? document;
  if (app !== document) app.getElementById = (id) => document.getElementById(id);
  return app;
}

/** One that throws is named in the console, and costs nobody else anything. */
function run(kind, listener, ...values) {
  try {
    listener(...values);
  } catch (error) {
    console.error(`an extension's script failed at "${kind}"`, error);
  }
}

function tell(kind, ...values) {
  for (const listener of listeners[kind]) run(kind, listener, ...values);
}

function listenTo(kind) {
  return (listener) => {
    listeners[kind].push(listener);
    if (kind === "load" && isLoaded) run("load", listener);
  };
}

function tabButtons(id) {
  return [...document.querySelectorAll(`#${id} > .tab-wrapper [role=tab][id$=-button]`)];
}

const isSelected = (tab) => tab.getAttribute("aria-selected") === "true";

/** The number of the open tab of a group of tabs. */
function get_tab_index(id) {
  return Math.max(0, tabButtons(id).findIndex(isSelected));
}

/** For an event's `_js`: the values of its inputs, the first replaced by the number of the open tab; A1111 cuts two outputs off the end. */
function get_img2img_tab_index(...values) {
  const kept = values.slice(0, -2);
  kept[0] = get_tab_index("mode_img2img");
  return kept;
}

function get_uiCurrentTab() {
  return tabButtons("tabs").find(isSelected) ?? null;
}

function get_uiCurrentTabContent() {
  const id = get_uiCurrentTab()?.getAttribute("aria-controls");
  return id ? document.getElementById(id) : null;
}

/** Tell Gradio that a script changed an input's value. */
function updateInput(input) {
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function args_to_array(args) {
  return Array.from(args);
}

/** The server was told to start again: open the page anew when it is back. */
async function restart_reload() {
  const isBack = () => fetch("startup-events", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  do await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  while (!(await isBack()));
  location.reload();
}

const switchTo = (mode) => (...values) => {
  tabButtons("tabs")[0]?.click();
  document.getElementById(`img2img_${mode}_tab-button`)?.click();
  return values;
};

function switch_to_extras(...values) {
  tabButtons("tabs").find((tab) => tab.dataset.tabId === "extras")?.click();
  return values;
}

const localSet = (key, value) => localStorage.setItem(key, value);
const localGet = (key, otherwise) => localStorage.getItem(key) ?? otherwise;
const localRemove = (key) => localStorage.removeItem(key);

/** Whether neither the element nor what it lies in is hidden. */
function uiElementIsVisible(element) {
  return element === document || (element.checkVisibility?.() ?? element.offsetParent !== null);
}

/** Call `act` once nothing was typed for `quiet` milliseconds; returns what does so at once. */
function onEdit(editId, input, quiet, act) {
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(act, quiet);
  });
  return () => {
    clearTimeout(timer);
    act();
  };
}

function all_gallery_buttons() {
  return [...document.querySelectorAll("#img2img_gallery .thumbnails > button")];
}

function selected_gallery_button() {
  return all_gallery_buttons().find((button) => button.classList.contains("selected")) ?? null;
}

function selected_gallery_index() {
  return all_gallery_buttons().findIndex((button) => button.classList.contains("selected"));
}

Object.assign(window, {
  gradioApp, get_tab_index, get_img2img_tab_index, get_uiCurrentTab, get_uiCurrentTabContent, updateInput, args_to_array, restart_reload,
  all_gallery_buttons, selected_gallery_button, selected_gallery_index,
  onUiLoaded: listenTo("load"), onUiUpdate: listenTo("update"), onAfterUiUpdate: listenTo("afterUpdate"), onUiTabChange: listenTo("tab"),
  onOptionsChanged: listenTo("options"),
  switch_to_img2img: switchTo("img2img"), switch_to_sketch: switchTo("img2img_sketch"), switch_to_inpaint: switchTo("inpaint"),
  switch_to_inpaint_sketch: switchTo("inpaint_sketch"), switch_to_txt2img: switchTo("img2img"), switch_to_extras,
  randomId, requestProgress, create_submit_args, create_tab_index_args: submitWithTab(get_tab_index),
  localSet, localGet, localRemove, uiElementIsVisible, onEdit,
  opts: {}, localization: {}, uiCurrentTab: null,
});

let tabBefore = null;

function lookAtTabs() {
  window.uiCurrentTab = get_uiCurrentTab();
  if (window.uiCurrentTab === tabBefore) return;
  tabBefore = window.uiCurrentTab;
  tell("tab");
}

function watch() {
  const app = document.querySelector("gradio-app") ?? document.body;
  new MutationObserver((changes) => {
    tell("update", changes);
    clearTimeout(afterUpdate);
    afterUpdate = setTimeout(() => tell("afterUpdate"), AFTER_UPDATE_MS);
    lookAtTabs();
  }).observe(app, { childList: true, subtree: true });
  app.addEventListener("click", () => setTimeout(lookAtTabs));
}

function takeOptions(values) {
  const isChanged = Object.entries(values).some(([name, value]) => !same(window.opts[name], value));
  Object.assign(window.opts, values);
  if (isChanged) tell("options");
}

onSettings(() => {
  if (settings.fields) takeOptions(Object.fromEntries(settings.fields.map((field) => [field.name, field.value])));
});

/** Gradio builds a tab when it is first opened; extensions' scripts look for theirs as soon as the page is there, as under A1111. */
async function buildGuestTabs() {
  const open = get_uiCurrentTab();
  for (const tab of tabButtons("tabs").filter((one) => !OWN_TABS.includes(one.dataset.tabId))) {
    tab.click();
    await nextFrame();
    const until = performance.now() + OPENING_MS;
    while (isSelected(tab) && !document.getElementById(tab.getAttribute("aria-controls")) && performance.now() < until) await nextFrame();
  }
  open?.click();
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

whenThere(LAST_BUILT, async () => {
  if (isComing) return;
  isComing = true;
  const values = await getJson("sdapi/v1/options").catch((error) => {
    console.error("the options cannot be read", error);
    return {};
  });
  Object.assign(window.opts, values);
  await buildGuestTabs();
  watch();
  isLoaded = true;
  tell("load");
  tell("options");
  lookAtTabs();
});
