/**
 * The panel "What the model will see", the crop rectangle on the canvas, and the chip of a person's own crop.
 *
 * Asks `Sights.look` in `sight.py` whenever the canvas, the tab or the form changes, one question at a time and the newest last; draws the
 * answer (see `describe` there), and brings a dragged rectangle back as a field of the form.
 */

import { language, onLanguage, t } from "./pentimento.js";
import { openMode } from "./modes.js";
import { whenThere } from "./when.js";

const FOLDED = "pentimento_sight_folded";
const REGION_OF = "pentimento_crop_size";
const NARROW = "(max-width: 900px)";
const ADOPT_MS = 5000;
const SOON_MS = 30;
const CONTENTS = {
  0: "fill.fill", 1: "fill.original", 2: "fill.latent_noise", 3: "fill.latent_nothing", patchmatch: "fill.patchmatch", neutral: "fill.neutral",
};

const page = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

let panel = null;
let region = null;
let adoptedMs = -Infinity;
let ownEdges = null; // what was dragged here, and no word of the server's
let seen = null; // the last answer
let form = null; // the form's values by field
let committed = null; // the canvas's value
let mode = "inpaint";
let isAsking = false;
let isWanted = false;
let timer = 0;

/* ---- asking ---- */

/** Look again soon: several changes that come together are one question. */
function wish() {
  clearTimeout(timer);
  timer = setTimeout(ask, SOON_MS);
}

async function ask() {
  isWanted = true;
  if (isAsking || !panel || !form || !committed) return;
  isAsking = true;
  try {
    while (isWanted) {
      isWanted = false;
      const asked = question();
      take(await panel.server.look({ ...asked, turn: null }));
      if (seen.is_filled === false && !isWanted) fill(asked, seen.turn);
    }
  } finally {
    isAsking = false;
  }
}

function question() {
  return { page, mode, language: language(), values: form, document: committed };
}

/** The start picture with a fill that takes long, unless another look was taken meanwhile. */
async function fill(asked, turn) {
  const answer = await panel.server.look({ ...asked, turn });
  if (answer.turn === seen.turn) take(answer);
}

function take(answer) {
  seen = answer;
  draw();
  showCrop();
  warn();
}

/** Which tab is open. */
function followTabs(list) {
  const look = () => {
    const open = openMode();
    if (!open || open === mode) return;
    mode = open;
    wish();
  };
  new MutationObserver(look).observe(list, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  look();
}

/** An element with attributes, and children that are elements or text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const size = ([width, height]) => `${width} × ${height}`;

/* ---- folding ---- */

function isFolded() {
  const kept = localStorage.getItem(FOLDED);
  return kept === null ? matchMedia(NARROW).matches : kept === "1";
}

function keepFold(event) {
  const wanted = event.currentTarget.open ? "0" : "1";
  if (wanted !== (isFolded() ? "1" : "0")) localStorage.setItem(FOLDED, wanted);
}

/* ---- the panel ---- */

function facts() {
  const worked = { working: size(seen.working), scale: seen.scale };
  if (seen.crop === null) return t("sight.facts_whole", { ...worked, size: size(seen.picture) });
  const [x, y, width, height] = seen.crop;
  return t("sight.facts_crop", { ...worked, size: size([width, height]), x, y });
}

/** A small picture with its caption; a click shows it large. */
function figure(name, source, caption, note = "", overlay = null) {
  const title = t(`sight.figure.${name}`);
  const image = make("img", { src: source, alt: title, draggable: "false" });
  const frame = make("span", { class: "pm-sight-frame" }, image, overlay);
  const button = make("button", { type: "button", class: `pm-sight-picture pm-sight-${name}`, title: t("sight.enlarge") }, frame);
  button.addEventListener("click", () => enlarge(name, source, title));
  const said = make("figcaption", {}, make("b", {}, title), make("small", {}, caption));
  if (note) said.append(make("small", { class: "pm-sight-note" }, note));
  return make("figure", {}, button, said);
}

function enlarge(name, source, title) {
  const image = make("img", { src: source, alt: title, class: name === "latent" ? "pm-pixelated" : "" });
  const close = make("button", { type: "button", autofocus: "" }, t("sight.close"));
  const dialog = make("dialog", { class: "pm-sight-large", "aria-label": title }, image, make("p", {}, title, close));
  dialog.addEventListener("click", (event) => {
    if (event.target !== image) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function startNote() {
  if (!seen.is_filled) return t("sight.filling");
  if (seen.content === "2" || seen.content === "3") return t("sight.likeness");
  return seen.is_one_of_many ? t("sight.one_of_many") : "";
}

/** The rectangle of what is seen, over the picture. */
function rectangle() {
  const [x, y, width, height] = seen.part;
  const [across, down] = seen.picture;
  if (width === across && height === down) return null;
  const share = (part, all) => `${(100 * part) / all}%`;
  const style = `left:${share(x, across)};top:${share(y, down)};width:${share(width, across)};height:${share(height, down)}`;
  return make("i", { style });
}

function figures() {
  const { images, latent } = seen;
  const content = images.latent ? t(CONTENTS[seen.content]) : "";
  return make(
    "div",
    { class: "pm-sight-grid" },
    figure("start", images.start, [size(seen.working), content].filter(Boolean).join(" · "), startNote()),
    images.latent ? figure("latent", images.latent, t("sight.cells", { size: size(latent) })) : null,
    images.blend ? figure("blend", images.blend, t("sight.blend_hint")) : null,
    figure("crop", images.crop, size(seen.picture), "", rectangle()),
  );
}

function remarks() {
  const lines = seen.remarks.map(({ kind, values }) => make("li", {}, make("span", { "aria-hidden": "true" }, "⚠"), t(`sight.remark.${kind}`, values)));
  return lines.length ? make("ul", { class: "pm-sight-remarks", role: "status" }, ...lines) : null;
}

function draw() {
  const body = panel?.element.querySelector(".pm-sight-body");
  if (!body) return;
  const count = seen?.remarks?.length ?? 0;
  const badge = count ? make("span", { class: "pm-sight-badge", title: t("sight.remarks", { n: count }) }, `⚠ ${count}`) : null;
  const line = seen?.images ? facts() : (seen?.trouble ?? t(seen?.hint ?? "error.no_picture"));
  const summary = make("summary", {}, make("span", { class: "pm-sight-title" }, t("sight.title")), badge, make("span", { class: "pm-sight-facts" }, line));
  const details = make("details", seen?.images ? {} : { class: "pm-sight-empty" }, summary);
  details.open = !isFolded();
  if (seen?.images) details.append(figures(), remarks() ?? "");
  details.addEventListener("toggle", keepFold);
  body.replaceChildren(details);
  body.dataset.turn = seen?.turn ?? "";
  body.dataset.filled = String(seen?.is_filled ?? "");
  body.dataset.took = seen?.took_ms ?? "";
}

function showCrop() {
  const crop = seen?.crop;
  const box = crop ? { x: crop[0], y: crop[1], width: crop[2], height: crop[3], label: size(seen.working) } : null;
  window.pentimento.document?.setCrop(box);
}

/** The line beside the size, before anything is stretched. */
function warn() {
  const isStretched = Boolean(seen?.stretch);
  document.body.classList.toggle("pm-stretched", isStretched);
  const line = document.getElementById("img2img_stretch_line");
  if (!line) return;
  const [from_width, from_height] = seen?.picture ?? [];
  const [width, height] = seen?.working ?? [];
  line.textContent = isStretched ? t("size.stretch", { from_width, from_height, width, height }) : "";
}

/* ---- a crop of one's own ---- */

function drawChip() {
  const chip = region?.element.querySelector(".pm-sight-chip");
  if (!chip) return;
  const edges = region.props.value;
  chip.replaceChildren();
  if (!edges) return;
  const [left, top, right, bottom] = edges;
  const remove = make("button", { type: "button", "aria-label": t("sight.own_crop_remove"), title: t("sight.own_crop_remove") }, "×");
  remove.addEventListener("click", () => setRegion(null));
  chip.append(make("span", { class: "pm-chip" }, t("sight.own_crop", { size: size([right - left, bottom - top]) }), remove));
}

function setRegion(edges) {
  if (!region) return;
  const picture = window.pentimento.document.state().picture;
  if (edges && picture) sessionStorage.setItem(REGION_OF, size([picture.width, picture.height]));
  adoptedMs = -Infinity; // it belongs to the picture that is there
  ownEdges = edges;
  region.props.value = edges;
  drawChip();
}

/** Another picture: a crop stays where it means the same place, on a picture of the same size. */
function followPicture(picture) {
  if (!picture || !region?.props.value) return;
  const wanted = size([picture.width, picture.height]);
  if (performance.now() - adoptedMs < ADOPT_MS) sessionStorage.setItem(REGION_OF, wanted); // the crop came along with it
  else if (sessionStorage.getItem(REGION_OF) !== wanted) setRegion(null);
}

function dragged(box) {
  if (!box) return setRegion(null);
  const [left, top] = [Math.round(box.x), Math.round(box.y)];
  return setRegion([left, top, left + Math.max(1, Math.round(box.width)), top + Math.max(1, Math.round(box.height))]);
}

/* ---- joining the page ---- */

function mount() {
  for (const [kind, parts] of (window.pentimentoSight ?? []).splice(0)) {
    if (kind === "panel") {
      panel = parts;
      draw();
      ask();
    } else {
      region = parts;
      parts.watch("value", () => {
        if (region.props.value !== ownEdges) adoptedMs = performance.now();
        drawChip();
      });
      drawChip();
    }
  }
}

/** Once the canvas is there: take its rectangle and its pictures. */
function join() {
  const canvas = window.pentimento.document;
  if (!canvas) return setTimeout(join, 100);
  canvas.onCrop(dragged);
  canvas.on("picture", followPicture);
  canvas.on("commit", (value) => {
    committed = value;
    ask();
  });
  committed = canvas.state();
  return ask();
}

onLanguage(() => {
  draw();
  drawChip();
  warn();
  if (seen?.trouble) wish();
});
window.pentimento.mountSight = mount;

/** The form's values, from `wire_sight`. */
window.pentimento.takeForm = (names, values) => {
  form = Object.fromEntries(names.map((name, place) => [name, values[place]]));
  wish();
};
whenThere("#mode_img2img [role=tablist]", followTabs);
mount();
join();
