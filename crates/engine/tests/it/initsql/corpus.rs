//! Scripts of real projects do the same here as in `psql` and in `sqlite3`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_engine::initsql::{Fence, expand, fence};
use raingauge_engine::replay;
use raingauge_schema::Dialect;
use raingauge_testkit::{Database, Run};

use super::replay::{postgres, session};
use super::{found_in, project};

/// The folder with the scripts, or the reason why there is none.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("RAINGAUGE_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: RAINGAUGE_CORPUS does not name the folder of scripts");
    }
    folder
}

/// Runs a script here; the message of the statement that fails, if one does.
fn ours(text: &str, database: &Database, dialect: Dialect) -> Option<String> {
    let folder = project(&[("init.sql", text)]);
    let expansion = expand(&found_in(folder.path(), &["init.sql"]), dialect).unwrap();
    let rules = Fence { dialect, shared: false, database: "shop", container_database: None };
    let fenced = fence(expansion.pieces, &rules);
    replay::script(&mut session(database), &fenced.pieces).err().map(|it| it.source.message.clone())
}

pub(crate) fn without(text: &str, starts: &[&str]) -> String {
    let kept = text.lines().filter(|line| !starts.iter().any(|it| line.starts_with(it)));
    kept.flat_map(|it| [it, "\n"]).collect()
}

/// Columns that a clock or chance fills differ; all else has to be equal.
#[track_caller]
fn check_equal(file: &Path, ours: &Database, theirs: &Database) {
    let state = |it: &Database| {
        let mut state = it.state().unwrap();
        for (table, rows) in state.rows.iter_mut().filter(|it| !it.0.starts_with("sequence")) {
            *rows = it.rows_without(table, &it.volatile_columns(table).unwrap()).unwrap();
        }
        state
    };
    let differences = state(theirs).differences(&state(ours));
    assert!(differences.is_empty(), "{}: {differences:#?}", file.display());
}

fn psql(text: &str, database: &Database) -> Option<String> {
    let Database::Postgres(it) = database else { panic!("not PostgreSQL") };
    let mut psql = it.server.psql(&it.name);
    let run = Run::fed(psql.args(["-o", "/dev/null", "-f", "-"]), text).unwrap();
    let message = run.stderr.lines().find_map(|it| it.split_once("ERROR:  "));
    (run.code != 0).then(|| message.map(|it| it.1.to_owned()).unwrap_or(run.stderr.clone()))
}

fn check_postgres(name: &str, left_out: &[&str]) {
    let Some(corpus) = corpus() else { return };
    let file = corpus.join(name);
    let text = without(&fs::read_to_string(&file).unwrap(), left_out);
    let plain = without(&text, &["DROP DATABASE", "CREATE DATABASE", "\\c "]);
    let (Some(left), Some(right)) = (postgres("ours"), postgres("psql")) else { return };
    // What depends on the moment would differ.
    for it in [&left, &right] {
        it.sql("alter database :\"DBNAME\" set timezone = 'UTC'").unwrap();
    }
    let end = ours(&text, &left, Dialect::Postgres);
    println!("{name}: {}", end.as_deref().unwrap_or("runs to its end"));
    assert_eq!(end, psql(&plain, &right), "{name}");
    check_equal(&file, &left, &right);
}

#[test]
fn chinook_loads_into_postgresql_as_with_psql() {
    check_postgres("chinook/Chinook_PostgreSql_SerialPKs.sql", &[]);
    check_postgres("chinook/Chinook_PostgreSql_AutoIncrementPKs.sql", &[]);
}

#[test]
fn dumps_load_into_postgresql_as_with_psql() {
    for name in [
        "pagila/pagila-schema-pg15.sql",
        "pagila/pagila-schema-pg18.sql",
        "sakila/postgres-sakila-schema.sql",
    ] {
        check_postgres(name, &[]);
    }
}

#[test]
fn racona_loads_into_postgresql_as_with_psql() {
    check_postgres(
        "racona-initsql/init.sql",
        &["CREATE EXTENSION IF NOT EXISTS \"postgres-json-schema\""],
    );
}

#[test]
fn adventureworks_loads_into_postgresql_as_with_psql() {
    check_postgres("adventureworks-pg/install.sql", &["\\copy"]);
}

#[test]
fn temporal_and_regression_scripts_load_into_postgresql_as_with_psql() {
    check_postgres("temporal/postgresql-temporal.sql", &[]);
    check_postgres("temporal/postgresql-visibility.sql", &[]);
    let Some(corpus) = corpus() else { return };
    let derived = corpus.join("pg-regress/derived");
    let mut names: Vec<_> =
        fs::read_dir(derived).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        check_postgres(&format!("pg-regress/derived/{}", name.to_string_lossy()), &[]);
    }
}

#[test]
fn scripts_load_into_sqlite_as_with_sqlite3() {
    let Some(corpus) = corpus() else { return };
    if Command::new("sqlite3").arg("--version").output().is_err() {
        return println!("skipped: no `sqlite3` on this machine");
    }
    let names = [
        "chinook/Chinook_Sqlite_AutoIncrementPKs.sql",
        "sakila/sqlite-sakila-schema.sql",
        "temporal/sqlite-temporal.sql",
        "temporal/sqlite-visibility.sql",
        "homarr-sqlite/0000_talented_ben_parker.sql",
        "vibesdk-d1/0000_living_forge.sql",
    ];
    for name in names {
        let file = corpus.join(name);
        let temporary = |it| {
            Database::Sqlite(raingauge_testkit::sqlite::SqliteDatabase::temporary(it).unwrap())
        };
        let (left, right) = (temporary("ours"), temporary("theirs"));
        assert_eq!(
            ours(&fs::read_to_string(&file).unwrap(), &left, Dialect::Sqlite),
            None,
            "{name}"
        );
        let Database::Sqlite(it) = &right else { panic!("not SQLite") };
        Run::fed(
            Command::new("sqlite3").arg("-bail").arg(&it.path),
            &fs::read_to_string(&file).unwrap(),
        )
        .unwrap()
        .success()
        .unwrap();
        check_equal(&file, &left, &right);
    }
}

#[test]
fn every_script_of_the_corpus_can_be_split() {
    let Some(corpus) = corpus() else { return };
    let mut n_files = 0;
    for path in glob::glob(&corpus.join("**/*.sql").to_string_lossy()).unwrap().flatten() {
        let name = path.to_string_lossy().to_ascii_lowercase();
        if name.contains("mysql") {
            continue;
        }
        let dialect = if name.contains("sqlite") || name.contains("-d1/") {
            Dialect::Sqlite
        } else {
            Dialect::Postgres
        };
        let text = fs::read_to_string(&path).unwrap();
        let pieces = dialect.split(&text).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        check_complete(&text, &pieces, dialect);
        n_files += 1;
    }
    assert!(200 < n_files, "{n_files}");
}

/// Every token of the script is in one piece, in order; the lines are right.
fn check_complete(text: &str, pieces: &[raingauge_schema::script::Piece], dialect: Dialect) {
    let tokens = |text: &str| -> Vec<String> {
        let tokens = match dialect {
            Dialect::Postgres => raingauge_schema::postgres::token::tokens(text),
            Dialect::MySql => raingauge_schema::mysql::token::tokens(text),
            Dialect::Sqlite => raingauge_schema::sqlite::token::tokens(text),
        };
        let tokens = tokens.unwrap_or_default();
        tokens.iter().filter(|it| !it.is_symbol(';')).map(|it| it.text.to_owned()).collect()
    };
    let plain = pieces.iter().all(|it| it.copy_data.is_none() && !it.sql.starts_with('\\'));
    if plain {
        let joined: Vec<_> = pieces.iter().flat_map(|it| tokens(&it.sql)).collect();
        assert_eq!(joined, tokens(text));
    }
    let lines: Vec<_> = text.lines().collect();
    for piece in pieces {
        let last =
            piece.sql.lines().rfind(|it| !it.trim_start().starts_with("--")).unwrap_or_default();
        let first_word = lines[piece.line - 1].split_whitespace().next().unwrap_or_default();
        assert!(piece.sql.contains(first_word.trim_end_matches(';')), "{}: {last}", piece.line);
    }
}
