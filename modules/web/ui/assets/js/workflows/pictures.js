/** Pictures that a workflow names and that are not here: each is given under its name. */

import { refusal } from "../canvas/refusal.js";
import { uploadAsset } from "../canvas/server.js";
import { fileOf } from "../canvas/welcome.js";
import { make, pickFile, wordButton } from "../layers/dom.js";
import { t, toast } from "../pentimento.js";
import { thumbnailAddress } from "./server.js";

const KINDS = "image/*,.png,.jpg,.jpeg,.webp";

export class PictureCards {
  /** @param {() => void} onGiven another picture was given. */
  constructor(onGiven) {
    this.onGiven = onGiven;
    this.pictures = [];
    this.given = {}; // asset ids by name
    this.element = make("section.pm-w-cards", { id: "workflow_pictures", hidden: true });
  }

  /** @param {Array<{name, asset}>} pictures of the workflow; `asset` null = not here. */
  show(pictures) {
    this.pictures = pictures;
    this.given = {};
    this.draw();
  }

  /** Names of those that are still wanted. */
  get missing() {
    return this.pictures.filter(({ name, asset }) => !asset && !this.given[name]).map(({ name }) => name);
  }

  async give(name, file) {
    try {
      const asset = await uploadAsset(file, file.name);
      this.given[name] = asset.id;
    } catch (error) {
      toast(refusal(error, "canvas.trouble.open"), "error");
      return;
    }
    this.draw();
    this.onGiven();
  }

  draw() {
    this.element.hidden = !this.pictures.length;
    const title = this.missing.length ? t("workflows.pictures.wanted") : t("workflows.pictures");
    this.element.replaceChildren(make("h3", {}, title), ...this.pictures.map((one) => this.#card(one)));
  }

  #card({ name, asset }) {
    const now = this.given[name] ?? asset;
    const pick = wordButton(now ? "workflows.pictures.other" : "workflows.pictures.pick", () => pickFile(KINDS, (file) => this.give(name, file)), {}, ".pm-w-small");
    const words = make("div", {}, make("b", { dir: "auto" }, name), make("p.pm-w-note", {}, t(now ? "workflows.pictures.here" : "workflows.pictures.drop")), pick);
    const picture = now ? make("img", { src: thumbnailAddress(now, 128), alt: "" }) : make("span.pm-w-hole", { aria: { hidden: true } }, "?");
    const card = make(`div.pm-w-card${now ? "" : ".pm-w-wanted"}`, { data: { name } }, picture, words);
    card.addEventListener("dragover", (event) => event.preventDefault());
    card.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = fileOf(event.dataTransfer);
      if (file) this.give(name, file);
    });
    return card;
  }
}
