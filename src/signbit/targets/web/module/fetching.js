// Bytes from an address, told as they come.

import { SignbitError } from "./errors.js";

const MOST_AT_ONCE = 1 << 28; // bytes that are taken on a server's word

/** The bytes of a source, a Uint8Array: of a string, a URL, or bytes as they are. */
export async function bytesOf(source, { onProgress, signal } = {}) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  signal?.throwIfAborted();
  if (isFileOfNode(source)) return readOfNode(source, onProgress);
  let response;
  try {
    response = await fetch(source, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SignbitError("network", `${source}: ${error.message}`);
  }
  if (!response.ok) throw new SignbitError("network", `${source}: ${response.status}`);
  return readBody(response, source, onProgress, signal);
}

async function readBody(response, source, onProgress, signal) {
  // Of what was compressed on its way the length is another.
  const isPlain = !response.headers.get("content-encoding");
  const length = isPlain && response.headers.get("content-length");
  const total = length ? Number(length) : null;
  let bytes = new Uint8Array(Math.min(total || 1 << 16, MOST_AT_ONCE));
  let loaded = 0;
  const reader = response.body.getReader();
  try {
    for (let part; !(part = await reader.read()).done; ) {
      // Each part is copied as it comes, so that a page is not kept busy at the end.
      if (loaded + part.value.length > bytes.length) bytes = larger(bytes, loaded, part.value);
      bytes.set(part.value, loaded);
      loaded += part.value.length;
      onProgress?.({ loaded, total });
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new SignbitError("network", `${source}: ${error.message}`);
  }
  return bytes.subarray(0, loaded);
}

/** A copy of the first `length` bytes with room for a part, and for as much again. */
function larger(bytes, length, part) {
  const copy = new Uint8Array(2 * (length + part.length));
  copy.set(bytes.subarray(0, length));
  return copy;
}

function isFileOfNode(source) {
  const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;
  if (!isNode || typeof document !== "undefined") return false;
  return source instanceof URL ? source.protocol === "file:" : !/^[a-z]+:\/\//i.test(source);
}

async function readOfNode(source, onProgress) {
  const files = "node:fs/promises"; // a name that no bundler looks for
  const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ files);
  let bytes;
  try {
    bytes = new Uint8Array(await readFile(source));
  } catch (error) {
    throw new SignbitError("network", error.message);
  }
  onProgress?.({ loaded: bytes.length, total: bytes.length });
  return bytes;
}
