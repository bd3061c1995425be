//! Random comments, grants, statistics, publications and the rarer kinds.

use super::chance::{lit, q};
use super::world::World;

/// Kinds that few databases have: statements in which `{…}` stands for names.
const RARITIES: [&[&str]; 19] = [
    &["create statistics {place} (ndistinct, dependencies) on {columns} from {table}"],
    &["create publication {alone} for table {table} with (publish = 'insert')"],
    &["create publication {alone} for tables in schema {schema}"],
    &["alter default privileges in schema {schema} grant select on tables to reader"],
    &["alter default privileges revoke execute on functions from public"],
    &[
        "create collation {place} (provider = icu, locale = 'de-u-co-phonebk', deterministic = false)",
    ],
    &[
        "create text search configuration {place} (copy = pg_catalog.english)",
        "alter text search configuration {place} drop mapping for int, url",
    ],
    &["create text search dictionary {place} (template = pg_catalog.simple, accept = false)"],
    &[
        "create function {schema}.nothing() returns event_trigger language plpgsql as $$ begin end $$",
        "create event trigger {alone} on ddl_command_start when tag in ('DROP CAST') execute function {schema}.nothing()",
    ],
    &[
        "create operator {schema}.=== (leftarg = integer, rightarg = integer, procedure = int4eq, commutator = operator({schema}.===))",
    ],
    &["create foreign data wrapper {alone} options (debug 'it''s')"],
    &[
        "create foreign data wrapper far",
        "create server {alone} type 'x' version '1' foreign data wrapper far options (host 'it''s')",
        "create foreign table {place} (a integer not null, b text options (column_name 'B')) server {alone} options (x 'y')",
        "grant usage on foreign server {alone} to writer",
    ],
    &["create type {place}"],
    &[
        "create function {schema}.to_int(point) returns integer language sql immutable as 'select 1'",
        "create cast (point as integer) with function {schema}.to_int(point) as assignment",
        "comment on cast (point as integer) is 'it''s; a cast'",
    ],
    &["create conversion {place} for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1"],
    &[
        "create view {place} as select 1 as a, 2 as b",
        "create function {schema}.instead() returns trigger language plpgsql as $$ begin return null; end $$",
        "create trigger {alone} instead of insert on {place} for each row execute function {schema}.instead()",
        "alter view {place} alter column b set default 7",
        "comment on column {place}.a is 'a; $$'",
    ],
    &["create access method {alone} type table handler heap_tableam_handler"],
    &["create sequence {place} owned by none", "alter sequence {place} owned by {table}.{alone}"],
    &[
        "create table {place} (a integer, b text) partition by list (b)",
        "create index on {place} (a)",
        "create table {schema}.unusual (b text, gone integer, a integer)",
        "alter table {schema}.unusual drop column gone",
        "alter table {place} attach partition {schema}.unusual for values in ('x')",
    ],
];

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
            let what = self.chance.pick(&RARITIES);
            let fill = |text: &str| {
                text.replace("{place}", &place)
                    .replace("{alone}", &alone)
                    .replace("{columns}", &columns)
                    .replace("{table}", &table)
                    .replace("{schema}", &in_schema)
            };
            // Some need what another statement makes first.
            for statement in what {
                self.make(&fill(statement));
            }
        }
    }
}
