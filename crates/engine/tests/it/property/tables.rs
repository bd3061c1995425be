//! Random tables: columns of all sorts, constraints, indexes, foreign keys.

use raingauge_schema::Kind;

use super::chance::{lit, q};
use super::world::{Column, Shape, Sort, Table, World};

/// Types of the server with defaults that fit.
const TYPES: [(&str, Sort, &[&str]); 36] = [
    ("integer", Sort::Int, &["0", "-1", "(1 + 2)", "floor(random() * 9)"]),
    ("bigint", Sort::Int, &["9223372036854775807", "extract(epoch from now())"]),
    ("smallint", Sort::Int, &["7"]),
    ("text", Sort::Text, &["''", "'x'::text", "current_user", "lower('A')", "null"]),
    ("varchar(20)", Sort::Text, &["'abc'", "('a' || 'b')"]),
    ("varchar", Sort::Text, &["'now()'"]),
    ("char(5)", Sort::Text, &["'a'"]),
    ("numeric(10,2)", Sort::Other, &["0", "1.50", "0.0"]),
    ("numeric", Sort::Other, &["'NaN'", "pi()"]),
    ("real", Sort::Other, &["1.5", "'Infinity'"]),
    ("double precision", Sort::Other, &["random()"]),
    ("money", Sort::Other, &["12.34"]),
    ("boolean", Sort::Other, &["true", "(1 > 2)"]),
    ("timestamp", Sort::Other, &["now()", "'2020-01-01 00:00:00'", "current_timestamp"]),
    ("timestamptz(3)", Sort::Other, &["clock_timestamp()", "now() - interval '1 day'"]),
    ("date", Sort::Time, &["current_date", "'2024-02-29'"]),
    ("time", Sort::Other, &["localtime", "'12:00'"]),
    ("timetz", Sort::Other, &["current_time"]),
    ("interval day to second(2)", Sort::Other, &["'1 day'"]),
    ("uuid", Sort::Other, &["gen_random_uuid()"]),
    ("json", Sort::Other, &["'{\"a\": [1, \"it''s\"]}'"]),
    ("jsonb", Sort::Json, &["'{}'", "jsonb_build_object('a', 1)"]),
    ("bytea", Sort::Other, &["'\\x00ff'", "decode('00', 'hex')"]),
    ("inet", Sort::Other, &["'10.0.0.0/8'"]),
    ("macaddr", Sort::Other, &["'08:00:2b:01:02:03'"]),
    ("integer[]", Sort::Array, &["'{}'", "array[1, 2]", "'{{1,2},{3,4}}'"]),
    ("text[]", Sort::Array, &["'{a,\"b c\",NULL}'", "array['x', null]"]),
    ("int4range", Sort::Range, &["'[1,5)'", "int4range(1, 5, '[]')"]),
    ("tstzrange", Sort::Range, &["tstzrange(now(), null)"]),
    ("tsvector", Sort::Other, &["to_tsvector('english', 'a fat cat')"]),
    ("xml", Sort::Other, &["'<a/>'"]),
    ("point", Sort::Other, &["'(1,2)'"]),
    ("bit(3)", Sort::Other, &["B'101'"]),
    ("bit varying(5)", Sort::Other, &["'11'"]),
    ("regclass", Sort::Other, &["'pg_catalog.pg_class'"]),
    ("name", Sort::Other, &["'n'"]),
];

const ACTIONS: [&str; 5] = ["no action", "restrict", "cascade", "set null", "set default"];

impl World<'_> {
    pub(super) fn add_tables(&mut self) {
        for _ in 0..self.chance.between(3, 6) {
            match self.chance.below(10) {
                0 | 1 => self.add_partitioned(),
                2 => self.add_child(),
                3 => self.add_typed(),
                _ => self.add_table(),
            }
        }
        for _ in 0..self.chance.between(1, 4) {
            self.add_foreign_key();
        }
        for _ in 0..self.chance.between(3, 8) {
            self.add_index();
        }
        for _ in 0..self.chance.between(2, 6) {
            self.alter_column();
        }
    }

    fn add_table(&mut self) {
        let (schema, name) = self.place();
        let mut table = Table { schema, name, shape: Shape::Alone, columns: Vec::new(), key: None };
        let mut parts = Vec::new();
        for _ in 0..self.chance.between(1, 7) {
            let (column, sql) = self.column(&table);
            table.columns.push(column);
            parts.push(sql);
        }
        let checks = self.constraints(&mut table, &mut parts);
        let kind = self.chance.maybe(8, "unlogged ");
        let options = self.chance.pick(&[
            "",
            "",
            "",
            " with (fillfactor = 70)",
            " with (autovacuum_enabled = false, toast.autovacuum_enabled = false)",
        ]);
        let sql = format!("create {kind}table {} ({}){options}", table.sql(), parts.join(", "));
        if self.make(&sql) {
            self.checks.extend(checks.into_iter().map(|it| (table.clone(), it)));
            self.add_table_thing(table);
        }
    }

    pub(super) fn add_table_thing(&mut self, table: Table) {
        let address = format!("table {}", table.sql());
        self.add_thing(table.id(), address.clone(), Some(("select", address)));
        for column in table.columns.iter().take(2) {
            let id = table.inside(Kind::Column, &column.name);
            let sql = format!("column {}.{}", table.sql(), q(&column.name));
            self.add_thing(id, sql, None);
        }
        self.tables.push(table);
    }

    /// A column and its text, for a table that has some already.
    pub(super) fn column(&mut self, table: &Table) -> (Column, String) {
        let name = self.chance.name();
        if self.chance.one_in(8) {
            return self.special_column(table, name);
        }
        let (kind, sort, default) = match self.chance.pick_any(&self.types.clone()) {
            Some((kind, sort, default)) if self.chance.one_in(4) => (kind, sort, default),
            Some(_) | None => {
                let (kind, sort, defaults) = self.chance.pick(&TYPES);
                (kind.to_owned(), sort, self.chance.pick(defaults).to_owned())
            }
        };
        let mut sql = format!("{} {kind}", q(&name));
        if sort == Sort::Text && !kind.ends_with(']') {
            sql += &self.chance.maybe(5, " collate \"C\"");
        }
        let plain = !self.chance.one_in(3);
        if !plain {
            let text = lit(&self.chance.text());
            let own = kind == "text" && self.chance.one_in(2);
            sql = format!("{sql} default {}", if own { text } else { default });
        }
        let not_null = self.chance.one_in(3);
        if not_null {
            sql += " not null";
        }
        (Column { name, sort, not_null, plain }, sql)
    }

    /// Identity, serial, a sequence by hand, or generated.
    fn special_column(&mut self, table: &Table, name: String) -> (Column, String) {
        let other = self.chance.pick_any(
            &table.of_sort(Sort::Int).into_iter().filter(|it| it.plain).collect::<Vec<_>>(),
        );
        let (rest, not_null) = match (self.chance.below(5), other, self.sequences.first()) {
            (0, ..) => ("integer generated always as identity".to_owned(), true),
            (1, ..) => (
                "bigint generated by default as identity (start 7 increment 3 cache 2 cycle)"
                    .to_owned(),
                true,
            ),
            (2, ..) => ("serial".to_owned(), true),
            (3, _, Some(sequence)) => {
                let text = format!("{}.{}", q(&sequence.path[0]), q(&sequence.path[1]));
                (format!("bigint default nextval({})", lit(&text)), false)
            }
            (_, Some(other), _) => {
                (format!("bigint generated always as ({} * 2) stored", q(&other.name)), false)
            }
            _ => ("bigserial".to_owned(), true),
        };
        let sql = format!("{} {rest}", q(&name));
        (Column { name, sort: Sort::Int, not_null, plain: false }, sql)
    }

    /// Constraints in the text of the table; the names of those checks that have one.
    fn constraints(&mut self, table: &mut Table, parts: &mut Vec<String>) -> Vec<String> {
        let mut checks = Vec::new();
        let ints = table.of_sort(Sort::Int);
        if let Some(column) = self.chance.pick_any(&ints).filter(|_| !self.chance.one_in(4)) {
            let named = self.constraint_name(2);
            let kind = self.chance.pick(&["primary key", "primary key", "unique"]);
            let rest = self.chance.pick(&["", "", " deferrable initially deferred"]);
            parts.push(format!("{named}{kind} ({}){rest}", q(&column.name)));
            if kind == "primary key" {
                let column = table.columns.iter_mut().find(|it| it.name == column.name);
                column.expect("it is one of them").not_null = true;
            }
            table.key = rest.is_empty().then_some(column.name);
        }
        if let Some(column) =
            self.chance.pick_any(&table.columns).filter(|it| it.sort == Sort::Text)
        {
            let named = self.constraint_name(2);
            let nulls = self.chance.maybe(2, " nulls not distinct");
            let include = self.chance.pick(&table.columns.clone());
            let include = if include.name == column.name || self.chance.one_in(2) {
                String::new()
            } else {
                format!(" include ({})", q(&include.name))
            };
            parts.push(format!("{named}unique{nulls} ({}){include}", q(&column.name)));
        }
        if let Some(column) = self.chance.pick_any(&ints) {
            let name = self.chance.name();
            let rest = self.chance.maybe(4, " no inherit");
            let column = q(&column.name);
            let expression = self.chance.pick(&[
                format!("{column} > 0"),
                format!("{column} in (1, 2, 3)"),
                format!("{column} between 1 and 5 or {column} is null"),
                format!("coalesce({column}, 0) <> 3"),
            ]);
            parts.push(format!("constraint {} check ({expression}){rest}", q(&name)));
            checks.push(name);
        }
        if let Some(column) = self.chance.pick_any(&table.of_sort(Sort::Range)) {
            let named = self.constraint_name(2);
            let column = q(&column.name);
            let rest = self.chance.maybe(2, &format!(" where (not isempty({column}))"));
            parts.push(format!("{named}exclude using gist ({column} with &&){rest}"));
        }
        checks
    }

    /// A name for a constraint, or none, with which the server gives one.
    pub(super) fn constraint_name(&mut self, n: usize) -> String {
        if self.chance.one_in(n) {
            String::new()
        } else {
            format!("constraint {} ", q(&self.chance.name()))
        }
    }

    /// From any table to any with a key, itself included, so that there are cycles.
    fn add_foreign_key(&mut self) {
        let keyed: Vec<_> = self.tables.iter().filter(|it| it.key.is_some()).cloned().collect();
        let (Some(to), Some(from)) =
            (self.chance.pick_any(&keyed), self.chance.pick_any(&self.tables.clone()))
        else {
            return;
        };
        let Some(column) = self.chance.pick_any(&from.of_sort(Sort::Int)) else { return };
        let name = self.chance.name();
        let mut rest = self.chance.maybe(5, " match full");
        let (delete, update) = (self.chance.pick(&ACTIONS), self.chance.pick(&ACTIONS));
        if self.chance.one_in(2) {
            rest = format!("{rest} on delete {delete} on update {update}");
        } else if self.chance.one_in(3) {
            rest = format!("{rest} on delete set null ({})", q(&column.name));
        }
        rest += self.chance.pick(&[
            "",
            "",
            " deferrable",
            " deferrable initially deferred",
            " not valid",
        ]);
        let key = to.key.clone().unwrap_or_default();
        let sql = format!(
            "alter table {} add constraint {} foreign key ({}) references {} ({}){rest}",
            from.sql(),
            q(&name),
            q(&column.name),
            to.sql(),
            q(&key)
        );
        if self.make(&sql) && from.shape == Shape::Alone && to.shape == Shape::Alone {
            let id = from.inside(Kind::ForeignKey, &name);
            self.add_thing(id, format!("constraint {} on {}", q(&name), from.sql()), None);
            self.foreign_keys.push((from, name));
        }
    }

    fn add_index(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables.clone()) else { return };
        let Some(column) = self.chance.pick_any(&table.columns) else { return };
        let (name, c) = (self.chance.name(), q(&column.name));
        let what = match column.sort {
            Sort::Json | Sort::Array => format!("using gin ({c})"),
            Sort::Range => format!("using gist ({c})"),
            Sort::Text => self.chance.pick(&[
                format!("({c} text_pattern_ops desc)"),
                format!("(lower({c}), {c} collate \"C\" nulls first)"),
                format!("using hash ({c})"),
                format!("(({c} || 'x')) where {c} is not null"),
            ]),
            Sort::Int | Sort::Time | Sort::Other => self.chance.pick(&[
                format!("({c} desc nulls last)"),
                format!("using brin ({c}) with (pages_per_range = 32)"),
                format!("({c}) with (fillfactor = 60)"),
                format!("({c}) where {c} is null"),
            ]),
        };
        let unique = self.chance.maybe(4, "unique ");
        if self.make(&format!("create {unique}index {} on {} {what}", q(&name), table.sql())) {
            let id = table.inside(Kind::Index, &name);
            self.add_thing(id, format!("index {}.{}", q(&table.schema), q(&name)), None);
            if table.shape == Shape::Alone {
                self.indexes.push((table, name));
            }
        }
    }

    fn alter_column(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables.clone()) else { return };
        let Some(column) = self.chance.pick_any(&table.columns) else { return };
        let what = self.chance.pick(&[
            "set statistics 500",
            "set storage external",
            "set compression pglz",
            "set (n_distinct = -0.5)",
        ]);
        let c = q(&column.name);
        self.make(&format!("alter table {} alter column {c} {what}", table.sql()));
        let more = self.chance.pick(&[
            "replica identity full".to_owned(),
            format!("drop column {c}"),
            "set (fillfactor = 55)".to_owned(),
            format!("alter column {c} set not null"),
        ]);
        if self.chance.one_in(3) && !more.starts_with("drop") && !more.ends_with("not null") {
            self.make(&format!("alter table {} {more}", table.sql()));
        }
        if self.chance.one_in(4) {
            // A dropped column leaves a hole in the numbers of the others.
            let gone = q(&self.chance.name());
            self.make(&format!("alter table {} add column {gone} integer", table.sql()));
            self.make(&format!("alter table {} drop column {gone}", table.sql()));
        }
    }
}
