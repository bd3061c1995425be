//! Random tables that belong with others: partitioned ones, children, tables of a type.

use raingauge_schema::Kind;

use super::chance::q;
use super::world::{Column, Shape, Sort, Table, World};

impl World<'_> {
    pub(super) fn add_partitioned(&mut self) {
        let (schema, name) = self.place();
        let mut table =
            Table { schema, name, shape: Shape::Partitioned, columns: Vec::new(), key: None };
        let key = self.chance.name();
        let mut parts = vec![format!("{} integer not null", q(&key))];
        table.columns.push(Column {
            name: key.clone(),
            sort: Sort::Int,
            not_null: true,
            plain: true,
        });
        for _ in 0..self.chance.between(0, 4) {
            let (column, sql) = self.column(&table);
            table.columns.push(column);
            parts.push(sql);
        }
        if self.chance.one_in(2) {
            parts.push(format!("{}primary key ({})", self.constraint_name(2), q(&key)));
            table.key = Some(key.clone());
        }
        let (method, bounds) = self.chance.pick(&[
            ("range", ["from (minvalue) to (10)", "from (10) to (20)", "default"]),
            ("list", ["in (1, 2)", "in (3, null)", "default"]),
            (
                "hash",
                [
                    "with (modulus 3, remainder 0)",
                    "with (modulus 3, remainder 1)",
                    "with (modulus 3, remainder 2)",
                ],
            ),
        ]);
        let sql = format!(
            "create table {} ({}) partition by {method} ({})",
            table.sql(),
            parts.join(", "),
            q(&key)
        );
        if !self.make(&sql) {
            return;
        }
        for bound in bounds.iter().take(self.chance.between(0, 3)) {
            self.add_partition(&table, bound, &key);
        }
        self.add_table_thing(table);
    }

    fn add_partition(&mut self, of: &Table, bound: &str, key: &str) {
        let (schema, name) = self.place();
        let mut part =
            Table { schema, name, shape: Shape::Related, columns: Vec::new(), key: None };
        let for_values =
            if bound == "default" { bound.to_owned() } else { format!("for values {bound}") };
        let nested = self.chance.one_in(4) && bound != "default";
        let by = if nested { format!(" partition by hash ({})", q(key)) } else { String::new() };
        let sql = format!("create table {} partition of {} {for_values}{by}", part.sql(), of.sql());
        if self.make(&sql) && nested {
            let (schema, name) = self.place();
            let leaf = Table { schema, name, ..part.clone() };
            self.make(&format!(
                "create table {} partition of {} for values with (modulus 1, remainder 0)",
                leaf.sql(),
                part.sql()
            ));
        }
        part.columns.clear();
    }

    pub(super) fn add_child(&mut self) {
        let alone: Vec<_> =
            (0..self.tables.len()).filter(|it| self.tables[*it].shape == Shape::Alone).collect();
        let Some(at) = self.chance.pick_any(&alone) else { return };
        let (schema, name) = self.place();
        let mut child =
            Table { schema, name, shape: Shape::Related, columns: Vec::new(), key: None };
        let own = if self.chance.one_in(2) {
            let (column, sql) = self.column(&child);
            child.columns.push(column);
            sql
        } else {
            String::new()
        };
        let parent = self.tables[at].clone();
        if self.make(&format!("create table {} ({own}) inherits ({})", child.sql(), parent.sql())) {
            self.tables[at].shape = Shape::Related;
            self.checks.retain(|it| it.0.id() != parent.id());
            self.add_table_thing(child);
        }
    }

    /// A table whose columns are those of a composite type.
    pub(super) fn add_typed(&mut self) {
        let composites = self.things.iter().filter(|it| it.id.kind == Kind::CompositeType);
        let composites: Vec<_> = composites.map(|it| it.id.clone()).collect();
        let Some(of) = self.chance.pick_any(&composites) else { return };
        let (schema, name) = self.place();
        let table = Table { schema, name, shape: Shape::Related, columns: Vec::new(), key: None };
        let of = format!("{}.{}", q(&of.path[0]), q(&of.path[1]));
        if self.make(&format!("create table {} of {of}", table.sql())) {
            self.add_table_thing(table);
        }
    }
}
