/**
 * Ways to look at a result: the gallery, before and after under a slider, the heat map of what changed, and of a comparison of
 * checkpoints its two pictures under the slider.
 *
 * `compare.py` lays out `.pm-compare` with the pictures' ids; this fills it when it is first looked at. The way that was chosen stays
 * while one goes through the results. Gradio's ImageSlider was tried: it encodes both pictures anew, 18 s at 4096 x 4096 where this takes
 * 2, and cannot be reached by keyboard.
 */

import { onLanguage, t } from "./pentimento.js";
import { whenThere } from "./when.js";

const FIRST_SPLIT = 50;
const CORNERS = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"/></svg>';
let chosen = "gallery";
let split = FIRST_SPLIT;

const view = (id) => `api/assets/${id}/view`;

function picture(className, source, alt) {
  const image = document.createElement("img");
  image.className = className;
  image.alt = alt;
  image.draggable = false;
  image.decoding = "async";
  image.src = source;
  return image;
}

function label(id) {
  const span = document.createElement("span");
  span.dataset.text = id;
  span.textContent = t(id);
  return span;
}

function named(name) {
  const span = document.createElement("span");
  span.dir = "auto";
  span.textContent = name;
  return span;
}

/** A frame in the picture's proportions, as large as the stage allows; where these are not told, those of `image` once it is there. */
function frame(root, image = null) {
  const figure = document.createElement("figure");
  figure.className = "pm-figure";
  const { width, height } = root.dataset;
  const shape = (ratio) => figure.style.setProperty("--ratio", String(ratio));
  if (Number(width)) shape(Number(width) / Number(height));
  else image?.addEventListener("load", () => shape(image.naturalWidth / image.naturalHeight), { once: true });
  return figure;
}

const buildCompare = (root) =>
  slide(root, picture("pm-before", view(root.dataset.start), t("results.before")), picture("pm-after", view(root.dataset.result), t("results.after")),
    label("results.before"), label("results.after"), "results.slider");

function buildModels(root) {
  const { left, right, leftName, rightName } = root.dataset;
  return slide(root, picture("pm-before", view(left), leftName), picture("pm-after", view(right), rightName), named(leftName), named(rightName), "versus.slider");
}

/** Two results by their ids under the slider, each named. */
export function slideResults(left, right, leftName, rightName) {
  split = FIRST_SPLIT;
  return buildModels({ dataset: { left, right, leftName, rightName } });
}

/** Two pictures, one over the other, and the slider that uncovers them. */
function slide(root, below, above, before, after, sliderLabel) {
  const figure = frame(root, below);
  before.className = "pm-tag pm-tag-before";
  after.className = "pm-tag pm-tag-after";
  const line = document.createElement("i");
  line.className = "pm-split";
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 100, step: 0.5, value: split, className: "pm-split-slider" });
  slider.setAttribute("aria-label", t(sliderLabel));
  slider.dataset.label = sliderLabel;
  const move = () => {
    split = Number(slider.value);
    figure.style.setProperty("--split", `${split}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(split)} %`);
  };
  slider.addEventListener("input", move);
  figure.append(below, above, line, before, after, slider);
  move();
  return figure;
}

function buildChanges(root) {
  const { start, result, mask } = root.dataset;
  const figure = frame(root);
  const address = new URLSearchParams(mask ? { start, result, mask } : { start, result });
  figure.append(picture("pm-after pm-dimmed", view(result), t("results.after")));
  figure.append(picture("pm-heat", `api/heat_map?${address}`, t("results.view.changes")));
  return figure;
}

const BUILDERS = { compare: buildCompare, changes: buildChanges, models: buildModels };
const compared = new Set(); // pairs of checkpoints' pictures that were shown already

/** The chosen way, where the result can be looked at so. */
const wayOf = (root) => (root.querySelector(`.pm-views [data-view="${chosen}"]`) ? chosen : "gallery");

/** The two pictures of a comparison that is just over are what one wants to see. */
function greet(root) {
  const { left, right } = root.dataset;
  if (!left || compared.has(left + right)) return;
  compared.add(left + right);
  chosen = "models";
  split = FIRST_SPLIT;
}

/** What is drawn in a root; Gradio changes elements in place when another result is looked at, and takes away what it does not know. */
const drawn = new WeakMap();

function isDrawn(root) {
  const pressed = root.querySelector('.pm-views [aria-pressed="true"]')?.dataset.view;
  const hasScene = root.querySelector(".pm-scene").firstChild !== null;
  return drawn.get(root) === keyOf(root) && pressed === wayOf(root) && hasScene === wayOf(root) in BUILDERS && root.querySelector(".pm-fullscreen") !== null;
}

function keyOf(root) {
  const { start, result, mask, left, right } = root.dataset;
  return [wayOf(root), start, result, mask, left, right].join();
}

/** Bring one `.pm-compare` to the chosen way. */
function show(root) {
  greet(root);
  if (isDrawn(root)) return;
  const way = wayOf(root);
  drawn.set(root, keyOf(root));
  root.closest(".pm-result").dataset.view = way;
  for (const button of root.querySelectorAll(".pm-views [data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === way));
  }
  if (!root.querySelector(".pm-fullscreen")) root.querySelector(".pm-views").append(fullScreenButton());
  root.querySelector(".pm-scene").replaceChildren(...(way in BUILDERS ? [BUILDERS[way](root)] : []));
}

/**
 * Look at the results in another way.
 *
 * @param {"gallery"|"compare"|"changes"|"models"} way
 */
export function showView(way) {
  chosen = way;
  document.querySelectorAll(".pm-compare").forEach(show);
}

function fullScreenButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pm-fullscreen";
  button.dataset.label = "results.fullscreen";
  button.setAttribute("aria-label", t("results.fullscreen"));
  button.title = t("results.fullscreen");
  button.innerHTML = CORNERS;
  return button;
}

function press(event) {
  const way = event.target.closest(".pm-views [data-view]");
  if (way) showView(way.dataset.view);
  if (!event.target.closest(".pm-fullscreen")) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else event.target.closest(".pm-result").requestFullscreen();
}

whenThere("#img2img_compare", (host) => {
  const refresh = () => host.querySelectorAll(".pm-compare").forEach(show);
  host.addEventListener("click", press);
  const watched = ["data-start", "data-result", "data-mask", "data-left", "data-right", "aria-pressed"];
  new MutationObserver(refresh).observe(host, { childList: true, subtree: true, attributes: true, attributeFilter: watched });
  refresh();
});

onLanguage(() => {
  for (const place of document.querySelectorAll("#img2img_facts [data-title]")) place.title = t(place.dataset.title);
  for (const place of document.querySelectorAll(".pm-compare [data-label]")) {
    place.setAttribute("aria-label", t(place.dataset.label));
    if (place.title) place.title = t(place.dataset.label);
  }
  document.querySelectorAll(".pm-views").forEach((group) => group.setAttribute("aria-label", t("results.view.label")));
});
