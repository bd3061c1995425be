// Runs in a program of the project's own (Node.js or bun) and does there what the embedded engine does:
// loads the project's files (`LOAD`, which is `node.js` or `tool.js`), then describes what they export.
// Questions go out by stdout and are answered by stdin.
(async () => {
  "use strict";
  const fs = require("node:fs");

  // What the project's files print must not get between.
  process.stdout.write = (text, ...rest) => process.stderr.write(text, ...rest);
  for (const name of ["log", "info", "debug", "table", "dir", "warn", "error"]) console[name] = () => {};
  const chunk = Buffer.alloc(1 << 16);
  let pending = Buffer.alloc(0);
  const say = (message) => {
    const bytes = Buffer.from(`${MARK}${JSON.stringify(message)}\n`);
    for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
  };
  const ask = (question, ...args) => {
    say({ question, args });
    let end;
    while ((end = pending.indexOf(10)) < 0) {
      const length = fs.readSync(0, chunk);
      if (length === 0) process.exit(1);
      pending = Buffer.concat([pending, chunk.subarray(0, length)]);
    }
    const answer = JSON.parse(pending.subarray(0, end).toString());
    pending = pending.subarray(end + 1);
    if ("failure" in answer) throw Object.assign(new Error(answer.message), { raingaugeFailure: answer.failure });
    return answer.value;
  };

  const rg = {}, host = { orm: (specifier) => ask("orm", specifier), exportOrder: (path) => ask("exportOrder", path) };
  globalThis.__raingauge = rg;
  const isObject = (it) => it !== null && (typeof it === "object" || typeof it === "function");
  rg.memberOf = (exports, name) => (isObject(exports) ? exports[name] : undefined);
  rg.namesOf = (exports) => (isObject(exports) ? Object.keys(exports) : []);
  rg.toHex = (bytes) => Buffer.from(bytes).toString("hex");
  rg.fragment = Symbol("fragment");
  rg.element = (type, props, ...children) => ({ type, props: { ...props, children }, key: null });
  rg.envNames = new Set();
  process.env = new Proxy(process.env, { get(target, key) { if (typeof key === "string") rg.envNames.add(key); return target[key]; } });

  try {
    LOAD(rg, ask);
    for (const describe of DESCRIBE) describe(rg, host);
    const job = ask("job");
    const tasks = {
      config: () => rg.config(job.files[0]),
      schema: () => rg.declared(job.dialect, job.casing, job.files),
      judge: () => rg.judged(job.case, job.files),
    };
    say({ result: await tasks[job.task]() });
  } catch (error) {
    const { raingaugeFailure: failure, raingaugeRejected: rejected } = isObject(error) ? error : {};
    say({ thrown: { failure, rejected, name: error?.name, message: isObject(error) ? String(error.message) : String(error), stack: String(error?.stack ?? "") } });
  }
  process.exit(0);
})();
