// What the kit's objects say, as our `Schema` types have it: by the same scripts that read a project's
// schema files.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const scripts = join(dirname(fileURLToPath(import.meta.url)), "../../crates/tsload/src/js");
const script = (name) => (0, eval)(readFileSync(join(scripts, name), "utf8"));
const dialects = { mysql: "mysql", postgres: "postgresql", sqlite: "sqlite" };

export async function describe(require, dialect, exports) {
  const rg = {
    load: async (module) => (module === "case" ? exports : require(module)),
    namesOf: (it) => Object.keys(it),
    memberOf: (it, name) => it[name],
    toHex: (bytes) => Buffer.from(bytes).toString("hex"),
    envNames: new Set(),
  };
  const host = {
    orm: (specifier) => specifier,
    exportOrder: () => JSON.stringify([{ module: "case", names: null, isStar: false }]),
  };
  script("refusals.js")(rg, host);
  script("schema.js")(rg, host);
  script("mysql.js")(rg, host);
  script("postgres.js")(rg, host);
  script("sqlite.js")(rg, host);
  return JSON.parse(await rg.declared(dialects[dialect], undefined, ["case"])).schema;
}
