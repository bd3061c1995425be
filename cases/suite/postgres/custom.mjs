// What `generate --custom` writes after a first and after a second migration.
export const custom = true;

export const schemas = ({ pgTable, integer, text }) => ({
  "after the first": () => ({ t: pgTable("t", { id: integer().primaryKey(), a: text() }) }),
});

export const changes = ({ pgTable, integer, text }) => ({
  "after the second": {
    from: () => ({ t: pgTable("t", { id: integer().primaryKey() }) }),
    to: () => ({ t: pgTable("t", { id: integer().primaryKey(), a: text() }) }),
  },
});
