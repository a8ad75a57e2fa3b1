/** A view without a picture: drop, pick or paste one. Dropping works on the full canvas too, and opens another picture. */

import { drawing, filePicker, make, tell, textButton } from "./dom.js";
import { ICONS } from "./icons.js";

/** The first picture file of a drop or paste, or null. */
export function fileOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}

export class Welcome {
  /** @param {Object} view see view.js */
  constructor(view) {
    this.view = view;
    this.picker = filePicker((file) => this.open(file));
    const pick = textButton("canvas.welcome.pick", () => this.picker.click(), { class: "pm-word pm-primary" });
    const say = make("p", { "data-words": "canvas.welcome.say" });
    this.place = make("div", { class: "pm-welcome" }, drawing(ICONS.picture), say, pick);
    view.box.append(this.place);
    view.root.prepend(this.picker); // the first file input of a view is the picture's
    this.#acceptDrops();
    this.refresh();
  }

  /** Open a file, and say so when it cannot be; where one mask is edited, it can only be another mask. */
  async open(file) {
    const { document: canvas, mode } = this.view;
    try {
      await (mode === "edit_mask" ? canvas.openMaskFile(file) : canvas.openFile(file));
    } catch (error) {
      this.view.document.emit("trouble", { what: "open", error });
    }
  }

  #acceptDrops() {
    const { root } = this.view;
    const mark = (isOver) => root.classList.toggle("pm-drop-here", isOver);
    root.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      mark(true);
    });
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) mark(false);
    });
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      const file = fileOf(event.dataTransfer);
      if (file) this.open(file);
    });
  }

  refresh() {
    this.place.hidden = Boolean(this.view.document.now.picture);
  }

  retell() {
    tell(this.place);
    this.picker.setAttribute("aria-label", window.pentimento.t("canvas.welcome.pick"));
  }
}
