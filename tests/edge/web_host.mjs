// Runs jobs for a test, one model each, and prints what came of every call as JSON.
//
//   node web_host.mjs MODULE_FOLDER < JOBS
//
// A job is {model: array, simd: bool, calls: [[name, given…]…]}. Typed arrays are {type, base64}.

import { pathToFileURL } from "node:url";

const TYPES = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };

function decoded(key, value) {
  const type = value && TYPES[value.type];
  if (!type || value.base64 === undefined) return value;
  return new type(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer);
}

function encoded(key, value) {
  for (const [type, constructor] of Object.entries(TYPES)) {
    if (!(value instanceof constructor)) continue;
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { type, base64: bytes.toString("base64") };
  }
  return value;
}

async function attempt(work) {
  try {
    return { value: (await work()) ?? null };
  } catch (error) {
    return { error: { name: error.name, status: error.status, message: error.message } };
  }
}

async function run(load, { model: bytes, simd, calls }) {
  let model;
  const loaded = await attempt(async () => {
    model = await load(bytes, { simd });
    const { inputs, outputs, classes, isa, source } = model;
    return { inputs, outputs, classes, isa, source, bytes: model.bytes };
  });
  const results = [];
  for (const [name, ...given] of loaded.error ? [] : calls) {
    results.push(await attempt(() => model[name](...given)));
  }
  return { loaded, results };
}

const [folder] = process.argv.slice(2);
const { load } = await import(new URL("signbit.js", pathToFileURL(`${folder}/`)));
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const all = [];
for (const job of JSON.parse(Buffer.concat(chunks).toString(), decoded)) {
  all.push(await run(load, job));
}
process.stdout.write(JSON.stringify(all, encoded));
