// Loads schema files and lists what they export, in the order in which Drizzle Kit sees it.
(function (rg, host) {
  "use strict";

  const importOrm = async (specifier) => rg.load(host.orm(specifier));
  const optional = async (specifier) => {
    try { return await importOrm(specifier); } catch { return {}; }
  };

  // Where each object was exported first, for messages that point into the schema.
  const origins = new Map();

  // A module's own exports come first, sorted, then those of each `export *`, and the first of
  // several equal names wins: that is how the CommonJS that Drizzle Kit runs behaves.
  rg.exportsOf = async (path) => {
    const values = [], seen = new Set();
    for (const { module, names, isStar } of JSON.parse(host.exportOrder(path))) {
      const exports = await rg.load(module);
      for (const name of names ?? rg.namesOf(exports)) {
        if (seen.has(name) || (isStar && name === "default")) continue;
        seen.add(name);
        const value = rg.memberOf(exports, name);
        // drizzle-orm's own checks do not stand objects without a prototype, such as namespaces.
        if (value === undefined || value === null || Object.getPrototypeOf(value) === null) continue;
        values.push(value);
        if (!origins.has(value)) origins.set(value, { module, name });
      }
    }
    return values;
  };

  // drizzle-orm's `is`, which walks up the classes at every call: what it says holds for all objects of a prototype.
  const memoised = (is) => {
    const known = new Map();
    return (value, type) => {
      if (value === null || typeof value !== "object") return false;
      const prototype = Object.getPrototypeOf(value);
      let answers = known.get(prototype);
      if (answers === undefined) known.set(prototype, (answers = new Map()));
      let answer = answers.get(type);
      if (answer === undefined) answers.set(type, (answer = is(value, type)));
      return answer;
    };
  };

  // The column's name as it is in the database.
  const nameWith = (orm) => (column) => {
    if (!column.name) return "";
    if (!column.keyAsName || orm.style === undefined) return column.name;
    return orm.style === "camelCase" ? orm.casing.toCamelCase(column.name) : orm.casing.toSnakeCase(column.name);
  };

  // Defaults are printed without a dialect: names and parameters have no place in them.
  const defaultSqlWith = (orm) => (sql) => {
    const refuse = () => {
      throw rg.reject("an SQL default contains a parameter or a column, which Drizzle does not support");
    };
    const chunks = sql.queryChunks;
    // Most are text alone, which needs nothing of what prints a query; Drizzle 1.0 sees that by itself.
    if (chunks.every((it) => orm.is(it, orm.core.StringChunk) && Array.isArray(it.value))) return chunks.map((it) => it.value.join("")).join("");
    const casing = orm.casing.CasingCache ? new orm.casing.CasingCache(orm.style) : undefined;
    return sql.toQuery({ escapeName: refuse, escapeParam: refuse, escapeString: refuse, casing }).sql;
  };

  const jsonable = (value) => {
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    return Array.isArray(value) ? value.map(jsonable) : value;
  };
  const date = (value, sqlType, isNext) => {
    const text = value.toISOString();
    // Drizzle 1.0 prints every timestamp as the database does.
    if (isNext && sqlType.startsWith("timestamp")) {
      return sqlType.includes("with time zone") ? text.replace("T", " ").replace("Z", "+00") : text.replace("T", " ").slice(0, 23);
    }
    if (sqlType === "date") return text.split("T")[0];
    return sqlType === "timestamp" ? text.replace("T", " ").slice(0, 23) : text;
  };
  const datesAsText = (value, sqlType, isNext) => {
    if (value instanceof Date) return date(value, sqlType, isNext);
    return Array.isArray(value) ? value.map((it) => datesAsText(it, sqlType, isNext)) : value;
  };

  // `.default(…)` as the types of `raingauge-schema` spell it.
  const defaultWith = (orm) => (column) => {
    const value = column.default;
    if (value === undefined) return undefined;
    if (orm.is(value, orm.core.SQL)) return { kind: "sql", value: orm.defaultSql(value) };
    if (typeof value === "string") return { kind: "text", value };
    if (typeof value === "bigint") return { kind: "bigInt", value: String(value) };
    if (value instanceof Date) return { kind: "date", value: value.toISOString() };
    if (value instanceof Uint8Array) return { kind: "bytes", value: rg.toHex(value) };
    const elements = Array.isArray(value) ? datesAsText(value, column.getSQLType().split("[")[0].toLowerCase(), orm.isNext) : value;
    return { kind: "json", value: jsonable(elements) };
  };

  // The same text replacements that Drizzle Kit applies to names which it derived from columns.
  const renameWith = (orm) => (name, columns) => {
    if (orm.style === undefined) return name;
    return columns.reduce((renamed, it) => renamed.replace(it.name, orm.nameOf(it)), name);
  };

  // Drizzle Kit passes over tables of another dialect without a word. Beside its own that is meant; where it
  // has none, it takes all tables for gone.
  const refuseStrangers = (orm, dialect, schema, exported) => {
    if (schema.tables.length > 0 || !orm.core.Table) return;
    const stranger = exported.find((it) => orm.is(it, orm.core.Table));
    if (stranger === undefined) return;
    const name = stranger[Symbol.for("drizzle:Name")];
    const kind = stranger.constructor[Symbol.for("drizzle:entityKind")];
    throw rg.reject(`the configuration has the dialect \`${dialect}\`, and every table is of another one: \`${name}\` is a ${kind}`);
  };

  const dialects = { mysql: "mysql-core", postgresql: "pg-core", sqlite: "sqlite-core", turso: "sqlite-core" };

  rg.declared = async (dialect, style, files) => {
    const values = [];
    for (const file of files) values.push(...(await rg.exportsOf(file)));
    const orm = {
      core: await importOrm("drizzle-orm"),
      dialect: await importOrm(`drizzle-orm/${dialects[dialect]}`),
      casing: await optional("drizzle-orm/casing"),
    };
    orm.is = memoised(orm.core.is);
    // Drizzle 1.0 resolves names itself and ignores the setting, versions before 0.34 do not know it.
    orm.style = orm.casing.CasingCache && style ? style : undefined;
    // The kit of 1.0 prints conditions for themselves, without parameters and names of tables.
    orm.isNext = typeof orm.casing.getCasingFn === "function";
    orm.nameOf = nameWith(orm);
    orm.defaultSql = defaultSqlWith(orm);
    orm.defaultOf = defaultWith(orm);
    orm.rename = renameWith(orm);
    const found = [], twice = [];
    // Of two with one name 0.x takes one and forgets the other, 1.0 stops.
    orm.claim = (kind, name, other, described) => {
      if (other === undefined) return;
      if (orm.isNext) throw rg.reject(`the ${kind} \`${name}\` is declared twice`);
      if (JSON.stringify(other) !== JSON.stringify(described)) twice.push(`${kind} ${name}`);
    };
    orm.found = (kind, key, value) => {
      const origin = origins.get(value);
      if (origin) found.push({ kind, key, ...origin });
    };
    // What a second file exports again counts once. Drizzle Kit does so for tables only and stops at
    // views and policies that it sees twice.
    const exported = [...new Set(values)];
    const describe = { mysql: rg.mysql, postgresql: rg.postgres }[dialect] ?? rg.sqlite;
    const schema = describe(orm, exported);
    refuseStrangers(orm, dialect, schema, exported);
    return JSON.stringify({ schema, origins: found, twice, environment: [...rg.envNames].sort() });
  };
})
