// What the network answers: classes as bars, other outputs as tables, and one line read aloud.

import { element, put, say, the } from "./dom.js";
import { count, milliseconds, percent, size } from "./words.js";

export const MOST_BARS = 10;

const MOST_ROWS = 200;
const QUIET = 2000; // milliseconds between two announcements of the camera's answers

export class Answers {
  constructor() {
    this.bars = [];
    this.spoken = { name: "", time: 0 };
  }

  /** Shows the likeliest classes. `live`: one of many frames; it is announced when the first class
   * changes, and not too often. */
  classes(answers, live) {
    this.shown("bars");
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
    const news = name !== this.spoken.name && now - this.spoken.time > QUIET;
    if (!live || news) {
      this.spoken = { name, time: now };
      the("spoken").textContent = `${name}, ${percent(probability)}`;
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

  /** Shows every output as a table. `results` are arrays, `ports` say what they are. */
  tables(results, ports, classes, time) {
    this.shown("tables");
    the("tables").replaceChildren(
      ...ports.map((port, place) =>
        this.table(port, results[place], classes.length === results[place].length ? classes : []),
      ),
    );
    say(the("time"), `${milliseconds(time)}, from asking to answering`);
    the("spoken").textContent = "The network has answered.";
  }

  table({ name, shape }, values, classes) {
    const title = element("span", "name", name);
    const rest = values.length > MOST_ROWS ? `, the first ${count(MOST_ROWS)} of them` : "";
    const caption = element("caption", "", title, `: ${size(shape)} numbers${rest}`);
    const rows = [...values.subarray(0, MOST_ROWS)].map((value, place) => {
      const cell = element("td", "number", String(Number(value.toPrecision(7))));
      cell.dataset.value = value;
      return element("tr", "", element("td", "name", classes[place] ?? count(place)), cell);
    });
    return element("table", "", caption, element("tbody", "", ...rows));
  }

  shown(id) {
    say(the("notice"), "");
    the("waiting").hidden = true;
    the("bars").hidden = id !== "bars";
    the("tables").hidden = id !== "tables";
  }

  /** Says why there is no answer; the last one goes. */
  problem(text) {
    for (const id of ["bars", "tables", "time", "waiting"]) the(id).hidden = true;
    say(the("notice"), text);
  }
}
