/** Pictures that a workflow names and that are not here: each is given under its name. */

import { refusal } from "../canvas/refusal.js";
import { uploadAsset } from "../canvas/server.js";
import { fileOf } from "../canvas/welcome.js";
import { copyAsset, editMask, pasteAsFile } from "../clipspace/actions.js";
import { clipspace } from "../clipspace/clip.js";
import { make, pickFile, wordButton } from "../layers/dom.js";
import { t, toast } from "../pentimento.js";
import { thumbnailAddress } from "./server.js";

const KINDS = "image/*,.png,.jpg,.jpeg,.webp";

export class PictureCards {
  /**
   * @param {(wasMissing: boolean) => void} onGiven another picture was given; whether any had been wanted before.
   * @param {() => Object} workflow `{id, name}` of the one that is open.
   */
  constructor(onGiven, workflow) {
    this.onGiven = onGiven;
    this.workflow = workflow;
    clipspace.on(() => this.draw());
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
      this.take(name, asset.id);
    } catch (error) {
      toast(refusal(error, "canvas.trouble.open"), "error");
    }
  }

  /** A kept picture is the one of that name from now on. */
  take(name, asset) {
    const wasMissing = this.missing.length > 0;
    this.given[name] = asset;
    this.draw();
    this.onGiven(wasMissing);
  }

  draw() {
    this.element.hidden = !this.pictures.length;
    const title = this.missing.length ? t("workflows.pictures.wanted") : t("workflows.pictures");
    this.element.replaceChildren(make("h3", {}, title), ...this.pictures.map((one) => this.#card(one)));
  }

  /** Buttons of the clipspace. */
  #clips(name, now) {
    const button = (act, click) => wordButton(`clipspace.${act}`, click, { data: { act } }, ".pm-w-small");
    const paste = button("paste", () => pasteAsFile((asset, what) => {
      this.take(name, asset.id);
      toast(t("clipspace.pasted_input", { what, input: name }));
    }));
    paste.disabled = !clipspace.value;
    const edit = () => {
      const { id, name: title } = this.workflow();
      editMask(now, { name, target: { workflow: id, title, name } });
    };
    return now ? [button("copy", () => copyAsset(now, { name })), paste, button("edit", edit)] : [paste];
  }

  #card({ name, asset }) {
    const now = this.given[name] ?? asset;
    const pick = wordButton(now ? "workflows.pictures.other" : "workflows.pictures.pick", () => pickFile(KINDS, (file) => this.give(name, file)), {}, ".pm-w-small");
    const words = make("div", {}, make("b", { dir: "auto" }, name), make("p.pm-w-note", {}, t(now ? "workflows.pictures.here" : "workflows.pictures.drop")), make("div.pm-w-row", {}, pick, ...this.#clips(name, now)));
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
