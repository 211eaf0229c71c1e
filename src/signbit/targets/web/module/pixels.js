// The pixels of what a browser calls an image.

/** An ImageBitmap as its pixels; all else as it is. */
export function pixelsOf(given) {
  if (typeof ImageBitmap === "undefined" || !(given instanceof ImageBitmap)) return given;
  const { width, height } = given;
  const canvas =
    typeof OffscreenCanvas === "undefined"
      ? Object.assign(document.createElement("canvas"), { width, height })
      : new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(given, 0, 0);
  return context.getImageData(0, 0, width, height);
}
