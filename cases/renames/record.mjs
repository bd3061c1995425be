// Records what the real drizzle-kit of one generation makes of the renames:
//
//   node record.mjs <folder with node_modules> [--check] [filter]
//
// 0.31 asks on a terminal, where every question is answered with its first rename: a case has no other. 1.0
// gets the case's hints. `cargo xtask oracle` runs this after the suite.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe } from "../suite/describe.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const options = process.argv.slice(2);
const isCheck = options.includes("--check");
const [folder, filter = ""] = options.filter((it) => !it.startsWith("--"));
const require = createRequire(join(resolve(folder), "package.json"));
const version = (name) => JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
const versions = { "drizzle-kit": version("drizzle-kit"), "drizzle-orm": version("drizzle-orm") };
const generation = versions["drizzle-kit"].startsWith("0.") ? 0 : 1;
const cores = { mysql: "mysql-core", postgres: "pg-core", sqlite: "sqlite-core" };
const names = { mysql: "mysql", postgres: "postgresql", sqlite: "sqlite" };
// What a file says of renames.
const told = [() => "_meta", (dialect) => (dialect === "postgres" ? "deltas" : "renames")][generation];
const key = (it) => (it === "_meta" ? "meta" : it);

function sorted(exports) {
  return Object.fromEntries(Object.entries(exports).sort(([a], [b]) => (a < b ? -1 : 1)));
}

// The kit as people run it. What is asked is answered once the list stands there: down from "create", and Enter.
function generated(project, dialect, name) {
  const command = `node node_modules/drizzle-kit/bin.cjs generate --dialect=${names[dialect]} --schema=./schema.ts --out=./drizzle --name=${name}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: project, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  let [output, answered] = ["", 0];
  const answer = () => {
    const shown = output.slice(answered).replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
    const chosen = shown.split("\n").filter((it) => it.includes("❯")).at(-1);
    if (!chosen) return;
    answered = output.length;
    child.stdin.write(chosen.includes("+") ? "\u001b[B" : "\r");
  };
  const looking = setInterval(answer, 200);
  child.stdout.on("data", (chunk) => (output += chunk));
  return new Promise((done) => child.on("close", () => { clearInterval(looking); done(output); }));
}

async function zero(dialect, source, name) {
  const project = mkdtempSync(join(tmpdir(), "raingauge-rename-"));
  try {
    symlinkSync(resolve(folder, "node_modules"), join(project, "node_modules"));
    writeFileSync(join(project, "package.json"), "{}");
    const text = readFileSync(source, "utf8").replace("export const renames", "const renames");
    for (const [index, side] of ["from", "to"].entries()) {
      writeFileSync(join(project, "schema.ts"), `${text}
const orm = { ...require("drizzle-orm"), ...require("drizzle-orm/${cores[dialect]}"), generation: 0 };
const made = (renames(orm) as any)[${JSON.stringify(name)}].${side}();
module.exports = Object.fromEntries(Object.entries(made).sort(([a], [b]) => (a < b ? -1 : 1)));
`);
      const output = await generated(project, dialect, `n${index}`);
      if (!existsSync(join(project, `drizzle/000${index}_n${index}.sql`))) throw new Error(`the kit wrote nothing: ${output}`);
    }
    const read = (it) => readFileSync(join(project, "drizzle", it), "utf8");
    return { snapshot: JSON.parse(read("meta/0001_snapshot.json")), migration: read("0001_n1.sql") };
  } finally {
    rmSync(project, { recursive: true });
  }
}

async function one(dialect, states, hints) {
  const { generate } = require("drizzle-kit/cli");
  const project = mkdtempSync(join(tmpdir(), "raingauge-rename-"));
  const out = join(project, "out");
  try {
    for (const [index, exports] of states.entries()) {
      globalThis.raingaugeCase = exports;
      const schema = join(project, `schema${index}.ts`);
      writeFileSync(schema, "module.exports = { ...globalThis.raingaugeCase };");
      const answer = await generate({ dialect: names[dialect], schema, out, name: `n${index}`, ...(index === 1 && { hints }) });
      if (answer.status !== "ok") throw new Error(JSON.stringify(answer));
    }
    const last = join(out, readdirSync(out).sort().at(-1));
    return { snapshot: JSON.parse(readFileSync(join(last, "snapshot.json"), "utf8")), migration: readFileSync(join(last, "migration.sql"), "utf8") };
  } finally {
    rmSync(project, { recursive: true });
  }
}

for (const dialect of Object.keys(cores)) {
  const source = join(root, `${dialect}.mjs`);
  if (!relative(dirname(root), source).includes(filter)) continue;
  const { renames } = await import(pathToFileURL(source));
  const all = renames({ ...require("drizzle-orm"), ...require(`drizzle-orm/${cores[dialect]}`), generation });
  const lines = [];
  for (const [name, { from, to, hints }] of Object.entries(all)) {
    const states = [from, to].map((it) => sorted(it()));
    const declared = [];
    for (const it of states) declared.push(await describe(require, dialect, it));
    const { snapshot, migration } = await (generation === 0 ? zero(dialect, source, name) : one(dialect, states, hints));
    const what = told(dialect);
    lines.push(`${JSON.stringify(name)}: ${JSON.stringify({ hints, declared, migration, [key(what)]: snapshot[what] })}`);
  }
  const target = join(root, `${dialect}.${generation}.json`);
  const text = `{"versions": ${JSON.stringify(versions)}, "cases": {\n${lines.join(",\n")}\n}}\n`;
  if (!isCheck) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
    console.log(`differs from the recording: renames/${dialect}.${generation}.json`);
    process.exitCode = 1;
  }
  console.log(`${versions["drizzle-kit"]}: ${lines.length} renames of ${dialect}`);
}
process.exit(process.exitCode ?? 0);
