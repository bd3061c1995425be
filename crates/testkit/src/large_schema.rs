//! Schemas of any size, for measuring how long it takes to load them.

use std::fmt::Write as _;

/// A PostgreSQL `schema.ts` with that many tables: an enum for every tenth, keys from each to the table
/// before it, an index and a check on each, and a relation.
pub fn postgres_schema(tables: usize) -> String {
    let mut source = String::from(
        "import { sql } from \"drizzle-orm\";\nimport { bigint, boolean, check, index, integer, jsonb, \
         numeric, pgEnum, pgTable, serial, text, timestamp, uniqueIndex, uuid, varchar, type AnyPgColumn } \
         from \"drizzle-orm/pg-core\";\n\n",
    );
    for number in 0..tables {
        add_table(&mut source, number).expect("a String takes everything");
    }
    source
}

fn add_table(source: &mut String, number: usize) -> std::fmt::Result {
    let kind = number / 10;
    if number.is_multiple_of(10) {
        writeln!(
            source,
            "export const kind{kind} = pgEnum(\"kind_{kind}\", [\"new\", \"open\", \"done\"]);\n"
        )?;
    }
    writeln!(source, "export const table{number} = pgTable(\"table_{number}\", {{")?;
    let before = number.saturating_sub(1);
    write!(
        source,
        "  id: serial(\"id\").primaryKey(),\n  key: uuid(\"key\").defaultRandom().notNull(),\n  \
         name: varchar(\"name\", {{ length: 200 }}).notNull(),\n  note: text(\"note\").default(\"it's empty\"),\n  \
         kind: kind{kind}(\"kind\").default(\"new\").notNull(),\n  amount: numeric(\"amount\", {{ precision: 12, scale: 2 }}),\n  \
         size: bigint(\"size\", {{ mode: \"number\" }}).default(0),\n  active: boolean(\"active\").default(true),\n  \
         data: jsonb(\"data\").default({{}}),\n  tags: text(\"tags\").array(),\n  \
         before: integer(\"before\").references((): AnyPgColumn => table{before}.id, {{ onDelete: \"cascade\" }}),\n  \
         made: timestamp(\"made\", {{ withTimezone: true }}).defaultNow().notNull(),\n}}, (t) => [\n  \
         index(\"table_{number}_made\").on(t.made.desc(), t.kind),\n  uniqueIndex(\"table_{number}_key\").on(t.key),\n  \
         check(\"table_{number}_amount\", sql`${{t.amount}} >= 0`),\n]);\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::postgres_schema;

    #[test]
    fn every_table_is_there() {
        let source = postgres_schema(25);
        assert_eq!(source.matches("= pgTable(").count(), 25);
        assert_eq!(source.matches("= pgEnum(").count(), 3);
    }
}
