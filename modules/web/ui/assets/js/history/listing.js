/** What a search found, as far as it was looked at: the order is kept, the entries themselves only around what is shown. */

const PAGE = 60;
const KEPT = 240;

/** The entries of one search, newest first. */
export class Listing {
  /**
   * @param {(query: Object) => Promise<{entries, total, next}>} fetchPage
   * @param {() => void} onChange
   */
  constructor(fetchPage, onChange) {
    this.fetchPage = fetchPage;
    this.onChange = onChange;
    this.begin({});
  }

  /** Forget everything; the next `more` begins another search. */
  begin(query) {
    this.query = query;
    this.search = Symbol("search");
    this.ids = [];
    this.entries = new Map();
    this.next = null;
    this.total = null;
    this.isWhole = false;
    this.isLoading = false;
    this.problem = "";
  }

  /** Fetch what follows; nothing while it is being fetched, or when there is no more. */
  async more() {
    if (this.isLoading || this.isWhole) return;
    this.isLoading = true;
    const page = await this.ask({ before: this.next });
    if (!page) return;
    this.isLoading = false;
    this.take(page.entries, this.ids.length);
    this.next = page.next;
    this.isWhole = page.next === null;
    this.onChange();
  }

  /** Put what is newer than the newest in front; true if anything was. */
  async refresh() {
    const page = await this.ask({});
    if (!page) return false;
    const newest = this.ids[0] ?? -Infinity;
    const isConnected = page.next === null || page.entries.at(-1).id <= newest;
    if (!isConnected) {
      this.begin(this.query);
      await this.more();
      return true;
    }
    const fresh = page.entries.filter((entry) => entry.id > newest);
    this.take(fresh, 0);
    this.onChange();
    return fresh.length > 0;
  }

  /** How many are newer than the newest that is listed. */
  async countNew() {
    const total = this.total;
    const page = await this.ask({ limit: 1 });
    if (!page || total === null || !page.entries.length || page.entries[0].id === this.ids[0]) return 0;
    return Math.max(0, page.total - total);
  }

  /** The entry at a place, or undefined while it is not here; `need` brings it. */
  at(place) {
    return this.entries.get(this.ids[place]);
  }

  /** Have the entries from `first` to before `last`, and let go of those far away. */
  async need(first, last) {
    this.letGo(first - KEPT, last + KEPT);
    for (let place = Math.max(0, first); place < Math.min(last, this.ids.length); place++) {
      if (this.entries.has(this.ids[place]) || this.isFilling) continue;
      this.isFilling = true;
      const page = await this.ask({ before: this.ids[place] + 1 });
      this.isFilling = false;
      if (!page) return;
      const listed = new Set(this.ids.slice(place, place + PAGE * 2));
      for (const entry of page.entries) if (listed.has(entry.id)) this.entries.set(entry.id, entry);
      this.onChange();
    }
  }

  /** Take deleted entries out. */
  remove(ids) {
    const gone = new Set(ids);
    this.ids = this.ids.filter((id) => !gone.has(id));
    for (const id of ids) this.entries.delete(id);
    if (this.total !== null) this.total = Math.max(0, this.total - gone.size);
    this.onChange();
  }

  take(entries, place) {
    this.ids.splice(place, 0, ...entries.map((entry) => entry.id));
    for (const entry of entries) this.entries.set(entry.id, entry);
  }

  letGo(first, last) {
    if (this.entries.size < 3 * KEPT) return;
    const kept = new Set(this.ids.slice(Math.max(0, first), Math.max(0, last)));
    for (const id of this.entries.keys()) if (!kept.has(id)) this.entries.delete(id);
  }

  /** A page, or null when it came too late or not at all. */
  async ask(more) {
    const { search } = this;
    try {
      const page = await this.fetchPage({ ...this.query, limit: PAGE, ...more });
      if (search !== this.search) return null;
      this.total = page.total;
      this.problem = "";
      return page;
    } catch (error) {
      if (search !== this.search) return null;
      this.problem = error.message;
      this.isLoading = false;
      this.isWhole = true; // no endless asking; the next search, or a look at the tab, asks again
      this.onChange();
      return null;
    }
  }
}
