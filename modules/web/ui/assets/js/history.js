/**
 * The history: search, thumbnails, one picture large, deleting, room.
 *
 * What the studio has to do (restore everything, open a picture) goes to Python through a hidden component, `#history_bridge`.
 */

import { ask } from "./history/ask.js";
import { make, set } from "./history/dom.js";
import { Filters } from "./history/filters.js";
import { Grid } from "./history/grid.js";
import { Listing } from "./history/listing.js";
import { Room } from "./history/room.js";
import { deleteEntries, listModels, searchHistory } from "./history/server.js";
import { Viewer } from "./history/viewer.js";
import { countPictures, showCount } from "./history/words.js";
import { onLanguage, t, toast } from "./pentimento.js";
import { whenThere } from "./when.js";

const LOOK_MS = 4000;

class HistoryTab {
  constructor(root) {
    this.root = root;
    this.listing = new Listing(searchHistory, () => this.follow());
    this.filters = new Filters(() => this.search());
    const hear = {
      open: (place) => this.viewer.open(place),
      go: (place) => this.grid.go(place),
      remove: (ids) => this.remove(ids),
      chosen: () => this.showChosen(),
      restore: (entry) => tell({ entry: entry.id }),
      send: (entry, mode) => tell({ entry: entry.id, mode }),
      similar: (entry) => this.filters.put({ words: quote(entry.prompt), model: entry.model, mode: "", since: "", until: "" }),
    };
    this.grid = new Grid(this.listing, hear);
    this.viewer = new Viewer(this.listing, hear);
    this.room = new Room(() => this.search());
    this.problem = make("p.pm-h-problem", { role: "alert", hidden: true });
    this.count = make("span.pm-h-count", { id: "history_count", aria: { live: "polite" } });
    this.fresh = make("button.pm-h-button.pm-h-small", { id: "history_new", hidden: true, on: { click: () => this.toTop() } });
    this.chosen = make("div.pm-h-chosen", { id: "history_chosen", hidden: true, role: "toolbar" });
    this.empty = make("p.pm-h-empty", { id: "history_empty", hidden: true });
    const head = make("div.pm-h-row.pm-h-head", {}, this.count, this.fresh, this.chosen);
    const { element: grid } = this.grid;
    root.replaceChildren(this.problem, this.filters.bar, head, grid, this.empty, this.room.element, this.viewer.dialog);
    this.relabel();
    onLanguage(() => this.relabel());
    new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.look()).observe(root);
    setInterval(() => this.lookForNew(), LOOK_MS);
  }

  get isOpen() {
    return this.root.offsetParent !== null && document.visibilityState === "visible";
  }

  /** The tab was opened: whatever is new comes first. */
  async look() {
    this.room.refresh().then(() => this.showProblem());
    listModels().then((models) => this.filters.setModels(models), () => {});
    if (this.listing.total === null || this.listing.problem) this.search();
    else if (await this.listing.refresh()) this.grid.draw();
  }

  /** Somebody may have made one meanwhile; a list that was scrolled is not moved below the reader. */
  async lookForNew() {
    if (!this.isOpen || this.listing.total === null || this.listing.problem) return;
    const count = await this.listing.countNew();
    if (count && this.root.getBoundingClientRect().top > 0 && !this.viewer.dialog.open) {
      await this.listing.refresh();
      this.room.refresh();
      return;
    }
    this.fresh.hidden = count === 0;
    this.fresh.textContent = t("history.new", { n: showCount(count) });
  }

  async toTop() {
    this.fresh.hidden = true;
    await this.listing.refresh();
    this.grid.go(0);
    scrollTo({ top: 0 });
  }

  search() {
    this.fresh.hidden = true;
    this.listing.begin(this.filters.query());
    this.grid.reset();
    this.listing.more();
    this.follow();
  }

  /** The listing has changed. */
  follow() {
    this.grid.draw();
    this.viewer?.follow();
    this.showCount();
    this.showProblem();
  }

  showCount() {
    const { total, problem } = this.listing;
    const found = this.filters.isActive ? t("history.found", { n: showCount(total ?? 0) }) : countPictures(total ?? 0);
    this.count.textContent = total === null ? "" : found;
    const isEmpty = total === 0 && !problem;
    this.empty.hidden = !isEmpty;
    this.grid.element.hidden = isEmpty;
    this.empty.textContent = t(this.filters.isActive ? "history.no_hits" : "history.none_yet");
  }

  showProblem() {
    const said = this.listing.problem || this.room.usage?.problem || "";
    this.problem.textContent = said ? t("history.problem", { problem: said }) : "";
    this.problem.hidden = !said;
  }

  showChosen() {
    const count = this.grid.chosen.size;
    this.chosen.hidden = count === 0;
    const act = (text, id, click, more = "") => make(`button.pm-h-button.pm-h-small${more}`, { id, on: { click } }, t(text));
    const remove = act("history.delete", "history_delete_chosen", () => this.remove([...this.grid.chosen]), ".pm-h-stop");
    const none = act("history.choose_none", "history_choose_none", () => this.grid.choose([]));
    this.chosen.replaceChildren(make("span", {}, t("history.chosen", { n: showCount(count) })), remove, none);
  }

  /** Ask, naming the number; then forget them. */
  async remove(ids) {
    const values = { n: showCount(ids.length) };
    const many = ids.length > 1;
    const answer = await ask({
      title: many ? t("history.delete.many", values) : t("history.delete.one"),
      text: t("history.delete.what"),
      yes: t("history.delete"),
      option: t("history.delete.files"),
    });
    if (!answer) return;
    try {
      await deleteEntries(ids, answer.isOptionSet);
    } catch (error) {
      toast(error.message, "error");
      return;
    }
    this.grid.choose([...this.grid.chosen].filter((id) => !ids.includes(id)));
    this.listing.remove(ids);
    toast(many ? t("history.deleted.many", values) : t("history.deleted.one"));
    this.room.refresh();
  }

  relabel() {
    set(this.root, { aria: { label: t("history.tab") } });
    this.filters.relabel();
    this.grid.relabel();
    this.room.relabel();
    this.viewer.draw();
    this.showChosen();
    this.showCount();
    this.showProblem();
  }
}

/** A prompt as words to search for: all of it, in this order. */
function quote(prompt) {
  return prompt ? `"${prompt.replaceAll('"', " ").trim()}"` : "";
}

/** Have Python do something. */
function tell(wish) {
  const bridge = window.pentimentoHistoryBridge;
  if (!bridge) throw new Error("the page is not ready yet");
  bridge.props.value = { ...wish, at: Date.now() };
  bridge.trigger("submit");
}

whenThere("#pm_history", (root) => new HistoryTab(root));
