// Describes the MySQL objects among the exports, as `raingauge_schema::mysql::schema`.
(function (rg) {
  "use strict";

  const NAME = Symbol.for("drizzle:Name");
  const isObject = (it) => it !== null && typeof it === "object";

  rg.mysql = (orm, exported) => {
    const { is, core, dialect: mysql, nameOf } = orm;
    const { SQL } = core;
    const printer = new mysql.MySqlDialect({ casing: orm.style });
    const print = (sql, source) => printer.sqlToQuery(sql, source).sql;

    const tables = {}, views = {};

    const expressionOf = (generated) => {
      const expression = typeof generated.as === "function" ? generated.as() : generated.as;
      return is(expression, SQL) ? print(expression) : String(expression);
    };

    // What the classes of a drizzle-orm that has none of them never are.
    const isOne = (column, ...names) => names.some((it) => mysql[it] && is(column, mysql[it]));

    // Drizzle Kit 1.0 prints the default of a custom type as its driver would get it.
    const defaultOf = (column) => {
      const isMapped = orm.isNext && column.default !== undefined && !is(column.default, SQL) && isOne(column, "MySqlCustomColumn");
      return isMapped ? { kind: "text", value: String(column.mapToDriverValue(column.default)) } : orm.defaultOf(column);
    };

    const describeColumn = (column, name) => {
      const { generated } = column;
      const isText = isOne(column, "MySqlChar", "MySqlVarChar", "MySqlText", "MySqlEnumColumn");
      return {
        name,
        sqlType: column.getSQLType(),
        enumValues: isOne(column, "MySqlEnumColumn") ? [...column.enumValues] : undefined,
        primaryKey: column.primary,
        notNull: column.notNull,
        autoIncrement: column.autoIncrement ?? false,
        onUpdateNow: column.hasOnUpdateNow ?? false,
        onUpdateNowFsp: column.onUpdateNowFsp,
        charSet: isText ? column.charSet : undefined,
        collation: isText ? column.collation : undefined,
        generated: generated && { expression: expressionOf(generated), kind: generated.mode ?? "stored" },
        default: defaultOf(column),
      };
    };

    const describeForeignKey = (key) => {
      const { name, columns, foreignTable, foreignColumns } = key.reference();
      return {
        name: orm.rename(orm.rename(key.getName(), columns), foreignColumns),
        nameExplicit: Boolean(name),
        columns: columns.map(nameOf),
        tableTo: foreignTable[NAME],
        columnsTo: foreignColumns.map(nameOf),
        onDelete: key.onDelete ?? "no action",
        onUpdate: key.onUpdate ?? "no action",
      };
    };

    const describePart = (part, source) =>
      is(part, SQL) ? { expression: print(part, source), isExpression: true } : { expression: nameOf(part), isExpression: false };

    const describeIndex = ({ config }) => ({
      name: config.name,
      nameExplicit: Boolean(config.name),
      columns: config.columns.map((it) => describePart(it, "indexes")),
      unique: config.unique ?? false,
      using: config.using,
      algorithm: config.algorithm,
      lock: config.lock,
    });

    // Up to 0.x, names of unique constraints are made of the keys, whatever the casing.
    const describeUniques = (table, config) => {
      const derived = (columns) => mysql.uniqueKeyName(table, columns.filter((it) => !is(it, SQL)).map((it) => it.name));
      return [
        ...config.columns.filter((it) => it.isUnique).map((it) => ({
          name: it.uniqueName ?? derived([it]),
          nameExplicit: Boolean(it.uniqueName) && (orm.isNext || it.uniqueName !== derived([it])),
          ofColumn: true,
          columns: [describePart(it)],
        })),
        ...config.uniqueConstraints.map((it) => ({
          name: it.name ?? derived(it.columns),
          nameExplicit: it.isNameExplicit ?? it.name !== derived(it.columns),
          ofColumn: false,
          columns: it.columns.map((part) => describePart(part)),
        })),
      ];
    };

    const refuseTwice = (items, what) => {
      const seen = new Set();
      for (const { name } of items) {
        if (seen.has(name)) throw rg.reject(`${what} \`${name}\` is declared twice`);
        seen.add(name);
      }
    };

    const describeTable = (table) => {
      const config = { uniqueConstraints: [], checks: [], ...mysql.getTableConfig(table) };
      const columns = {}, foreignKeys = {}, primaryKeys = {}, indexes = {};
      for (const it of config.columns) {
        const [name, described] = [nameOf(it), describeColumn(it, nameOf(it))];
        orm.claim("column", `${config.name}.${name}`, columns[name], described);
        columns[name] = described;
      }
      for (const it of config.foreignKeys) {
        const key = describeForeignKey(it);
        orm.claim("foreign key", `${config.name}.${key.name}`, foreignKeys[key.name], key);
        foreignKeys[key.name] = key;
      }
      for (const it of config.primaryKeys) {
        // Nobody hears the name in 1.0: to MySQL every primary key is `PRIMARY`.
        const derived = `${config.name}_${it.columns.map((part) => part.name).join("_")}_pk`;
        const name = orm.rename(it.getName?.() ?? it.name ?? derived, it.columns);
        primaryKeys[name] = { name, nameExplicit: it.isNameExplicit ?? it.name !== undefined, columns: it.columns.map(nameOf) };
      }
      for (const it of config.indexes) {
        const [name, described] = [it.config.name, describeIndex(it)];
        orm.claim("index", `${config.name}.${name}`, indexes[name], described);
        indexes[name] = described;
      }
      const uniques = describeUniques(table, config);
      refuseTwice(uniques, "the unique constraint");
      refuseTwice(config.checks, "the check");
      refuseTwice([...uniques, ...Object.values(indexes).filter((it) => it.unique)], "the unique index");
      // MySQL makes an index for each foreign key, under the key's name.
      if (!orm.isNext) refuseTwice([...Object.values(foreignKeys), ...Object.values(indexes).filter((it) => !it.unique)], "the index of a foreign key");
      return {
        name: config.name,
        schema: config.schema,
        columns: Object.values(columns),
        indexes: Object.values(indexes),
        foreignKeys: Object.values(foreignKeys),
        primaryKeys: Object.values(primaryKeys),
        uniques,
        checks: config.checks.map((it) => ({ name: it.name, value: print(it.value) })),
      };
    };

    // The views that a query selects from, however deep.
    const viewsWithin = (query) => {
      const found = new Set(), seen = new Set();
      const walk = (it) => {
        if (!isObject(it) || seen.has(it)) return;
        seen.add(it);
        if (is(it, mysql.MySqlView)) return void found.add(mysql.getViewConfig(it).originalName ?? mysql.getViewConfig(it).name);
        if (is(it, core.Table)) return;
        if (is(it, SQL)) return it.queryChunks.forEach(walk);
        if (is(it, SQL.Aliased)) return walk(it.sql);
        if (is(it, core.Subquery)) return walk(it._.sql);
        if (is(it, core.Param)) return walk(it.value);
        if (Array.isArray(it)) return it.forEach(walk);
        if (typeof it.getSQL === "function") return walk(it.getSQL());
      };
      walk(query);
      return [...found];
    };

    const describeView = (view) => {
      const config = mysql.getViewConfig(view);
      const columns = {};
      for (const column of Object.values(config.selectedFields)) {
        if (is(column, mysql.MySqlColumn)) columns[column.name] = describeColumn(column, column.name);
      }
      return {
        name: config.name,
        schema: config.schema,
        columns: Object.values(columns),
        definition: config.isExisting || !config.query ? undefined : print(config.query),
        existing: config.isExisting ?? false,
        algorithm: config.algorithm,
        sqlSecurity: config.sqlSecurity,
        withCheckOption: config.withCheckOption,
        dependsOn: config.isExisting || !config.query ? [] : viewsWithin(config.query),
      };
    };

    for (const it of exported) {
      if (!is(it, mysql.MySqlTable)) continue;
      const described = rg.within(`table \`${it[NAME]}\``, () => describeTable(it));
      const key = described.schema === undefined ? described.name : `${described.schema}.${described.name}`;
      orm.claim("table", key, tables[key], described);
      tables[key] = described;
      orm.found("table", described.name, it);
    }
    for (const it of exported) {
      if (!mysql.MySqlView || !is(it, mysql.MySqlView)) continue;
      const described = rg.within("a view", () => describeView(it));
      if (views[described.name] !== undefined) throw rg.reject(`the view \`${described.name}\` is declared twice`);
      views[described.name] = described;
      orm.found("view", described.name, it);
    }

    return { tables: Object.values(tables), views: Object.values(views) };
  };
})
