// Lets tsx or bun find, transpile and run the project's files by themselves, as they do for drizzle-kit.
(function (rg, ask) {
  "use strict";
  const { pathToFileURL } = require("node:url");
  const isObject = (it) => it !== null && (typeof it === "object" || typeof it === "function");

  rg.load = async (path) => {
    const exports = await import(pathToFileURL(path).href);
    const whole = exports.default;
    // Of what ran as CommonJS, the namespace has only the names that a look at the text has found.
    return isObject(whole) && (whole.__esModule || ask("shape", path) !== "module") ? whole : exports;
  };
})
