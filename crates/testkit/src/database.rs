//! One database of either engine, and everything that is in it as text that can be compared.
//!
//! What a test compares comes from the engine's own programs (`pg_dump`, `to_jsonb`,
//! `sqlite_schema`), not from raingauge's readers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::failure::Result;
use crate::postgres::Postgres;
use crate::run::Run;
use crate::sqlite::SqliteDatabase;

/// One database; a temporary one is removed when the value is dropped.
#[derive(Debug)]
pub enum Database {
    Postgres(PgDatabase),
    Sqlite(SqliteDatabase),
}

/// One database of a throw-away server.
#[derive(Debug)]
pub struct PgDatabase {
    pub server: Arc<Postgres>,
    pub name: String,
}

/// Everything that a migration could change: structure, rows and sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub schema: String,
    /// By table (`public.books`), and by sequence with its position as the only row.
    pub rows: BTreeMap<String, Vec<String>>,
}

impl Database {
    /// The address as Drizzle takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Postgres(it) => it.server.url(&it.name),
            Self::Sqlite(it) => it.url(),
        }
    }

    /// The address for another role than the one that owns everything. SQLite has no roles.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        match self {
            Self::Postgres(it) => it.server.url_as(role, password, &it.name),
            Self::Sqlite(it) => it.url(),
        }
    }

    /// Runs a script: by psql, or all at once in SQLite. Returns what it prints, one line per row,
    /// columns separated by `|`.
    ///
    /// # Errors
    /// At the first statement that fails.
    pub fn sql(&self, script: &str) -> Result<String> {
        match self {
            Self::Postgres(it) => it.server.sql(&it.name, script),
            Self::Sqlite(it) => it.sql(script),
        }
    }

    /// The one value that a query returns, as text; NULL and no row are empty.
    ///
    /// # Errors
    /// If the query fails.
    pub fn value(&self, query: &str) -> Result<String> {
        Ok(self.sql(query)?.trim_end_matches('\n').to_owned())
    }

    /// A new, empty database of the same engine: on the same server, or a temporary file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn sibling(&self, label: &str) -> Result<Self> {
        match self {
            Self::Postgres(it) => it.server.database(label),
            Self::Sqlite(_) => SqliteDatabase::temporary(label).map(Self::Sqlite),
        }
    }

    /// Another database of the same server by its name, or another file by its path. A database of a
    /// server is dropped with the value.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        match self {
            Self::Postgres(it) => {
                Self::Postgres(PgDatabase { server: Arc::clone(&it.server), name: name.to_owned() })
            }
            Self::Sqlite(_) => Self::Sqlite(SqliteDatabase::existing(name)),
        }
    }

    /// The structure, as the engine itself writes it: `pg_dump -s`, or `sqlite_schema`. Two
    /// databases with equal structure have equal text.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn schema(&self) -> Result<String> {
        match self {
            Self::Postgres(it) => it.dump_schema(),
            Self::Sqlite(it) => it.schema(),
        }
    }

    /// All tables, qualified and quoted as the engine wants them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn tables(&self) -> Result<Vec<String>> {
        match self {
            Self::Postgres(_) => Ok(self.sql(PG_TABLES)?.lines().map(str::to_owned).collect()),
            Self::Sqlite(it) => it.tables(),
        }
    }

    /// All rows of a table, each as one JSON object, sorted as text.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn rows(&self, table: &str) -> Result<Vec<String>> {
        self.rows_without(table, &[])
    }

    /// As [`Self::rows`], but without some columns, such as those that a clock fills.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn rows_without(&self, table: &str, columns: &[String]) -> Result<Vec<String>> {
        let mut rows = match self {
            Self::Postgres(_) => self.pg_rows(table, columns)?,
            Self::Sqlite(it) => it.rows_without(table, columns)?,
        };
        rows.sort();
        Ok(rows)
    }

    fn pg_rows(&self, table: &str, without: &[String]) -> Result<Vec<String>> {
        let names = without.iter().map(|it| format!("'{}'", it.replace('\'', "''")));
        let names = names.collect::<Vec<_>>().join(", ");
        // jsonb keeps digits such as the last one of 10.50, and one row stays on one line.
        let query = format!("SELECT (to_jsonb(t) - ARRAY[{names}]::text[])::text FROM {table} t");
        Ok(self.sql(&query)?.lines().map(str::to_owned).collect())
    }

    /// Columns of a table whose default may give another value each time; sequences do not count.
    ///
    /// # Errors
    /// If there is no such table.
    pub fn volatile_columns(&self, table: &str) -> Result<Vec<String>> {
        let query = match self {
            Self::Postgres(_) => format!(
                "SELECT attname FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                  WHERE attrelid = '{table}'::regclass AND pg_get_expr(adbin, adrelid) ~ '[(]'
                    AND pg_get_expr(adbin, adrelid) NOT LIKE 'nextval(%'"
            ),
            Self::Sqlite(_) => format!(
                "SELECT name FROM pragma_table_info({}) WHERE dflt_value LIKE '%(%'
                     OR dflt_value LIKE 'current%'",
                table.replace('"', "'")
            ),
        };
        Ok(self.sql(&query)?.lines().map(str::to_owned).collect())
    }

    /// The rows of Drizzle's ledger in the order of their time, `created_at|hash` each; nothing if
    /// there is no ledger at its usual place.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn ledger(&self) -> Result<Option<Vec<String>>> {
        let table = match self {
            Self::Postgres(_) => "drizzle.__drizzle_migrations",
            Self::Sqlite(_) => "\"__drizzle_migrations\"",
        };
        if !self.tables()?.iter().any(|it| it == table) {
            return Ok(None);
        }
        let query = format!("SELECT created_at, hash FROM {table} ORDER BY created_at, id");
        Ok(Some(self.sql(&query)?.lines().map(str::to_owned).collect()))
    }

    /// Everything that a migration could change.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn state(&self) -> Result<State> {
        let mut rows = BTreeMap::new();
        for table in self.tables()? {
            let content = self.rows(&table)?;
            rows.insert(table, content);
        }
        if matches!(self, Self::Postgres(_)) {
            for line in self.sql(PG_SEQUENCES)?.lines() {
                rows.insert(format!("sequence {line}"), Vec::new());
            }
        }
        Ok(State { schema: self.schema()?, rows })
    }
}

impl State {
    /// What differs between two states, one line each; nothing if they are equal.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = text_differences(&self.schema, &other.schema);
        for table in self.rows.keys().chain(other.rows.keys()) {
            let (here, there) = (self.rows.get(table), other.rows.get(table));
            if here != there {
                let count = |it: Option<&Vec<String>>| {
                    it.map_or("is not there".to_owned(), |it| format!("has {} rows", it.len()))
                };
                found.push(format!("{table} {}, then {}", count(here), count(there)));
            }
        }
        found.dedup();
        found
    }
}

/// The lines that only one of two texts has, with `-` and `+`.
pub fn text_differences(from: &str, to: &str) -> Vec<String> {
    let only = |here: &str, there: &str, sign: char| -> Vec<String> {
        let there: Vec<&str> = there.lines().collect();
        here.lines().filter(|it| !there.contains(it)).map(|it| format!("{sign} {it}")).collect()
    };
    let mut found = only(from, to, '-');
    found.extend(only(to, from, '+'));
    if found.is_empty() && from != to {
        found.push("the same lines in another order or number".to_owned());
    }
    found
}

impl PgDatabase {
    fn dump_schema(&self) -> Result<String> {
        let mut pg_dump = self.server.client("pg_dump");
        pg_dump.args(["--schema-only", "-d"]).arg(self.server.socket_url(&self.name));
        let dump = Run::of(&mut pg_dump)?.success()?.stdout;
        let mut text = String::with_capacity(dump.len());
        // `\restrict` has a new random word each time.
        for line in dump.lines().filter(|it| !it.contains("restrict ") && !it.trim().is_empty()) {
            writeln!(text, "{line}")?;
        }
        Ok(text)
    }
}

impl Drop for PgDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        // A test may have stopped the server; then there is nothing left to drop.
        let _ = self.server.sql("postgres", &drop);
    }
}

const PG_TABLES: &str = "
    SELECT format('%I.%I', nspname, relname)
      FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
     ORDER BY nspname, relname";

const PG_SEQUENCES: &str = "
    SELECT format('%I.%I at %s', schemaname, sequencename, coalesce(last_value::text, 'its start'))
      FROM pg_sequences ORDER BY 1";
