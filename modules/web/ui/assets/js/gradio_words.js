/**
 * What Gradio leaves in another language: labels of tabs that were never opened, and its own English for screen readers.
 *
 * A text is known by its wording in any of our languages, and put into the one in force, now and whenever Gradio writes it again.
 */

import { language, onLanguage } from "./pentimento.js";

const TEXTS = window.PENTIMENTO_TEXTS;
const TAB = "[role='tab'], .tab-wrapper button";
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
const TABS = { exact: new Map([...wordings((id) => !isTab(id)), ...wordings(isTab)]), patterns: [] };

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

function putTab(tab) {
  for (const node of tab.childNodes) {
    const said = node.nodeType === Node.TEXT_NODE && node.data.trim() ? put(node.data, TABS) : null;
    if (said && said !== node.data.trim()) node.data = said;
  }
}

function putAll(root) {
  if (root.matches(TAB)) putTab(root);
  putAttributes(root);
  for (const tab of root.querySelectorAll(TAB)) putTab(tab);
  for (const element of root.querySelectorAll("[aria-label], [title], [placeholder]")) putAttributes(element);
}

new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === "attributes") putAttributes(target);
    else if (type === "characterData") {
      const tab = target.parentElement?.closest(TAB);
      if (tab) putTab(tab);
    } else for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) putAll(node);
  }
}).observe(document.documentElement, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
onLanguage(() => putAll(document.body));
