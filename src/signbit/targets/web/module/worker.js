// An engine in a worker: it answers the messages of signbit.js, in their order.

import { Engine } from "./engine.js";
import { SignbitError } from "./errors.js";
import { pixelsOf } from "./pixels.js";

let engine;
let queue = Promise.resolve();

async function answer({ id, name, given }) {
  try {
    self.postMessage({ id, value: await valueOf(name, given) });
  } catch (error) {
    const status = error instanceof SignbitError ? error.status : "input";
    self.postMessage({ id, error: { status, message: error.message } });
  }
}

async function valueOf(name, given) {
  if (name !== "load") return engine[name](...given.map(pixelsOf));
  engine = await Engine.create(...given);
  return engine.describe();
}

self.onmessage = ({ data }) => {
  queue = queue.then(() => answer(data));
};
