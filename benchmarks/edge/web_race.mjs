// Times signbit beside onnxruntime-web, in turn, one thread each: in node and in a page.
//
// What it is given: addresses of both modules and of the models. It returns milliseconds per call
// of each contender, the median of each round.

const TURN = 40; // milliseconds of counted calls
const SIZE = 32;

export async function race({ signbit, onnxruntime, onnxFolder, models, seconds }) {
  const { load } = await import(signbit);
  const ort = await import(onnxruntime);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = onnxFolder;
  const pixels = Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * 2654435761) >>> 24);
  const contenders = {};
  for (const [name, { model, simd }] of Object.entries(models.signbit)) {
    const network = await load(await bytesOf(model), { simd, worker: false });
    contenders[name] = () => network.run([pixels]);
  }
  for (const [name, model] of Object.entries(models.onnx)) {
    const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" };
    const session = await ort.InferenceSession.create(await bytesOf(model), options);
    const values = Float32Array.from(pixels, (pixel) => pixel / 128 - 1);
    const x = new ort.Tensor("float32", values, [1, 3, SIZE, SIZE]);
    contenders[name] = () => session.run({ x });
  }
  return interleave(contenders, seconds);
}

async function interleave(contenders, seconds) {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await turn(contenders[name]); // warms up, and lets V8 optimise
  const end = performance.now() + 1000 * seconds;
  do {
    for (const name of names) samples[name].push(await turn(contenders[name]));
    names.reverse();
  } while (performance.now() < end);
  return samples;
}

async function turn(run) {
  await run();
  const times = [];
  const end = performance.now() + TURN;
  for (let now = performance.now(); now < end; ) {
    // A page's clock is coarse: several calls at a time.
    for (let call = 0; call < 4; ++call) await run();
    const later = performance.now();
    times.push((later - now) / 4);
    now = later;
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1];
}

async function bytesOf(address) {
  if (!address.startsWith("file:")) return new Uint8Array(await (await fetch(address)).arrayBuffer());
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(new URL(address)));
}
