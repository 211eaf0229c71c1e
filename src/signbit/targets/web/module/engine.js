// One network in one instance of the WebAssembly engine, in the thread that calls.
//
// An instance holds one network. Once it lacks memory or traps it is of no use, and is let go.

import { SignbitError } from "./errors.js";
import { layersOf, readFile, signsOf, weightsOf } from "./file.js";

const STATUS = ["ok", "model_file", "model_version", "input", "isa", "memory", "cancelled"];
const KINDS = ["image", "reals", "signs"]; // sbnn::Kind
const TYPES = { uint8: 0, int8: 1, float32: 2 };
const ARRAY_BYTES = 12; // a signbit_array: address, bytes, type
const TENSOR_BYTES = 16; // kind, height, width, channels
const CONFIDENCE_BYTES = 8; // temperature, least probability

/** A network that is loaded from the bytes of a file. */
export class Engine {
  #exports = null;
  #file;
  #graph;
  #tensors = [];
  #temperature = 1; // of the first output's scores
  #leastProbability = 0;

  /** Loads `bytes`, a Uint8Array, into a new instance of a WebAssembly.Module. */
  static async create(module, bytes) {
    const engine = new Engine();
    const { exports } = await WebAssembly.instantiate(module, imports());
    engine.#exports = exports;
    exports._initialize();
    engine.#load(bytes);
    return engine;
  }

  get isa() {
    return this.#text(this.#use().signbit_web_isa());
  }

  /** What a Model says of itself: see signbit.d.ts. */
  describe() {
    const ports = (list, tensorOf) =>
      list.map((port, index) => {
        const { kind, shape } = this.#tensors[tensorOf(port, index)];
        return { name: port.name, kind, shape: isVector(shape) ? [shape[2]] : shape };
      });
    return {
      inputs: ports(this.#graph.inputs, (_, index) => index),
      outputs: ports(this.#graph.outputs, (port) => port.tensor),
      classes: this.#graph.outputs[0].classes ?? [],
      leastProbability: this.#leastProbability,
      isa: this.isa,
      bytes: this.#file.bytes.length,
      source: this.#graph.source ?? {},
    };
  }

  /** Outputs of a batch, of an array for each input in order, or by name. */
  run(given, batch) {
    const arrays = this.#inOrder(given);
    const samples = batch ?? this.#samplesOf(arrays);
    if (!Number.isInteger(samples) || samples < 0 || samples > 0x7fffffff) {
      throw new SignbitError("input", `batch: must be a whole number, is ${samples}`);
    }
    const results = this.#graph.outputs.map(({ tensor }) => {
      const { kind, shape } = this.#tensors[tensor];
      const values = samples * count(shape);
      const bytes = kind === "signs" ? values : 4 * values;
      // Beyond what 32 bits address the engine itself cannot be asked.
      if (bytes > 0x7fffffff) throw new SignbitError("input", `batch: ${samples} are too many`);
      return { bytes, type: kind === "signs" ? TYPES.int8 : TYPES.float32 };
    });
    return this.#scratch((take) => {
      const inputs = arrays.map((array) => ({ ...this.#put(take, array), type: typeOf(array) }));
      const outputs = results.map((result) => ({ ...result, at: take(result.bytes) }));
      const { signbit_web_run } = this.#use();
      const lists = [this.#putArrays(take, inputs), this.#putArrays(take, outputs)];
      this.#check(
        signbit_web_run(samples, lists[0], inputs.length, lists[1], outputs.length),
      );
      return outputs.map(({ at, bytes, type }) => {
        const copy = this.#memory().slice(at, at + bytes).buffer;
        return type === TYPES.int8 ? new Int8Array(copy) : new Float32Array(copy);
      });
    });
  }

  /** The classes of one image, likeliest first, and how long the network took. */
  classify(image, top = 5) {
    const [output] = this.#graph.outputs;
    const { kind, shape } = this.#tensors[output.tensor];
    if (kind !== "reals" || !isVector(shape)) {
      throw new SignbitError("input", "this network is no classifier: use run()");
    }
    const { data } = this.#fitted(image);
    const start = performance.now();
    const [logits] = this.run([data], 1);
    const milliseconds = performance.now() - start;
    if (!logits.every(Number.isFinite)) {
      throw new SignbitError("input", "its scores are not finite numbers, as the file overflows");
    }
    const most = Math.max(...logits);
    const exponentials = Array.from(logits, (logit) =>
      Math.exp((logit - most) / this.#temperature),
    );
    const sum = exponentials.reduce((a, b) => a + b);
    const answers = Array.from(logits, (logit, index) => ({
      name: output.classes?.[index] ?? String(index),
      index,
      probability: exponentials[index] / sum,
      logit,
    }));
    answers.sort((a, b) => b.logit - a.logit || a.index - b.index);
    const none = answers[0].probability < this.#leastProbability;
    return { answers: answers.slice(0, top), milliseconds, none };
  }

  layers() {
    const nodes = this.#graph.nodes;
    const operations = this.#scratch((take) => {
      const at = take(8 * nodes.length);
      this.#use().signbit_web_operations(at);
      return new Float64Array(this.#memory().slice(at, at + 8 * nodes.length).buffer);
    });
    return layersOf(this.#file, operations);
  }

  /** The signs of a layer's output for an image: a byte each, 1 = negative. */
  signs(layer, image) {
    const tensor = signsOf(this.#file, layer);
    const { data } = this.#fitted(image);
    const [height, width, channels] = this.#tensors[tensor].shape;
    return this.#scratch((take) => {
      const pixels = this.#put(take, data);
      const bytes = height * width * channels;
      const at = take(bytes);
      const { signbit_web_signs } = this.#use();
      this.#check(signbit_web_signs(tensor, pixels.at, pixels.bytes, at, bytes));
      return { width, height, channels, bits: this.#memory().slice(at, at + bytes) };
    });
  }

  /** An image of any size as an input, scaled and cut as `signbit predict` does. */
  fit(image, input = 0) {
    const port = this.#graph.inputs[input] && this.#tensors[input];
    if (port?.kind !== "image") {
      throw new SignbitError("input", `input: ${input} is no image of this network`);
    }
    const { data, width, height } = image ?? {};
    const perPixel = data?.length / (width * height);
    if (!ArrayBuffer.isView(data) || ![1, 3, 4].includes(perPixel)) {
      throw new SignbitError("input", "image: must have 1, 3 or 4 values for each of its pixels");
    }
    const [rows, columns, channels] = port.shape;
    return this.#scratch((take) => {
      const pixels = this.#put(take, data);
      const bytes = rows * columns * channels;
      const at = take(bytes);
      const { signbit_web_fit } = this.#use();
      this.#check(signbit_web_fit(input, pixels.at, height, width, perPixel, at, bytes));
      const copy = this.#memory().slice(at, at + bytes);
      return { width: columns, height: rows, channels, data: copy };
    });
  }

  /** The weights of a convolution. */
  filters(layer) {
    return weightsOf(this.#file, layer);
  }

  close() {
    this.#exports = null;
  }

  /** The same for networks of one image. */
  #fitted(image) {
    if (this.#graph.inputs.length === 1) return this.fit(image, 0);
    throw new SignbitError("input", "this network takes more than an image: use run()");
  }

  #load(bytes) {
    this.#scratch((take) => {
      const file = this.#put(take, bytes);
      this.#check(this.#use().signbit_web_load(file.at, file.bytes));
    });
    this.#scratch((take) => {
      const at = take(TENSOR_BYTES);
      while (this.#use().signbit_web_tensor(this.#tensors.length, at)) {
        const words = this.#memory().slice(at, at + TENSOR_BYTES).buffer;
        const [kind, ...shape] = new Int32Array(words);
        this.#tensors.push({ kind: KINDS[kind], shape });
      }
    });
    this.#scratch((take) => {
      const at = take(CONFIDENCE_BYTES);
      this.#check(this.#use().signbit_web_confidence(0, at));
      const values = this.#memory().slice(at, at + CONFIDENCE_BYTES).buffer;
      [this.#temperature, this.#leastProbability] = new Float32Array(values);
    });
    this.#file = readFile(bytes, this.#text(this.#use().signbit_web_graph()), this.#tensors);
    this.#graph = this.#file.graph;
  }

  #inOrder(given) {
    const names = this.#graph.inputs.map(({ name }) => name);
    const isList = Array.isArray(given);
    const arrays = isList ? given : names.map((name) => given[name]);
    const missing = names.filter((_, index) => !ArrayBuffer.isView(arrays[index]));
    const extra = isList ? given.length > names.length : Object.keys(given).length > names.length;
    if (missing.length === 0 && !extra) return arrays;
    const wanted = names.map((name) => `'${name}'`).join(", ");
    throw new SignbitError("input", `inputs: must be a Uint8Array or Float32Array for ${wanted}`);
  }

  #samplesOf(arrays) {
    return Math.floor(arrays[0].length / count(this.#tensors[0].shape));
  }

  // --- memory ------------------------------------------------------------------------------------

  #use() {
    if (this.#exports === null) throw new SignbitError("input", "this model is closed");
    return this.#exports;
  }

  // It moves when it grows.
  #memory() {
    return new Uint8Array(this.#use().memory.buffer);
  }

  /** Runs `work`, whose take(bytes) gives memory until it ends. */
  #scratch(work) {
    const exports = this.#use();
    const taken = [];
    const take = (bytes) => {
      const at = exports.signbit_web_allocate(Math.max(bytes, 1));
      if (at === 0) throw new SignbitError("memory", "not enough memory");
      taken.push(at);
      return at;
    };
    try {
      const result = work(take);
      taken.forEach(exports.signbit_web_release);
      return result;
    } catch (error) {
      if (error instanceof SignbitError && !error.isFatal) {
        taken.forEach(exports.signbit_web_release);
        throw error;
      }
      this.close();
      if (error instanceof SignbitError) throw error;
      throw new SignbitError("memory", `the engine ended: ${error.message}`);
    }
  }

  #put(take, array) {
    const at = take(array.byteLength);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    this.#memory().set(bytes, at);
    return { at, bytes: array.byteLength };
  }

  #putArrays(take, arrays) {
    const at = take(ARRAY_BYTES * arrays.length);
    const words = arrays.flatMap(({ at, bytes, type }) => [at, bytes, type]);
    new Int32Array(this.#memory().buffer, at, words.length).set(words);
    return at;
  }

  #text(at) {
    const memory = this.#memory();
    return new TextDecoder().decode(memory.slice(at, memory.indexOf(0, at)));
  }

  #check(status) {
    if (status === 0) return;
    throw new SignbitError(STATUS[status], this.#text(this.#use().signbit_web_error()));
  }
}

function imports() {
  return {
    signbit: {
      out_of_memory() {
        throw new SignbitError("memory", "not enough memory", { isFatal: true });
      },
      milliseconds: () => performance.now(),
    },
    // What Emscripten's C library asks for.
    env: { emscripten_notify_memory_growth() {} },
    wasi_snapshot_preview1: {
      proc_exit() {
        throw new SignbitError("memory", "the engine ended", { isFatal: true });
      },
    },
  };
}

function isVector([height, width]) {
  return height === 1 && width === 1;
}

function count(shape) {
  return shape.reduce((a, b) => a * b);
}

function typeOf(array) {
  if (array instanceof Float32Array) return TYPES.float32;
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return TYPES.uint8;
  throw new SignbitError("input", "inputs: must be a Uint8Array or Float32Array each");
}
