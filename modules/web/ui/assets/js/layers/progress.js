/** A bar that fills while the server works, with a word for what it is doing and a button that stops it. */

import { language, t } from "../pentimento.js";
import { make, set, wordButton } from "./dom.js";
import { followJob } from "./jobs.js";

const STEPS = ["text", "subject", "shadow", "light", "background", "texture", "settling", "layers", "upscaling", "painting", "rendering"];

const words = (doing) => (STEPS.includes(doing) ? t(`layers.doing.${doing}`) : t("layers.doing"));
const seconds = (s) => new Intl.NumberFormat(language(), { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 0 }).format(s);

export class Progress {
  constructor(id) {
    this.fill = make("i", {});
    this.bar = make("div.pm-progress", { role: "progressbar" }, this.fill);
    this.words = make("p.pm-l-doing", { role: "status" });
    this.stop = wordButton("layers.stop", () => this.job?.stop().catch(() => {}), { id: `${id}_stop` }, ".pm-l-stop");
    this.element = make("div.pm-l-progress", { id, hidden: true }, this.words, make("div.pm-l-row", {}, this.bar, this.stop));
  }

  /** Show a job until it is over; gives its last state. */
  async follow(begun) {
    this.element.hidden = false;
    this.job = followJob(begun, (state) => this.#show(state));
    try {
      return await this.job.done;
    } finally {
      this.job = null;
      this.element.hidden = true;
    }
  }

  #show(state) {
    const share = Math.round(100 * state.progress);
    this.stop.lastElementChild.textContent = t("layers.stop"); // in the language of now
    set(this.bar, { aria: { label: t("layers.progress"), valuenow: share, valuemin: 0, valuemax: 100 } });
    this.fill.style.width = `${Math.max(2, share)}%`;
    const left = state.eta_s ? ` · ${t("layers.left_s", { s: seconds(state.eta_s) })}` : "";
    const place = state.total > 1 ? `${Math.min(state.total, state.done + state.failed + 1)} / ${state.total} · ` : "";
    const going = state.state === "queued" ? t("layers.queued") : `${place}${words(state.doing)}${left}`;
    const said = state.isAway ? t("layers.away") : going;
    if (this.words.textContent !== said) this.words.textContent = said;
  }
}
