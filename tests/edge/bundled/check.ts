// What a program in TypeScript does with the package. It is checked, not run.

import { load, SignbitError } from "signbit-model";
import type { Answer, Model, SignMaps } from "signbit-model";

const end = new AbortController();
const model: Model = await load("model.sbnn", {
  worker: false,
  base: new URL("https://example.org/"),
  signal: end.signal,
  onProgress: ({ loaded, total }) => console.log(total === null ? loaded : loaded / total),
});
const own: Model = await load();
own.close();

const picture: ImageBitmap = await createImageBitmap(new Blob());
const answers: Answer[] & { milliseconds: number } = await model.classify(picture, { top: 3 });
console.log(answers[0]?.name.toUpperCase(), answers.milliseconds.toFixed(2));

const outputs = await model.run({ image: new Uint8Array(12) }, { batch: 1 });
for (const output of outputs) console.log(output instanceof Float32Array, output.length);

for (const layer of await model.layers()) {
  const maps: SignMaps | null = layer.signs ? await model.signs(layer.index, picture) : null;
  const rows: number | undefined = layer.weight?.shape[1];
  console.log(layer.name, maps?.bits, rows, (await model.filters(layer.index)).values);
}

try {
  const kind: "image" | "reals" | "signs" | undefined = model.inputs[0]?.kind;
  console.log(kind, model.isa, model.bytes, model.source["recipe"]);
} catch (error) {
  if (error instanceof SignbitError && error.status === "memory") throw error;
}

// @ts-expect-error: an image of numbers is no picture.
await model.classify([1, 2, 3]);
// @ts-expect-error: what a model says of itself stays.
model.bytes = 3;
