/** A strip below the header: what a person should know of the program's own files, such as one that was damaged and kept aside. */

import { getJson } from "./api.js";
import { make } from "./elements.js";
import { onLanguage, t } from "./pentimento.js";
import { whenThere } from "./when.js";

const KEY = "pentimento_notices";
const closed = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));
let notices = [];

function draw() {
  const place = document.getElementById("pm_notices");
  place?.replaceChildren(...notices.filter((notice) => !closed.has(JSON.stringify(notice))).map(strip));
}

function strip(notice) {
  const words = t("settings.close_notice");
  const close = make("button", { type: "button", title: words, "aria-label": words }, "×");
  close.addEventListener("click", () => {
    closed.add(JSON.stringify(notice));
    sessionStorage.setItem(KEY, JSON.stringify([...closed]));
    draw();
  });
  return make("div", { class: "pm-notice" }, make("span", {}, t(`notice.${notice.kind}`, notice.values)), close);
}

/** Ask the server what there is to tell, and show it. */
export async function askNotices() {
  try {
    notices = await getJson("api/notices");
  } catch {
    return; // nothing to tell, or nobody to ask: the next load of the page asks again
  }
  draw();
}

whenThere("#quicksettings", (header) => {
  header.after(make("div", { id: "pm_notices", role: "status" }));
  askNotices();
});
onLanguage(draw);
