//! Random comments, grants, statistics, publications and the rarer kinds.

use super::chance::{lit, q};
use super::world::World;

impl World<'_> {
    pub(super) fn add_trimmings(&mut self) {
        for _ in 0..self.chance.between(3, 10) {
            let at = self.chance.below(self.things.len());
            let Some(thing) = self.things.get(at).cloned() else { continue };
            let text = lit(&self.chance.text());
            self.things[at].comment |=
                self.make(&format!("comment on {} is {text}", thing.address));
        }
        for _ in 0..self.chance.between(2, 6) {
            self.grant();
        }
        self.add_rarities();
    }

    fn grant(&mut self) {
        let at = self.chance.below(self.things.len());
        let Some((privilege, on)) = self.things.get(at).and_then(|it| it.privilege.clone()) else {
            return;
        };
        let privilege = if self.chance.one_in(4) { "all" } else { privilege };
        let option = self.chance.maybe(4, " with grant option");
        let revokes = self.chance.one_in(5);
        let sql = if revokes {
            format!("revoke all on {on} from public")
        } else {
            let to = self.chance.pick(&["reader", "writer", "\"Some One\"", "public"]);
            format!("grant {privilege} on {on} to {to}{option}")
        };
        self.things[at].granted |= self.make(&sql);
        if let Some(table) =
            self.chance.pick_any(&self.tables.clone()).filter(|_| self.chance.one_in(3))
        {
            let Some(column) = table.columns.first() else { return };
            self.make(&format!("grant update ({}) on {} to writer", q(&column.name), table.sql()));
        }
    }

    fn add_rarities(&mut self) {
        let (schema, name) = self.place();
        let place = format!("{}.{}", q(&schema), q(&name));
        let alone = q(&self.chance.name());
        let table = self.chance.pick_any(&self.tables.clone());
        let columns = table.iter().flat_map(|it| &it.columns).take(2).map(|it| q(&it.name));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let table = table.map(|it| it.sql()).unwrap_or_default();
        let in_schema = q(&schema);
        for _ in 0..self.chance.between(1, 3) {
            let sql = match self.chance.below(12) {
                0 => format!(
                    "create statistics {place} (ndistinct, dependencies) on {columns} from {table}"
                ),
                1 => format!(
                    "create publication {alone} for table {table} with (publish = 'insert')"
                ),
                2 => format!("create publication {alone} for tables in schema {in_schema}"),
                3 => format!(
                    "alter default privileges in schema {in_schema} grant select on tables to reader"
                ),
                4 => "alter default privileges revoke execute on functions from public".to_owned(),
                5 => format!(
                    "create collation {place} (provider = icu, locale = 'de-u-co-phonebk', deterministic = false)"
                ),
                6 => {
                    format!("create text search configuration {place} (copy = pg_catalog.english)")
                }
                7 => format!(
                    "create text search dictionary {place} (template = pg_catalog.simple, accept = false)"
                ),
                8 => format!(
                    "create event trigger {alone} on ddl_command_start when tag in ('DROP CAST') execute function {in_schema}.nothing()"
                ),
                9 => format!(
                    "create operator {in_schema}.=== (leftarg = integer, rightarg = integer, procedure = int4eq, commutator = OPERATOR({in_schema}.===))"
                ),
                10 => format!("create foreign data wrapper {alone} options (debug 'it''s')"),
                _ => format!("create type {place}"),
            };
            if sql.starts_with("create event trigger") {
                self.make(&format!("create function {in_schema}.nothing() returns event_trigger language plpgsql as $$ begin end $$"));
            }
            self.make(&sql);
        }
    }
}
