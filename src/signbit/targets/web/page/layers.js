// The network's layers as a list. An open layer shows its bits as pictures: the signs that it gives
// for the picture at hand, and its binary filters.

import { breathe, element, say, shown, the } from "./dom.js";
import { drawColours, drawFilters, drawSigns } from "./pictures.js";
import { count, counted, large, operation, precision, problem, size } from "./words.js";

const LISTED = 200; // layers; a button shows as many more
const AT_ONCE = 4;
const AT_ONCE_BYTES = 1 << 15;

/** A figure with a canvas of bits and words below it. */
function newFigure() {
  const canvas = element("canvas", "");
  canvas.setAttribute("role", "img");
  const words = element("figcaption", "");
  return { canvas, words, whole: element("figure", "", canvas, words) };
}

/** Says what a picture shows: to all below it, and as the name of the canvas. */
function named({ canvas, words }, text) {
  words.textContent = text;
  canvas.setAttribute("aria-label", text);
}

/** The sum of bytes, in slices. */
async function sum(bytes) {
  let total = 0;
  for (let begin = 0; begin < bytes.length; begin += AT_ONCE_BYTES) {
    for (const byte of bytes.subarray(begin, begin + AT_ONCE_BYTES)) total += byte;
    await breathe();
  }
  return total;
}

/** "64 sign maps", or "the first 20 of 64 sign maps". */
function part(drawn, all, noun) {
  return drawn < all ? `The first ${count(drawn)} of ${counted(all, noun)}` : counted(all, noun);
}

export class Layers {
  /** `unseen` is said of a layer's signs where there is no picture. */
  constructor(model, layers, unseen) {
    this.model = model;
    this.layers = layers;
    this.unseen = unseen;
    this.picture = null;
    this.open = new Map(); // layer's index → its figure of signs
    this.listed = 0;
    the("more-layers").addEventListener("click", () => this.list());
  }

  async list() {
    const until = Math.min(this.listed + LISTED, this.layers.length);
    for (; this.listed < until; ++this.listed) {
      the("layers").append(this.item(this.layers[this.listed]));
      if (this.listed % AT_ONCE === 0) await shown();
    }
    const left = this.layers.length - until;
    say(the("more-layers"), left > 0 ? `Show more of the ${counted(left, "layer")} left` : "");
  }

  item(layer) {
    const bits = precision(layer);
    const summary = element(
      "summary",
      "",
      element("span", "place", String(layer.index + 1)),
      element("span", "name", layer.name),
      element("span", "size", size(layer.output)),
      element("span", "what", operation(layer), " ", bits && element("span", "badge", bits)),
    );
    const inside = element("div", "inside");
    const details = element("details", "", summary, inside);
    details.name = "layer"; // one is open at a time
    details.addEventListener("toggle", () => {
      if (details.open) this.opened(layer, inside);
      else this.open.delete(layer.index);
    });
    return element("li", "", details);
  }

  async opened(layer, inside) {
    const work = `${large(layer.operations)} multiply-adds for one image.`;
    inside.replaceChildren(element("p", "hint", work));
    if (layer.signs) {
      const signs = newFigure();
      inside.append(signs.whole);
      this.open.set(layer.index, signs);
      await this.signs(layer.index);
    } else inside.append(element("p", "hint", "It gives real numbers, no signs."));
    if (layer.weight?.dtype === "U64") {
      const filters = newFigure();
      inside.append(filters.whole);
      await this.filters(layer.index, filters);
    }
  }

  async filters(index, figure) {
    try {
      const filters = await this.model.filters(index);
      const drawn = await drawFilters(figure.canvas, filters);
      const all = filters.filters * filters.channels;
      const each = `${filters.height} × ${filters.width}`;
      named(figure, `${part(drawn, all, "binary kernel")} of ${each}, filter after filter.`);
    } catch (error) {
      figure.words.textContent = problem(error);
    }
  }

  /** Another picture: the layers that are open show their signs for it. */
  async refresh(picture) {
    this.picture = picture;
    for (const index of [...this.open.keys()]) {
      if (picture === this.picture) await this.signs(index);
    }
  }

  async signs(index) {
    const figure = this.open.get(index);
    const picture = this.picture;
    figure.canvas.hidden = picture === null;
    if (picture === null) {
      figure.words.textContent = this.unseen;
      return;
    }
    try {
      const maps = await this.model.signs(index, picture);
      if (picture !== this.picture) return;
      const drawn = await drawSigns(figure.canvas, maps);
      const negative = (await sum(maps.bits)) / maps.bits.length;
      const share = `${Math.round(100 * (1 - negative))} % are +1`;
      const noun = maps.width * maps.height === 1 ? "sign" : "sign map";
      named(figure, `${part(drawn, maps.channels, noun)} of this picture: ${share}.`);
    } catch (error) {
      figure.words.textContent = problem(error);
    }
  }
}

/** The first filters, if they are filters of pixels: tiles of the colours that each looks for. */
export async function showFirst(model, layers) {
  const first = layers.find(({ weight }) => weight !== null);
  if (!first || first.op !== "real_conv" || ![1, 3].includes(first.weight.shape[3])) return;
  the("first").hidden = false;
  const filters = await model.filters(first.index);
  const drawn = await drawColours(the("first-pixels"), filters);
  const text = `${part(drawn, filters.filters, "filter")} of the first layer`;
  named({ canvas: the("first-pixels"), words: the("first-words") }, text);
}
