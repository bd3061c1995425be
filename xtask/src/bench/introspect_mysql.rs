//! Reading the structure of MySQL and MariaDB databases of several sizes: raingauge beside the dump program of the
//! server without rows, and drizzle-kit.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use raingauge_testkit::mysql::{MySql, Vendor};
use raingauge_testkit::project::{DRIZZLE_1, MYSQL_0};
use raingauge_testkit::{Result, node};

use super::contest::{self, Contender, Outcome};
use super::introspect::{growth, pull};
use super::machine::{Machine, said};
use super::measure::Gauge;
use super::report::{Results, table, write};
use super::{BenchArgs, binary, empty_folder, program};
use crate::{install, mysql};

/// The dump programs' row, which the others are compared to.
const DUMP: &str = "dump --no-data";

const WRITES: &str = "writing to a string";

/// Runs the benchmark on each server that can be had, and writes its numbers.
pub(super) fn run(arguments: &BenchArgs) -> Result {
    mysql::run(false)?;
    install::packages()?;
    let binary = binary(arguments)?;
    let places: Vec<_> =
        Vendor::ALL.into_iter().filter_map(|it| Place::start(it, &binary)).collect();
    let mut versions = vec![said(Command::new(&binary).arg("--version"))];
    versions.extend(places.iter().map(Place::version));
    let mut machine = Machine::look(versions);
    let (mut outcomes, mut grown) = (Vec::new(), String::new());
    for place in &places {
        let mut of_place = Vec::new();
        for n in &arguments.tables {
            of_place.push(place.measure(*n, arguments)?);
            println!("{}", table(&of_place[of_place.len() - 1..], DUMP));
        }
        write!(grown, "\n{:?}:\n\n{}", place.server.vendor, growth(&of_place)).expect(WRITES);
        outcomes.extend(of_place);
    }
    machine.end();
    let results = Results { machine, outcomes };
    let text = format!("{}{grown}", table(&results.outcomes, DUMP));
    println!("{text}");
    if arguments.dry { Ok(()) } else { write("introspect-mysql", &results, &text) }
}

/// A server while this benchmark runs.
struct Place {
    server: MySql,
    binary: PathBuf,
}

impl Place {
    fn start(vendor: Vendor, binary: &Path) -> Option<Self> {
        let server = MySql::start(vendor);
        let server = server.inspect_err(|it| println!("skipped: {vendor:?}: {it}")).ok()?;
        Some(Self { server, binary: binary.to_owned() })
    }

    fn version(&self) -> String {
        let version = self.server.sql("mysql", "SELECT version()").unwrap_or_default();
        format!("{:?} {}", self.server.vendor, version.trim())
    }

    fn measure(&self, n: usize, arguments: &BenchArgs) -> Result<Outcome> {
        let database = format!("bench_{n}");
        self.server.sql("mysql", &format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"))?;
        self.server.sql(&database, &schema(n))?;
        let pid = fs::read_to_string(self.server.folder.join("pid"))?;
        let gauge = Gauge {
            server: pid.trim().parse().ok(),
            limit: arguments.limit,
            log: empty_folder("log-mysql")?.join("last.log"),
        };
        let contenders = self.contenders(n, &database, arguments)?;
        let size = format!("{:?}, {n} tables", self.server.vendor);
        let outcome = contest::run(&size, &contenders, &gauge)?;
        self.server.sql("mysql", &format!("DROP DATABASE {database}"))?;
        Ok(outcome)
    }

    fn contenders(
        &self,
        n: usize,
        database: &str,
        arguments: &BenchArgs,
    ) -> Result<Vec<Contender>> {
        let nowhere = empty_folder("nowhere")?;
        let mut analyze = program(&self.binary, nowhere.clone());
        analyze.args(["analyze", "--live", "--url", &self.server.socket_url(database)]);
        let name = match self.server.release.client_folder()? {
            Some(folder) => folder.join("mysqldump"),
            None => PathBuf::from("mariadb-dump"),
        };
        let mut dump = program(name, nowhere);
        dump.args([
            "--no-defaults",
            "--user=root",
            "--no-data",
            "--routines",
            "--events",
            "--triggers",
        ]);
        dump.arg(format!("--socket={}", self.server.folder.join("socket").display()));
        dump.args(["--no-tablespaces", "--skip-lock-tables", database]);
        let runs = arguments.runs;
        let mut all = vec![
            Contender::new("raingauge", analyze, runs),
            Contender::new(DUMP, dump, runs).mute(),
        ];
        let kits = [("0.31", MYSQL_0), ("1.0", DRIZZLE_1)];
        for (generation, packages) in kits.into_iter().filter(|_| !arguments.no_kit) {
            let packages = node::modules(packages)?;
            let packages = packages.parent().unwrap_or(&packages);
            let url = self.server.url(database);
            let pull = pull(packages, ("mysql", &url), generation)?;
            let it = Contender::new(
                format!("drizzle-kit {generation} pull"),
                pull,
                if n < 1000 { 3 } else { 1 },
            );
            all.push(if n < 1000 { it } else { it.cold() });
        }
        Ok(all)
    }
}

/// SQL that creates a schema of `n` tables, of what both flavours know: ten columns, a primary key, a unique key, a
/// check, two foreign keys and three indexes each; every twentieth brings a view, a procedure and a trigger.
fn schema(n: usize) -> String {
    let mut sql = String::new();
    for at in 0..n {
        let name = |at: usize| format!("item_{at:05}");
        let (name, parent, owner) = (name(at), name(at.saturating_sub(1)), name(at / 3));
        write!(
            sql,
            "CREATE TABLE {name} (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, parent_id bigint NOT NULL, owner_id bigint, code varchar(40) NOT NULL,
  state enum('draft', 'open', 'paid', 'shipped', 'closed') NOT NULL DEFAULT 'draft', title varchar(200) NOT NULL DEFAULT '',
  price decimal(12, 2) NOT NULL DEFAULT 0, detail json, labels text, made_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT {name}_parent_fk FOREIGN KEY (parent_id) REFERENCES {parent} (id) ON DELETE CASCADE,
  CONSTRAINT {name}_owner_fk FOREIGN KEY (owner_id) REFERENCES {owner} (id) ON DELETE SET NULL,
  CONSTRAINT {name}_code_key UNIQUE (code), CONSTRAINT {name}_price_check CHECK (price >= 0 AND price < 1000000),
  KEY {name}_parent_idx (parent_id), KEY {name}_state_idx (state, made_at), KEY {name}_title_idx (title(20)));\n"
        )
        .expect(WRITES);
        if at % 20 == 19 {
            write!(
                sql,
                "CREATE VIEW {name}_open AS SELECT t.id, t.code, p.title FROM {name} t JOIN {parent} p ON p.id = t.parent_id WHERE t.state <> 'closed';
CREATE PROCEDURE {name}_close (IN wanted bigint) UPDATE {name} SET state = 'closed' WHERE id = wanted;
CREATE TRIGGER {name}_touch BEFORE UPDATE ON {name} FOR EACH ROW SET NEW.made_at = now();\n"
            )
            .expect(WRITES);
        }
    }
    sql
}
