// The race in node: what it is given is JSON in its argument, and what it finds goes to stdout.

import { race } from "./web_race.mjs";

process.stdout.write(JSON.stringify(await race(JSON.parse(process.argv[2]))));
