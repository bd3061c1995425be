//! Certificates: written by a reconcile, checked by `validate --certificate`, and what makes it say no.

use std::fs;
use std::path::PathBuf;

use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result, Run};
use sha2::{Digest, Sha256};

use crate::run::{run, verdict};

const SCHEMA: &str = include_str!("../../../../docs/certificate.schema.json");

/// A lived bookstore that was adopted without a `schema.ts`: nothing is pending.
fn baseline_alone(example: Example) -> Result<Project> {
    let project = Project::new(example, Age::Lived)?;
    project.forget_schema()?;
    run(&project, &["reconcile", "--confirm"], 0)?;
    Ok(project)
}

/// The only certificate of a project.
fn certificate(project: &Project) -> Result<PathBuf> {
    let found = fs::read_dir(project.path("raingauge"))?.map(|it| Ok(it?.path()));
    let found = found.collect::<Result<Vec<_>>>()?;
    assert_eq!(found.len(), 1, "{found:?}");
    Ok(found[0].clone())
}

#[track_caller]
fn validated(project: &Project, code: i32) -> Result<Run> {
    let path = certificate(project)?.display().to_string();
    run(project, &["validate", "--certificate", &path], code)
}

/// The certificate with one edit and a checksum that is right again, as somebody might make it.
fn forge(project: &Project, from: &str, to: &str) -> Result {
    let path = certificate(project)?;
    let text = fs::read_to_string(&path)?;
    assert!(text.contains(from), "no `{from}` in\n{text}");
    let text = text.replacen(from, to, 1);
    let is_checksum = |it: &&str| it.starts_with("  \"checksum\": ");
    let without: String = text.split_inclusive('\n').filter(|it| !is_checksum(it)).collect();
    let sum: String = Sha256::digest(without).iter().map(|it| format!("{it:02x}")).collect();
    let line = text.split_inclusive('\n').find(is_checksum).expect("it has a checksum");
    Ok(fs::write(&path, text.replace(line, &format!("  \"checksum\": \"{sum}\",\n")))?)
}

fn exists_after_reconcile_and_holds(example: Example) -> Result {
    let project = baseline_alone(example)?;
    let holds = validated(&project, 0)?;
    assert_eq!(verdict(&holds), "validate: clean");
    for check in [
        "the history's files are those that were certified",
        "the ledger has the certified rows",
        "a replay builds what was certified",
        "live is what was certified",
    ] {
        let line = holds.stdout.lines().find(|it| it.contains(check));
        assert!(line.is_some_and(|it| it.ends_with("passed")), "{check}: {holds}");
    }
    let path = certificate(&project)?.display().to_string();
    run(&project, &["validate", "--offline", "--certificate", &path], 0)?;
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    assert_matches_the_schema(&document)?;
    let text = document.to_string();
    assert!(!text.contains(raingauge_testkit::postgres::PASSWORD), "{text}");
    assert_eq!(document["live"]["fingerprint"], document["replay"]["fingerprint"]);
    assert_eq!(document["dump"]["live"], document["dump"]["rebuilt"]);
    assert_eq!(document["history"]["files"].as_array().map(Vec::len), Some(5));
    assert_eq!(document["ledger"]["rows"].as_array().map(Vec::len), Some(2));
    Ok(())
}

/// Every property of the document is in the published schema, and every required one in the document.
fn assert_matches_the_schema(document: &serde_json::Value) -> Result {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA)?;
    let known = |it: &serde_json::Value| -> Vec<String> {
        it["properties"].as_object().into_iter().flatten().map(|it| it.0.clone()).collect()
    };
    let required = |it: &serde_json::Value| -> Vec<String> {
        let names = it["required"].as_array().into_iter().flatten();
        names.filter_map(|it| Some(it.as_str()?.to_owned())).collect()
    };
    let parts = [
        ("", &schema, document),
        ("versions", &schema["$defs"]["Versions"], &document["versions"]),
        ("live", &schema["$defs"]["CatalogRecord"], &document["live"]),
        ("class", &schema["$defs"]["ClassRecord"], &document["live"]["classes"][0]),
        ("history", &schema["$defs"]["HistoryRecord"], &document["history"]),
        ("ledger", &schema["$defs"]["LedgerRecord"], &document["ledger"]),
    ];
    for (name, schema, part) in parts {
        let keys: Vec<_> = part.as_object().into_iter().flatten().map(|it| it.0.clone()).collect();
        assert!(!keys.is_empty() && keys.iter().all(|it| known(schema).contains(it)), "{name}");
        assert!(required(schema).iter().all(|it| keys.contains(it)), "{name}: {keys:?}");
    }
    Ok(())
}

#[test]
fn a_sqlite_certificate_exists_after_reconcile_and_holds() -> Result {
    exists_after_reconcile_and_holds(Example::BookstoreSqlite)
}

#[test]
fn a_postgres_certificate_exists_after_reconcile_and_holds() -> Result {
    exists_after_reconcile_and_holds(Example::BookstorePostgres)
}

fn refused_adoptions_have_none(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["reconcile"], 1)?;
    assert!(!project.path("raingauge").exists(), "one was written without consent");
    project.edit("src/db/schema.ts", "\"books\"", "\"tomes\"")?;
    run(&project, &["reconcile", "--confirm"], 1)?;
    assert!(!project.path("raingauge").exists(), "one was written for a refused plan");
    Ok(())
}

#[test]
fn what_is_only_shown_or_refused_on_sqlite_has_no_certificate() -> Result {
    refused_adoptions_have_none(Example::BookstoreSqlite)
}

#[test]
fn what_is_only_shown_or_refused_on_postgres_has_no_certificate() -> Result {
    refused_adoptions_have_none(Example::BookstorePostgres)
}

fn holds_after_later_migrations(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["reconcile", "--confirm"], 0)?;
    let waiting = validated(&project, 1)?;
    assert!(waiting.stdout.contains("error[pending]"), "{waiting}");
    assert!(!waiting.stdout.contains("error[certificate"), "{waiting}");
    run(&project, &["migrate"], 0)?;
    let later = validated(&project, 0)?;
    assert!(later.stdout.contains("has moved on by 1 migration; what the certificate"), "{later}");
    assert!(later.stdout.contains("up to `0001_seed`"), "{later}");
    // What was added since is not what the certificate is about, but live still has to be all of it.
    project.database.sql("ALTER TABLE books ADD COLUMN sneaked_in text")?;
    let drifted = validated(&project, 1)?;
    assert!(drifted.stdout.contains("error[drift]"), "{drifted}");
    assert!(!drifted.stdout.contains("error[certificate"), "{drifted}");
    Ok(())
}

#[test]
fn a_sqlite_certificate_holds_after_later_migrations() -> Result {
    holds_after_later_migrations(Example::BookstoreSqlite)
}

#[test]
fn a_postgres_certificate_holds_after_later_migrations() -> Result {
    holds_after_later_migrations(Example::BookstorePostgres)
}

fn tells_what_changed(example: Example, ledger: &str) -> Result {
    let project = baseline_alone(example)?;
    let expect = |part: &str| -> Result {
        let run = validated(&project, 1)?;
        assert!(run.stdout.contains(part) || run.stderr.contains(part), "no `{part}`: {run}");
        Ok(())
    };
    let document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(certificate(&project)?)?)?;
    for file in document["history"]["files"].as_array().expect("it has files") {
        let path = project.path("drizzle").join(file["path"].as_str().expect("a file has a path"));
        let before = fs::read(&path)?;
        let mut after = before.clone();
        // A blank more at the end: no JSON and no SQL means anything else.
        after.push(b' ');
        fs::write(&path, after)?;
        let certificate = certificate(&project)?.display().to_string();
        let run = run(&project, &["validate", "--offline", "--certificate", &certificate], 1)?;
        assert!(run.stdout.contains("error[certificate-files-differ]"), "{run}");
        if path.ends_with("0000_baseline.sql") {
            expect("error[certificate-files-differ]")?;
            expect("error[certificate-not-replayed]")?;
        }
        fs::write(&path, before)?;
    }
    let row = format!("UPDATE {ledger} SET hash = replace(hash, substr(hash, 1, 8), '01234567')");
    let back = project.database.ledger()?;
    project.database.sql(&row)?;
    expect("error[certificate-ledger-differs]")?;
    assert_ne!(back, project.database.ledger()?);
    Ok(())
}

#[test]
fn a_changed_file_or_ledger_row_on_sqlite_fails_the_certificate() -> Result {
    tells_what_changed(Example::BookstoreSqlite, "__drizzle_migrations")
}

#[test]
fn a_changed_file_or_ledger_row_on_postgres_fails_the_certificate() -> Result {
    tells_what_changed(Example::BookstorePostgres, "drizzle.__drizzle_migrations")
}

fn names_the_changed_object(example: Example, flips: &[(&str, &str)]) -> Result {
    let project = baseline_alone(example)?;
    for (sql, object) in flips {
        project.database.sql(sql)?;
        let run = validated(&project, 1)?;
        for part in ["error[certificate-live-differs]", "error[certificate-dump-differs]", object] {
            assert!(run.stdout.contains(part), "no `{part}` after `{sql}`: {run}");
        }
        assert!(!run.stdout.contains("certificate-replay-differs"), "{run}");
    }
    Ok(())
}

#[test]
fn a_changed_sqlite_object_is_named_with_its_class() -> Result {
    names_the_changed_object(
        Example::BookstoreSqlite,
        &[(
            "CREATE INDEX flipped ON books (author)",
            "index books.flipped: there, and not certified",
        )],
    )
}

#[test]
fn a_changed_postgres_object_is_named_with_its_class() -> Result {
    names_the_changed_object(
        Example::BookstorePostgres,
        &[
            ("ALTER TABLE books ALTER author DROP NOT NULL", "column public.books.author: differs"),
            ("COMMENT ON TABLE books IS 'flipped'", "public.books"),
        ],
    )
}

#[test]
fn a_changed_certificate_is_refused() -> Result {
    let project = baseline_alone(Example::BookstoreSqlite)?;
    let path = certificate(&project)?;
    let before = fs::read(&path)?;
    let n = before.len();
    for at in [0, n / 3, n / 2, n - 40, n - 1] {
        let mut after = before.clone();
        after[at] ^= 1;
        fs::write(&path, &after)?;
        let run = validated(&project, 1)?;
        assert!(run.stderr.contains("error[certificate-changed]"), "byte {at}: {run}");
    }
    fs::write(&path, before)?;
    validated(&project, 0)?;
    Ok(())
}

#[test]
fn another_database_another_version_and_a_newer_format_are_told() -> Result {
    let project = baseline_alone(Example::BookstoreSqlite)?;
    let path = certificate(&project)?;
    let before = fs::read(&path)?;
    let version = format!("\"raingauge\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let cases = [
        ("\"name\": \"bookstore\"", "\"name\": \"others\"", "error[certificate-other-database]", 1),
        ("\"format\": 1", "\"format\": 2", "error[certificate-format]", 1),
        (&version, "\"raingauge\": \"0.0.9\"", "info[certificate-other-version]", 0),
    ];
    for (from, to, expected, code) in cases {
        forge(&project, from, to)?;
        let run = validated(&project, code)?;
        assert!(run.stdout.contains(expected) || run.stderr.contains(expected), "{run}");
        fs::write(&path, &before)?;
    }
    forge(&project, &version, "\"raingauge\": \"0.0.9\"")?;
    project.database.sql("CREATE INDEX flipped ON books (author)")?;
    let run = validated(&project, 1)?;
    assert!(run.stdout.contains("error[certificate-other-version]"), "{run}");
    assert!(run.stdout.contains("npx raingauge@0.0.9 validate"), "{run}");
    let missing = self::run(&project, &["validate", "--certificate", "no.json"], 2)?;
    assert!(missing.stderr.contains("error[certificate-unreadable]"), "{missing}");
    Ok(())
}

#[test]
fn a_forged_fingerprint_does_not_hold() -> Result {
    let project = baseline_alone(Example::BookstoreSqlite)?;
    let path = certificate(&project)?;
    let text = fs::read_to_string(&path)?;
    let document: serde_json::Value = serde_json::from_str(&text)?;
    let dump = document["dump"]["rebuilt"].as_str().expect("a dump has a hash");
    let live = document["live"]["fingerprint"].as_str().expect("live has a fingerprint");
    let zeros = "0".repeat(64);
    let cases = [
        (format!("\"live\": \"{dump}"), "certificate-dump-differs] live"),
        (format!("\"rebuilt\": \"{dump}"), "certificate-dump-differs] 0001_seed"),
        (
            format!("\"prerequisites\": [],\n    \"fingerprint\": \"{live}"),
            "certificate-replay-differs]",
        ),
        (format!("\"live\": {{\n    \"fingerprint\": \"{live}"), "certificate-live-differs]"),
    ];
    for (from, code) in cases {
        let hash = if from.ends_with(dump) { dump } else { live };
        forge(&project, &from, &from.replace(hash, &zeros))?;
        let run = validated(&project, 1)?;
        assert!(run.stdout.contains(code), "no `{code}`: {run}");
        fs::write(&path, &text)?;
    }
    Ok(())
}

/// Without what belongs to the moment: times, the hashes of files that hold times, and the name of the
/// test's own database.
fn timeless(project: &Project) -> Result<serde_json::Value> {
    let mut document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(certificate(project)?)?)?;
    for pointer in [
        "/checksum",
        "/written",
        "/plan",
        "/database/name",
        "/history/entries",
        "/history/migrations/0/when",
        "/history/migrations/1/when",
        "/history/files/4/sha256",
        "/ledger/rows/0/created_at",
        "/ledger/rows/1/created_at",
    ] {
        *document.pointer_mut(pointer).expect(pointer) = serde_json::Value::Null;
    }
    Ok(document)
}

fn is_the_same_twice(example: Example) -> Result {
    let (first, second) = (baseline_alone(example)?, baseline_alone(example)?);
    assert_eq!(timeless(&first)?, timeless(&second)?);
    Ok(())
}

#[test]
fn two_sqlite_runs_differ_in_times_alone() -> Result {
    is_the_same_twice(Example::BookstoreSqlite)
}

#[test]
fn two_postgres_runs_differ_in_times_alone() -> Result {
    is_the_same_twice(Example::BookstorePostgres)
}
