// What the network answers: classes as bars, other outputs as tables, and one line read aloud.

import { element, put, say, shown, the } from "./dom.js";
import { count, milliseconds, percent, size } from "./words.js";

export const MOST_BARS = 10;

const MOST_ROWS = 200;
const ROWS_AT_ONCE = 20;
const QUIET = 2000; // milliseconds between two announcements of the camera's answers

export class Answers {
  constructor() {
    this.bars = [];
    this.shownTables = []; // what is filled in of each
    this.results = null; // of the tables
    this.spoken = { name: "", time: 0 };
  }

  /** Shows the likeliest classes, and whether the image is none of them, as no probability reaches
   * `least`. `live`: one of many frames; it is announced when the first class changes, and not too
   * often. */
  classes(answers, least, live) {
    this.shown("bars");
    const none = answers.none ? `None of these: no class reaches ${percent(least)}` : "";
    say(the("unsure"), none);
    const list = the("bars");
    list.classList.toggle("live", live);
    while (this.bars.length < answers.length) this.bars.push(this.bar(list));
    this.bars.splice(answers.length).forEach((bar) => bar.item.remove());
    answers.forEach(({ name, index, probability, logit }, place) => {
      const bar = this.bars[place];
      Object.assign(bar.item.dataset, { index, logit });
      put(bar.name, name);
      put(bar.number, percent(probability));
      bar.fill.style.transform = `scaleX(${probability})`;
    });
    this.time(answers.milliseconds);
    const [{ name, probability }] = answers;
    const now = performance.now();
    const heard = none || name;
    const news = heard !== this.spoken.name && now - this.spoken.time > QUIET;
    if (!live || news) {
      this.spoken = { name: heard, time: now };
      the("spoken").textContent = none || `${name}, ${percent(probability)}`;
    }
  }

  /** Milliseconds that the network takes for an image. */
  time(time) {
    say(the("time"), `${milliseconds(time)} an image, in the network alone`);
  }

  bar(list) {
    const name = element("span", "name");
    const number = element("span", "number");
    const fill = element("div", "fill");
    const item = element("li", "", name, number, element("div", "track", fill));
    list.append(item);
    return { item, name, number, fill };
  }

  /** Shows every output as a table. `results` are arrays, `ports` say what they are. Resolves when
   * all is shown; a few rows at a time are. */
  async tables(results, ports, classes, time) {
    this.shown("tables");
    say(the("time"), `${milliseconds(time)}, from asking to answering`);
    the("spoken").textContent = "The network has answered.";
    this.results = results;
    for (const [place, port] of ports.entries()) {
      const values = results[place];
      this.shownTables[place] ??= this.table(port, values.length);
      const rows = Math.min(values.length, MOST_ROWS);
      for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
        if (row > 0) await shown();
        if (results !== this.results) return; // newer ones are shown
        this.fill(this.shownTables[place], values, classes, row);
      }
    }
  }

  table({ name, shape }, length) {
    const title = element("span", "name", name);
    const rest = length > MOST_ROWS ? `, the first ${count(MOST_ROWS)} of them` : "";
    const caption = element("caption", "", title, `: ${size(shape)} numbers${rest}`);
    const body = element("tbody", "");
    the("tables").append(element("table", "", caption, body));
    return { body, numbers: [] };
  }

  /** Puts values into a table's rows from `begin` on; makes those that are missing. */
  fill({ body, numbers }, values, classes, begin) {
    const end = Math.min(begin + ROWS_AT_ONCE, values.length, MOST_ROWS);
    for (let row = begin; row < end; ++row) {
      if (row === numbers.length) {
        numbers.push(element("td", "number"));
        const name = classes.length === values.length ? classes[row] : count(row);
        body.append(element("tr", "", element("td", "name", name), numbers[row]));
      }
      put(numbers[row], String(Number(values[row].toPrecision(7))));
      numbers[row].dataset.value = values[row];
    }
  }

  shown(id) {
    say(the("notice"), "");
    the("waiting").hidden = true;
    the("bars").hidden = id !== "bars";
    the("tables").hidden = id !== "tables";
    the("unsure").hidden = true;
  }

  /** Says why there is no answer; the last one goes. */
  problem(text) {
    for (const id of ["bars", "tables", "time", "unsure", "waiting"]) the(id).hidden = true;
    say(the("notice"), text);
  }
}
