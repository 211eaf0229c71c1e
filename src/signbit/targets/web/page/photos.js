// Where photographs come from: the file picker, a drop, the clipboard. Gives pictures, or says in
// words why there is none.

import { the } from "./dom.js";

/** What the browser decodes; its pixels are those of the file, without colour correction. */
const AS_STORED = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

const KINDS = "Use a JPEG, PNG, WebP or GIF file.";

export class Photos {
  /** `taken(picture, file)` gets each ImageBitmap; `refused(text)` why a file gave none. */
  constructor(taken, refused) {
    this.taken = taken;
    this.refused = refused;
    this.latest = 0;
    const zone = the("zone");
    zone.addEventListener("click", () => the("file").click());
    the("file").addEventListener("change", (event) => {
      this.take([...event.target.files]);
      event.target.value = ""; // the same file may be chosen again
    });
    document.addEventListener("paste", (event) => this.pasted(event));
    // A photo that misses the zone must not replace the page.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => this.dropped(event));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      const over = name === "dragenter" || name === "dragover";
      zone.addEventListener(name, () => zone.classList.toggle("over", over));
    }
    const paste = the("paste");
    paste.hidden = !navigator.clipboard?.read;
    paste.addEventListener("click", () => this.fromClipboard());
  }

  dropped(event) {
    event.preventDefault();
    this.take([...event.dataTransfer.files], "What was dropped is no file.");
  }

  pasted(event) {
    const files = [...event.clipboardData.files];
    if (files.length > 0) this.take(files);
    else if (!event.target.closest?.("textarea")) this.refused("There is no photo to paste.");
  }

  async fromClipboard() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((each) => each.startsWith("image/"));
        if (type) return await this.take([new File([await item.getType(type)], "pasted photo")]);
      }
      this.refused("There is no photo to paste.");
    } catch {
      this.refused("The browser did not allow it. Press Ctrl+V (⌘V) instead.");
    }
  }

  /** Takes the first of some files. One that comes later wins, however long either takes. */
  async take(files, otherwise = "") {
    const [file] = files;
    if (!file) return otherwise && this.refused(otherwise);
    const mine = ++this.latest;
    let picture;
    try {
      picture = await createImageBitmap(file, AS_STORED);
    } catch {
      if (mine === this.latest) {
        this.refused(`${file.name} is no picture that this browser can read. ${KINDS}`);
      }
      return;
    }
    if (mine === this.latest) await this.taken(picture, file);
    else picture.close();
  }

  /** A photo that is on its way is no longer wanted. */
  forget() {
    this.latest += 1;
  }
}
