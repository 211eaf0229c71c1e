// Bits and weights as pictures: many small tiles on one canvas, drawn in slices.

import { breathe } from "./dom.js";

const EDGE = "#8790b8"; // between two tiles of black and white
const MOST_PIXELS = 1 << 21;

const [BLACK, WHITE] = [0xff000000, 0xffffffff]; // little-endian RGBA, as every browser is

/** How `count` tiles lie in `room` CSS pixels, `gap` apart: each pixel of a tile is `scale` wide,
 * so that a tile comes near to `wish`. Rows are equally long, or of `columns` where those fit.
 * There are no more tiles than the canvas may have pixels. */
function grid({ count, width, height, wish, columns, gap }, room) {
  const scale = Math.max(1, Math.floor(Math.min(wish, room - 2 * gap) / width));
  const [across, down] = [width * scale + gap, height * scale + gap];
  const fitting = Math.max(1, Math.floor((room - gap) / across));
  const wide = columns <= fitting ? columns : Math.ceil(count / Math.ceil(count / fitting));
  const rows = Math.max(1, Math.floor(MOST_PIXELS / (wide * across * down)));
  return { scale, across, down, wide, shown: Math.min(count, rows * wide) };
}

/** Draws tiles: `paint(pixels, tile)` fills the RGBA of one. Returns how many have room. */
async function tiles(canvas, layout, paint) {
  const { width, height, gap, edge } = layout;
  const { scale, across, down, wide, shown } = grid(layout, canvas.parentElement.clientWidth);
  canvas.width = wide * across + gap;
  canvas.height = Math.ceil(shown / wide) * down + gap;
  canvas.dataset.scale = scale;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillStyle = edge ?? "transparent";
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  const own = small.getContext("2d", { willReadFrequently: true });
  const image = own.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let tile = 0; tile < shown; ++tile) {
    paint(pixels, tile);
    own.putImageData(image, 0, 0);
    const [left, top] = [(tile % wide) * across, Math.floor(tile / wide) * down];
    context.fillRect(left, top, across + gap, down + gap);
    context.drawImage(small, left + gap, top + gap, width * scale, height * scale);
    await breathe();
  }
  return shown;
}

function gray(level) {
  return (BLACK | (level << 16) | (level << 8) | level) >>> 0;
}

/** A weight as brightness: the largest of its tile is white or black, 0 is in between. */
function shade(value, largest) {
  return Math.round(127.5 + (127.5 * value) / largest);
}

/** Sign maps (one byte a sign, 1 is −1; height, width, channel), one tile for each channel. */
export function drawSigns(canvas, { width, height, channels, bits }) {
  const wish = width * height === 1 ? 10 : 64;
  const layout = { count: channels, width, height, wish, gap: 2, edge: EDGE };
  return tiles(canvas, layout, (pixels, channel) => {
    for (let at = 0, from = channel; at < pixels.length; ++at, from += channels) {
      pixels[at] = bits[from] ? BLACK : WHITE;
    }
  });
}

/** Filters of pixels (filter, row, column, channel of 1 or 3), one tile in colour for each. */
export function drawColours(canvas, { width, height, channels, filters, values }) {
  const step = width * height * channels;
  const layout = { count: filters, width, height, wish: 40, gap: 6 };
  return tiles(canvas, layout, (pixels, filter) => {
    const own = values.subarray(filter * step, (filter + 1) * step);
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    for (let at = 0; at < pixels.length; ++at) {
      const [red, green, blue] = [0, 1, 2].map((channel) =>
        shade(own[at * channels + Math.min(channel, channels - 1)], largest),
      );
      pixels[at] = (BLACK | (blue << 16) | (green << 8) | red) >>> 0;
    }
  });
}

/** Binary filters: a tile for each pair of filter and channel, a row for each filter if it fits. */
export function drawFilters(canvas, { width, height, channels, filters, values }) {
  const count = filters * channels;
  const layout = { count, width, height, wish: 12, columns: channels, gap: 2, edge: EDGE };
  return tiles(canvas, layout, (pixels, tile) => {
    const [filter, channel] = [Math.floor(tile / channels), tile % channels];
    let from = filter * pixels.length * channels + channel;
    for (let at = 0; at < pixels.length; ++at, from += channels) {
      pixels[at] = values[from] < 0 ? BLACK : WHITE;
    }
  });
}

/** The pixels that a network reads: 1 channel or 3, row by row. */
export async function drawPixels(canvas, { width, height, channels, data }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const row = new ImageData(width, 1);
  const pixels = new Uint32Array(row.data.buffer);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const at = (y * width + x) * channels;
      pixels[x] =
        channels === 1
          ? gray(data[at])
          : (BLACK | (data[at + 2] << 16) | (data[at + 1] << 8) | data[at]) >>> 0;
    }
    context.putImageData(row, 0, y);
    await breathe();
  }
}
