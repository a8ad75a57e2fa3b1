/**
 * Light or dark. The page follows the system; the button picks the other one, and pressed again gives the choice back to the system.
 */

import { onLanguage, t } from "./pentimento.js";
import { whenThere } from "./when.js";

const KEY = "pentimento_theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** "light", "dark", or null while the system decides. */
function chosen() {
  const theme = localStorage.getItem(KEY);
  return theme === "light" || theme === "dark" ? theme : null;
}

function fromSystem() {
  return system.matches ? "dark" : "light";
}

function apply() {
  const theme = chosen() ?? fromSystem();
  document.body.classList.toggle("dark", theme === "dark");
  const address = new URL(location.href);
  if (address.searchParams.has("__theme")) {
    address.searchParams.delete("__theme"); // Gradio has read it at the start
    history.replaceState(history.state, "", address);
  }
  document.querySelectorAll("#pm_theme").forEach(mark);
}

function mark(button) {
  const words = t(chosen() ? `theme.${chosen()}` : "theme.system");
  button.title = words;
  button.setAttribute("aria-label", words);
}

/** Change to the other look. */
export function switchTheme() {
  const other = (chosen() ?? fromSystem()) === "dark" ? "light" : "dark";
  if (other === fromSystem()) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, other);
  apply();
}

// Gradio listens to the system too, and knows nothing of the choice: after it has had its say, ours counts.
system.addEventListener("change", () => setTimeout(apply, 0));
onLanguage(() => document.querySelectorAll("#pm_theme").forEach(mark));
whenThere("#pm_theme", mark);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#pm_theme")) switchTheme();
});
