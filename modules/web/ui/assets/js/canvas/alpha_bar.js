/** The question what a picture's transparency means, in a row of its own above the stage. */

import { drawing, iconButton, make, tell, textButton } from "./dom.js";
import { ICONS } from "./icons.js";

const CHOICES = ["mask", "keep", "flatten"];
const WORDS = { mask: "canvas.alpha.mask", keep: "canvas.alpha.keep", flatten: "canvas.alpha.flatten" };
const HELP = { mask: "canvas.alpha.mask_help", keep: "canvas.alpha.keep_help", flatten: "canvas.alpha.flatten_help" };

export class AlphaBar {
  /** @param {Object} view see view.js */
  constructor(view) {
    this.view = view;
    this.buttons = CHOICES.map((choice) => {
      const attributes = { class: "pm-choice", "data-choice": choice, "aria-pressed": "false" };
      return textButton(WORDS[choice], () => view.document.setAlpha(choice), attributes);
    });
    this.say = make("span", { "data-words": "canvas.alpha.question" });
    this.help = make("small");
    const close = iconButton("canvas.alpha.dismiss", ICONS.close, "", () => view.document.dismissAlpha());
    const choices = make("span", { class: "pm-choices", role: "group" }, ...this.buttons);
    const body = make("div", { class: "pm-alpha-body" }, drawing(ICONS.picture), this.say, choices, this.help);
    this.bar = make("div", { class: "pm-alpha", role: "status", hidden: true }, body, close);
    view.box.before(this.bar);
    view.document.on("change", () => this.refresh());
    this.refresh();
  }

  refresh() {
    const { picture, alpha, isAlphaAsked } = this.view.document.now;
    this.bar.hidden = !(picture?.has_alpha && isAlphaAsked);
    if (this.bar.hidden) return;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.choice === alpha));
    this.help.textContent = window.pentimento.t(HELP[alpha]);
  }

  retell() {
    tell(this.bar);
    this.refresh();
  }
}
