/** Keys of the tab: they act while the tab is open, and never while somebody types. */

const TYPED = "textarea, select, [contenteditable=''], [contenteditable=true], [role=textbox], [role=slider], input:not([type=checkbox], [type=radio], [type=file], [type=color])";
const STEP = 1.25;

const PLAIN = {
  Delete: (tab) => tab.tasks.remove(),
  Backspace: (tab) => tab.tasks.remove(),
  F2: (tab) => tab.store.current && tab.list.rename(tab.store.current.id),
  0: (tab) => tab.stage.fit(),
  1: (tab) => tab.stage.zoomTo(1),
  "+": (tab) => tab.stage.zoomBy(STEP),
  "=": (tab) => tab.stage.zoomBy(STEP),
  "-": (tab) => tab.stage.zoomBy(1 / STEP),
};
const WITH_CTRL = {
  z: (tab, event) => (event.shiftKey ? tab.store.redo() : tab.store.undo()),
  y: (tab) => tab.store.redo(),
  j: (tab) => tab.tasks.duplicate(),
  e: (tab, event) => (event.shiftKey ? tab.tasks.part() : tab.tasks.merge()),
  "[": (tab) => tab.tasks.raise(-1),
  "]": (tab) => tab.tasks.raise(1),
  a: (tab) => tab.store.choose(tab.store.layers.map((layer) => layer.id)),
};

/** Listen on the page for `tab`: {root, store, stage, pointing, list, tasks}. */
export function listenToKeys(tab) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || !isOpen(tab) || isTyping(event.target)) return;
    if (press(tab, event)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") hold(tab, false);
  });
  addEventListener("blur", () => hold(tab, false));
}

const isOpen = (tab) => tab.store.document && tab.root.offsetParent !== null && !document.querySelector("dialog[open], [popover]:popover-open");
const isTyping = (target) => target instanceof Element && target.closest(TYPED) !== null;

function hold(tab, isSpace) {
  tab.pointing.isSpace = isSpace;
  tab.stage.box.classList.toggle("pm-l-hand", isSpace);
}

function press(tab, event) {
  const { key } = event;
  const isOnPage = event.target === document.body || tab.root.contains(event.target);
  if (!isOnPage) return false;
  if (key === "Escape") return escape(tab);
  if (event.ctrlKey || event.metaKey) {
    const act = WITH_CTRL[key.toLowerCase()];
    tab.pointing.settle();
    act?.(tab, event);
    return Boolean(act);
  }
  const isOnStage = event.target === tab.stage.box || event.target === document.body;
  if (isOnStage && key === " ") {
    hold(tab, true);
    return true;
  }
  if (isOnStage && tab.pointing.press(event)) return true;
  if (event.altKey) return false;
  PLAIN[key]?.(tab);
  return key in PLAIN;
}

/** Give up what is under way; else one layer alone; else the choice. Whether there was something to give up. */
function escape({ pointing, store }) {
  if (pointing.cancel()) return true;
  if (store.solo) store.showAlone(store.solo);
  else if (store.chosen.length) store.choose([]);
  else return false;
  return true;
}
