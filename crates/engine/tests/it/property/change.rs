//! Random single changes, each with the objects in which it has to show.

use raingauge_schema::{Kind, ObjectId};

use super::chance::{lit, q};
use super::world::{Shape, Sort, Table, World};

/// A statement and what then differs: `~` changed, `+` new, `-` gone, `=` only the name.
pub(crate) type Change = (String, Vec<String>);

fn comment_of(id: &ObjectId) -> ObjectId {
    ObjectId::new(
        Kind::Comment,
        std::iter::once(id.kind.word()).chain(id.path.iter().map(String::as_str)),
    )
}

fn sql_of(id: &ObjectId) -> String {
    format!("{}.{}", q(&id.path[0]), q(&id.path[1]))
}

impl World<'_> {
    /// A change to something that is there; nothing if what was chosen does not have such things.
    pub(crate) fn change(&mut self) -> Option<Change> {
        let (sql, expected) = match self.chance.below(10) {
            0 | 1 => self.change_comment()?,
            2 => self.change_grant()?,
            3 | 4 => self.change_table()?,
            5 | 6 => self.change_column()?,
            7 => self.change_program()?,
            8 => self.change_type()?,
            _ => self.create()?,
        };
        Some((sql, vec![expected]))
    }

    fn change_comment(&mut self) -> Option<(String, String)> {
        let thing = self.chance.pick_any(&self.things.clone())?;
        let id = comment_of(&thing.id);
        if thing.comment && self.chance.one_in(2) {
            return Some((format!("comment on {} is null", thing.address), format!("-{id}")));
        }
        let sign = if thing.comment { '~' } else { '+' };
        let text = lit(&format!("{} changed", self.chance.text()));
        Some((format!("comment on {} is {text}", thing.address), format!("{sign}{id}")))
    }

    fn change_grant(&mut self) -> Option<(String, String)> {
        let things: Vec<_> = self.things.iter().filter(|it| !it.granted).cloned().collect();
        let thing = self.chance.pick_any(&things)?;
        let (privilege, on) = thing.privilege?;
        let path =
            [thing.id.kind.word()].into_iter().chain(thing.id.path.iter().map(String::as_str));
        let id = ObjectId::new(Kind::Grant, path.chain(["newcomer"]));
        Some((format!("grant {privilege} on {on} to newcomer"), format!("+{id}")))
    }

    fn alone(&mut self) -> Option<Table> {
        let alone = self.tables.iter().filter(|it| it.shape == Shape::Alone);
        self.chance.pick_any(&alone.cloned().collect::<Vec<_>>())
    }

    fn change_table(&mut self) -> Option<(String, String)> {
        let table = self.alone()?;
        let (sql, name) = (table.sql(), self.chance.name());
        let new = |kind| format!("+{}", table.inside(kind, &name));
        let q_name = q(&name);
        Some(match self.chance.below(9) {
            0 => {
                let what = self.chance.pick(&["integer", "text default 'it''s'", "numeric(5,1)[]"]);
                (format!("alter table {sql} add column {q_name} {what}"), new(Kind::Column))
            }
            1 => (format!("alter table {sql} set (fillfactor = 42)"), format!("~{}", table.id())),
            2 => {
                let rest = self.chance.maybe(2, " not valid");
                let what = format!("alter table {sql} add constraint {q_name} check (1 < 2){rest}");
                (what, new(Kind::Check))
            }
            3 => {
                let column = q(&table.columns.first()?.name);
                let what =
                    format!("create index {q_name} on {sql} using btree (({column} is null))");
                (what, new(Kind::Index))
            }
            4 => (format!("create policy {q_name} on {sql} using (true)"), new(Kind::Policy)),
            _ => return self.change_part(),
        })
    }

    /// Something inside a table; whose comment would go with it is left alone.
    fn change_part(&mut self) -> Option<(String, String)> {
        let (kind, parts) = match self.chance.below(3) {
            0 => (Kind::Check, &self.checks),
            1 => (Kind::ForeignKey, &self.foreign_keys),
            _ => (Kind::Index, &self.indexes),
        };
        let (table, name) = self.chance.pick_any(&parts.clone())?;
        let id = table.inside(kind, &name);
        if self.things.iter().any(|it| it.comment && it.id == id) {
            return None;
        }
        let (sql, old, new) = (table.sql(), q(&name), q(&self.chance.name()));
        let index = format!("{}.{old}", q(&table.schema));
        Some(match (kind, self.chance.one_in(2)) {
            (Kind::Check, _) => {
                (format!("alter table {sql} drop constraint {old}"), format!("-{id}"))
            }
            (Kind::ForeignKey, _) => {
                (format!("alter table {sql} rename constraint {old} to {new}"), format!("={id}"))
            }
            (_, true) => (format!("drop index {index}"), format!("-{id}")),
            (_, false) => {
                let what = format!("alter index {index} alter column 1 set statistics 77");
                (what, format!("~{id}"))
            }
        })
    }

    fn change_column(&mut self) -> Option<(String, String)> {
        let table = self.alone()?;
        let column = self.chance.pick_any(&table.columns)?;
        let id = table.inside(Kind::Column, &column.name);
        let what = match self.chance.below(4) {
            0 if column.plain && column.sort == Sort::Int => "set default 42".to_owned(),
            0 | 1 if !column.not_null => "set not null".to_owned(),
            2 => "set statistics 1234".to_owned(),
            // Texts are stored extended; other types may be stored so already.
            3 if column.sort == Sort::Text => "set storage main".to_owned(),
            _ => "set (n_distinct = 77)".to_owned(),
        };
        let sql = format!("alter table {} alter column {} {what}", table.sql(), q(&column.name));
        Some((sql, format!("~{id}")))
    }

    fn change_program(&mut self) -> Option<(String, String)> {
        Some(match self.chance.below(6) {
            0 => {
                let it = self.chance.pick_any(&self.functions.clone())?;
                (it.definition.replace("{}", "2"), format!("~{}", it.id))
            }
            1 => {
                let it = self.chance.pick_any(&self.functions.clone())?;
                let what = self.chance.pick(&[
                    "cost 99",
                    "set work_mem to '7MB'",
                    "external security definer parallel restricted",
                ]);
                (format!("alter function {} {what}", it.address), format!("~{}", it.id))
            }
            2 => {
                let (table, name) = self.chance.pick_any(&self.triggers.clone())?;
                let id = table.inside(Kind::Trigger, &name);
                let how = self.chance.pick(&["disable", "enable always", "enable replica"]);
                (
                    format!("alter table {} {how} trigger {}", table.sql(), q(&name)),
                    format!("~{id}"),
                )
            }
            3 => {
                let (table, name) = self.chance.pick_any(&self.policies.clone())?;
                let id = table.inside(Kind::Policy, &name);
                (
                    format!("alter policy {} on {} using (1 = 1)", q(&name), table.sql()),
                    format!("~{id}"),
                )
            }
            4 => {
                let views: Vec<_> =
                    self.views.iter().filter(|it| it.kind == Kind::View).cloned().collect();
                let id = self.chance.pick_any(&views)?;
                (format!("alter view {} set (check_option = local)", sql_of(&id)), format!("~{id}"))
            }
            _ => {
                let id = self.chance.pick_any(&self.sequences.clone())?;
                (format!("alter sequence {} cache 77", sql_of(&id)), format!("~{id}"))
            }
        })
    }

    fn change_type(&mut self) -> Option<(String, String)> {
        if self.chance.one_in(2) {
            let id = self.chance.pick_any(&self.enums.clone())?;
            let before = self.chance.one_in(2);
            let label = lit(&format!("{} new", self.chance.text()));
            let place = if before { "" } else { " if not exists" };
            return Some((
                format!("alter type {} add value{place} {label}", sql_of(&id)),
                format!("~{id}"),
            ));
        }
        let id = self.chance.pick_any(&self.domains.clone())?;
        let what = self.chance.pick(&["set default 77", "add check (value < 1000)"]);
        Some((format!("alter domain {} {what}", sql_of(&id)), format!("~{id}")))
    }

    fn create(&mut self) -> Option<(String, String)> {
        let (schema, name) = self.place();
        let sql = format!("{}.{}", q(&schema), q(&name));
        let path = [schema.as_str(), name.as_str()];
        let new = |kind| format!("+{}", ObjectId::new(kind, path));
        Some(match self.chance.below(8) {
            0 => (format!("create table {sql} ()"), new(Kind::Table)),
            1 => (format!("create view {sql} as select 1 as one"), new(Kind::View)),
            2 => (format!("create materialized view {sql} as select"), new(Kind::MaterializedView)),
            3 => (format!("create type {sql} as enum ('a')"), new(Kind::Enum)),
            4 => (format!("create domain {sql} as text"), new(Kind::Domain)),
            5 => (format!("create sequence {sql}"), new(Kind::Sequence)),
            6 => (format!("create collation {sql} (locale = 'C')"), new(Kind::Collation)),
            _ => (
                format!("create schema {}", q(&name)),
                format!("+{}", ObjectId::new(Kind::Schema, [name])),
            ),
        })
    }
}
