/** Making HTML elements. */

/**
 * An element.
 *
 * @param {string} tag
 * @param {Object} properties of the element; `class`, `for`, `role`, `data-*` and `aria-*` are set as attributes, `on*` as listeners.
 * @param {...(Node|string|null)} children
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
