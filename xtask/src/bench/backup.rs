//! What a verified backup costs: the dump beside `pg_dump`, the evidence beside `COPY`, the whole beside a dump and
//! a restore by hand, SQLite beside `sqlite3 .backup`. MariaDB is in `backup_mysql`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use raingauge_testkit::{Failure, Postgres, Result};

use super::backup_mysql;
use super::contest::{self, Contender, Outcome, Series};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, time, write};
use super::{BenchArgs, binary, empty_folder, program};
use crate::install;
use crate::process::{cargo, show_and_run, target};

const DATABASE: &str = "bench";
const DUMP: &str = "pg_dump";
const COPY: &str = "COPY to nowhere";
const BY_HAND: &str = "pg_dump, createdb, pg_restore";
const ONLINE: &str = "sqlite3 .backup";

/// Bytes of a row of the two large tables in a dump, about.
pub(super) const MIXED_ROW: u64 = 400;
pub(super) const PLAIN_ROW: u64 = 100;

/// Where things are while this benchmark runs.
struct Place {
    server: Postgres,
    binary: PathBuf,
    /// Reads the digests of a database and nothing else.
    digest: PathBuf,
    sqlite: PathBuf,
    mariadb: backup_mysql::Place,
    runs: usize,
}

/// Runs the benchmark and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    install::postgresql()?;
    let place = Place::prepare(arguments)?;
    let mut machine = Machine::look(place.versions());
    let gauge = place.gauge(arguments)?;
    let mut outcomes = Vec::new();
    let mut tables = Vec::new();
    for (contenders, what, base) in [
        (place.dumps()?, "PostgreSQL: dump", DUMP),
        (place.evidence()?, "PostgreSQL: evidence", COPY),
        (place.whole()?, "PostgreSQL: whole", BY_HAND),
        (place.files()?, "SQLite", ONLINE),
    ] {
        let what = format!("{what}, {} MB", arguments.size);
        let outcome = contest::run(&what, &contenders, &gauge)?;
        tables.push(table(std::slice::from_ref(&outcome), base));
        println!("{}", tables[tables.len() - 1]);
        outcomes.push(outcome);
    }
    for (outcome, table) in backup_mysql::run(&place.mariadb, arguments)? {
        tables.push(table);
        outcomes.push(outcome);
    }
    machine.end();
    tables.push(place.parts(&outcomes)?);
    let results = Results { machine, outcomes };
    let text = tables.join("\n");
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("backup", &results, &text) }
}

impl Place {
    fn prepare(arguments: &BenchArgs) -> Result<Self> {
        let binary = binary(arguments)?;
        let profile = if arguments.binary.is_some() { "dev" } else { "release" };
        let example =
            ["build", "--package", "raingauge-engine", "--example", "digest", "--profile"];
        show_and_run(cargo(&example).arg(profile))?;
        let folder = if profile == "dev" { "debug" } else { "release" };
        let digest = target()?.join(folder).join("examples/digest");
        let server = Postgres::start()?;
        let sqlite = empty_folder("data")?.join("bench.sqlite");
        let mariadb = backup_mysql::Place::start(binary.clone(), digest.clone(), arguments.runs)?;
        let place = Self { server, binary, digest, sqlite, mariadb, runs: arguments.runs };
        let since = Instant::now();
        place.fill(arguments.size << 20)?;
        println!(
            "{} MB three times: made in {:.0} s",
            arguments.size,
            since.elapsed().as_secs_f64()
        );
        Ok(place)
    }

    fn fill(&self, bytes: u64) -> Result {
        self.server.sql("postgres", &format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
        let (n_mixed, n_plain) = (bytes / 2 / MIXED_ROW, bytes / 2 / PLAIN_ROW);
        self.server.sql(DATABASE, &tables(n_mixed, n_plain))?;
        self.server.sql(DATABASE, "VACUUM ANALYZE")?;
        self.mariadb.fill(n_mixed, n_plain)?;
        let sql = file(n_mixed, n_plain);
        let mut sqlite = Command::new("sqlite3");
        let done = sqlite.arg(&self.sqlite).arg(sql).output()?;
        if done.status.success() {
            Ok(())
        } else {
            Err(Failure::new(String::from_utf8_lossy(&done.stderr)))
        }
    }

    fn versions(&self) -> Vec<String> {
        vec![
            said(Command::new(&self.binary).arg("--version")),
            said(Command::new(self.server.bin.join("postgres")).arg("--version")),
            said(Command::new("mariadb-dump").arg("--version")),
            format!("sqlite3 {}", said(Command::new("sqlite3").arg("--version"))),
        ]
    }

    fn gauge(&self, arguments: &BenchArgs) -> Result<Gauge> {
        let pid = fs::read_to_string(self.server.folder.join("data/postmaster.pid"))?;
        Ok(Gauge {
            server: pid.lines().next().and_then(|it| it.parse().ok()),
            limit: arguments.limit,
            log: empty_folder("log")?.join("last.log"),
        })
    }

    /// `pg_dump` with the settings of ours, with as many workers.
    fn pg_dump(&self) -> String {
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let (bin, url) = (self.server.bin.display(), self.server.socket_url(DATABASE));
        format!("rm -rf dump && {bin}/pg_dump -Fd -Z1 -j{workers} --no-sync -f dump '{url}'")
    }

    /// A backup in a project of its own, in place of the one before.
    fn backup(&self, name: &str, url: &str, options: &str) -> Result<Command> {
        backup(&self.binary, name, url, options)
    }

    fn dumps(&self) -> Result<Vec<Contender>> {
        let ours = self.backup("unproven", &self.server.socket_url(DATABASE), "--verify none")?;
        let theirs = shell(&self.pg_dump(), empty_folder("dump")?);
        Ok(vec![
            Contender::new("raingauge backup --verify none: dump and evidence", ours, self.runs),
            Contender::new(DUMP, theirs, self.runs),
        ])
    }

    fn evidence(&self) -> Result<Vec<Contender>> {
        let nowhere = empty_folder("nowhere")?;
        let url = self.server.socket_url(DATABASE);
        let mut ours = program(&self.digest, nowhere.clone());
        ours.arg(&url);
        let mut theirs = program(self.server.bin.join("psql"), nowhere);
        theirs.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).arg(&url);
        for table in ["mixed", "plain"] {
            theirs.arg("-c").arg(format!("COPY {table} TO STDOUT"));
        }
        Ok(vec![
            Contender::new("digests and counts", ours, self.runs),
            Contender::new(COPY, theirs, self.runs).mute(),
        ])
    }

    fn whole(&self) -> Result<Vec<Contender>> {
        let url = self.server.socket_url(DATABASE);
        let scratch = self.server.socket_url("postgres");
        let ours = self.backup("proven", &url, &format!("--scratch '{scratch}'"))?;
        let own = self.backup("own", &url, "")?;
        let (bin, copy) = (self.server.bin.display(), self.server.socket_url("copy"));
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let by_hand = format!(
            "{} && {bin}/psql -X -q -c 'DROP DATABASE IF EXISTS copy' -c 'CREATE DATABASE copy TEMPLATE template0' \
             '{scratch}' && {bin}/pg_restore --exit-on-error -j{workers} -d '{copy}' dump",
            self.pg_dump()
        );
        let by_hand = shell(&by_hand, empty_folder("by-hand")?);
        Ok(vec![
            Contender::new("raingauge backup, scratch on the same server", ours, self.runs),
            Contender::new("raingauge backup, scratch on a server of its own", own, self.runs),
            Contender::new(BY_HAND, by_hand, self.runs),
        ])
    }

    fn files(&self) -> Result<Vec<Contender>> {
        let url = format!("file:{}", self.sqlite.display());
        let unproven = self.backup("sqlite-unproven", &url, "--verify none")?;
        let proven = self.backup("sqlite", &url, "")?;
        let copy = format!("rm -f copy && sqlite3 '{}' '.backup copy'", self.sqlite.display());
        let copy = shell(&copy, empty_folder("sqlite-copy")?);
        Ok(vec![
            Contender::new(
                "raingauge backup --verify none: copy and evidence",
                unproven,
                self.runs,
            ),
            Contender::new("raingauge backup", proven, self.runs),
            Contender::new(ONLINE, copy, self.runs),
        ])
    }

    /// What the last backups say of their parts, beside the program that does only that.
    fn parts(&self, outcomes: &[Outcome]) -> Result<String> {
        let wall = |name: &str| {
            let series = outcomes.iter().flat_map(|it| &it.contenders);
            let series: Option<&Series> = series.into_iter().find(|it| it.name == name);
            series.and_then(|it| it.spread(|run| run.wall)).map_or(0.0, |it| it[1])
        };
        let mut lines = vec![
            "| part of the last backup | takes | beside | × |".to_owned(),
            "|---|---|---|---|".to_owned(),
        ];
        for (project, part, name, base) in [
            ("unproven", "dump_ms", "dump", DUMP),
            ("unproven", "digest_ms", "evidence", COPY),
            ("sqlite-unproven", "dump_ms", "copy of SQLite", ONLINE),
        ] {
            let manifest = manifest(&target()?.join("bench").join(project))?;
            let millis = manifest["durations"][part].as_f64().unwrap_or(0.0);
            let base_wall = wall(base);
            lines.push(format!(
                "| {name} | {} | {base}: {} | {:.2} |",
                time(millis),
                time(base_wall),
                millis / base_wall
            ));
        }
        lines.push(String::new());
        Ok(lines.join("\n"))
    }
}

/// A backup in a project of its own, in place of the one before.
pub(super) fn backup(binary: &Path, name: &str, url: &str, options: &str) -> Result<Command> {
    let folder = empty_folder(name)?;
    let dialect = match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => "postgresql",
        Some(("mysql", _)) => "mysql",
        _ => "sqlite",
    };
    let config = format!(
        "export default {{ dialect: '{dialect}', out: './drizzle', dbCredentials: {{ url: '{url}' }} }};\n"
    );
    fs::write(folder.join("drizzle.config.ts"), config)?;
    fs::write(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    let raingauge = binary.display();
    Ok(shell(&format!("rm -rf .raingauge && exec {raingauge} backup {options}"), folder))
}

fn manifest(project: &Path) -> Result<serde_json::Value> {
    let mut backups = fs::read_dir(project.join(".raingauge/backups"))?;
    let backup = backups.next().ok_or_else(|| Failure::new("there is no backup"))??;
    Ok(serde_json::from_str(&fs::read_to_string(backup.path().join("manifest.json"))?)?)
}

/// A line of shell, for programs that run one after the other.
pub(super) fn shell(line: &str, folder: PathBuf) -> Command {
    let mut command = program("sh", folder);
    command.args(["-c", line]);
    command
}

/// Two large tables, about half of the bytes each, and fifty small ones.
fn tables(n_mixed: u64, n_plain: u64) -> String {
    let small = (0..50).map(|n| {
        format!("CREATE TABLE small_{n} (id int PRIMARY KEY, t text); INSERT INTO small_{n} SELECT i, 'row ' || i FROM generate_series(1, 100) i;")
    });
    format!(
        "CREATE TABLE mixed (id bigint PRIMARY KEY, title text, price numeric(12, 2), made timestamptz, detail jsonb,
             labels text[], weight float8, body bytea);
         INSERT INTO mixed SELECT i, md5(i::text), i * 0.01, '2026-01-01'::timestamptz + i * interval '1 s',
             jsonb_build_object('n', i, 'word', md5((i * 7)::text)), ARRAY[md5((i * 3)::text), 'x'], i / 7.0,
             decode(md5((i * 11)::text) || md5((i * 13)::text), 'hex') FROM generate_series(1, {n_mixed}) i;
         CREATE INDEX ON mixed (title);
         CREATE TABLE plain (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
         INSERT INTO plain SELECT i, i % 100, 0, '' FROM generate_series(1, {n_plain}) i; {}",
        small.collect::<String>()
    )
}

/// The same in a file.
fn file(n_mixed: u64, n_plain: u64) -> String {
    let numbers = |n: u64| {
        format!("WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {n})")
    };
    format!(
        "PRAGMA journal_mode = wal; BEGIN;
         CREATE TABLE mixed (id integer PRIMARY KEY, title text, price numeric, made text, detail text, weight real, body blob);
         INSERT INTO mixed {} SELECT i, hex(randomblob(32)), i * 0.01, datetime(1767225600 + i, 'unixepoch'),
             json_object('n', i, 'word', hex(randomblob(40))), i / 7.0, randomblob(120) FROM s;
         CREATE INDEX mixed_title ON mixed (title);
         CREATE TABLE plain (aid integer PRIMARY KEY, bid int, abalance int, filler text);
         INSERT INTO plain {} SELECT i, i % 100, 0, printf('%084d', i) FROM s; COMMIT;",
        numbers(n_mixed),
        numbers(n_plain)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_get_tables_of_the_same_sizes() {
        for sql in [tables(1000, 4000), file(1000, 4000)] {
            assert!(sql.contains("1000") && sql.contains("4000"), "{sql}");
        }
    }
}
