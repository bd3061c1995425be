// Asks the project's own drizzle-kit what it makes of the schema: its snapshot, and its statements from
// the last one.
(function (rg, host) {
  "use strict";

  // drizzle-kit 0.31 has one file for all dialects, 1.0 one for each.
  const nextApis = { postgresql: "api-postgres", sqlite: "payload/sqlite", turso: "payload/sqlite", mysql: "payload/mysql" };
  const names = { postgresql: "", sqlite: "SQLite", turso: "SQLite", mysql: "MySQL" };

  const apiOf = async (isNext, dialect) => {
    const api = await rg.load(host.orm(isNext ? `drizzle-kit/${nextApis[dialect]}` : "drizzle-kit/api"));
    const member = (name) => rg.memberOf(api, name) ?? rg.memberOf(rg.memberOf(api, "default"), name);
    const name = isNext ? "" : names[dialect];
    if (!member(`generate${name}DrizzleJson`)) throw new Error(`this version of drizzle-kit has no programmatic interface for ${dialect}`);
    return { snapshot: member(`generate${name}DrizzleJson`), statements: member(`generate${name}Migration`) };
  };

  // 1.0 looks, as soon as it is loaded, whether the engine's calendars have a certain fault.
  const plainDates = () => {
    const plain = { value() { return this.toISOString().slice(0, 10); }, writable: true, configurable: true };
    Object.defineProperty(Date.prototype, "toLocaleDateString", plain);
  };

  rg.judged = async ({ dialect, casing, isNext, previous }, files) => {
    const values = [];
    for (const file of files) values.push(...(await rg.exportsOf(file)));
    plainDates();
    const api = await apiOf(isNext, dialect);
    const imports = Object.fromEntries(values.map((value, at) => [`export${at}`, value]));
    // Only PostgreSQL's takes the schemas to look at, as the third.
    const rest = dialect === "postgresql" ? [undefined, casing] : [casing];
    const of = (imports, id) => api.snapshot(imports, id, ...rest);
    const before = previous === null ? await of({}) : JSON.parse(previous);
    const snapshot = await of(imports, before.id);
    const statements = await api.statements(before, snapshot);
    return JSON.stringify({ snapshot, statements: statements.sqlStatements ?? statements });
  };
})
