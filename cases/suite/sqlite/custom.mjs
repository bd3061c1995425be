// What `generate --custom` writes after a first and after a second migration.
export const custom = true;

export const schemas = ({ sqliteTable, integer, text }) => ({
  "after the first": () => ({ t: sqliteTable("t", { id: integer().primaryKey(), a: text() }) }),
});

export const changes = ({ sqliteTable, integer, text }) => ({
  "after the second": {
    from: () => ({ t: sqliteTable("t", { id: integer().primaryKey() }) }),
    to: () => ({ t: sqliteTable("t", { id: integer().primaryKey(), a: text() }) }),
  },
});
