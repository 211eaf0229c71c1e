// Bundles main.js into dist/ with webpack, by its own defaults.

import webpack from "webpack";

const options = {
  mode: "production",
  entry: "./main.js",
  performance: { hints: false }, // an engine is larger than most scripts
};
webpack(options, (error, stats) => {
  console.log(error ?? stats.toString({ colors: false }));
  process.exitCode = error || stats.hasErrors() || stats.hasWarnings() ? 1 : 0;
});
