// Small help with the page's elements. Text from outside only ever becomes a text node.

export function the(id) {
  return document.getElementById(id);
}

/** A new element: `parts` are elements or text. */
export function element(tag, className, ...parts) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...parts);
  return made;
}

/** Changes a text where it differs, as the browser lays out anew whatever is written. */
export function put(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** Says something, or hides the element where there is nothing to say. */
export function say(where, text) {
  put(where, text);
  where.hidden = text === "";
}

/** Resolves when the browser has shown what there is, so that it lays out little at a time. */
export function shown() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

const SLICE = 8; // milliseconds

let began = 0;

/** Lets the browser do other things, if this task has worked for a slice of time already. Long work
 * awaits it in its loop, so that the page answers at once on a slow phone. */
export async function breathe() {
  if (performance.now() - began < SLICE) return;
  await new Promise((done) => setTimeout(done));
  began = performance.now();
}
