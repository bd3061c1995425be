// Loads a configuration file.
(function (rg) {
  "use strict";

  // A certificate that was read without an encoding is text all the same.
  function readable(key, value) {
    return this[key] instanceof Uint8Array ? new TextDecoder().decode(this[key]) : value;
  }

  // Everything of the configuration that can be written as JSON.
  rg.config = async (path) => {
    const exports = await rg.load(path);
    const content = rg.memberOf(exports, "default") ?? exports;
    if (content === null || typeof content !== "object") throw rg.reject("the file exports no configuration object");
    const plain = {};
    for (const key of Object.keys(content)) {
      try { plain[key] = JSON.parse(JSON.stringify(content[key], readable) ?? "null"); } catch { plain[key] = null; }
    }
    return JSON.stringify(plain);
  };
})
