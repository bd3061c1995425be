//! What a migration's statements do to the migrator that runs them: pieces that it refuses, a
//! transaction that it does not expect, SQL of another engine.

use std::path::Path;

use raingauge_schema::Dialect;
use raingauge_schema::drizzle::migration::{Flaw, split};
use raingauge_schema::plan::Hazard;
use raingauge_schema::script::PieceKind;
use raingauge_schema::token::Token;

use super::{Folder, conflict};
use crate::history::Migration;
use crate::initsql::excerpt;
use crate::report::{Affected, Finding};

/// Drivers that take several statements of one piece, because they send it as a script.
const SCRIPT_DRIVERS: [&str; 3] = ["d1-http", "durable-sqlite", "expo"];

/// Drivers of PostgreSQL that prepare each piece, so that it may be only one statement.
const PREPARING_DRIVERS: [&str; 2] = ["pglite", "aws-data-api"];

/// Whether a project's driver takes only one statement in a piece.
pub(crate) fn takes_one(dialect: Dialect, driver: Option<&str>) -> bool {
    let driver = driver.unwrap_or_default();
    if dialect == Dialect::Postgres {
        PREPARING_DRIVERS.contains(&driver)
    } else {
        !SCRIPT_DRIVERS.contains(&driver)
    }
}

/// A statement of a migration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) sql: String,
    /// Its line in the file, counted from 1.
    pub(super) line: usize,
    /// Which piece it is in.
    piece: usize,
    /// Whether it is one, or a command of the engine's own shell.
    kind: PieceKind,
}

/// The statements of a file. A piece that cannot be cut is one statement.
pub(super) fn placed(file: &str, dialect: Dialect) -> Vec<Placed> {
    let mut all = Vec::new();
    for (piece, chunk) in split(file).into_iter().enumerate() {
        match dialect.split(chunk.sql) {
            Ok(pieces) => all.extend(pieces.into_iter().map(|it| Placed {
                line: chunk.line + it.line.saturating_sub(1),
                sql: it.sql,
                kind: it.kind,
                piece,
            })),
            Err(_) => all.push(Placed {
                sql: chunk.sql.to_owned(),
                line: chunk.line,
                kind: PieceKind::Statement,
                piece,
            }),
        }
    }
    all
}

/// Whether a file has statements that a snapshot would show.
pub(crate) fn changes_structure(dialect: Dialect, sql: &str) -> bool {
    placed(sql, dialect).iter().any(|it| {
        let first = words(dialect, &it.sql).into_iter().next().unwrap_or_default();
        ["create", "alter", "drop"].contains(&first.as_str())
    })
}

/// A flaw that is wrong whatever the statements mean; `None` where the engine's drivers take it.
pub fn flawed(flaw: &Flaw, path: &Path, sql: &str, dialect: Dialect) -> Option<Finding> {
    let at = |line: &usize| format!("{}:{line}", path.display());
    let whole = path.display().to_string();
    let refused = dialect == Dialect::Sqlite;
    Some(match flaw {
        // PostgreSQL runs nothing, and nothing is what was written.
        Flaw::EmptyPiece { .. } if dialect == Dialect::Postgres => return None,
        Flaw::EmptyPiece { line } => Finding::error(
            "piece-empty",
            at(line),
            "nothing stands between two breakpoints; the drivers of SQLite and MySQL refuse that",
        )
        .affects(Affected::Fresh)
        .next("remove the breakpoint; if a database has recorded the file, its hash in the ledger differs from then on, which Drizzle 0.x does not read"),
        Flaw::OnlyComments { line } if refused => Finding::error(
            "piece-only-comments",
            at(line),
            "only comments stand here; the drivers of SQLite refuse that",
        )
        .affects(Affected::Fresh)
        .next("put a statement there that does nothing, such as `SELECT 1`"),
        Flaw::OnlyComments { line } => {
            let piece = split(sql).into_iter().find(|it| it.line == *line)?;
            if !hides_sql(piece.sql) {
                return None;
            }
            Finding::info(
                "piece-only-comments",
                at(line),
                format!("statements are commented out here; {dialect} records the migration and runs none of them"),
            )
            .affects(Affected::Fresh)
        }
        Flaw::CutComment { line } => Finding::error(
            "comment-cut",
            at(line),
            "a breakpoint inside a block comment cuts the comment in two, so the migrator fails",
        )
        .affects(Affected::Fresh)
        .next("move the breakpoint out of the comment"),
        Flaw::CommentedBaseline => Finding::error(
            "baseline-commented-out",
            whole,
            "is what `drizzle-kit pull` wrote, still commented out: a new database would get none of its tables while the ledger says it has them",
        )
        .affects(Affected::Fresh)
        .next("move the folder aside and let `raingauge reconcile` write a baseline that runs and is proven"),
        Flaw::ByteOrderMark => Finding::error(
            "byte-order-mark",
            whole,
            format!("begins with a byte order mark, which {dialect} refuses"),
        )
        .affects(Affected::Fresh)
        .next("save the file as UTF-8 without a byte order mark, unless a database has recorded it"),
    })
}

/// Whether a comment begins a line with a statement.
fn hides_sql(piece: &str) -> bool {
    const WORDS: [&str; 7] =
        ["create", "alter", "drop", "insert", "update", "delete", "comment on"];
    piece.lines().any(|line| {
        let text = line.trim_start_matches(|it: char| it.is_whitespace() || "-/*".contains(it));
        let text = text.to_ascii_lowercase();
        WORDS.iter().any(|it| text.strip_prefix(it).is_some_and(|rest| rest.starts_with(' ')))
    })
}

/// What is wrong with the statements of each migration.
pub(super) fn statements(folder: &Folder<'_>) -> Vec<Finding> {
    folder.history.migrations.iter().flat_map(|it| of_migration(folder, it)).collect()
}

fn of_migration(folder: &Folder<'_>, migration: &Migration) -> Vec<Finding> {
    let Migration { path, sql, .. } = migration;
    if let Some(found) = conflict(path, sql) {
        return vec![found];
    }
    let statements = placed(sql, folder.dialect);
    let mut findings = Vec::new();
    findings.extend(commands(folder.dialect, path, &statements));
    findings.extend(several_statements(folder, path, &statements));
    findings.extend(own_transaction(folder.dialect, path, &statements));
    findings.extend(not_transactional(folder.dialect, path, &statements));
    findings.extend(other_engine(folder.dialect, path, &statements));
    findings
}

/// Works in the engine's shell alone: what reaches a driver is no SQL.
fn commands(dialect: Dialect, path: &Path, all: &[Placed]) -> Option<Finding> {
    let commands: Vec<_> = all.iter().filter(|it| it.kind == PieceKind::Command).collect();
    let first = commands.first()?;
    let shell = match dialect {
        Dialect::Postgres => "psql",
        Dialect::MySql => "mysql",
        Dialect::Sqlite => "sqlite3",
    };
    let finding = Finding::error(
        "shell-command",
        at(path, first),
        format!(
            "is a command of the program `{shell}`, and no SQL: Drizzle's own migrator fails there"
        ),
    )
    .affects(Affected::Fresh);
    let finding = commands.into_iter().fold(finding, |it, command| it.evidence(line(command)));
    Some(match dialect {
        Dialect::MySql => finding
            .next("take `DELIMITER` out: a routine is one piece, with its semicolons, and `--> statement-breakpoint` stands around it"),
        Dialect::Postgres | Dialect::Sqlite => finding.next("write it as SQL"),
    })
}

/// T44: works in the engine's shell, and fails in a driver that prepares each piece.
fn several_statements(folder: &Folder<'_>, path: &Path, all: &[Placed]) -> Option<Finding> {
    if !takes_one(folder.dialect, folder.driver) {
        return None;
    }
    let is_sql = |it: &Placed| it.kind != PieceKind::Command;
    let later = all.windows(2).filter(|it| it[0].piece == it[1].piece);
    let later: Vec<_> = later.filter(|it| it.iter().all(is_sql)).collect();
    let first = later.first()?;
    let finding = Finding::warning(
        "piece-several-statements",
        at(path, &first[1]),
        "stands in one piece with the statement before it; this project's driver takes one statement at a time, so Drizzle's own migrator fails there",
    )
    .affects(Affected::Fresh);
    let finding = later.iter().fold(finding, |it, pair| it.evidence(line(&pair[1])));
    let finding = finding.next("put `--> statement-breakpoint` between them");
    Some(match folder.dialect {
        Dialect::MySql => {
            finding.next("or let the application connect with `multipleStatements: true`")
        }
        Dialect::Postgres | Dialect::Sqlite => {
            finding.next("raingauge migrate: runs them one by one")
        }
    })
}

/// `BEGIN` and `COMMIT` inside a migration end the transaction that the migrator opened.
fn own_transaction(dialect: Dialect, path: &Path, all: &[Placed]) -> Option<Finding> {
    let own: Vec<_> = all.iter().filter(|it| controls_transaction(dialect, &it.sql)).collect();
    let first = own.first()?;
    let message = match dialect {
        Dialect::MySql => {
            "begins or ends transactions itself, inside the one of the migrator, and MySQL ends any of them at the next change of the structure: if a later statement fails, what stands before it stays, and nothing is recorded"
        }
        Dialect::Postgres | Dialect::Sqlite => {
            "begins or ends transactions itself, inside the one of the migrator: if a later statement fails, what stands before it stays, and nothing is recorded"
        }
    };
    let finding =
        Finding::warning("transaction-in-file", at(path, first), message).affects(Affected::Fresh);
    Some(own.into_iter().fold(finding, |it, statement| it.evidence(line(statement))))
}

/// T37: one such statement also takes back every other pending migration.
fn not_transactional(dialect: Dialect, path: &Path, all: &[Placed]) -> Option<Finding> {
    // MySQL refuses nothing inside a transaction: it ends it. A file that ends the migrator's transaction
    // first is known to its author.
    if dialect == Dialect::MySql || all.iter().any(|it| controls_transaction(dialect, &it.sql)) {
        return None;
    }
    let alone: Vec<_> = all.iter().filter(|it| runs_alone(dialect, &it.sql)).collect();
    let first = alone.first()?;
    let finding = Finding::warning(
        "statement-alone",
        at(path, first),
        "cannot run inside a transaction, and Drizzle's own migrator runs all pending migrations in one: it fails, and none of them is applied",
    )
    .affects(Affected::Fresh);
    let finding = alone.into_iter().fold(finding, |it, statement| it.evidence(line(statement)));
    Some(finding.next("raingauge migrate: runs such a migration in steps"))
}

/// SQL that only another engine understands: a folder copied from another project, or a dialect changed.
fn other_engine(dialect: Dialect, path: &Path, all: &[Placed]) -> Option<Finding> {
    let foreign = all.iter().find_map(|it| foreign_word(dialect, &it.sql).map(|word| (it, word)));
    let (first, word) = foreign?;
    Some(
        Finding::error(
            "sql-dialect",
            at(path, first),
            format!("is written for another engine: {dialect} does not know `{word}`"),
        )
        .affects(Affected::Fresh)
        .evidence(line(first))
        .next("check `dialect` and `out` of the configuration"),
    )
}

fn controls_transaction(dialect: Dialect, sql: &str) -> bool {
    const WORDS: [&str; 7] =
        ["begin", "start", "commit", "end", "rollback", "savepoint", "release"];
    let words = words(dialect, sql);
    words.first().is_some_and(|it| WORDS.contains(&it.as_str()))
}

fn runs_alone(dialect: Dialect, sql: &str) -> bool {
    let words = words(dialect, sql);
    let begins =
        |with: &[&str]| words.iter().map(String::as_str).take(with.len()).eq(with.iter().copied());
    // Since PostgreSQL 12 a transaction may add a label to an enum.
    !begins(&["alter", "type"])
        && !controls_transaction(dialect, sql)
        && dialect.hazards(sql).contains(&Hazard::NotTransactional)
}

/// The first thing that the engine does not know, if there is any that is certain.
fn foreign_word(dialect: Dialect, sql: &str) -> Option<&'static str> {
    let words = words(dialect, sql);
    let begins =
        |with: &[&str]| words.iter().map(String::as_str).take(with.len()).eq(with.iter().copied());
    if dialect == Dialect::Postgres {
        let marks = ["autoincrement", "auto_increment", "`"];
        let found = marks.into_iter().find(|mark| words.iter().any(|it| it == mark));
        return found.or_else(|| begins(&["pragma"]).then_some("PRAGMA"));
    }
    let creations = [
        (["create", "type"], "CREATE TYPE"),
        (["create", "extension"], "CREATE EXTENSION"),
        (["create", "policy"], "CREATE POLICY"),
        // MySQL knows schemas as databases, and MariaDB sequences.
        (["create", "schema"], "CREATE SCHEMA"),
        (["create", "sequence"], "CREATE SEQUENCE"),
    ];
    let n_known = if dialect == Dialect::MySql { 3 } else { creations.len() };
    let created = creations.into_iter().take(n_known).find(|(with, _)| begins(with));
    let cast = words.windows(2).any(|it| it[0] == ":" && it[1] == ":").then_some("::");
    let found = created.map(|(_, word)| word).or(cast);
    if dialect == Dialect::Sqlite {
        return found;
    }
    let increments = words.iter().any(|it| it == "autoincrement").then_some("AUTOINCREMENT");
    found.or(increments).or_else(|| begins(&["pragma"]).then_some("PRAGMA"))
}

/// Words and symbols in lower case; what is quoted or text is left out.
fn words(dialect: Dialect, sql: &str) -> Vec<String> {
    use raingauge_schema::token::TokenKind::{Symbol, Word};
    let is_plain = |it: &&Token<'_>| matches!(it.kind, Word | Symbol);
    let tokens = dialect.tokens(sql).unwrap_or_default();
    tokens.iter().filter(is_plain).map(|it| it.text.to_ascii_lowercase()).collect()
}

fn at(path: &Path, statement: &Placed) -> String {
    format!("{}:{}", path.display(), statement.line)
}

fn line(statement: &Placed) -> String {
    format!("line {}: {}", statement.line, excerpt(&statement.sql))
}
