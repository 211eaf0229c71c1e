// The page: loads the network, and leads photos, frames and numbers to answers and pictures.

import { load } from "../signbit.js";
import { Answers, MOST_BARS } from "./answers.js";
import { Camera, cameraProblem } from "./camera.js";
import { say, shown, the } from "./dom.js";
import { Layers, showFirst } from "./layers.js";
import { Numbers } from "./numbers.js";
import { Photos } from "./photos.js";
import { drawPixels } from "./pictures.js";
import { bytes, counted, problem, size } from "./words.js";

const TIMED = 250; // milliseconds that a photo is run again and again
const PEEK = 400; // milliseconds between two frames whose pixels and signs are shown

class Page {
  constructor(model, layers) {
    this.model = model;
    this.answers = new Answers();
    this.picture = null; // whose bits are shown
    this.peeked = 0;
    this.photoPort = model.inputs.find((port) => isPhoto(port)) ?? null;
    const unseen = this.photoPort
      ? "Its sign maps appear here with a photo."
      : "Sign maps are shown of networks that take a photo.";
    this.layers = new Layers(model, layers, unseen);
    const others = model.inputs.filter((port) => port !== this.photoPort);
    this.numbers = new Numbers(others);
    this.photos = null;
    if (this.photoPort) this.watchPhotos();
    if (others.length > 0) this.watchNumbers();
    const what = [this.photoPort && "a photo", others.length > 0 && "numbers"];
    const given = what.filter(Boolean).join(" and ");
    the("waiting").textContent = `Give ${given}, and the network answers here.`;
  }

  watchPhotos() {
    the("photo").hidden = false;
    this.photos = new Photos(
      (picture, file) => this.photo(picture, file),
      (text) => this.answers.problem(text),
    );
    this.camera = new Camera(
      the("video"),
      (picture) => this.frame(picture),
      () => this.cameraStopped(),
    );
    the("camera").addEventListener("click", () => this.toggleCamera());
  }

  watchNumbers() {
    the("numbers").hidden = false;
    the("numbers").addEventListener("submit", (event) => {
      event.preventDefault();
      this.runNumbers();
    });
  }

  /** A photo from a file: its picture, its answer, then its bits. */
  async photo(picture, file) {
    if (this.camera.running) this.stopCamera();
    const preview = the("preview");
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(file);
    preview.alt = `The photo ${file.name}`;
    this.show("preview");
    this.keep(picture);
    await this.see(picture, false);
    await shown();
    if (picture === this.picture) await this.look(picture);
    await this.time(picture);
  }

  /** A browser compiles while the first images run, so a photo runs for a while: the best time. */
  async time(picture) {
    if (this.model.classes.length === 0 || this.numbers.fields.length > 0) return;
    const end = performance.now() + TIMED;
    let best = Infinity;
    while (picture === this.picture && performance.now() < end) {
      const { milliseconds } = await this.model.classify(picture, { top: 1 }).catch(() => ({}));
      if (milliseconds === undefined) return; // the answer has said why
      best = Math.min(best, milliseconds);
    }
    if (picture === this.picture && !this.camera.running) this.answers.time(best);
  }

  /** One of many frames: its answer, and now and then its bits. */
  async frame(picture) {
    const { stream } = this.camera;
    await this.see(picture, true);
    if (performance.now() - this.peeked < PEEK || stream !== this.camera.stream) {
      picture.close();
      return;
    }
    this.peeked = performance.now();
    this.keep(picture);
    await this.look(picture);
  }

  /** Owns a picture from now on, and closes the one before. */
  keep(picture) {
    this.picture?.close();
    this.picture = picture;
  }

  /** Answers one picture, if that is all that the network takes. */
  async see(picture, live) {
    if (this.numbers.fields.length > 0) return;
    try {
      if (this.model.classes.length > 0) {
        const answers = await this.model.classify(picture, { top: MOST_BARS });
        if (live ? this.camera.running : picture === this.picture) {
          this.answers.classes(answers, this.model.leastProbability, live);
        }
      } else {
        await this.run([(await this.model.fit(picture)).data]);
      }
    } catch (error) {
      this.answers.problem(problem(error));
      if (live) this.stopCamera();
    }
  }

  /** Shows what the network reads of a picture, and the bits of the layers that are open. */
  async look(picture) {
    try {
      const read = await this.model.fit(picture, this.place);
      await shown();
      await drawPixels(the("seen-pixels"), read);
      the("seen-words").textContent = `${read.width} × ${read.height} pixels`;
      the("seen").hidden = false;
      await this.layers.refresh(picture);
    } catch {
      the("seen").hidden = true; // the answer has said why
    }
  }

  async runNumbers() {
    const given = this.numbers.read();
    if (given === null) return;
    if (this.photoPort && !this.picture) {
      this.answers.problem("The network also needs a photo. Choose one, then run it again.");
      return;
    }
    try {
      if (this.photoPort) {
        const fitted = await this.model.fit(this.picture, this.place);
        given.splice(this.place, 0, fitted.data);
      }
      await this.run(given);
    } catch (error) {
      this.answers.problem(problem(error));
    }
  }

  async run(given) {
    const began = performance.now();
    const results = await this.model.run(given);
    const time = performance.now() - began;
    await this.answers.tables(results, this.model.outputs, this.model.classes, time);
  }

  get place() {
    return this.model.inputs.indexOf(this.photoPort);
  }

  async toggleCamera() {
    if (this.camera.running) return this.stopCamera();
    this.photos.forget();
    try {
      await this.camera.start();
    } catch (error) {
      this.camera.stop();
      this.answers.problem(cameraProblem(error));
      return;
    }
    this.show("video");
    the("camera").textContent = "Stop the camera";
  }

  stopCamera() {
    this.camera.stop();
    this.cameraStopped();
  }

  /** The last frame that was looked at stays, with its answer. */
  cameraStopped() {
    the("camera").textContent = "Use the camera";
    if (!this.picture) return;
    const still = the("still");
    [still.width, still.height] = [this.picture.width, this.picture.height];
    still.getContext("2d").drawImage(this.picture, 0, 0);
    this.show("still");
    this.see(this.picture, false);
  }

  /** Shows the photo, the camera, or its last frame. */
  show(id) {
    for (const each of ["preview", "video", "still"]) the(each).hidden = each !== id;
    the("zone").classList.add("full");
    the("zone-words").querySelector("strong").textContent = "Choose another photo";
  }
}

/** Whether the page makes a photograph of it. */
function isPhoto({ kind, shape }) {
  return kind === "image" && [1, 3].includes(shape[2]);
}

function describe(model, layers) {
  const name = model.source.recipe;
  if (name) {
    the("title").textContent = name;
    document.title = name;
  }
  const shapes = model.inputs.map(({ shape }) => size(shape)).join(" and ");
  const answers = model.classes.length
    ? counted(model.classes.length, "class", "classes")
    : model.outputs.map(({ shape }) => `${size(shape)} numbers`).join(" and ");
  const speed = model.isa === "scalar" ? "without SIMD" : "with SIMD";
  the("facts").textContent = [
    `${shapes} → ${answers}`,
    counted(layers.length, "layer"),
    bytes(model.bytes),
    `WebAssembly ${speed}`,
  ].join(" · ");
}

async function start() {
  const bar = the("loading-bar");
  document.querySelector(".unserved").remove();
  const model = await load(new URL("model.sbnn", document.baseURI), {
    onProgress: ({ loaded, total }) => {
      if (total) bar.value = loaded / total;
      the("loading-words").textContent = `Loading the network: ${bytes(loaded)}`;
    },
  });
  const layers = await model.layers();
  describe(model, layers);
  await shown();
  const page = new Page(model, layers);
  the("loading").hidden = true;
  the("work").hidden = false;
  await shown();
  const { example } = document.body.dataset;
  if (page.photoPort && example) await showExample(page.photos, example);
  the("network").hidden = false;
  await shown();
  await showFirst(model, layers);
  await page.layers.list();
}

async function showExample(photos, name) {
  const file = await fetch(name);
  if (file.ok) await photos.take([new File([await file.blob()], name)]);
}

start().catch((error) => {
  the("loading").hidden = true;
  the("failure").hidden = false;
  say(the("failure-words"), problem(error));
});
