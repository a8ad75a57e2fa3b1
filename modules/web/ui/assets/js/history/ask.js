/** A question that has to be answered before anything is lost. */

import { t } from "../pentimento.js";
import { make } from "./dom.js";

/**
 * Ask, and wait.
 *
 * @param {Object} question `title`, `text`, `yes` (the button's words), `option` (words of a checkbox, or null).
 * @param {HTMLElement} place where the question is put into the page: somewhere that is shown.
 * @returns {Promise<{isOptionSet: boolean}|null>} null = rather not.
 */
export function ask({ title, text, yes, option = null }, place = document.getElementById("pm_history")) {
  return new Promise((resolve) => {
    const box = option && make("input", { type: "checkbox", id: "history_ask_option" });
    const dialog = make("dialog.pm-h-ask", { aria: { labelledby: "history_ask_title" }, on: { close: () => end(null), keydown: keepKeys } });
    const end = (answer) => {
      dialog.remove();
      resolve(answer);
    };
    const no = make("button.pm-h-button", { id: "history_ask_no", autofocus: true, on: { click: () => dialog.close() } }, t("history.cancel"));
    const go = make("button.pm-h-button.pm-h-stop", { id: "history_ask_yes", on: { click: () => end({ isOptionSet: box?.checked ?? false }) } }, yes);
    dialog.append(...[
      make("h2", { id: "history_ask_title" }, title),
      make("p", {}, text),
      box && make("label.pm-h-option", {}, box, make("span", {}, option)),
      make("div.pm-h-row", {}, go, no),
    ].filter(Boolean));
    place.append(dialog);
    dialog.showModal();
  });
}

/** The page behind must not act on keys meant for the question. */
function keepKeys(event) {
  event.stopPropagation();
}
