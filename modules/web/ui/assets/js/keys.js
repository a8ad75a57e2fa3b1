/**
 * A1111's keys: Ctrl+Enter generates (and while a job runs, starts over), Alt+Enter skips, Escape interrupts, Ctrl+Up and Ctrl+Down weigh
 * words of a prompt.
 */

import { weigh } from "./attention.js";

const PROMPTS = "[id*='prompt'] textarea";
const POPUPS = "dialog[open], [role='dialog']:not([hidden]), ul.options, [popover]:popover-open";
const PATIENCE_MS = 60000;

function usable(id) {
  const button = document.getElementById(id);
  return button && button.offsetParent !== null && !button.disabled ? button : null;
}

function press(id) {
  const button = usable(id);
  button?.click();
  return button !== null;
}

let restart = null;

/** Whether Generate is there, but off for a moment: the controls of scripts, whose values it takes along, are being made. */
function isMadeReady() {
  const button = document.getElementById("img2img_generate");
  return button !== null && button.offsetParent !== null && button.disabled;
}

/** Run the workflow that is looked at, or generate, as soon as that is possible; a job that runs is interrupted for it. */
function generate() {
  if (press("workflow_run") || press("img2img_generate") || restart || !(isMadeReady() || press("img2img_interrupt"))) return;
  const end = () => {
    restart.disconnect();
    clearTimeout(limit);
    restart = null;
  };
  const limit = setTimeout(end, PATIENCE_MS);
  restart = new MutationObserver(() => {
    if (!usable("img2img_generate")) return;
    end();
    press("img2img_generate");
  });
  restart.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style", "disabled"] });
}

function weighWords(box, isMore) {
  const change = weigh(box.value, box.selectionStart, box.selectionEnd, isMore);
  if (!change) return;
  box.setSelectionRange(change.from, change.to);
  document.execCommand("insertText", false, change.insert); // the one way that the box's own undo remembers
  box.setSelectionRange(change.start, change.end);
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const isControl = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && isControl) {
    event.preventDefault();
    event.stopPropagation();
    generate();
  } else if (event.key === "Enter" && event.altKey) {
    event.preventDefault();
    press("img2img_skip");
  } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && isControl && event.target.matches?.(PROMPTS)) {
    event.preventDefault();
    weighWords(event.target, event.key === "ArrowUp");
  }
}, true);

document.addEventListener("keydown", (event) => {
  // Last, so that whoever closes or cancels something with Escape comes first.
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || document.querySelector(POPUPS)) return;
  if (!press("workflow_interrupt")) press("img2img_interrupt");
});
