/** Which of the modes' tabs is open; it outlives a reload. */

import { whenThere } from "./when.js";

const KEY = "pentimento_mode";
const TABS = "#mode_img2img [role=tab][id$=-button]";

const MODES = {
  img2img_img2img_tab: "img2img", img2img_img2img_sketch_tab: "sketch", img2img_inpaint_tab: "inpaint",
  img2img_inpaint_sketch_tab: "inpaint_sketch", img2img_inpaint_upload_tab: "inpaint_upload", img2img_batch_tab: "batch",
};

let isReady = false;

const openTab = () => document.querySelector(`${TABS}[aria-selected=true]`)?.id;

/** `Mode` value of the tab that is open, undefined before there are tabs. Python hears of it later. */
export const openMode = () => MODES[document.querySelector(`${TABS}[aria-selected=true]`)?.getAttribute("aria-controls")];
window.pentimento.openMode = openMode;

function keep() {
  const id = openTab();
  if (isReady && id) localStorage.setItem(KEY, id);
}

/**
 * Open the tab that was open last, unless the person has opened another already. Python calls this once the page has been filled: while
 * Gradio puts the tabs there it opens the first one itself, and the answer to that must not come after the answer to this.
 */
window.pentimento.openKeptMode = () => {
  const kept = isReady ? null : localStorage.getItem(KEY);
  isReady = true;
  const tab = kept && [...document.querySelectorAll(TABS)].find((one) => one.id === kept);
  if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
  document.documentElement.dataset.pmFilled = "1";
};

document.addEventListener(
  "click",
  (event) => {
    if (event.isTrusted && event.target.closest?.("#mode_img2img [role=tab]")) isReady = true;
  },
  { capture: true },
);
whenThere("#mode_img2img [role=tablist]", (list) => {
  new MutationObserver(keep).observe(list, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
});
