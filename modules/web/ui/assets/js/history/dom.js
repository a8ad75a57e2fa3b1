/** Making elements without a library. */

/**
 * An element.
 *
 * @param {string} tag "div", or "button.pm-x" with classes.
 * @param {Object} properties `on`: listeners by event; `data`: data attributes; `aria`: aria attributes; others are properties where the
 *     element has them, else attributes; null and undefined are left out.
 * @param {...(Node|string|null)} children
 */
export function make(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  element.classList.add(...classes);
  if (name === "button") element.type = "button";
  set(element, properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set what `make` sets, on an element that is there. */
export function set(element, { on = {}, data = {}, aria = {}, ...rest }) {
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const [key, value] of Object.entries(data)) element.dataset[key] = value;
  for (const [key, value] of Object.entries(aria)) setAttribute(element, `aria-${key}`, value);
  for (const [key, value] of Object.entries(rest)) {
    if (value === null || value === undefined) continue;
    if (key in element) element[key] = value;
    else setAttribute(element, key, value);
  }
  return element;
}

function setAttribute(element, key, value) {
  if (value === null || value === undefined) element.removeAttribute(key);
  else element.setAttribute(key, String(value));
}
