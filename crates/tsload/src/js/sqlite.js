// Describes the SQLite objects among the exports, as `raingauge_schema::sqlite::schema`.
(function (rg) {
  "use strict";

  const NAME = Symbol.for("drizzle:Name");

  rg.sqlite = (orm, exported) => {
    const { is, core: { SQL }, dialect: sqlite, nameOf } = orm;
    const Dialect = sqlite.SQLiteSyncDialect ?? sqlite.SQLiteDialect;
    const printer = new Dialect({ casing: orm.style });
    const print = (sql, source) => printer.sqlToQuery(sql, source).sql;

    const tables = {}, views = {};

    // Drizzle 1.0 prints a date as the number that the column would hold.
    const defaultOf = (column) => {
      const value = column.default;
      if (!orm.isNext || !(value instanceof Date) || !is(column, sqlite.SQLiteTimestamp)) return orm.defaultOf(column);
      const number = column.mode === "timestamp" ? value.getTime() / 1000 : value.getTime();
      return { kind: "json", value: Number(number.toFixed(0)) };
    };

    const describeColumn = (column, name) => {
      const { generated } = column;
      const expression = typeof generated?.as === "function" ? generated.as() : generated?.as;
      return {
        name,
        sqlType: column.getSQLType(),
        primaryKey: column.primary,
        notNull: column.notNull,
        autoincrement: is(column, sqlite.SQLiteBaseInteger) ? column.autoIncrement ?? false : false,
        generated: generated && {
          expression: is(expression, SQL) ? print(expression, "indexes") : String(expression),
          kind: generated.mode ?? "virtual",
        },
        default: defaultOf(column),
      };
    };

    const describeForeignKey = (key) => {
      const { name, columns, foreignTable, foreignColumns } = key.reference();
      return {
        name: orm.rename(orm.rename(key.getName(), columns), foreignColumns),
        nameExplicit: name !== undefined,
        columns: columns.map(nameOf),
        tableTo: foreignTable[NAME],
        columnsTo: foreignColumns.map(nameOf),
        onDelete: key.onDelete ?? "no action",
        onUpdate: key.onUpdate ?? "no action",
      };
    };

    const describeIndex = ({ config }) => ({
      name: config.name,
      columns: config.columns.map((it) =>
        is(it, SQL) ? { expression: print(it, "indexes"), isExpression: true } : { expression: nameOf(it), isExpression: false }),
      unique: config.unique ?? false,
      where: is(config.where, SQL) ? print(config.where) : undefined,
    });

    const describeUniques = (table, config) => [
      ...config.columns.filter((it) => it.isUnique).map((it) => ({
        name: it.uniqueName ?? sqlite.uniqueKeyName(table, [nameOf(it)]),
        nameExplicit: it.uniqueName !== undefined && (orm.isNext || it.uniqueName !== sqlite.uniqueKeyName(table, [it.name])),
        ofColumn: true,
        columns: [nameOf(it)],
      })),
      ...config.uniqueConstraints.map((it) => ({
        name: it.name ?? sqlite.uniqueKeyName(table, it.columns.map(nameOf)),
        nameExplicit: it.isNameExplicit ?? (it.name !== undefined && it.name !== sqlite.uniqueKeyName(table, it.columns.map((c) => c.name))),
        ofColumn: false,
        columns: it.columns.map(nameOf),
      })),
    ];

    const refuseTwice = (items, what) => {
      const seen = new Set();
      for (const { name } of items) {
        if (seen.has(name)) throw rg.reject(`${what} \`${name}\` is declared twice`);
        seen.add(name);
      }
    };

    // An index of SQLite has the only one of its name in the database; 0.31 does not look.
    const indexTables = new Map();
    const claimIndex = (name, table) => {
      const other = indexTables.get(name) ?? table;
      if (orm.isNext && other !== table) throw rg.reject(`the index \`${name}\` is declared twice, of \`${other}\` and of \`${table}\``);
      indexTables.set(name, table);
    };

    const describeTable = (table) => {
      const config = { uniqueConstraints: [], ...sqlite.getTableConfig(table) };
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
        const name = orm.rename(it.getName(), it.columns);
        primaryKeys[name] = { name, nameExplicit: it.isNameExplicit ?? it.name !== undefined, columns: it.columns.map(nameOf) };
      }
      for (const it of config.indexes) {
        const [name, described] = [it.config.name, describeIndex(it)];
        orm.claim("index", `${config.name}.${name}`, indexes[name], described);
        claimIndex(name, config.name);
        indexes[name] = described;
      }
      const uniques = describeUniques(table, config);
      refuseTwice(uniques, "the unique constraint");
      refuseTwice(config.checks, "the check");
      return {
        name: config.name,
        columns: Object.values(columns),
        indexes: Object.values(indexes),
        foreignKeys: Object.values(foreignKeys),
        primaryKeys: Object.values(primaryKeys),
        uniques,
        checks: config.checks.map((it) => ({ name: it.name, value: orm.isNext ? print(it.value, "indexes") : print(it.value) })),
      };
    };

    const describeView = (view) => {
      const config = sqlite.getViewConfig(view);
      const columns = {};
      for (const column of Object.values(config.selectedFields)) {
        if (is(column, sqlite.SQLiteColumn)) columns[column.name] = describeColumn(column, column.name);
      }
      return {
        name: config.name,
        columns: Object.values(columns),
        definition: config.isExisting ? undefined : print(config.query),
        existing: config.isExisting ?? false,
      };
    };

    for (const it of exported) {
      if (!is(it, sqlite.SQLiteTable)) continue;
      const described = rg.within(`table \`${it[NAME]}\``, () => describeTable(it));
      orm.claim("table", described.name, tables[described.name], described);
      tables[described.name] = described;
      orm.found("table", described.name, it);
    }
    for (const it of exported) {
      if (!is(it, sqlite.SQLiteView)) continue;
      const described = rg.within("a view", () => describeView(it));
      if (views[described.name] !== undefined) throw rg.reject(`the view \`${described.name}\` is declared twice`);
      views[described.name] = described;
      orm.found("view", described.name, it);
    }

    return { tables: Object.values(tables), views: Object.values(views) };
  };
})
