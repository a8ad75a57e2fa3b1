/**
 * What Gradio leaves in another language: labels of tabs that were never opened, of widgets that were hidden and came back (they forget
 * that their text has an id), and its own English for screen readers.
 *
 * A text is known by its wording in any of our languages, and put into the one in force, now and whenever Gradio writes it again.
 */

import { language, onLanguage } from "./pentimento.js";

const TEXTS = window.PENTIMENTO_TEXTS;
const PLACES = "button, label, legend, summary, h2, h3, [data-testid='block-info'], .prose, .html-container";
/** Where labels are; `VERBATIM` holds people's own words, which may read like a label. */
const VERBATIM = "[data-verbatim], textarea, code, pre, .token, ul.options, [data-text], .caption-label, [id^='history_tile'], .pm-style-list";
const ATTRIBUTES = ["aria-label", "title", "placeholder"];
const GAP = /\{(\w+)\}/g;

/** Texts by wording: [text, id] of every language. */
function wordings(isWanted) {
  return Object.values(TEXTS).flatMap((strings) => Object.entries(strings).filter(([id]) => isWanted(id)).map(([id, text]) => [text, id]));
}

function asPattern(text) {
  return new RegExp(`^${text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(GAP, "(?<$1>.+)")}$`, "s");
}

const hasGap = ([text]) => text.search(GAP) >= 0;
const ofGradio = wordings((id) => id.startsWith("gradio."));
const isTab = (id) => id.split(".").includes("tab");
const GRADIO = {
  exact: new Map(ofGradio.filter((entry) => !hasGap(entry))),
  patterns: ofGradio.filter(hasGap).map(([text, id]) => [asPattern(text), id]),
};
const isPlain = (entry) => !hasGap(entry);
/** What we draw ourselves is never a label of Gradio's; scripts' labels may read like it. */
const isDrawn = (id) => id.startsWith("layers.");
const LABELS = {
  exact: new Map([...wordings(isTab), ...wordings((id) => !isTab(id) && !isDrawn(id))].filter(isPlain)),
  patterns: [],
};
const TABS = { exact: new Map([...LABELS.exact, ...wordings(isTab)]), patterns: [] };

/** The text in the language in force; null where it is not known. */
function put(words, { exact, patterns }) {
  const strings = TEXTS[language()];
  const id = exact.get(words.trim());
  if (id !== undefined) return strings[id];
  for (const [pattern, patternId] of patterns) {
    const found = pattern.exec(words.trim());
    if (found) return strings[patternId].replace(GAP, (gap, name) => found.groups[name]);
  }
  return null;
}

function putAttributes(element) {
  for (const name of ATTRIBUTES) {
    const words = element.getAttribute(name);
    const said = words && put(words, GRADIO);
    if (said && said !== words) element.setAttribute(name, said);
  }
}

function putText(node) {
  const parent = node.parentElement;
  if (!node.data.trim() || !parent?.closest(PLACES) || parent.closest(VERBATIM)) return;
  const said = put(node.data, parent.closest("[role='tab'], .tab-wrapper") ? TABS : LABELS);
  if (said && said !== node.data.trim()) node.data = said;
}

function putAll(root) {
  putAttributes(root);
  for (const element of root.querySelectorAll("[aria-label], [title], [placeholder]")) putAttributes(element);
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) putText(walker.currentNode);
}

new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === "attributes") putAttributes(target);
    else if (type === "characterData") putText(target);
    else for (const node of addedNodes) node.nodeType === Node.ELEMENT_NODE ? putAll(node) : node.nodeType === Node.TEXT_NODE && putText(node);
  }
}).observe(document.documentElement, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
onLanguage(() => putAll(document.body));
