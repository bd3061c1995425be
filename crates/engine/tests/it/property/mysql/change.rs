//! Random single changes, each with the object in which it has to show: `~` changed, `+` new, `-` gone.

use raingauge_schema::{Kind, ObjectId};

use super::world::{Table, World, lit, q};

/// A statement and what then differs.
pub(super) type Change = (String, String);

fn comment_of(id: &ObjectId) -> ObjectId {
    let path = std::iter::once(id.kind.word()).chain(id.path.iter().map(String::as_str));
    ObjectId::new(Kind::Comment, path)
}

impl World<'_> {
    /// A change to something that is there; nothing if what was chosen does not have such things.
    pub(super) fn change(&mut self) -> Option<Change> {
        match self.chance.below(12) {
            0..=2 => self.change_table(),
            3 | 4 => self.change_column(),
            5 => self.change_index(),
            6 => self.change_check(),
            7 => self.change_view(),
            8 => self.change_routine(),
            9 => self.change_event(),
            10 => self.change_trigger(),
            _ => self.create(),
        }
    }

    fn any_table(&mut self) -> Option<Table> {
        self.chance.pick_any(&self.tables.clone())
    }

    fn change_table(&mut self) -> Option<Change> {
        let table = self.any_table()?;
        let (sql, name) = (q(&table.name), self.name());
        let n = self.chance.between(11, 5000);
        let mark = format!("~{}", table.id());
        let new = |kind| format!("+{}", table.inside(kind, &name));
        let new_name = q(&name);
        Some(match self.chance.below(7) {
            0 => (format!("alter table {sql} stats_sample_pages = {n}"), mark),
            1 => (format!("alter table {sql} avg_row_length = {n}"), mark),
            2 => (format!("alter table {sql} min_rows = {n}"), mark),
            3 => {
                let what =
                    self.chance.pick(&["int", "text", "datetime(3)", "varchar(7) default 'new'"]);
                (format!("alter table {sql} add column {new_name} {what}"), new(Kind::Column))
            }
            4 => {
                let of = q(&table.columns.first()?.name);
                (format!("create index {new_name} on {sql} ({of})"), new(Kind::Index))
            }
            5 => {
                let what = format!("alter table {sql} add constraint {new_name} check (1 < {n})");
                self.checks.push((table.clone(), name.clone()));
                (what, new(Kind::Check))
            }
            _ => {
                let what = format!(
                    "create trigger {new_name} before delete on {sql} for each row set @n = {n}"
                );
                self.triggers.push((table.clone(), name.clone()));
                (what, new(Kind::Trigger))
            }
        })
    }

    /// A column of which nothing is said, so that it can be said again with one thing more.
    fn change_column(&mut self) -> Option<Change> {
        let mut table = self.any_table()?;
        let at = table.columns.iter().position(|it| it.plain.is_some())?;
        let column = table.columns.remove(at);
        let sql_type = column.plain.clone()?;
        // Said once: what comes after would have to say it again.
        if let Some(it) = self.tables.iter_mut().find(|it| it.name == table.name) {
            it.columns[at].plain = None;
        }
        let id = table.inside(Kind::Column, &column.name);
        let n = self.chance.below(1000);
        let (rest, expected) = match self.chance.below(3) {
            0 => (format!(" comment 'changed {n}'"), format!("+{}", comment_of(&id))),
            1 if !sql_type.contains("null") => (" not null".to_owned(), format!("~{id}")),
            _ => (" invisible".to_owned(), format!("~{id}")),
        };
        let sql = format!(
            "alter table {} modify column {} {sql_type}{rest}",
            q(&table.name),
            q(&column.name)
        );
        Some((sql, expected))
    }

    fn change_index(&mut self) -> Option<Change> {
        let at = self.chance.below(self.indexes.len());
        let (table, name) = self.indexes.get(at)?.clone();
        let id = table.inside(Kind::Index, &name);
        self.indexes.remove(at);
        let hidden = if self.is_mysql() { "visible" } else { "not ignored" };
        // One that was hidden already.
        let is_hidden = |it: &&String| {
            it.contains(&q(&name)) && (it.contains("invisible") || it.contains("ignored"))
        };
        if self.made.iter().any(|it| is_hidden(&it)) {
            return Some((
                format!("alter table {} alter index {} {hidden}", q(&table.name), q(&name)),
                format!("~{id}"),
            ));
        }
        // Its comment would go with it.
        if self
            .made
            .iter()
            .any(|it| it.contains(&format!("index {} on", q(&name))) && it.contains(" comment "))
        {
            return None;
        }
        Some((format!("drop index {} on {}", q(&name), q(&table.name)), format!("-{id}")))
    }

    fn change_check(&mut self) -> Option<Change> {
        let at = self.chance.below(self.checks.len());
        let (table, name) = self.checks.get(at)?.clone();
        self.checks.remove(at);
        let id = table.inside(Kind::Check, &name);
        Some((
            format!("alter table {} drop constraint {}", q(&table.name), q(&name)),
            format!("-{id}"),
        ))
    }

    fn change_view(&mut self) -> Option<Change> {
        let name = self.chance.pick_any(&self.views.clone())?;
        let id = ObjectId::new(Kind::View, [name.as_str()]);
        let n = self.chance.below(100_000);
        // Its own columns stay, for the views that read it.
        let column = self.readable.iter().find(|it| it.0 == name)?.1.clone();
        Some((format!("alter view {} as select {n} as {}", q(&name), q(&column)), format!("~{id}")))
    }

    fn change_routine(&mut self) -> Option<Change> {
        let id = self.chance.pick_any(&self.routines.clone())?;
        let n = self.chance.below(100_000);
        let sql = format!("alter {} {} comment 'changed {n}'", id.kind.word(), q(id.name()));
        Some((sql, format!("~{id}")))
    }

    fn change_event(&mut self) -> Option<Change> {
        let name = self.chance.pick_any(&self.events.clone())?;
        let id = ObjectId::new(Kind::Event, [name.as_str()]);
        let n = self.chance.below(100_000);
        Some((format!("alter event {} do set @y = {n}", q(&name)), format!("~{id}")))
    }

    fn change_trigger(&mut self) -> Option<Change> {
        let at = self.chance.below(self.triggers.len());
        let (table, name) = self.triggers.get(at)?.clone();
        // Whoever follows it would follow another one then.
        if self.triggers.iter().filter(|it| it.0.name == table.name).count() > 1 {
            return None;
        }
        self.triggers.remove(at);
        Some((
            format!("drop trigger {}", q(&name)),
            format!("-{}", table.inside(Kind::Trigger, &name)),
        ))
    }

    fn create(&mut self) -> Option<Change> {
        let name = self.name();
        let sql = q(&name);
        let new = |kind| format!("+{}", ObjectId::new(kind, [name.as_str()]));
        let text = lit(&self.chance.text());
        Some(match self.chance.below(5) {
            0 => (format!("create view {sql} as select {text} as t"), new(Kind::View)),
            1 => (
                format!("create function {sql} () returns text no sql return {text}"),
                new(Kind::Function),
            ),
            2 => (
                format!("create procedure {sql} () begin select {text}; end"),
                new(Kind::Procedure),
            ),
            3 => (
                format!("create event {sql} on schedule at '2037-01-01' do set @x = {text}"),
                new(Kind::Event),
            ),
            _ if !self.is_mysql() => (format!("create sequence {sql}"), new(Kind::Sequence)),
            _ => return None,
        })
    }
}
