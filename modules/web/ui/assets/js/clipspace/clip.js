/** What was copied last, kept in the browser beyond a reload: `{asset, mask}`, a picture's description and the id of its mask or null. */

const KEY = "pentimento_clipspace";
const ID = /^[0-9a-f]{64}$/;

class Clipspace {
  #listeners = new Set();

  constructor() {
    addEventListener("storage", (event) => event.key === KEY && this.#tell()); // another tab copied something
  }

  /** `{asset: {id, width, height, has_alpha, name}, mask: id or null}`; null = nothing was copied. */
  get value() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return ID.test(kept?.asset?.id) ? kept : null;
    } catch {
      return null;
    }
  }

  put(asset, mask = null) {
    localStorage.setItem(KEY, JSON.stringify({ asset, mask }));
    this.#tell();
  }

  clear() {
    localStorage.removeItem(KEY);
    this.#tell();
  }

  /** Call `listener()` whenever something else is in it; returns a function that ends this. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

export const clipspace = new Clipspace();
