// Inputs that are no photographs: a field of numbers for each.

import { element, say, the } from "./dom.js";
import { count, counted, elements } from "./words.js";

export class Numbers {
  /** `ports` are the inputs that take numbers; an image of other than 1 or 3 channels is one. */
  constructor(ports) {
    this.fields = ports.map((port, place) => {
      const field = element("textarea", "");
      field.spellcheck = false;
      field.inputMode = "text";
      const problem = element("p", "problem");
      problem.id = `problem-${place}`;
      problem.hidden = true;
      field.setAttribute("aria-describedby", problem.id);
      const many = elements(port.shape);
      const range = port.kind === "image" ? ", each from 0 to 255" : "";
      const hint = `${counted(many, "number")}${range}, between spaces, commas or lines`;
      const label = element(
        "label",
        "",
        element("span", "name", port.name),
        element("span", "hint", hint),
        field,
      );
      the("fields").append(element("div", "", label, problem));
      return { port, field, problem, many };
    });
  }

  /** The arrays of all fields in their order; null where one is wrong, which it then says. */
  read() {
    const all = this.fields.map((each) => this.one(each));
    const wrong = all.indexOf(null);
    if (wrong < 0) return all;
    this.fields[wrong].field.focus();
    return null;
  }

  one({ port, field, problem, many }) {
    const words = field.value.split(/[\s,;]+/).filter(Boolean);
    const values = words.map(Number);
    const odd = values.findIndex((value) => !this.fits(port, value));
    let text = "";
    if (odd >= 0) text = `“${words[odd].slice(0, 20)}” is no number that this input takes.`;
    else if (values.length !== many) {
      text = `${counted(values.length, "number")} given, ${count(many)} needed.`;
    }
    say(problem, text);
    field.setAttribute("aria-invalid", String(text !== ""));
    if (text !== "") return null;
    return port.kind === "image" ? Uint8Array.from(values) : Float32Array.from(values);
  }

  fits(port, value) {
    if (port.kind !== "image") return Number.isFinite(value);
    return Number.isInteger(value) && value >= 0 && value <= 255;
  }
}
