/* Runs before anything else on the page; LANGUAGE is given by boot.py. */
Object.defineProperty(navigator, "language", { get: () => LANGUAGE });
Object.defineProperty(navigator, "languages", { get: () => [LANGUAGE] });
const wanted = localStorage.getItem("pentimento_theme");
if (wanted) {
  const url = new URL(location.href);
  if (url.searchParams.get("__theme") !== wanted) {
    url.searchParams.set("__theme", wanted);
    history.replaceState(null, "", url);
  }
}

/* Gradio's image editor draws in every frame, busy or not, which without a GPU takes a core away from the repainting.
   So while nobody touches the page, frames come five times a second; the first touch brings them back at once. */
const frame = window.requestAnimationFrame.bind(window);
const dropFrame = window.cancelAnimationFrame.bind(window);
const LIVELY_MS = 2000;
const IDLE_FRAME_MS = 200;
const waiting = new Map();
let touchedMs = 0;
let lastId = 0;
const draw = (id) => {
  const { callback, timer } = waiting.get(id);
  waiting.delete(id);
  clearTimeout(timer);
  callback(performance.now());
};
window.requestAnimationFrame = (callback) => {
  if (performance.now() - touchedMs < LIVELY_MS) return frame(callback);
  const id = --lastId;
  waiting.set(id, { callback, timer: setTimeout(draw, IDLE_FRAME_MS, id) });
  return id;
};
window.cancelAnimationFrame = (id) => {
  if (id >= 0) return dropFrame(id);
  clearTimeout(waiting.get(id)?.timer);
  waiting.delete(id);
};
for (const kind of ["pointerdown", "pointermove", "wheel", "keydown", "drop"]) {
  addEventListener(
    kind,
    () => {
      touchedMs = performance.now();
      for (const id of [...waiting.keys()]) draw(id);
    },
    { capture: true, passive: true },
  );
}
