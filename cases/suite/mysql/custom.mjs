// What `generate --custom` writes after a first and after a second migration.
export const custom = true;

export const schemas = ({ mysqlTable, int, text }) => ({
  "after the first": () => ({ t: mysqlTable("t", { id: int().primaryKey(), a: text() }) }),
});

export const changes = ({ mysqlTable, int, text }) => ({
  "after the second": {
    from: () => ({ t: mysqlTable("t", { id: int().primaryKey() }) }),
    to: () => ({ t: mysqlTable("t", { id: int().primaryKey(), a: text() }) }),
  },
});
