/**
 * Another language without a reload.
 *
 * Gradio keeps its locale in a store of its `core` module, to which all its components listen. The module is loaded already; its name
 * has a hash in it, so it is found among what the page has fetched. Texts that the server put into words are asked for again.
 */

import { language, onLanguage, setLanguage, t, toast } from "./pentimento.js";
import { whenThere } from "./when.js";

const COOKIE = "pentimento_language";
const YEAR_S = 31536000;
const CORE = /\/assets\/core-[^/]+\.js$/;

/** Gradio's module that exports `changeLocale`. */
async function findCore() {
  const fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
  const announced = [...document.querySelectorAll('link[rel="modulepreload"]')].map((link) => link.href);
  for (const address of new Set([...announced, ...fetched])) {
    if (!CORE.test(address)) continue;
    const core = await import(address);
    if (typeof core.changeLocale === "function") return core;
  }
  throw new Error("Gradio's locale cannot be reached");
}

/**
 * Say everything on the page in another language, and remember it.
 *
 * @param {string} tag "en" or "zh-CN"
 */
export async function pickLanguage(tag) {
  if (tag === language()) return;
  try {
    const core = await findCore();
    document.cookie = `${COOKIE}=${tag}; path=/; max-age=${YEAR_S}; samesite=lax`;
    core.changeLocale(tag);
    setLanguage(tag);
    document.getElementById("pm_language_changed")?.click();
  } catch (error) {
    console.error(error);
    toast(t("header.language.failed"), "error");
  }
}

function mark(group) {
  for (const button of group.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  }
}

whenThere("#pm_language .pm-language", mark);
onLanguage(() => document.querySelectorAll("#pm_language .pm-language").forEach(mark));
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#pm_language [data-language]");
  if (button) pickLanguage(button.dataset.language);
});
