//! What a verified backup of MariaDB costs: the dump beside `mariadb-dump` alone, the evidence beside `SELECT *` to
//! nowhere, the whole beside a dump and a restore by hand. The same rows as PostgreSQL's, as far as it has such types.

use std::fs;
use std::path::PathBuf;

use raingauge_testkit::Result;
use raingauge_testkit::mysql::{MySql, Vendor};

use super::backup::{backup, shell};
use super::contest::{self, Contender, Outcome};
use super::measure::Gauge;
use super::report::table;
use super::{BenchArgs, empty_folder, program};

const DATABASE: &str = "bench";
const DUMP: &str = "mariadb-dump";
const SELECT: &str = "SELECT * to nowhere";
const BY_HAND: &str = "mariadb-dump, mariadb";

/// A server of MariaDB while this benchmark runs.
pub(super) struct Place {
    server: MySql,
    binary: PathBuf,
    /// Reads the digests of a database and nothing else.
    digest: PathBuf,
    runs: usize,
}

/// Runs everything and returns the numbers, each with its table.
pub(super) fn run(place: &Place, arguments: &BenchArgs) -> Result<Vec<(Outcome, String)>> {
    let pid = fs::read_to_string(place.server.folder.join("pid"))?;
    let gauge = Gauge {
        server: pid.trim().parse().ok(),
        limit: arguments.limit,
        log: empty_folder("log-mariadb")?.join("last.log"),
    };
    let mut outcomes = Vec::new();
    for (contenders, what, base) in [
        (place.dumps()?, "MariaDB: dump", DUMP),
        (place.evidence()?, "MariaDB: evidence", SELECT),
        (place.whole()?, "MariaDB: whole", BY_HAND),
    ] {
        let what = format!("{what}, {} MB", arguments.size);
        let outcome = contest::run(&what, &contenders, &gauge)?;
        let table = table(std::slice::from_ref(&outcome), base);
        println!("{table}");
        outcomes.push((outcome, table));
    }
    Ok(outcomes)
}

impl Place {
    /// A server with an empty database.
    pub(super) fn start(binary: PathBuf, digest: PathBuf, runs: usize) -> Result<Self> {
        let server = MySql::start(Vendor::MariaDb)?;
        server.sql("mysql", &format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"))?;
        Ok(Self { server, binary, digest, runs })
    }

    pub(super) fn fill(&self, n_mixed: u64, n_plain: u64) -> Result {
        self.server.sql(DATABASE, &tables(n_mixed, n_plain)).map(drop)
    }

    fn url(&self, database: &str) -> String {
        self.server.socket_url(database)
    }

    /// A program of MariaDB that talks to the server.
    fn client(&self, name: &str) -> String {
        let socket = self.server.folder.join("socket");
        format!("{name} --no-defaults --user=root --socket={}", socket.display())
    }

    /// `mariadb-dump` with the settings of ours.
    fn dump(&self) -> String {
        format!(
            "{} --single-transaction --quick --routines --events --triggers --hex-blob --complete-insert \
             --skip-add-locks --no-tablespaces --max-allowed-packet=1G {DATABASE} >dump.sql",
            self.client(DUMP)
        )
    }

    fn dumps(&self) -> Result<Vec<Contender>> {
        let ours = backup(&self.binary, "mariadb-unproven", &self.url(DATABASE), "--verify none")?;
        let theirs = shell(&self.dump(), empty_folder("mariadb-dump")?);
        Ok(vec![
            Contender::new("raingauge backup --verify none: dump and evidence", ours, self.runs),
            Contender::new(DUMP, theirs, self.runs),
        ])
    }

    fn evidence(&self) -> Result<Vec<Contender>> {
        let nowhere = empty_folder("mariadb-nowhere")?;
        let mut ours = program(&self.digest, nowhere.clone());
        ours.arg(self.url(DATABASE));
        let all = "SELECT * FROM mixed; SELECT * FROM plain";
        let select = format!("{} --quick --batch -e '{all}' {DATABASE}", self.client("mariadb"));
        let theirs = shell(&select, nowhere);
        Ok(vec![
            Contender::new("digests and counts", ours, self.runs),
            Contender::new(SELECT, theirs, self.runs).mute(),
        ])
    }

    fn whole(&self) -> Result<Vec<Contender>> {
        let url = self.url(DATABASE);
        let scratch = format!("--scratch '{}'", self.url("mysql"));
        let there = backup(&self.binary, "mariadb-proven", &url, &scratch)?;
        let own = backup(&self.binary, "mariadb-own", &url, "")?;
        let client = self.client("mariadb");
        let by_hand = format!(
            "{} && {client} -e 'DROP DATABASE IF EXISTS copy; CREATE DATABASE copy CHARACTER SET utf8mb4' && \
             {client} --max-allowed-packet=1G copy <dump.sql",
            self.dump()
        );
        let by_hand = shell(&by_hand, empty_folder("mariadb-by-hand")?);
        Ok(vec![
            Contender::new("raingauge backup, scratch on the same server", there, self.runs),
            Contender::new("raingauge backup, scratch on a server of its own", own, self.runs),
            Contender::new(BY_HAND, by_hand, self.runs),
        ])
    }
}

/// Two large tables, about half of the bytes each, and fifty small ones.
fn tables(n_mixed: u64, n_plain: u64) -> String {
    let small = (0..50).map(|n| {
        format!("CREATE TABLE small_{n} (id int PRIMARY KEY, t text); INSERT INTO small_{n} SELECT seq, concat('row ', seq) FROM seq_1_to_100;")
    });
    format!(
        "CREATE TABLE mixed (id bigint PRIMARY KEY, title text, price decimal(12, 2), made timestamp NULL, detail json,
             labels text, weight double, body blob);
         INSERT INTO mixed SELECT seq, md5(seq), seq * 0.01, '2026-01-01' + INTERVAL seq SECOND,
             json_object('n', seq, 'word', md5(seq * 7)), concat(md5(seq * 3), ',x'), seq / 7.0,
             unhex(concat(md5(seq * 11), md5(seq * 13))) FROM seq_1_to_{n_mixed};
         CREATE INDEX title ON mixed (title(40));
         CREATE TABLE plain (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
         INSERT INTO plain SELECT seq, seq % 100, 0, '' FROM seq_1_to_{n_plain}; {}",
        small.collect::<String>()
    )
}
