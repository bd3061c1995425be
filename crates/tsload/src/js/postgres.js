// Describes the PostgreSQL objects among the exports, as `raingauge_schema::postgres::schema`.
(function (rg) {
  "use strict";

  const NAME = Symbol.for("drizzle:Name");
  const SCHEMA = Symbol.for("drizzle:Schema");

  const text = (value) => (value === undefined ? undefined : String(value));
  const sequenceOptions = (given) => ({
    increment: text(given?.increment),
    startWith: text(given?.startWith),
    minValue: text(given?.minValue),
    maxValue: text(given?.maxValue),
    cache: text(given?.cache),
    cycle: given?.cycle,
  });

  // What only Drizzle 1.0 knows of roles.
  const roleOptions = ({ superuser, canLogin, replication, bypassRls, connLimit, password, validUntil }) =>
    ({ superuser, canLogin, replication, bypassRls, connLimit, password, validUntil });

  rg.postgres = (orm, exported) => {
    const { is, core: { SQL }, dialect: pg, nameOf } = orm;
    const printer = new pg.PgDialect({ casing: orm.style });
    const print = (sql, source) => printer.sqlToQuery(sql, source).sql;
    const condition = (sql) => (orm.isNext ? print(sql.inlineParams(), "indexes") : print(sql));
    const printed = (value) => (is(value, SQL) ? print(value) : undefined);

    // Objects keyed as in the snapshot: a later object of the same name takes the place of the first.
    const tables = {}, enums = {}, sequences = {}, roles = {}, policies = {}, views = {}, schemas = {};
    const indexNames = new Set();

    // Names of a module are looked up at each use, and there may be thousands of columns.
    const { PgArray, PgEnumColumn, PgEnumObjectColumn } = pg;
    const elementOf = (column) => {
      while (PgArray && is(column, PgArray)) column = column.baseColumn;
      return column;
    };

    // Drizzle 1.0 has no arrays of their own but counts dimensions.
    const sqlTypeOf = (column) => column.getSQLType() + (PgArray ? "" : "[]".repeat(column.dimensions ?? 0));

    // `typed` is the column whose enum counts: in views Drizzle Kit does not look into arrays.
    const describeColumn = (column, name, typed) => {
      const isEnum = is(typed, PgEnumColumn) || (PgEnumObjectColumn && is(typed, PgEnumObjectColumn));
      const type = isEnum ? typed.enum : undefined;
      const { generated, generatedIdentity: identity } = column;
      const expression = typeof generated?.as === "function" ? generated.as() : generated?.as;
      return {
        name,
        sqlType: sqlTypeOf(column),
        typeSchema: type && (type.schema || "public"),
        primaryKey: column.primary,
        notNull: column.notNull,
        generated: generated && { expression: is(expression, SQL) ? print(expression) : String(expression) },
        identity: identity && {
          kind: identity.type,
          ...sequenceOptions(identity.sequenceOptions),
          name: identity.sequenceName,
        },
        default: orm.defaultOf(column),
      };
    };

    const claim = (names, name, what) => {
      if (names.has(name)) throw rg.reject(`${what} \`${name}\` is declared twice`);
      names.add(name);
    };

    const describeUniques = (table, config) => {
      const names = new Set();
      const ofColumns = config.columns.filter((it) => it.isUnique).map((it) => ({
        name: it.uniqueName ?? pg.uniqueKeyName(table, [nameOf(it)]),
        nameExplicit: it.uniqueName !== undefined && (orm.isNext || it.uniqueName !== pg.uniqueKeyName(table, [it.name])),
        ofColumn: true,
        columns: [nameOf(it)],
        nullsNotDistinct: it.uniqueType === "not distinct",
      }));
      const ofTable = config.uniqueConstraints.map((it) => ({
        name: it.name ?? pg.uniqueKeyName(table, it.columns.map(nameOf)),
        nameExplicit: it.isNameExplicit ?? (it.name !== undefined && it.name !== pg.uniqueKeyName(table, it.columns.map((c) => c.name))),
        columns: it.columns.map(nameOf),
        nullsNotDistinct: it.nullsNotDistinct ?? false,
      }));
      // 1.0 passes over a column's own constraint where the table has one over the same column: here where both have
      // one name, and where they have two when rows are made of them.
      const isSame = (it, other) => other.name === it.name && other.columns.length === 1 && other.columns[0] === it.columns[0];
      const isOwn = (it) => !orm.isNext || !ofTable.some((other) => isSame(it, other));
      const all = [...ofColumns.filter(isOwn), ...ofTable];
      for (const it of all) claim(names, it.name, "the unique constraint");
      return all;
    };

    const describeForeignKey = (key) => {
      const { name, columns, foreignTable, foreignColumns } = key.reference();
      return {
        name: orm.rename(orm.rename(key.getName(), columns), foreignColumns),
        nameExplicit: name !== undefined,
        columns: columns.map(nameOf),
        schemaTo: foreignTable[SCHEMA] ?? "public",
        tableTo: foreignTable[NAME],
        columnsTo: foreignColumns.map(nameOf),
        onDelete: key.onDelete ?? "no action",
        onUpdate: key.onUpdate ?? "no action",
      };
    };

    const describeIndexColumn = (column) => {
      if (is(column, SQL)) return { expression: print(column, "indexes"), isExpression: true, asc: true, nulls: "last" };
      const { order, nulls, opClass } = column.indexConfig ?? {};
      return {
        expression: nameOf(column),
        isExpression: false,
        // Versions before 0.31 have no order of their own, and 1.0 none unless it is said.
        asc: order === undefined && (orm.isNext || column.indexConfig === undefined) ? true : order === "asc",
        nulls: nulls ? nulls : order === "desc" ? "first" : "last",
        opclass: opClass,
      };
    };

    const describeIndex = (table, schema, { config, isNameExplicit }) => {
      for (const it of config.columns) {
        if (is(it, SQL) && config.name === undefined) throw rg.reject(`an index with the expression \`${print(it)}\` has no name`);
        if (!is(it, SQL) && it.type === "PgVector" && it.indexConfig.opClass === undefined) {
          throw rg.reject(`the index on the vector column \`${nameOf(it)}\` names no operator class`);
        }
      }
      const name = config.name || `${table}_${config.columns.map(nameOf).join("_")}_index`;
      claim(indexNames, `${schema}.${name}`, "the index");
      return {
        name,
        nameExplicit: isNameExplicit ?? Boolean(config.name),
        columns: config.columns.map(describeIndexColumn),
        unique: config.unique ?? false,
        where: config.where ? condition(config.where) : undefined,
        concurrently: config.concurrently ?? false,
        method: config.method ?? "btree",
        with: config.with ?? {},
      };
    };

    const describePolicy = (policy) => {
      const to = [policy.to ?? "public"].flat().map((it) => (is(it, pg.PgRole) ? it.name : it));
      return {
        name: policy.name,
        as: policy.as?.toUpperCase() ?? "PERMISSIVE",
        for: policy.for?.toUpperCase() ?? "ALL",
        to: to.filter((it) => typeof it === "string").sort(),
        using: printed(policy.using),
        withCheck: printed(policy.withCheck),
      };
    };

    const describeTable = (table) => {
      const config = { policies: [], uniqueConstraints: [], ...pg.getTableConfig(table) };
      const schema = config.schema ?? "public";
      const columns = {}, foreignKeys = {}, primaryKeys = {}, checkNames = new Set(), policyNames = new Set();
      for (const it of config.columns) {
        const [name, described] = [nameOf(it), describeColumn(it, nameOf(it), elementOf(it))];
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
      for (const it of config.checks) claim(checkNames, it.name, "the check");
      for (const it of config.policies) claim(policyNames, it.name, "the policy");
      return {
        schema,
        name: config.name,
        columns: Object.values(columns),
        indexes: config.indexes.map((it) => describeIndex(config.name, schema, it)),
        foreignKeys: Object.values(foreignKeys),
        primaryKeys: Object.values(primaryKeys),
        uniques: describeUniques(table, config),
        checks: config.checks.map((it) => ({ name: it.name, value: condition(it.value) })),
        policies: config.policies.map(describePolicy),
        rls: config.enableRLS ?? false,
      };
    };

    const describeView = (view) => {
      const materialized = !is(view, pg.PgView);
      const config = materialized ? pg.getMaterializedViewConfig(view) : pg.getViewConfig(view);
      const columns = {};
      for (const column of Object.values(config.selectedFields)) {
        if (is(column, pg.PgColumn)) columns[column.name] = describeColumn(column, column.name, column);
      }
      return {
        schema: config.schema ?? "public",
        name: config.name,
        columns: Object.values(columns),
        definition: config.isExisting ? undefined : print(config.query),
        existing: config.isExisting ?? false,
        materialized,
        with: config.with,
        withNoData: materialized ? config.withNoData : undefined,
        tablespace: materialized ? config.tablespace : undefined,
        using: materialized ? config.using : undefined,
      };
    };

    const addView = (view) => {
      const described = rg.within("a view", () => describeView(view));
      const key = `${described.schema}.${described.name}`;
      if (views[key] !== undefined) throw rg.reject(`the view \`${key}\` is declared twice`);
      views[key] = described;
      orm.found("view", key, view);
    };

    const addPolicy = (policy) => {
      const table = policy._linkedTable;
      if (!table) return;
      const [schema, on] = [table[SCHEMA] ?? "public", table[NAME]];
      const described = { ...describePolicy(policy), linked: true };
      const home = tables[`${schema}.${on}`];
      if (home?.policies.some((it) => it.name === policy.name) || policies[policy.name] !== undefined) {
        throw rg.reject(`the policy \`${policy.name}\` is declared twice`);
      }
      if (home) home.policies.push(described);
      else policies[policy.name] = { schema, on, ...described };
    };

    for (const it of exported) {
      if (!is(it, pg.PgTable)) continue;
      const described = rg.within(`table \`${it[NAME]}\``, () => describeTable(it));
      const key = `${described.schema}.${described.name}`;
      orm.claim("table", key, tables[key], described);
      tables[key] = described;
      orm.found("table", key, it);
    }
    for (const it of exported) {
      if (pg.isPgEnum(it)) {
        const schema = it.schema || "public";
        const key = `${schema}.${it.enumName}`;
        const described = { schema, name: it.enumName, values: [...it.enumValues] };
        orm.claim("enum", key, enums[key], described);
        enums[key] = described;
        orm.found("enum", key, it);
      } else if (is(it, pg.PgSchema)) {
        if (it.schemaName === "public" || it.isExisting) continue;
        orm.claim("schema", it.schemaName, schemas[it.schemaName], it.schemaName);
        schemas[it.schemaName] = it.schemaName;
      } else if (pg.isPgSequence?.(it)) {
        const schema = it.schema ?? "public";
        const key = `${schema}.${it.seqName}`;
        const described = { schema, name: it.seqName, ...sequenceOptions(it.seqOptions) };
        orm.claim("sequence", key, sequences[key], described);
        sequences[key] ??= described;
        orm.found("sequence", key, it);
      } else if (pg.PgRole && is(it, pg.PgRole)) {
        if (it._existing) continue;
        const described = { name: it.name, createDb: it.createDb ?? false, createRole: it.createRole ?? false, inherit: it.inherit ?? true, ...roleOptions(it) };
        orm.claim("role", it.name, roles[it.name], described);
        roles[it.name] = described;
      } else if (pg.PgPolicy && is(it, pg.PgPolicy)) {
        addPolicy(it);
      }
    }
    for (const it of exported) if (pg.isPgView?.(it)) addView(it);
    for (const it of exported) if (pg.isPgMaterializedView?.(it)) addView(it);

    return {
      schemas: Object.values(schemas),
      enums: Object.values(enums),
      tables: Object.values(tables),
      sequences: Object.values(sequences),
      roles: Object.values(roles),
      policies: Object.values(policies),
      views: Object.values(views),
    };
  };
})
