/** Acting on parts of the page as Gradio puts them there, which it does late, again, and tab by tab. */

const wishes = [];

function look() {
  for (const { selector, act, done } of wishes) {
    for (const element of document.querySelectorAll(selector)) {
      if (done.has(element)) continue;
      done.add(element);
      act(element);
    }
  }
}

/**
 * Call `act(element)` once for every element that matches, now or whenever it appears.
 *
 * @param {string} selector
 * @param {(element: HTMLElement) => void} act
 */
export function whenThere(selector, act) {
  wishes.push({ selector, act, done: new WeakSet() });
  look();
}

new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
