// An app for bundlers: runs its package's network in a worker and in the page, and shows the bits.

import { load, SignbitError } from "signbit-model";

async function bits(options) {
  const model = await load(undefined, options);
  const [{ shape }] = model.inputs;
  const pixels = Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, at) => at % 251);
  const [logits] = await model.run([pixels]);
  model.close();
  return [...new Uint32Array(logits.buffer)];
}

async function errorOf(work) {
  try {
    await work;
  } catch (error) {
    return [error instanceof SignbitError, error.status, error.message];
  }
}

globalThis.found = (async () => {
  const runs = [];
  for (const worker of [true, false]) {
    for (const simd of [true, false]) runs.push(await bits({ worker, simd }));
  }
  return { runs, error: await errorOf(load(new Uint8Array(8))) };
})();
