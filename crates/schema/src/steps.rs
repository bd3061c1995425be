//! A migration as the steps that it runs in: one transaction, or several where its statements ask for it.
//!
//! The dialects' `hazard` modules say what a statement asks of the transaction around it ([`Bound`]);
//! here statements become steps. Applying and rehearsing take the same steps.

use crate::drizzle::migration::split as split_file;
use crate::script::PieceKind;
use crate::{Dialect, Fingerprint};

/// What a statement asks of the transaction around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It may be part of one.
    Inside,
    /// It refuses to be part of one.
    Alone,
    /// It may be part of one, but the value that it adds to an enum can be used only after the commit.
    AddsValue(String),
    /// It begins or ends one of the file's own.
    Cut,
    /// It would, and is left out: the one transaction that the whole file runs in takes its place.
    Omitted,
    /// It refuses to be part of one, and changes nothing that other statements see: it comes last.
    Afterwards,
    /// It cannot be part of one, and what it does cannot be told from a catalog afterwards.
    Impossible,
}

/// A statement with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub sql: String,
    /// Counted from 1.
    pub line: usize,
}

/// What is committed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// In a transaction.
    Together(Vec<Placed>),
    /// Outside of any.
    Alone(Placed),
}

/// The steps of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// One transaction, in which each piece of the file is sent as it stands.
    Whole,
    /// One after another.
    Several(Vec<Step>),
    /// A statement cannot run at all; its place.
    Impossible(Placed),
}

impl Step {
    /// The statements in their order.
    pub fn statements(&self) -> &[Placed] {
        match self {
            Self::Together(statements) => statements,
            Self::Alone(statement) => std::slice::from_ref(statement),
        }
    }

    /// Where it begins, counted from 1.
    pub fn line(&self) -> usize {
        self.statements().first().map_or(1, |it| it.line)
    }
}

impl Steps {
    /// The steps, if there are several.
    pub fn several(&self) -> Option<&[Step]> {
        match self {
            Self::Several(steps) => Some(steps),
            Self::Whole | Self::Impossible(_) => None,
        }
    }
}

/// The hash of the statements of these steps: what was committed of a file that may be edited since.
pub fn fingerprint(steps: &[Step]) -> Fingerprint {
    Fingerprint::of_parts(steps.iter().flat_map(Step::statements).map(|it| it.sql.as_str()))
}

/// The steps of a migration file.
pub fn steps(dialect: Dialect, file: &str) -> Steps {
    let Some(statements) = statements(dialect, file) else { return Steps::Whole };
    let bounds: Vec<_> = statements.iter().map(|it| dialect.bound(&it.sql)).collect();
    let is_used = |at: usize, value: &str| {
        statements.iter().skip(at + 1).any(|later| later.sql.contains(value))
    };
    let (mut grouping, mut last) = (Grouping::default(), Vec::new());
    for (at, (statement, bound)) in statements.iter().zip(&bounds).enumerate() {
        match bound {
            Bound::Inside => grouping.open.push(statement.clone()),
            Bound::AddsValue(value) => {
                grouping.open.push(statement.clone());
                if is_used(at, value) {
                    grouping.cut();
                }
            }
            Bound::Cut => grouping.cut(),
            Bound::Omitted => grouping.is_cut = true,
            Bound::Afterwards => {
                grouping.is_cut = true;
                last.push(Step::Alone(statement.clone()));
            }
            Bound::Alone => {
                grouping.cut();
                grouping.steps.push(Step::Alone(statement.clone()));
            }
            Bound::Impossible => return Steps::Impossible(statement.clone()),
        }
    }
    if !grouping.is_cut {
        return Steps::Whole;
    }
    grouping.cut();
    grouping.steps.append(&mut last);
    Steps::Several(grouping.steps)
}

#[derive(Default)]
struct Grouping {
    steps: Vec<Step>,
    open: Vec<Placed>,
    is_cut: bool,
}

impl Grouping {
    fn cut(&mut self) {
        self.is_cut = true;
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            self.steps.push(Step::Together(open));
        }
    }
}

/// The statements of all pieces; `None` if one cannot be cut.
pub fn statements(dialect: Dialect, file: &str) -> Option<Vec<Placed>> {
    let mut statements = Vec::new();
    for chunk in split_file(file) {
        for piece in dialect.split(chunk.sql).ok()? {
            if piece.kind != PieceKind::Statement || piece.copy_data.is_some() {
                return None;
            }
            statements.push(Placed { line: chunk.line + piece.line - 1, sql: piece.sql });
        }
    }
    Some(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dialect: Dialect, file: &str, expected: &str) {
        let step = |it: &Step| {
            let lines: Vec<_> = it.statements().iter().map(|it| it.line.to_string()).collect();
            let lines = lines.join(" ");
            if matches!(it, Step::Alone(_)) { format!("{lines}!") } else { lines }
        };
        let found = match steps(dialect, file) {
            Steps::Whole => "whole".to_owned(),
            Steps::Several(steps) => steps.iter().map(step).collect::<Vec<_>>().join(" | "),
            Steps::Impossible(it) => format!("impossible {}", it.line),
        };
        assert_eq!(found, expected, "{file}");
    }

    #[test]
    fn t37_what_cannot_be_in_a_transaction_is_a_step_of_its_own() {
        let file = "create table a (x int);\ncreate table b (x int);\n--> statement-breakpoint\n\
                    create unique index concurrently if not exists i on a (x);\ncreate table c ();";
        check(Dialect::Postgres, file, "1 2 | 4! | 5");
        for alone in [
            "vacuum a",
            "VACUUM (ANALYZE) a",
            "drop index concurrently i",
            "reindex table concurrently a",
            "reindex (concurrently) index i",
            "alter table a detach partition b concurrently",
        ] {
            check(Dialect::Postgres, alone, "1!");
        }
        check(Dialect::Postgres, "create index i on a (x)", "whole");
        check(Dialect::Postgres, "select 1;\nalter system set a = 1", "impossible 2");
        check(Dialect::Postgres, "select 1;\nrollback", "impossible 2");
        check(Dialect::Postgres, "savepoint a; rollback to savepoint a; release a", "whole");
    }

    #[test]
    fn t38_transactions_of_the_files_own_are_its_steps() {
        check(Dialect::Postgres, "select 1;\nCOMMIT;\nselect 2;", "1 | 3");
        check(Dialect::Postgres, "begin;\nselect 1;\nend;\nstart transaction;\nselect 2", "2 | 5");
        check(Dialect::Postgres, "do $$ begin null; end $$", "whole");
        check(Dialect::Sqlite, "BEGIN;\ncreate table a (x);\nCOMMIT;\ndrop table b", "2 4");
        check(Dialect::Sqlite, "create table a (x);\nvacuum;\ndrop table b", "1 3 | 2!");
        check(Dialect::Sqlite, "create table a (x);\nrollback", "impossible 2");
        check(
            Dialect::Sqlite,
            "create trigger t after insert on a begin delete from b; end;",
            "whole",
        );
    }

    #[test]
    fn t39_a_value_of_an_enum_is_committed_before_it_is_used() {
        let add = "alter type mood add value if not exists 'it''s' before 'a'";
        check(Dialect::Postgres, &format!("{add};\ninsert into t values ('it''s')"), "1 | 2");
        check(Dialect::Postgres, &format!("{add};\ninsert into t values ('a')"), "whole");
        check(Dialect::Postgres, add, "whole");
    }
}
