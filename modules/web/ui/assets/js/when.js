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

/**
 * Call `act(element)` once for every element that matches, when it is first seen: parts in closed tabs cost nothing until then.
 *
 * @param {string} selector
 * @param {(element: HTMLElement) => void} act
 */
export function whenSeen(selector, act) {
  whenThere(selector, (element) => {
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      act(element);
    });
    watch.observe(element);
  });
}

new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
