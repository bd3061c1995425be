//! Reading the structure of databases of several sizes: raingauge beside the bare catalog queries,
//! `pg_dump` and drizzle-kit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use raingauge_testkit::{Postgres, Result};

use super::contest::{self, Contender, Outcome};
use super::machine::{Machine, said};
use super::measure::{End, Gauge};
use super::report::{Results, table, time, write};
use super::{BenchArgs, binary, empty_folder, generate, kit, program};
use crate::install;
use crate::process::cargo;

const OURS: &str = "raingauge";
const LIMIT: &str = "psql";
const DUMP: &str = "pg_dump -s";

/// Where things are while this benchmark runs.
struct Place {
    server: Postgres,
    binary: PathBuf,
    /// The generations of drizzle-kit with the folders of their packages.
    kits: Vec<(String, PathBuf)>,
    /// The catalog queries as a file for psql.
    script: PathBuf,
}

/// Runs the benchmark and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    install::postgresql()?;
    let place = Place::prepare(arguments)?;
    let mut machine = Machine::look(place.versions());
    let mut outcomes = Vec::new();
    for n in &arguments.tables {
        outcomes.push(place.measure(*n, arguments)?);
        println!("{}", table(&outcomes[outcomes.len() - 1..], LIMIT));
    }
    machine.end();
    let results = Results { machine, outcomes };
    let text = format!("{}\n{}", table(&results.outcomes, LIMIT), growth(&results.outcomes));
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("introspect", &results, &text) }
}

impl Place {
    fn prepare(arguments: &BenchArgs) -> Result<Self> {
        let binary = binary(arguments)?;
        let server = Postgres::start()?;
        let generations: &[&str] = if arguments.no_kit { &[] } else { &["0.31", "1.0"] };
        let kits = generations
            .iter()
            .map(|it| Ok(((*it).to_owned(), kit(&format!("kit-{it}"))?)))
            .collect::<Result<_>>()?;
        let script = empty_folder("script")?.join("catalog.sql");
        let major = server.major.to_string();
        let example = ["run", "-q", "-p", "raingauge-schema", "--example", "catalog_script", "--"];
        let output = cargo(&example).arg(major).output()?;
        if !output.status.success() {
            return Err(raingauge_testkit::Failure::new(String::from_utf8_lossy(&output.stderr)));
        }
        fs::write(&script, output.stdout)?;
        Ok(Self { server, binary, kits, script })
    }

    fn versions(&self) -> Vec<String> {
        let mut versions = vec![
            said(Command::new(&self.binary).arg("--version")),
            said(Command::new(self.server.bin.join("postgres")).arg("--version")),
        ];
        if !self.kits.is_empty() {
            versions.push(format!("Node.js {}", said(Command::new("node").arg("--version"))));
        }
        for (_, folder) in &self.kits {
            let package = folder.join("node_modules/drizzle-kit/package.json");
            let text = fs::read_to_string(package).unwrap_or_default();
            let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            versions.push(format!("drizzle-kit {}", package["version"].as_str().unwrap_or("?")));
        }
        versions
    }

    fn measure(&self, n: usize, arguments: &BenchArgs) -> Result<Outcome> {
        let database = format!("bench_{n}");
        let since = Instant::now();
        self.server.sql("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"))?;
        self.server.sql(&database, &generate::schema(n))?;
        // As in a database that has lived for a while: the planner knows its catalog.
        self.server.sql(&database, "VACUUM ANALYZE")?;
        println!("{n} tables: made in {:.0} s", since.elapsed().as_secs_f64());
        let pid = fs::read_to_string(self.server.folder.join("data/postmaster.pid"))?;
        let gauge = Gauge {
            server: pid.lines().next().and_then(|it| it.parse().ok()),
            limit: arguments.limit,
            log: empty_folder("log")?.join("last.log"),
        };
        let contenders = self.contenders(n, &database, arguments.runs)?;
        let outcome = contest::run(&format!("{n} tables"), &contenders, &gauge)?;
        self.server.sql("postgres", &format!("DROP DATABASE {database}"))?;
        Ok(outcome)
    }

    fn contenders(&self, n: usize, database: &str, runs: usize) -> Result<Vec<Contender>> {
        let url = self.server.socket_url(database);
        let nowhere = empty_folder("nowhere")?;
        let mut analyze = program(&self.binary, nowhere.clone());
        analyze.args(["analyze", "--live", "--url", &url]);
        let mut psql = program(self.server.bin.join("psql"), nowhere.clone());
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"]);
        psql.arg(&self.script).arg(&url);
        let mut dump = program(self.server.bin.join("pg_dump"), nowhere);
        dump.args(["-s", &url]);
        let mut contenders = vec![
            Contender::new(OURS, analyze, runs),
            Contender::new(LIMIT, psql, runs).mute(),
            Contender::new(DUMP, dump, runs).mute(),
        ];
        for (generation, packages) in &self.kits {
            let (runs, is_slow) = if n < 1000 { (3, false) } else { (1, true) };
            let pull = pull(packages, ("postgresql", &url), generation)?;
            let it = Contender::new(format!("drizzle-kit {generation} pull"), pull, runs);
            contenders.push(if is_slow { it.cold() } else { it });
        }
        Ok(contenders)
    }
}

/// A project as drizzle-kit wants it, and its `pull`.
pub(super) fn pull(
    packages: &Path,
    (dialect, url): (&str, &str),
    generation: &str,
) -> Result<Command> {
    let folder = empty_folder(&format!("project-{dialect}-{generation}"))?;
    std::os::unix::fs::symlink(packages.join("node_modules"), folder.join("node_modules"))?;
    let config = format!(
        "export default {{ dialect: '{dialect}', out: './drizzle', dbCredentials: {{ url: '{url}' }} }};\n"
    );
    fs::write(folder.join("drizzle.config.ts"), config)?;
    fs::write(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    let mut command = program("node", folder);
    command.args(["node_modules/drizzle-kit/bin.cjs", "pull"]);
    Ok(command)
}

/// How much longer the largest size takes than the smallest, program by program.
pub(super) fn growth(outcomes: &[Outcome]) -> String {
    let (Some(small), Some(large)) = (outcomes.first(), outcomes.last()) else {
        return String::new();
    };
    let mut lines = vec![
        format!("| | {} | {} | growth of wall time | … of memory |", small.size, large.size),
        "|---|---|---|---|---|".to_owned(),
    ];
    for (from, to) in small.contenders.iter().zip(&large.contenders) {
        let is_good = to.runs.iter().all(|it| it.end == End::Good);
        let wall = from.spread(|it| it.wall).zip(to.spread(|it| it.wall)).filter(|_| is_good);
        let Some((from_wall, to_wall)) = wall else { continue };
        let peak = |it: &contest::Series| it.runs.iter().map(|run| run.peak).max().unwrap_or(0);
        lines.push(format!(
            "| {} | {} | {} | × {:.1} | {} → {} MB |",
            from.name,
            time(from_wall[1]),
            time(to_wall[1]),
            to_wall[1] / from_wall[1],
            peak(from) / 1024,
            peak(to) / 1024
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
