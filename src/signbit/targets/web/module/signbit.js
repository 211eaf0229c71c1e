// Runs compiled binary networks (.sbnn files) in browsers and in node: see signbit.d.ts.

import { Engine } from "./engine.js";
import { SignbitError } from "./errors.js";
import { bytesOf } from "./fetching.js";
import { pixelsOf } from "./pixels.js";

export { SignbitError };

/** Loads a network from an address or from bytes; this package's own where there is no source. */
export async function load(source, options = {}) {
  const { simd = hasSimd(), worker = typeof document !== "undefined" } = options;
  const address = engineAddress(simd, options.base);
  // Both at once; whichever fails first is told.
  const [bytes, module] = await Promise.all([
    bytesOf(source ?? modelAddress(options.base), options),
    compiled(address, options.signal),
  ]);
  options.signal?.throwIfAborted();
  if (!worker) return new Model(new Local(await Engine.create(module, bytes)));
  const isOurs = bytes.buffer !== source && bytes.buffer !== source?.buffer;
  return new Model(await Remote.create(module, bytes, isOurs, options.base));
}

/** A loaded network. */
class Model {
  #engine;

  constructor(engine) {
    this.#engine = engine;
    Object.assign(this, engine.description);
  }

  run(inputs, { batch } = {}) {
    return this.#engine.call("run", [inputs, batch]);
  }

  async classify(image, { top = 5, transfer } = {}) {
    const { answers, ...rest } = await this.#engine.call("classify", [image, top], transfer);
    return Object.assign(answers, rest);
  }

  fit(image, input = 0, { transfer } = {}) {
    return this.#engine.call("fit", [image, input], transfer);
  }

  layers() {
    return this.#engine.call("layers", []);
  }

  signs(layer, image) {
    return this.#engine.call("signs", [layer, image]);
  }

  filters(layer) {
    return this.#engine.call("filters", [layer]);
  }

  close() {
    this.#engine.close();
  }
}

/** An engine in this thread. */
class Local {
  #engine;

  constructor(engine) {
    this.#engine = engine;
    this.description = engine.describe();
  }

  async call(name, given) {
    return this.#engine[name](...given.map(pixelsOf));
  }

  close() {
    this.#engine.close();
  }
}

/** An engine in a worker. */
class Remote {
  #worker;
  #waiting = new Map();
  #last = 0;

  /** `isOurs`: whether the bytes may be moved to the worker, not copied. */
  static async create(module, bytes, isOurs, base) {
    const remote = new Remote();
    // Bundlers look for these very words, too.
    remote.#worker = base
      ? new Worker(new URL("worker.js", base), { type: "module" })
      : new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    remote.#worker.onmessage = ({ data }) => remote.#answer(data);
    remote.#worker.onerror = (event) => {
      remote.#end(new SignbitError("network", `the worker failed: ${event.message ?? "no script"}`));
    };
    try {
      remote.description = await remote.call("load", [module, bytes], isOurs);
    } catch (error) {
      remote.close();
      throw error;
    }
    return remote;
  }

  call(name, given, transfer = false) {
    if (this.#worker === null) {
      return Promise.reject(new SignbitError("input", "this model is closed"));
    }
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        this.#worker.postMessage({ id, name, given }, transfer ? given.flatMap(movable) : []);
      } catch (error) {
        this.#waiting.delete(id);
        reject(new SignbitError("input", error.message));
      }
    });
  }

  close() {
    this.#end(new SignbitError("input", "this model is closed"));
  }

  #answer({ id, value, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new SignbitError(error.status, error.message));
    else resolve(value);
  }

  #end(error) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function movable(given) {
  if (given instanceof Uint8Array) return [given.buffer];
  return given instanceof ImageBitmap ? [given] : [];
}

// --- the engine's code -----------------------------------------------------------------------------

const modules = new Map();

/** The module at an address, compiled once. */
function compiled(address, signal) {
  const known = modules.get(address.href);
  if (known) return known;
  const compiling = bytesOf(address, { signal }).then((bytes) => WebAssembly.compile(bytes));
  modules.set(address.href, compiling);
  compiling.catch(() => modules.delete(address.href));
  return compiling;
}

// Bundlers look for the very words of each address.

function modelAddress(base) {
  return base ? new URL("model.sbnn", base) : new URL("./model.sbnn", import.meta.url);
}

function engineAddress(simd, base) {
  if (base) return new URL(simd ? "signbit.wasm" : "signbit-scalar.wasm", base);
  return simd
    ? new URL("./signbit.wasm", import.meta.url)
    : new URL("./signbit-scalar.wasm", import.meta.url);
}

/** Whether a function of one SIMD instruction is a valid module. */
function hasSimd() {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = [1, 5, 1, 0x60, 0, 1, 0x7b]; // () → v128
  const functions = [3, 2, 1, 0];
  const code = [10, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd, 98, 11]; // popcnt(splat(0))
  return WebAssembly.validate(new Uint8Array([...header, ...type, ...functions, ...code]));
}
