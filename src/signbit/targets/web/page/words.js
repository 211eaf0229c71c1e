// How sizes, shapes, operations and errors are said.

const OPERATIONS = {
  real_conv: "Convolution of reals",
  binary_conv: "Binary convolution",
  sign_sum: "Sums of signs",
  mean_abs: "Mean magnitude",
  max_pool: "Max pooling",
  avg_pool: "Average pooling",
  global_mean: "Mean of all pixels",
  global_max: "Largest of all pixels",
  identity: "Steps",
  l2_normalise: "Length made 1",
  layer_norm: "Layer normalisation",
  matmul: "Matrix product",
  flatten: "All values as one vector",
};

const PROBLEMS = {
  model_file: "The network's file is damaged, or is no network",
  model_version: "The network's file is newer than this page. Export it again",
  network: "The network's file could not be fetched",
  memory: "This device has not enough memory for the network",
  input: "The network cannot take this",
};

/** 1234567 as 1,234,567. The browser's own way loads its tables of languages, which takes long. */
export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 1 layer, 2 layers. */
export function counted(number, noun, many = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : many}`;
}

export function bytes(number) {
  if (number < 1e3) return counted(number, "byte");
  return number < 1e6 ? `${(number / 1e3).toFixed(1)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}

export function large(number) {
  if (number < 1e4) return count(number);
  return number < 1e6 ? `${(number / 1e3).toFixed(1)} k` : `${(number / 1e6).toFixed(1)} M`;
}

export function milliseconds(time) {
  return `${time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`;
}

export function percent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

/** 32 × 32 × 3; a vector is its length. */
export function size(shape) {
  const [height, width] = shape;
  return (shape.length === 3 && height * width === 1 ? shape.slice(2) : shape).join(" × ");
}

export function elements(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

export function operation(layer) {
  const words = OPERATIONS[layer.op] ?? layer.op.replaceAll("_", " ");
  if (!layer.weight) return words;
  const [filters, rows, columns, channels] = layer.weight.shape;
  const taps = `${rows}\u00a0×\u00a0${columns}`;
  return `${words}, ${taps}, ${count(channels)}\u00a0→\u00a0${count(filters)}`;
}

export function precision(layer) {
  return { U64: "1 bit", I16: "16 bits", F32: "32 bits" }[layer.weight?.dtype] ?? "";
}

/** What went wrong, for a person. The reason may hold text of the file: show it as text. */
export function problem(error) {
  const words = PROBLEMS[error.status];
  return words ? `${words}: ${error.message}` : error.message;
}
