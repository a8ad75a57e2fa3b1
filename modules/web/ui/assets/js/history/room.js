/** How much room the history takes, how much it may take, and making some free. */

import { t, toast } from "../pentimento.js";
import { ask } from "./ask.js";
import { make, set } from "./dom.js";
import { countTrim, getUsage, saveBudget, trimHistory } from "./server.js";
import { countPictures, showBytes } from "./words.js";

const GIB = 2 ** 30;

/** Bytes as a number of GiB, as short as it can be said. */
const showGib = (bytes) => String(Number((bytes / GIB).toFixed(6)));

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

  /** Another budget: where it costs pictures, they are counted, and the person is asked. */
  async save() {
    const gib = Number(this.budget.value);
    if (this.budget.value.trim() === "" || !(gib >= 0)) return this.refuse();
    await this.attempt(async () => {
      const plan = await countTrim(gib);
      if (plan.entries && !(await confirmTrim(t("history.budget.lower", { size: showBytes(gib * GIB) }), plan))) return;
      await saveBudget(gib);
      if (plan.entries) return this.finish(await trimHistory());
      toast(gib > 0 ? t("history.budget.saved", { size: showBytes(gib * GIB) }) : t("history.budget.none"));
    });
    this.budget.blur(); // shows what is in force now
    this.relabel();
  }

  refuse() {
    toast(t("history.budget.wrong"), "error");
    this.budget.blur();
    this.relabel();
  }

  /** Count first, ask, then delete. */
  async trim() {
    await this.attempt(async () => {
      const plan = await countTrim();
      if (!plan.entries) toast(t("history.free.nothing"));
      else if (await confirmTrim(t("history.free"), plan)) this.finish(await trimHistory());
    });
  }

  finish({ entries, bytes }) {
    toast(t("history.freed", { pictures: countPictures(entries), size: showBytes(bytes) }));
    this.onTrimmed();
  }

  async attempt(act) {
    this.free.disabled = true;
    try {
      await act();
    } catch (error) {
      toast(error.message, "error");
    } finally {
      await this.refresh();
    }
  }
}

/** Ask before pictures go; true = they may. */
async function confirmTrim(title, { entries, bytes }) {
  const values = { pictures: countPictures(entries), size: showBytes(bytes) };
  return (await ask({ title, text: t("history.free.ask", values), yes: t("history.free.yes", values) })) !== null;
}
