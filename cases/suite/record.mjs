// Records what the real drizzle-kit of one generation makes of the suite, all in one process:
//
//   node record.mjs <folder with node_modules> [--check] [filter]
//
// A file of the suite exports `schemas` (name: a function that makes what a schema file exports) and
// `changes` (name: such functions `from` and `to`). The functions get drizzle-orm, so that one source
// serves both generations. `cargo xtask oracle` runs this.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe } from "./describe.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const options = process.argv.slice(2);
const isCheck = options.includes("--check");
const [folder, filter = ""] = options.filter((it) => !it.startsWith("--"));
const require = createRequire(join(resolve(folder), "package.json"));
const version = (name) => JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
const versions = { "drizzle-kit": version("drizzle-kit"), "drizzle-orm": version("drizzle-orm") };
const generation = versions["drizzle-kit"].startsWith("0.") ? 0 : 1;
const cores = { mysql: "mysql-core", postgres: "pg-core", sqlite: "sqlite-core" };
const id = (last) => `00000000-0000-4000-8000-00000000000${last}`;
const origin = "00000000-0000-0000-0000-000000000000";
const kit = await (generation === 0 ? zero() : one());

function joined(statements) {
  return statements.join("--> statement-breakpoint\n");
}

// 0.31: its API gives the very objects that `generate` writes.
function zero() {
  const api = require("drizzle-kit/api");
  const of = {
    mysql: [(it, prev) => api.generateMySQLDrizzleJson(it, prev), api.generateMySQLMigration],
    postgres: [(it, prev) => api.generateDrizzleJson(it, prev), api.generateMigration],
    sqlite: [(it, prev) => api.generateSQLiteDrizzleJson(it, prev), api.generateSQLiteMigration],
  };
  return {
    async run(dialect, states) {
      const [snapshotOf, migrationOf] = of[dialect];
      let previous = await snapshotOf({});
      let result;
      for (const [index, exports] of states.entries()) {
        const made = await snapshotOf(exports, index === 0 ? origin : id(index - 1));
        const snapshot = ordered(dialect, { ...made, id: id(index) });
        // What is renamed is asked on a terminal; the suite has no such changes.
        const statements = await migrationOf(previous, snapshot);
        result = { snapshot: JSON.stringify(snapshot, null, 2), migration: joined(statements) };
        previous = snapshot;
      }
      return result;
    },
  };
}

// The file has the keys in another order than the API's answer, and what `generate` adds.
function ordered(dialect, { version, dialect: name, id, prevId, ...rest }) {
  rest._meta = dialect === "postgres" ? { columns: {}, schemas: {}, tables: {} } : { schemas: {}, tables: {}, columns: {} };
  return dialect === "postgres" ? { id, prevId, version, dialect: name, ...rest } : { version, dialect: name, id, prevId, ...rest };
}

// 1.0: its API does not give the file, so `generate` itself writes into a folder.
async function one() {
  const { generate } = require("drizzle-kit/cli");
  const names = { mysql: "mysql", postgres: "postgresql", sqlite: "sqlite" };
  return {
    async run(dialect, states, custom) {
      const project = mkdtempSync(join(tmpdir(), "raingauge-suite-"));
      const out = join(project, "out");
      try {
        for (const [index, exports] of states.entries()) {
          globalThis.raingaugeCase = exports;
          const schema = join(project, `schema${index}.ts`);
          writeFileSync(schema, "module.exports = { ...globalThis.raingaugeCase };");
          await generated(generate, { dialect: names[dialect], schema, out, name: `n${index}` });
          fixId(out, index);
        }
        const folders = readdirSync(out).sort();
        if (folders.length < states.length) return { snapshot: null, migration: "" };
        const last = join(out, folders.at(-1));
        const read = (folder, file) => readFileSync(join(folder, file), "utf8");
        const result = { snapshot: read(last, "snapshot.json"), migration: read(last, "migration.sql") };
        if (!custom) return result;
        // Folders of one second are sorted by their names.
        const schema = join(project, `schema${states.length - 1}.ts`);
        await generated(generate, { dialect: names[dialect], schema, out, name: "z", custom: true });
        fixId(out, states.length);
        const added = join(out, readdirSync(out).sort().at(-1));
        return { ...result, custom: { snapshot: read(added, "snapshot.json"), migration: read(added, "migration.sql") } };
      } finally {
        rmSync(project, { recursive: true });
      }
    },
  };
}

async function generated(generate, call) {
  const answer = await generate(call);
  if (answer.status === "ok" || answer.status === "no_changes") return answer;
  if (answer.status !== "missing_hints") throw new Error(JSON.stringify(answer));
  const hints = (answer.unresolved ?? answer.hints ?? []).map((it) => ({ type: "create", kind: it.kind, entity: it.entity }));
  const second = await generate({ ...call, hints });
  if (second.status !== "ok") throw new Error(JSON.stringify(second));
  return second;
}

function fixId(out, index) {
  const folders = readdirSync(out).sort();
  if (folders.length <= index) return;
  const file = join(out, folders[index], "snapshot.json");
  const text = readFileSync(file, "utf8");
  const snapshot = JSON.parse(text);
  // Footprints serve the kit to find conflicts of branches; we leave them out.
  if (snapshot.footprints) snapshot.footprints = [];
  snapshot.id = id(index);
  writeFileSync(file, JSON.stringify(snapshot, null, 2));
}

const report = { schemas: 0, changes: 0, failed: [] };

for (const dialect of Object.keys(cores)) {
  const orm = { ...require("drizzle-orm"), ...require(`drizzle-orm/${cores[dialect]}`), generation };
  for (const file of readdirSync(join(root, dialect)).filter((it) => it.endsWith(".mjs")).sort()) {
    const { schemas = () => ({}), changes = () => ({}), custom = false } = await import(pathToFileURL(join(root, dialect, file)));
    const cases = {};
    const add = async (name, states) => {
      try {
        const made = states.map((it) => sorted(it()));
        const declared = [];
        for (const it of made) declared.push(await describe(require, dialect, it));
        const result = await kit.run(dialect, made, custom);
        cases[name] = { declared, ...result };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        cases[name] = { refused: message.split("\n")[0] };
        report.failed.push(`${dialect}/${file} ${name}: ${error?.stack ?? error}`);
      }
    };
    if (!`${dialect}/${file}`.includes(filter)) continue;
    for (const [name, it] of Object.entries(schemas(orm))) { report.schemas += 1; await add(name, [it]); }
    for (const [name, it] of Object.entries(changes(orm))) { report.changes += 1; await add(name, [it.from, it.to]); }
    const target = join(root, dialect, file.replace(".mjs", `.${generation}.json`));
    // A line for each case, so that a difference shows which it is.
    const lines = Object.entries(cases).map(([name, it]) => `${JSON.stringify(name)}: ${JSON.stringify(it)}`);
    const text = `{"versions": ${JSON.stringify(versions)}, "cases": {\n${lines.join(",\n")}\n}}\n`;
    if (!isCheck) writeFileSync(target, text);
    else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
      console.log(`differs from the recording: ${relative(root, target)}`);
      process.exitCode = 1;
    }
  }
}
for (const it of report.failed) console.log(it);
console.log(`${versions["drizzle-kit"]}: ${report.schemas} schemas, ${report.changes} changes, ${report.failed.length} refused`);
process.exit(process.exitCode ?? 0);

// The kit sees exports by name, sorted.
function sorted(exports) {
  return Object.fromEntries(Object.entries(exports).sort(([a], [b]) => (a < b ? -1 : 1)));
}
