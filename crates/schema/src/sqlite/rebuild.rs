//! How SQLite migrations change a table that `ALTER TABLE` cannot change: they build it anew.
//!
//! `token` → `split` → `rebuild` → `hazard`. Only the shape that drizzle-kit writes is recognised: a
//! new table, a copy of all rows by named columns, the drop of the old table, the rename.

use std::collections::BTreeSet;

use super::split::split;
use super::token::tokens;
use crate::script::PieceKind;
use crate::token::{Cursor, Token, split_at_commas};

/// A table that a migration builds anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuild {
    pub table: String,
    /// What fills each column of the new table: a name in the old one, or `None` for an expression.
    pub columns: Vec<(String, Option<String>)>,
}

/// What the statements of a migration name, besides what their hazards say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    pub rebuilds: Vec<Rebuild>,
    /// Tables with their new names, in order; rebuilds are not among them.
    pub renamed: Vec<(String, String)>,
    /// Columns that get new names, in order.
    pub renamed_columns: Vec<RenamedColumn>,
    /// Tables that get rows; the new tables of rebuilds are not among them.
    pub inserted: BTreeSet<String>,
    /// Columns that come to be by `ALTER TABLE`, of whatever table.
    pub added: BTreeSet<String>,
    /// Indexes, views and triggers that are dropped by name.
    pub dropped: BTreeSet<String>,
}

/// A column with its new name; the table is called as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamedColumn {
    pub table: String,
    pub from: String,
    pub to: String,
}

impl Effects {
    /// What a table was called before the migration.
    pub fn first_name<'a>(&'a self, table: &'a str) -> &'a str {
        let back = |name: &'a str, (from, to): &'a (String, String)| {
            if to.eq_ignore_ascii_case(name) { from.as_str() } else { name }
        };
        self.renamed.iter().rev().fold(table, back)
    }

    /// What a column of a table is called by now.
    pub fn last_name<'a>(&'a self, table: &str, column: &'a str) -> &'a str {
        let first = self.first_name(table);
        let is_on = |it: &&RenamedColumn| self.first_name(&it.table).eq_ignore_ascii_case(first);
        let on = |name: &'a str, it: &'a RenamedColumn| {
            if it.from.eq_ignore_ascii_case(name) { it.to.as_str() } else { name }
        };
        self.renamed_columns.iter().filter(is_on).fold(column, on)
    }

    /// The rebuild of a table, in whatever case it is spelled.
    pub fn rebuild(&self, table: &str) -> Option<&Rebuild> {
        self.rebuilds.iter().find(|it| it.table.eq_ignore_ascii_case(table))
    }
}

/// Columns with what fills them.
type Filled = Vec<(String, Option<String>)>;

/// One statement, as far as a rebuild is made of it.
enum Act {
    Create(String),
    Copy { into: String, from: String, columns: Filled },
    Insert(String),
    DropTable(String),
    DropObject(String),
    Rename { from: String, to: String },
    AddColumn(String),
    RenameColumn(RenamedColumn),
}

/// What the pieces of a migration name. A piece that cannot be split names nothing.
pub fn effects<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Effects {
    let acts: Vec<Act> = pieces.into_iter().flat_map(acts).collect();
    let rebuilds: Vec<(Rebuild, String)> =
        (0..acts.len()).filter_map(|it| rebuild(&acts, it)).collect();
    let is_new = |name: &str| rebuilds.iter().any(|it| it.1.eq_ignore_ascii_case(name));
    let mut effects = Effects::default();
    for act in &acts {
        match act {
            Act::Rename { from, to } if !is_new(from) => {
                effects.renamed.push((from.clone(), to.clone()));
            }
            Act::Copy { into, .. } | Act::Insert(into) if !is_new(into) => {
                effects.inserted.insert(into.clone());
            }
            Act::AddColumn(name) => {
                effects.added.insert(name.clone());
            }
            Act::RenameColumn(it) => {
                effects.added.insert(it.to.clone());
                effects.renamed_columns.push(it.clone());
            }
            Act::DropObject(name) => {
                effects.dropped.insert(name.clone());
            }
            Act::Create(_)
            | Act::DropTable(_)
            | Act::Rename { .. }
            | Act::Copy { .. }
            | Act::Insert(_) => {}
        }
    }
    effects.rebuilds = rebuilds.into_iter().map(|it| it.0).collect();
    effects
}

/// The rebuild that ends with the rename at a place, and the name that its table had until then. Each
/// of its steps has to stand there once: with a second one nobody knows which rows are left.
fn rebuild(acts: &[Act], rename: usize) -> Option<(Rebuild, String)> {
    let Act::Rename { from: new, to: old } = &acts[rename] else { return None };
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let only = |matches: &dyn Fn(&Act) -> bool| {
        let mut found = acts.iter().enumerate().filter(|it| matches(it.1)).map(|it| it.0);
        found.next().filter(|_| found.next().is_none())
    };
    let create = only(&|it| matches!(it, Act::Create(name) if same(name, new)))?;
    let copy =
        only(&|it| matches!(it, Act::Copy { into, .. } | Act::Insert(into) if same(into, new)))?;
    let drop = only(&|it| matches!(it, Act::DropTable(name) if same(name, old)))?;
    let Act::Copy { from, columns, .. } = &acts[copy] else { return None };
    let in_order = create < copy && copy < drop && drop < rename;
    (in_order && same(from, old))
        .then(|| (Rebuild { table: old.clone(), columns: columns.clone() }, new.clone()))
}

fn acts(piece: &str) -> Vec<Act> {
    let Ok(statements) = split(piece) else { return Vec::new() };
    let statements = statements.iter().filter(|it| it.kind == PieceKind::Statement);
    statements.filter_map(|it| act(&tokens(&it.sql).ok()?)).collect()
}

fn act(tokens: &[Token<'_>]) -> Option<Act> {
    let mut it = Cursor::new(tokens);
    if it.eat("create table") {
        it.eat("if not exists");
        Some(Act::Create(table(&mut it)))
    } else if it.eat("drop table") {
        it.eat("if exists");
        Some(Act::DropTable(table(&mut it)))
    } else if it.eat("drop") {
        it.bump();
        it.eat("if exists");
        Some(Act::DropObject(table(&mut it)))
    } else if it.eat("alter table") {
        alter_table(it)
    } else {
        insert(it)
    }
}

fn table(it: &mut Cursor<'_, '_>) -> String {
    it.name(Token::identifier).pop().unwrap_or_default()
}

fn alter_table(mut it: Cursor<'_, '_>) -> Option<Act> {
    let from = table(&mut it);
    if it.eat("rename to") {
        return Some(Act::Rename { from, to: table(&mut it) });
    }
    if it.eat("add") {
        it.eat("column");
        return Some(Act::AddColumn(table(&mut it)));
    }
    it.eat("rename").then_some(())?;
    it.eat("column");
    let old = it.bump()?.identifier()?;
    it.eat("to").then_some(())?;
    let to = table(&mut it);
    Some(Act::RenameColumn(RenamedColumn { table: from, from: old, to }))
}

fn insert(mut it: Cursor<'_, '_>) -> Option<Act> {
    if !it.eat("replace") {
        if it.eat("with") {
            while it.peek().is_some_and(|it| !it.is_word("insert") && !it.is_word("replace")) {
                it.bump();
            }
        }
        (it.eat("insert") || it.eat("replace")).then_some(())?;
        if it.eat("or") {
            // A row that is passed over is lost, so this is not the copy of a rebuild.
            it.bump();
            it.eat("into");
            return Some(Act::Insert(table(&mut it)));
        }
    }
    it.eat("into");
    let into = table(&mut it);
    match copy(it) {
        Some((from, columns)) => Some(Act::Copy { into, from, columns }),
        None => Some(Act::Insert(into)),
    }
}

/// `(a, b) SELECT a, b FROM t`, and nothing behind it that could leave rows out.
fn copy(mut it: Cursor<'_, '_>) -> Option<(String, Filled)> {
    it.eat_symbol('(').then_some(())?;
    let list = it.rest();
    let end = list.iter().position(|it| it.is_symbol(')'))?;
    let targets = list.get(..end)?.split(|it| it.is_symbol(','));
    let targets = targets.map(|it| it.first()?.identifier()).collect::<Option<Vec<_>>>()?;
    let mut it = Cursor::new(list.get(end + 1..)?);
    it.eat("select").then_some(())?;
    let query = it.rest();
    let from = query.iter().position(|it| it.is_word("from"))?;
    let sources: Vec<_> = split_at_commas(query.get(..from)?).into_iter().map(column).collect();
    let mut it = Cursor::new(query.get(from + 1..)?);
    let from = table(&mut it);
    it.eat_symbol(';');
    let is_whole = it.rest().is_empty() && sources.len() == targets.len();
    is_whole.then(|| (from, targets.into_iter().zip(sources).collect()))
}

/// The column that a selected thing is, if it is nothing more.
fn column(tokens: &[Token<'_>]) -> Option<String> {
    let values = ["null", "true", "false", "current_timestamp", "current_date", "current_time"];
    match tokens {
        [only] if !values.iter().any(|it| only.is_word(it)) => only.identifier(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REBUILD: [&str; 6] = [
        "PRAGMA foreign_keys=OFF;",
        "\nCREATE TABLE `__new_t` (`a` int, `b` text);\n",
        "\nINSERT INTO `__new_t`(\"a\", \"b\") SELECT \"a\", 'x' FROM `t`;",
        "\nDROP TABLE `t`;",
        "\nALTER TABLE `__new_t` RENAME TO `t`;",
        "PRAGMA foreign_keys=ON;",
    ];

    #[test]
    fn the_rebuild_of_the_kit_is_recognised() {
        let found = effects(REBUILD);
        let columns = vec![("a".to_owned(), Some("a".to_owned())), ("b".to_owned(), None)];
        assert_eq!(found.rebuilds, [Rebuild { table: "t".to_owned(), columns }]);
        assert!(found.renamed.is_empty() && found.inserted.is_empty(), "{found:?}");
    }

    #[track_caller]
    fn check_no_rebuild(at: usize, instead: &str) {
        let mut pieces = REBUILD;
        pieces[at] = instead;
        assert_eq!(effects(pieces).rebuilds, [], "{instead}");
    }

    #[test]
    fn what_could_leave_rows_out_is_no_rebuild() {
        check_no_rebuild(2, "insert into __new_t (a) select a from t where a > 1");
        check_no_rebuild(2, "insert into __new_t (a) select a from t limit 1");
        check_no_rebuild(2, "insert into __new_t (a) select a from t, u");
        check_no_rebuild(2, "insert or ignore into __new_t (a) select a from t");
        check_no_rebuild(2, "insert into __new_t (a) select distinct a from u");
        check_no_rebuild(2, "insert into __new_t select * from t");
        check_no_rebuild(2, "drop table if exists u");
        check_no_rebuild(5, "insert into __new_t values (1)");
        check_no_rebuild(5, "drop table t");
        check_no_rebuild(4, "alter table __new_t rename to u");
    }

    #[test]
    fn a_renamed_column_is_known_by_its_last_name_whatever_its_table_was_called_then() {
        let found = effects([
            "ALTER TABLE `a` RENAME TO `b`;",
            "ALTER TABLE `b` RENAME COLUMN \"x\" TO \"y\";",
            "ALTER TABLE `B` RENAME \"Y\" TO \"z\";",
        ]);
        assert_eq!((found.first_name("b"), found.first_name("c")), ("a", "c"));
        assert_eq!(found.last_name("b", "x"), "z");
        assert_eq!(found.last_name("a", "x"), "z");
        assert_eq!(found.last_name("b", "z"), "z");
        assert_eq!(found.last_name("c", "x"), "x");
    }

    #[test]
    fn other_effects_are_named() {
        let found = effects([
            "alter table a rename to b; alter table b add column c int; alter table b rename d to e",
            "with x as (select 1) insert into f select * from x; drop index if exists g",
        ]);
        assert_eq!(found.renamed, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(found.added.into_iter().collect::<Vec<_>>(), ["c", "e"]);
        assert_eq!(found.inserted.into_iter().collect::<Vec<_>>(), ["f"]);
        assert_eq!(found.dropped.into_iter().collect::<Vec<_>>(), ["g"]);
    }
}
