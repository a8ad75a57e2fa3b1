/** Above the studio: what a workflow set in the form. */

import { make, set, wordButton } from "../layers/dom.js";
import { onLanguage, t } from "../pentimento.js";
import { saidWords } from "./words.js";

export class Said {
  constructor(desk) {
    this.desk = desk;
    this.element = make("section.pm-w-said", { id: "workflow_said", role: "status", hidden: true });
    onLanguage(() => this.draw());
  }

  /** Say what the open workflow has set. */
  show(opened) {
    this.opened = opened;
    this.draw();
  }

  draw() {
    const { opened } = this;
    this.element.hidden = !opened;
    if (!opened) return;
    const close = make("button.pm-tool", { title: t("workflows.said.close"), aria: { label: t("workflows.said.close") }, on: { click: () => this.show(null) } }, "×");
    const look = wordButton("workflows.said.look", () => this.desk.reveal(), { id: "workflow_said_look" }, ".pm-w-small");
    const { taken } = this.desk;
    const words = (one) => saidWords({ ...one, values: { ...one.values, name: taken[one.values.name] ?? one.values.name } }, opened.drawing);
    const lines = opened.form.said.map((one) => make("li", {}, words(one)));
    const list = make("details", { open: lines.length <= 8 }, make("summary", {}, t("workflows.said", { name: opened.name || t("workflows.untitled") })), make("ul", {}, ...lines));
    set(this.element, { aria: { label: t("workflows.said", { name: opened.name }) } });
    this.element.replaceChildren(list, look, close);
  }
}
