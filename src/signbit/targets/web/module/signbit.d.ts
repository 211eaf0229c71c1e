// Runs compiled binary networks (.sbnn files) in browsers and in node.
//
// The same file gives the same bits as `signbit.load` in Python. Names come from the file: show
// them by textContent, not as HTML.

/** An input or an output. Values lie in the order height, width, channel; samples in a row. */
export interface Port {
  name: string;
  /** "image": pixels of 0 to 255; "reals": float32; "signs": -1 or +1, of outputs alone. */
  kind: "image" | "reals" | "signs";
  /** Of one sample: [height, width, channels], or [values]. */
  shape: number[];
}

/** Bytes of the model that have come, and how many there are, where that is known. */
export interface Progress {
  loaded: number;
  total: number | null;
}

export interface Options {
  /** Whether to use SIMD instructions. Default: where the browser has them. */
  simd?: boolean;
  /** Whether the network runs in a worker. Default: in a page. */
  worker?: boolean;
  onProgress?: (progress: Progress) => void;
  /** The address of the folder of the .wasm files, worker.js and, where no other network is asked
   * for, model.sbnn. Default: this module's. */
  base?: string | URL;
  /** Ends the loading. */
  signal?: AbortSignal;
}

/** What went wrong. */
export class SignbitError extends Error {
  /** "network": a file did not come; "closed" models and wrong arguments are "input". */
  status: "model_file" | "model_version" | "input" | "isa" | "memory" | "cancelled" | "network";
}

/** Pixels of 1 (gray), 3 (RGB) or 4 (RGB and a value that is left out) values, row by row. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

export type Picture = ImageData | ImageBitmap | Pixels;

export interface Answer {
  /** The class; its number where the file has no names. */
  name: string;
  index: number;
  /** The softmax of the logits by the file's temperature, 0 to 1. */
  probability: number;
  logit: number;
}

/** A node of the network. */
export interface LayerInfo {
  index: number;
  name: string;
  /** The operation, as docs/format.md calls it. */
  op: string;
  /** Height, width and channels of its first output. */
  output: number[];
  /** dtype: "U64" of signs (one bit each), "F32" or "I16". shape: [filters, rows, columns,
   * channels of a group]. null: it has no weights. */
  weight: { dtype: string; shape: number[] } | null;
  /** Whether it gives signs. */
  signs: boolean;
  /** Multiply-adds for an image. */
  operations: number;
}

export interface SignMaps {
  width: number;
  height: number;
  channels: number;
  /** A byte each, 1 = negative, in the order row, column, channel. */
  bits: Uint8Array;
}

export interface Filters {
  width: number;
  height: number;
  /** Of a group. */
  channels: number;
  filters: number;
  /** In the order filter, row, column, channel: -1 and +1, or reals. */
  values: Int8Array | Float32Array;
}

export interface Fitted {
  width: number;
  height: number;
  channels: number;
  /** In the order row, column, channel. */
  data: Uint8Array;
}

export type Values = Uint8Array | Float32Array;

/** A loaded network. Its methods throw a SignbitError, and may be called while others run. */
export interface Model {
  readonly inputs: Port[];
  readonly outputs: Port[];
  /** Names of the first output's channels; [] where the file has none. */
  readonly classes: string[];
  /** The probability below which the answer is "none of these"; 0 where the file does not say. */
  readonly leastProbability: number;
  readonly isa: "wasm" | "scalar";
  /** The size of the file. */
  readonly bytes: number;
  /** What the file says of where it came from: recipe, method and the like. */
  readonly source: Record<string, string>;

  /** The outputs of `batch` samples (default: as many as the first input has), in their order. An
   * image is a Uint8Array, or a Float32Array of 0 to 255; its size is the input's. */
  run(
    inputs: Values[] | Record<string, Values>,
    options?: { batch?: number },
  ): Promise<(Float32Array | Int8Array)[]>;

  /** The likeliest `top` classes (default: 5) of an image of any size, best first. It is scaled and
   * cut as `signbit predict` does. `milliseconds` is what the network took; `none`: whether it is
   * none of these, as the likeliest one's probability is below `leastProbability`. With `transfer`
   * an ImageBitmap is moved to the worker, not copied, and is empty afterwards. */
  classify(
    image: Picture,
    options?: { top?: number; transfer?: boolean },
  ): Promise<Answer[] & { milliseconds: number; none: boolean }>;

  /** An image of any size as the network's input, scaled and cut as `signbit predict` does. */
  fit(image: Picture, input?: number, options?: { transfer?: boolean }): Promise<Fitted>;

  /** The nodes in order. */
  layers(): Promise<LayerInfo[]>;

  /** The signs that a layer gives for an image. */
  signs(layer: number, image: Picture): Promise<SignMaps>;

  /** The weights of a convolution. */
  filters(layer: number): Promise<Filters>;

  /** Frees what it holds. Calls that are under way fail. */
  close(): void;
}

/** Loads a network from an address (in node also a path), or from the bytes of a file. Default: the
 * network of this package. */
export function load(
  source?: string | URL | ArrayBuffer | Uint8Array,
  options?: Options,
): Promise<Model>;
