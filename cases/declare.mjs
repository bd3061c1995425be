// Turns the exports of a schema file into the JSON of our `Schema` types, with the project's own
// drizzle-orm. Used only to record cases; the product does this inside its embedded engine.
import { createRequire } from "node:module";

export async function declare(dialect, exportsOf, projectRoot) {
  const require = createRequire(`${projectRoot}/package.json`);
  const orm = require("drizzle-orm");
  const values = Object.values(exportsOf);
  return dialect === "postgresql"
    ? postgres(orm, require("drizzle-orm/pg-core"), values)
    : sqlite(orm, require("drizzle-orm/sqlite-core"), values);
}

// Dates in arrays become text here, because JSON has none; drizzle-kit cuts them to the element's type.
function withoutDates(value, type) {
  if (Array.isArray(value)) return value.map((it) => withoutDates(it, type));
  if (!(value instanceof Date)) return value;
  const text = value.toISOString();
  if (type === "date") return text.split("T")[0];
  return type === "timestamp" ? text.replace("T", " ").slice(0, 23) : text;
}

function defaultOf(orm, dialect, column) {
  const value = column.default;
  if (value === undefined) return undefined;
  if (orm.is(value, orm.SQL)) return { kind: "sql", value: dialect.sqlToQuery(value).sql };
  if (typeof value === "string") return { kind: "text", value };
  if (typeof value === "bigint") return { kind: "bigInt", value: value.toString() };
  if (value instanceof Date) return { kind: "date", value: value.toISOString() };
  if (value instanceof Uint8Array) return { kind: "bytes", value: Buffer.from(value).toString("hex") };
  return { kind: "json", value: Array.isArray(value) ? withoutDates(value, column.getSQLType().split("[")[0]) : value };
}

function generatedOf(orm, print, generated) {
  if (!generated) return undefined;
  const as = typeof generated.as === "function" ? generated.as() : generated.as;
  return orm.is(as, orm.SQL) ? print(as) : as;
}

const optionsOf = (it) => {
  const text = (value) => (value === undefined ? undefined : String(value));
  return {
    increment: text(it?.increment),
    startWith: text(it?.startWith),
    minValue: text(it?.minValue),
    maxValue: text(it?.maxValue),
    cache: text(it?.cache),
    cycle: it?.cycle,
  };
};

function postgres(orm, pg, values) {
  const dialect = new pg.PgDialect();
  const print = (it) => dialect.sqlToQuery(it).sql;
  const schemaOf = (it) => it ?? "public";
  const column = (it) => {
    let element = it;
    while (orm.is(element, pg.PgArray)) element = element.baseColumn;
    const expression = generatedOf(orm, print, it.generated);
    const identity = it.generatedIdentity;
    return {
      name: it.name,
      sqlType: it.getSQLType(),
      typeSchema: orm.is(element, pg.PgEnumColumn) ? schemaOf(element.enum.schema) : undefined,
      primaryKey: it.primary,
      notNull: it.notNull,
      generated: expression === undefined ? undefined : { expression },
      identity: identity && {
        kind: identity.type,
        name: identity.sequenceName,
        ...optionsOf(identity.sequenceOptions),
      },
      default: defaultOf(orm, dialect, it),
    };
  };
  const policy = (it) => {
    const to = it.to === undefined ? ["public"] : [it.to].flat();
    return {
      name: it.name,
      as: it.as?.toUpperCase() ?? "PERMISSIVE",
      for: it.for?.toUpperCase() ?? "ALL",
      to: to.map((role) => (typeof role === "string" ? role : role.name)),
      using: it.using && print(it.using),
      withCheck: it.withCheck && print(it.withCheck),
    };
  };
  const table = (it) => {
    const config = pg.getTableConfig(it);
    const ofColumns = config.columns.filter((column) => column.isUnique).map((column) => ({
      name: column.uniqueName,
      columns: [column.name],
      nullsNotDistinct: column.uniqueType === "not distinct",
    }));
    const ofTable = config.uniqueConstraints.map((unique) => ({
      name: unique.name,
      columns: unique.columns.map((column) => column.name),
      nullsNotDistinct: unique.nullsNotDistinct,
    }));
    return {
      schema: schemaOf(config.schema),
      name: config.name,
      columns: config.columns.map(column),
      indexes: config.indexes.map(({ config: index }) => {
        const names = index.columns.map((part) => part.name);
        return {
          name: index.name ?? `${config.name}_${names.join("_")}_index`,
          nameExplicit: index.name !== undefined,
          columns: index.columns.map((part) =>
            orm.is(part, orm.SQL)
              ? { expression: dialect.sqlToQuery(part, "indexes").sql, isExpression: true, asc: true, nulls: "last" }
              : {
                  expression: part.name,
                  isExpression: false,
                  asc: part.indexConfig?.order === "asc",
                  nulls: part.indexConfig?.nulls ?? (part.indexConfig?.order === "desc" ? "first" : "last"),
                  opclass: part.indexConfig?.opClass,
                },
          ),
          unique: index.unique ?? false,
          where: index.where && print(index.where),
          concurrently: index.concurrently ?? false,
          method: index.method ?? "btree",
          with: index.with ?? {},
        };
      }),
      foreignKeys: config.foreignKeys.map((key) => {
        const reference = key.reference();
        return {
          name: key.getName(),
          columns: reference.columns.map((column) => column.name),
          schemaTo: schemaOf(pg.getTableConfig(reference.foreignTable).schema),
          tableTo: orm.getTableName(reference.foreignTable),
          columnsTo: reference.foreignColumns.map((column) => column.name),
          onDelete: key.onDelete ?? "no action",
          onUpdate: key.onUpdate ?? "no action",
        };
      }),
      primaryKeys: config.primaryKeys.map((key) => ({
        name: key.getName(),
        columns: key.columns.map((column) => column.name),
      })),
      uniques: [...ofColumns, ...ofTable],
      checks: config.checks.map((check) => ({ name: check.name, value: print(check.value) })),
      policies: config.policies.map(policy),
      rls: config.enableRLS,
    };
  };
  const view = (it, config, materialized) => ({
    schema: schemaOf(config.schema),
    name: config.name,
    columns: Object.values(config.selectedFields).filter((field) => orm.is(field, pg.PgColumn)).map(column),
    definition: config.isExisting ? undefined : print(config.query),
    existing: config.isExisting,
    materialized,
    with: config.with,
    withNoData: config.withNoData,
    tablespace: config.tablespace,
    using: config.using,
  });
  const only = (type) => values.filter((it) => orm.is(it, type));
  const tables = only(pg.PgTable).map(table);
  const declared = new Set(tables.map((it) => `${it.schema}.${it.name}`));
  const linked = [];
  for (const it of only(pg.PgPolicy).filter((it) => it._linkedTable)) {
    const config = pg.getTableConfig(it._linkedTable);
    const schema = schemaOf(config.schema);
    if (declared.has(`${schema}.${config.name}`)) {
      tables.find((it) => it.schema === schema && it.name === config.name).policies.push(policy(it));
    } else {
      linked.push({ schema, on: config.name, ...policy(it) });
    }
  }
  return {
    schemas: only(pg.PgSchema).map((it) => it.schemaName).filter((it) => it !== "public"),
    enums: values.filter(pg.isPgEnum).map((it) => ({
      schema: schemaOf(it.schema),
      name: it.enumName,
      values: it.enumValues,
    })),
    tables,
    sequences: values.filter(pg.isPgSequence).map((it) => ({
      schema: schemaOf(it.schema),
      name: it.seqName,
      ...optionsOf(it.seqOptions),
    })),
    roles: only(pg.PgRole).filter((it) => !it._existing).map((it) => ({
      name: it.name,
      createDb: it.createDb ?? false,
      createRole: it.createRole ?? false,
      inherit: it.inherit ?? true,
    })),
    policies: linked,
    views: [
      ...values.filter(pg.isPgView).map((it) => view(it, pg.getViewConfig(it), false)),
      ...values.filter(pg.isPgMaterializedView).map((it) => view(it, pg.getMaterializedViewConfig(it), true)),
    ],
  };
}

function sqlite(orm, core, values) {
  const dialect = new core.SQLiteSyncDialect();
  const print = (it) => dialect.sqlToQuery(it).sql;
  const unqualified = (it) => dialect.sqlToQuery(it, "indexes").sql;
  const column = (it) => {
    const expression = generatedOf(orm, unqualified, it.generated);
    return {
      name: it.name,
      sqlType: it.getSQLType(),
      primaryKey: it.primary,
      notNull: it.notNull,
      autoincrement: orm.is(it, core.SQLiteBaseInteger) ? it.autoIncrement : false,
      generated: expression === undefined ? undefined : { expression, kind: it.generated.mode ?? "virtual" },
      default: defaultOf(orm, dialect, it),
    };
  };
  const table = (it) => {
    const config = core.getTableConfig(it);
    const ofColumns = config.columns.filter((column) => column.isUnique).map((column) => ({
      name: column.uniqueName,
      columns: [column.name],
      ofColumn: true,
    }));
    const ofTable = config.uniqueConstraints.map((unique) => ({
      name: unique.name,
      columns: unique.columns.map((column) => column.name),
      ofColumn: false,
    }));
    return {
      name: config.name,
      columns: config.columns.map(column),
      indexes: config.indexes.map(({ config: index }) => ({
        name: index.name,
        columns: index.columns.map((part) =>
          orm.is(part, orm.SQL)
            ? { expression: unqualified(part), isExpression: true }
            : { expression: part.name, isExpression: false },
        ),
        unique: index.unique ?? false,
        where: index.where && print(index.where),
      })),
      foreignKeys: config.foreignKeys.map((key) => {
        const reference = key.reference();
        return {
          name: key.getName(),
          columns: reference.columns.map((column) => column.name),
          tableTo: orm.getTableName(reference.foreignTable),
          columnsTo: reference.foreignColumns.map((column) => column.name),
          onDelete: key.onDelete ?? "no action",
          onUpdate: key.onUpdate ?? "no action",
        };
      }),
      primaryKeys: config.primaryKeys.map((key) => ({
        name: key.getName(),
        columns: key.columns.map((column) => column.name),
      })),
      uniques: [...ofColumns, ...ofTable],
      checks: config.checks.map((check) => ({ name: check.name, value: print(check.value) })),
    };
  };
  const only = (type) => values.filter((it) => orm.is(it, type));
  return {
    tables: only(core.SQLiteTable).map(table),
    views: only(core.SQLiteView).map((it) => {
      const config = core.getViewConfig(it);
      return {
        name: config.name,
        columns: Object.values(config.selectedFields).filter((field) => orm.is(field, core.SQLiteColumn)).map(column),
        definition: config.isExisting ? undefined : print(config.query),
        existing: config.isExisting,
      };
    }),
  };
}
