//! Random changes of what others rest on: types, names, places, whole things.

use super::chance::{lit, q};
use super::series::upheavals;
use super::world::{Column, Sort, World};

/// What the columns of a type that is replaced are given instead, in one statement.
const SWAP: &str = "do $swap$ declare c record; begin \
    alter type TYPE rename to \"put aside\"; \
    create NEW; \
    for c in select attrelid::regclass::text as it, attname from pg_attribute join pg_class r on r.oid = attrelid \
        where atttypid = (SCHEMA || '.\"put aside\"')::regtype and relkind in ('r', 'p') and not attisdropped and attinhcount = 0 \
    loop \
        execute 'alter table ' || c.it || ' alter column ' || quote_ident(c.attname) || ' drop default'; \
        execute 'alter table ' || c.it || ' alter column ' || quote_ident(c.attname) || ' type ' || SPELT \
            || ' using ' || quote_ident(c.attname) || '::text::' || SPELT; \
    end loop; \
    execute 'drop type ' || SCHEMA || '.\"put aside\" cascade'; end $swap$";

impl World<'_> {
    /// A statement that changes something in the midst of others; nothing if what was chosen is not there.
    pub(crate) fn upheave(&mut self) -> Option<String> {
        match self.chance.below(8) {
            0..=3 => self.retype(),
            4 => {
                let id = self.chance.pick_any(&self.domains.clone())?;
                let base = self.chance.pick(&["bigint", "smallint", "numeric(8,2)", "text"]);
                let rest = self.chance.pick(&["", " default '7'", " not null"]);
                Some(swap(&id.path, &format!("domain TYPE as {base}{rest}")))
            }
            5 => {
                let id = self.chance.pick_any(&self.enums.clone())?;
                let label = lit(&self.chance.text());
                Some(swap(&id.path, &format!("type TYPE as enum ({label}, 'other')")))
            }
            _ => {
                let all = upheavals(self);
                self.chance.pick_any(&all)
            }
        }
    }

    /// Another type for a column, whatever rests on it.
    fn retype(&mut self) -> Option<String> {
        let table = self.chance.pick_any(&self.tables.clone())?;
        let column = self.chance.pick_any(&table.columns)?;
        let types: &[&str] = match column.sort {
            Sort::Int => &["bigint", "integer", "smallint", "numeric(12,2)", "text"],
            Sort::Text => &["text", "varchar(50)", "varchar(9)", "char(9)", "text collate \"C\""],
            Sort::Time => &["timestamp", "timestamptz", "text"],
            Sort::Range => &["text"],
            Sort::Json => &["json", "text"],
            Sort::Array => &["text[]", "text"],
            Sort::Other => &["text", "varchar(30)"],
        };
        let to = self.chance.pick(types);
        let default = match self.chance.below(3) {
            0 => String::new(),
            1 => format!("{}, ", action(&column, "drop default")),
            _ => format!("{}, ", action(&column, "set default null")),
        };
        Some(format!("alter table {} {default}{}", table.sql(), typed(&column, to)))
    }
}

fn action(column: &Column, what: &str) -> String {
    format!("alter column {} {what}", q(&column.name))
}

fn typed(column: &Column, to: &str) -> String {
    let plain = to.split(" collate").next().unwrap_or(to);
    action(column, &format!("type {to} using {}::text::{plain}", q(&column.name)))
}

fn swap(path: &[String], new: &str) -> String {
    let name = format!("{}.{}", q(&path[0]), q(&path[1]));
    let words = [("SPELT", lit(&name)), ("SCHEMA", lit(&q(&path[0]))), ("NEW", new.to_owned())];
    let sql = words.iter().fold(SWAP.to_owned(), |sql, (word, text)| sql.replacen(word, text, 9));
    sql.replace("TYPE", &name)
}
