//! Databases of MySQL and MariaDB that other people's scripts and histories make, read through `RAINGAUGE_CORPUS`.

use std::path::Path;
use std::sync::Arc;

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use raingauge_testkit::{Project, Result};

use crate::corpus::corpus;
use crate::corpus::replayed::{JOURNAL, copied};
use crate::crash::is_full;
use crate::mysql_adopt::{lived_nothing, run};
use crate::run::verdict;
use crate::steps::says;

/// Each server with a generation of Drizzle; in a full run each with both.
pub(crate) fn pairs() -> Vec<(Arc<MySql>, u8)> {
    let of = |server: Arc<MySql>| {
        let usual = u8::from(server.vendor == Vendor::MySql);
        let all = if is_full() { vec![0, 1] } else { vec![usual] };
        all.into_iter().map(move |it| (Arc::clone(&server), it))
    };
    servers().into_iter().flat_map(of).collect()
}

/// A project without a `schema.ts`, whose database is for the test to fill.
pub(crate) fn bare(database: &MySqlDatabase, generation: u8) -> Result<Project> {
    let project = lived_nothing(database, generation, "")?;
    project.edit("drizzle.config.ts", "schema: \"./src/db/schema.ts\", ", "")?;
    std::fs::remove_dir_all(project.path("src"))?;
    Ok(project)
}

/// Adopts what is `inside` on one server, perhaps with the script that it is from, and lets the real kit judge.
fn adopt(server: &Arc<MySql>, generation: u8, script: Option<&str>, inside: &str) -> Result {
    let database = server.database("corpus")?;
    let project = bare(&database, generation)?;
    script.map_or(Ok(()), |it| project.write("db/init.sql", it))?;
    database.sql(inside)?;
    let before = database.dump(&["--skip-extended-insert"])?;
    let told = run(&project, server, &["analyze"], 1)?;
    says(&told, &["analyze: differences", "error[not-adopted]"]);
    run(&project, server, &["execute", "--confirm"], 0)?;
    let ledger = format!("--ignore-table={}.__drizzle_migrations", database.name);
    assert_eq!(database.dump(&["--skip-extended-insert", &ledger])?, before);
    let mut said = judge::Verdict::default();
    judge::mysql::history_verdict(&project, &database, &[], &mut said)?;
    assert!(said.is_good(), "{:?} {generation}\n{said}", server.vendor);
    let again = run(&project, server, &["analyze"], 0)?;
    assert_eq!(verdict(&again), "analyze: clean", "{again}");
    Ok(())
}

/// Adopts what a script of other people makes, without a `schema.ts`.
fn adopt_script(name: &str, file: &str, vendors: &[Vendor]) -> Result {
    let mut pairs = pairs().into_iter().filter(|it| vendors.contains(&it.0.vendor));
    pairs.try_for_each(|(server, generation)| adopt_script_on(&server, generation, name, file))
}

/// The same on one server.
pub(crate) fn adopt_script_on(
    server: &Arc<MySql>,
    generation: u8,
    name: &str,
    file: &str,
) -> Result {
    let Some(corpus) = corpus(name) else { return Ok(()) };
    let script = std::fs::read_to_string(corpus.join(file))?;
    let is_about_database = |line: &&str| {
        let line = line.trim_start().to_ascii_uppercase();
        ["USE ", "CREATE SCHEMA", "DROP SCHEMA", "CREATE DATABASE", "DROP DATABASE"]
            .iter()
            .any(|it| line.starts_with(it))
    };
    let inside: Vec<_> = script.lines().filter(|it| !is_about_database(it)).collect();
    // What it qualifies with its own name is in the database, whatever that is called.
    let inside = inside.join("\n").replace(&format!("{name}."), "");
    adopt(server, generation, Some(&script), &inside)
}

#[test]
fn chinook_is_adopted_with_its_rows() -> Result {
    // Nothing in it is a matter of the flavour, and its rows take a while.
    let vendors = if is_full() { &Vendor::ALL[..] } else { &[Vendor::MySql] };
    adopt_script("chinook", "Chinook_MySql_AutoIncrementPKs.sql", vendors)
}

#[test]
fn sakila_is_adopted_with_its_programs() -> Result {
    adopt_script("sakila", "mysql-sakila-schema.sql", &Vendor::ALL)
}

#[test]
fn temporal_is_adopted_with_its_binary_keys() -> Result {
    let vendors = if is_full() { &Vendor::ALL[..] } else { &[Vendor::MariaDb] };
    adopt_script("temporal", "mysql-temporal.sql", vendors)
}

#[test]
fn temporals_visibility_is_adopted_with_its_generated_columns() -> Result {
    // MariaDB has no indexes on expressions.
    adopt_script("temporal", "mysql-visibility.sql", &[Vendor::MySql])
}

/// Its files as one script, in the order of the journal.
fn script_of(history: &Path) -> Result<String> {
    let journal = std::fs::read_to_string(history.join("meta/_journal.json"))?;
    let journal: serde_json::Value = serde_json::from_str(&journal)?;
    let tags =
        journal["entries"].as_array().into_iter().flatten().filter_map(|it| it["tag"].as_str());
    let mut files = Vec::new();
    for tag in tags {
        let text = std::fs::read_to_string(history.join(format!("{tag}.sql")))?;
        let pieces =
            text.split("--> statement-breakpoint").map(|it| it.trim().trim_end_matches(';'));
        files.push(pieces.collect::<Vec<_>>().join("\n;\n"));
    }
    Ok(files.join("\n;\n"))
}

#[test]
fn homarr_is_adopted_as_its_migrations_left_it() -> Result {
    let Some(corpus) = corpus("homarr-mysql") else { return Ok(()) };
    let script = script_of(&corpus)?;
    // Its hundreds of statements take a while, wherever they run.
    let n = if is_full() { 4 } else { 1 };
    let mut pairs = pairs().into_iter().take(n);
    pairs.try_for_each(|(server, generation)| adopt(&server, generation, None, &script))
}

#[test]
fn homarrs_own_history_is_found_at_each_step_and_ends_as_in_one_go() -> Result {
    let Some(corpus) = corpus("homarr-mysql") else { return Ok(()) };
    if !is_full() {
        println!("skipped: only a full run replays its hundreds of statements again and again");
        return Ok(());
    }
    for server in servers() {
        let database = server.database("replayed")?;
        let project = bare(&database, 0)?;
        let journal = copied(&corpus, &project)?;
        let entries = journal["entries"].as_array().cloned().unwrap_or_default();
        let n = entries.len();
        for upto in [n.div_ceil(3), (2 * n).div_ceil(3), n] {
            let mut cut = journal.clone();
            cut["entries"] = entries[..upto].to_vec().into();
            project.write(JOURNAL, &cut.to_string())?;
            judge::mysql::migrate(&project, Migrator::Programmatic, &database)?.success()?;
            let tag = entries[upto - 1]["tag"].as_str().unwrap_or_default();
            let told = run(&project, &server, &["status"], 0)?;
            says(&told, &[&format!("proven: {tag}"), &format!("{upto} recorded, 0 pending")]);
        }
        let ours = server.database("ours")?;
        let url = server.url(&ours.name);
        let migrate = ["migrate", "--format", "json", "--url", &url];
        let refused = run(&project, &server, &migrate, 1)?.json()?;
        let findings = refused["findings"].as_array().into_iter().flatten();
        let next = findings.filter_map(|it| it["next"][0].as_str()).collect::<Vec<_>>().join(" ");
        let names: Vec<_> = next.split('`').filter_map(|it| it.strip_prefix("--allow ")).collect();
        let allowed = names.iter().flat_map(|it| ["--allow", it]);
        let migrate: Vec<_> = migrate.into_iter().chain(allowed).collect();
        run(&project, &server, &migrate, 0)?;
        assert_eq!(ours.structure()?, database.structure()?, "{:?}", server.vendor);
        let done = judge::mysql::migrate(&project, Migrator::Kit, &ours)?;
        let ledger = ours.sql("SELECT count(*) FROM __drizzle_migrations")?;
        assert_eq!((done.code, ledger.trim().parse::<usize>()?), (0, n), "{done}");
    }
    Ok(())
}
