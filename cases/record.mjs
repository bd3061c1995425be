// Records what the real drizzle-kit of 0.31 does with the cases, or compares it with what is recorded:
//
//   node cases/record.mjs <folder with node_modules> [--check] [filter]
//
// `cargo xtask oracle` runs this after the suite and the renames.
//
// A case is a folder below cases/postgres or cases/sqlite. With schema.ts it is a schema made from
// nothing, with from.ts and to.ts a change. The kit's files are written beside, never by hand:
//   declared.json (from.json, to.json)  the schema as our types have it
//   snapshot.json                       the kit's last snapshot, with fixed ids
//   custom.json                         what `generate --custom` writes after it
//   migration.sql                       the kit's last migration
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { declare } from "./declare.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const options = process.argv.slice(2);
const isCheck = options.includes("--check");
const [packages, filter = ""] = options.filter((it) => !it.startsWith("--"));
const dialects = { postgres: "postgresql", sqlite: "sqlite" };
const id = (last) => `00000000-0000-4000-8000-00000000000${last}`;
const origin = "00000000-0000-0000-0000-000000000000";

if (!packages) throw new Error("usage: node cases/record.mjs <folder with node_modules> [--check] [filter]");

const modules = join(packages, "node_modules");
const versions = Object.fromEntries(["drizzle-kit", "drizzle-orm"].map((name) => {
  const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  return [name, version];
}));

function* caseFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) continue;
    if (existsSync(join(path, "schema.ts")) || existsSync(join(path, "from.ts"))) yield path;
    else yield* caseFolders(path);
  }
}

// The kit asks on a terminal whether something is renamed; Enter takes the first answer: created.
function generate(project, args) {
  const command = `node node_modules/drizzle-kit/bin.cjs generate ${args}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: project, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const enter = setInterval(() => child.stdin.writable && child.stdin.write("\r"), 400);
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  return new Promise((done) => child.on("close", () => { clearInterval(enter); done(output); }));
}

function masked(project, number, ids) {
  const text = readFileSync(join(project, `drizzle/meta/000${number}_snapshot.json`), "utf8");
  const snapshot = JSON.parse(text);
  return text
    .replace(`"id": "${snapshot.id}"`, `"id": "${ids.id}"`)
    .replace(`"prevId": "${snapshot.prevId}"`, `"prevId": "${ids.prevId}"`);
}

// Writes what was recorded, or tells that it is another now.
function keep(file, text) {
  if (!isCheck) return writeFileSync(file, text);
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  console.log(`differs from the recording: ${relative(root, file)}`);
  process.exitCode = 1;
}

async function record(folder) {
  const dialect = dialects[relative(root, folder).split("/")[0]];
  const project = mkdtempSync(join(tmpdir(), "raingauge-case-"));
  symlinkSync(resolve(modules), join(project, "node_modules"));
  writeFileSync(join(project, "package.json"), "{}");
  const names = existsSync(join(folder, "schema.ts")) ? ["schema"] : ["from", "to"];
  for (const [number, name] of names.entries()) {
    const source = readFileSync(join(folder, `${name}.ts`), "utf8");
    writeFileSync(join(project, "schema.ts"), source);
    writeFileSync(join(project, `${name}.mjs`), source);
    const exports = await import(pathToFileURL(join(project, `${name}.mjs`)));
    const declared = JSON.stringify(await declare(dialect, exports, project), null, 2);
    keep(join(folder, name === "schema" ? "declared.json" : `${name}.json`), `${declared}\n`);
    const output = await generate(project, `--dialect=${dialect} --schema=./schema.ts --out=./drizzle --name=step`);
    if (!existsSync(join(project, `drizzle/000${number}_step.sql`))) {
      throw new Error(`${folder}: the kit wrote no migration for ${name}.ts\n${output}`);
    }
  }
  const last = names.length - 1;
  await generate(project, `--dialect=${dialect} --schema=./schema.ts --out=./drizzle --name=custom --custom`);
  keep(join(folder, "snapshot.json"), masked(project, last, { id: id(last), prevId: last ? id(0) : origin }));
  keep(join(folder, "custom.json"), masked(project, last + 1, { id: id(9), prevId: id(last) }));
  keep(join(folder, "migration.sql"), readFileSync(join(project, `drizzle/000${last}_step.sql`), "utf8"));
  rmSync(project, { recursive: true });
}

const all = Object.keys(dialects).flatMap((it) => [...caseFolders(join(root, it))]);
const folders = all.filter((it) => it.includes(filter));
const failed = [];
await Promise.all([0, 1].map(async () => {
  for (let folder; (folder = folders.shift()); ) {
    console.log(relative(root, folder));
    await record(folder).catch((error) => failed.push(new Error(`${folder}: ${error.stack ?? error}`)));
  }
}));
if (!filter) keep(join(root, "recorded-with.json"), `${JSON.stringify(versions, null, 2)}\n`);
for (const error of failed) console.error(String(error.message ?? error));
if (failed.length) process.exitCode = 1;
