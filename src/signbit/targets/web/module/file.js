// What a file says of its layers and weights: docs/format.md. The engine has checked it.

import { SignbitError } from "./errors.js";

const ARRAYS = { F32: Float32Array, I16: Int16Array };
const LENGTH_BYTES = 8;

/** A file's bytes, its graph, what its tensors are, and where its constants lie. */
export function readFile(bytes, graphText, tensors) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true); // no header is longer
  const begin = LENGTH_BYTES + length;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, begin)));
  return { bytes, graph: JSON.parse(graphText), tensors, header, begin };
}

/** The nodes in order, as LayerInfo says. */
export function layersOf(file, operations) {
  return file.graph.nodes.map((node, index) => ({
    index,
    name: node.name,
    op: node.op,
    output: file.tensors[firstOutput(file, index)].shape,
    weight: describeWeight(file, node),
    signs: outputsOf(node).some(({ kind }) => kind === "signs"),
    operations: operations[index],
  }));
}

/** The number of the first tensor of signs that node `index` writes. */
export function signsOf(file, index) {
  const node = nodeAt(file, index);
  const output = outputsOf(node).findIndex(({ kind }) => kind === "signs");
  if (output < 0) throw new SignbitError("input", `${node.name} gives no signs`);
  return firstOutput(file, index) + output;
}

function nodeAt(file, index) {
  const node = file.graph.nodes[index];
  if (node === undefined) throw new SignbitError("input", `layer: there is no ${index}`);
  return node;
}

function outputsOf(node) {
  return node.outputs ?? [{ kind: "real" }];
}

/** Tensors are numbered: inputs, then the outputs of each node. */
function firstOutput({ graph }, index) {
  const before = graph.nodes.slice(0, index).map((node) => outputsOf(node).length);
  return before.reduce((a, b) => a + b, graph.inputs.length);
}

/** The weights of the convolution that node `index` is: ±1 of signs, else reals or integers. */
export function weightsOf(file, index) {
  const node = nodeAt(file, index);
  if (node.weight === undefined) throw new SignbitError("input", `${node.name} has no weights`);
  const { dtype, shape } = describeWeight(file, node);
  const [filters, height, width, channels] = shape;
  const [begin, end] = file.header[node.weight].data_offsets;
  const data = file.bytes.slice(file.begin + begin, file.begin + end);
  const values =
    dtype === "U64"
      ? unpack(data, filters, height * width * channels)
      : Float32Array.from(new ARRAYS[dtype](data.buffer));
  return { width, height, channels, filters, values };
}

/** Its shape is (filters, rows, columns, channels of a group), of packed signs, too. */
function describeWeight(file, node) {
  if (node.weight === undefined) return null;
  const { dtype, shape } = file.header[node.weight];
  if (dtype !== "U64") return { dtype, shape };
  const channels = file.tensors[node.inputs[0]].shape[2] / (node.groups ?? 1);
  return { dtype, shape: [shape[0], ...(node.kernel ?? [1, 1]), channels] };
}

/** Signs of `filters` rows of `taps` bits each, 64 to a word, the least first; 1 = negative. */
function unpack(data, filters, taps) {
  const rowBytes = 8 * Math.ceil(taps / 64);
  const values = new Int8Array(filters * taps);
  for (let filter = 0; filter < filters; ++filter) {
    for (let tap = 0; tap < taps; ++tap) {
      const bit = (data[filter * rowBytes + (tap >> 3)] >> (tap & 7)) & 1;
      values[filter * taps + tap] = bit ? -1 : 1;
    }
  }
  return values;
}
