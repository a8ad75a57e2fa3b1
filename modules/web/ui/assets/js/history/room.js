/** How much room the history takes, how much it may take, and making some free. */

import { t, toast } from "../pentimento.js";
import { ask } from "./ask.js";
import { make, set } from "./dom.js";
import { getUsage, saveBudget, trimHistory } from "./server.js";
import { countPictures, showBytes, showCount } from "./words.js";

const GIB = 2 ** 30;

/** Bytes as a number of GiB, as short as it can be said. */
const showGib = (bytes) => String(Number((bytes / GIB).toFixed(3)));

/** The line below the gallery's head. */
export class Room {
  /** @param {() => void} onTrimmed called when entries were deleted. */
  constructor(onTrimmed) {
    this.onTrimmed = onTrimmed;
    this.usage = null;
    this.line = make("span.pm-h-usage", { id: "history_usage" });
    this.bar = make("progress.pm-h-bar", { max: 1, value: 0 });
    this.budget = make("input", { type: "number", id: "history_budget", min: "0", step: "any", on: { change: () => this.save() } });
    this.label = make("span");
    this.free = make("button.pm-h-button.pm-h-small", { id: "history_free", on: { click: () => this.trim() } });
    const field = make("label.pm-h-budget", {}, this.label, this.budget, make("span", {}, "GiB"));
    this.element = make("div.pm-h-room", {}, this.line, this.bar, field, this.free);
    this.relabel();
  }

  /** Ask the server anew. */
  async refresh() {
    try {
      this.usage = await getUsage();
    } catch (error) {
      this.usage = null;
      this.line.textContent = error.message;
      return;
    }
    this.relabel();
  }

  /** Say everything in the language in force. */
  relabel() {
    this.label.textContent = t("history.budget");
    this.free.textContent = t("history.free");
    set(this.free, { title: t("history.free.hint") });
    set(this.bar, { aria: { label: t("history.budget") } });
    if (!this.usage) return;
    const { bytes, entries, budget_bytes: budget } = this.usage;
    const values = { pictures: countPictures(entries), size: showBytes(bytes), budget: showBytes(budget) };
    this.line.textContent = budget > 0 ? t("history.usage", values) : t("history.usage.endless", values);
    this.bar.hidden = !(budget > 0);
    if (budget > 0) this.bar.value = Math.min(1, bytes / budget);
    this.bar.classList.toggle("pm-h-full", budget > 0 && bytes > budget);
    if (document.activeElement !== this.budget) this.budget.value = showGib(budget);
    this.free.disabled = !(budget > 0 && bytes > budget);
  }

  async save() {
    const wanted = Number(this.budget.value);
    if (this.budget.value.trim() === "" || !(wanted >= 0)) {
      toast(t("history.budget.wrong"), "error");
      this.budget.value = this.usage ? showGib(this.usage.budget_bytes) : "";
      return;
    }
    try {
      await saveBudget(wanted);
      toast(wanted > 0 ? t("history.budget.saved", { size: showBytes(wanted * GIB) }) : t("history.budget.none"));
    } catch (error) {
      toast(error.message, "error");
    }
    await this.refresh();
  }

  /** Count first, ask, then delete. */
  async trim() {
    this.free.disabled = true;
    try {
      const { entries, bytes } = await trimHistory(true);
      if (!entries) return toast(t("history.free.nothing"));
      const values = { n: showCount(entries), size: showBytes(bytes) };
      const question = { title: t("history.free"), text: t("history.free.ask", values), yes: t("history.free.yes", values) };
      if (!(await ask(question))) return;
      const done = await trimHistory(false);
      toast(t("history.freed", { n: showCount(done.entries), size: showBytes(done.bytes) }));
      this.onTrimmed();
    } catch (error) {
      toast(error.message, "error");
    } finally {
      await this.refresh();
    }
  }
}
