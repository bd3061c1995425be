//! What commands print: JSON that follows the published schema, text that people can read.

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};
use serde_json::Value;

use crate::run::run;

const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

/// Where a value breaks a schema. It knows the words that our schema uses and fails at any other, so
/// that nothing passes because it was not understood.
fn problems(value: &Value, schema: &Value, root: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, rule) in schema.as_object().expect("a schema is an object") {
        match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "format" => {}
            "type" => {
                let is_one = |it: &Value| is_of_type(value, it.as_str().unwrap_or_default());
                if !rule.as_array().map_or_else(|| is_one(rule), |it| it.iter().any(is_one)) {
                    found.push(format!("{at} is not {rule}"));
                }
            }
            "const" if rule != value => found.push(format!("{at} is not {rule}")),
            "minimum" | "const" => {}
            "enum" => {
                if !rule.as_array().is_some_and(|it| it.contains(value)) {
                    found.push(format!("{at} is {value}, not one of {rule}"));
                }
            }
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                let lacking = names.filter(|it| value.get(it).is_none());
                found.extend(lacking.map(|it| format!("{at} has no {it}")));
            }
            "$ref" => {
                let place = rule.as_str().unwrap_or_default().trim_start_matches('#');
                let target = root.pointer(place).expect("a reference leads somewhere");
                found.extend(problems(value, target, root, at));
            }
            "anyOf" => {
                let mut each = rule.as_array().into_iter().flatten();
                if !each.any(|it| problems(value, it, root, at).is_empty()) {
                    found.push(format!("{at} is none of what it may be"));
                }
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(problems(item, rule, root, &format!("{at}[{n}]")));
                }
            }
            "properties" | "additionalProperties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    let rule = if word == "properties" { rule.get(name) } else { Some(rule) };
                    let inside = format!("{at}.{name}");
                    match rule {
                        Some(rule) => found.extend(problems(inner, rule, root, &inside)),
                        None => found.push(format!("{inside} is not in the schema")),
                    }
                }
            }
            other => found.push(format!("the schema says {other}, which this test does not know")),
        }
    }
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_report() -> Result {
    let schema: Value = serde_json::from_str(SCHEMA)?;
    let good = serde_json::json!({
        "format": 1, "command": "status", "engine": "", "target": "", "verdict": "clean",
        "findings": [], "steps": [], "artefacts": [], "sections": { "a": [{ "b": "c" }] }
    });
    assert_eq!(problems(&good, &schema, &schema, "it"), [""; 0]);
    for (place, wrong, expected) in [
        ("format", serde_json::json!(2), "it.format is not 1"),
        ("verdict", serde_json::json!("fine"), "it.verdict is \"fine\", not one of"),
        ("findings", serde_json::json!([{ "code": "a" }]), "it.findings[0] has no severity"),
        ("sections", serde_json::json!({ "a": [{ "b": 1 }] }), "it.sections.a[0].b is not"),
        ("other", serde_json::json!(1), "it.other is not in the schema"),
    ] {
        let mut bad = good.clone();
        bad[place] = wrong;
        let found = problems(&bad, &schema, &schema, "it");
        assert!(found.iter().any(|it| it.starts_with(expected)), "{expected}: {found:?}");
    }
    Ok(())
}

/// Runs a command with JSON, and holds what it prints against the published schema.
#[track_caller]
fn document(project: &Project, arguments: &[&str], code: i32) -> Result<Value> {
    let run = run(project, &[arguments, &["--format", "json"]].concat(), code)?;
    let (document, schema) = (run.json()?, serde_json::from_str(SCHEMA)?);
    assert_eq!(problems(&document, &schema, &schema, "document"), [""; 0], "{run}");
    assert_eq!(document["format"], 1);
    assert_eq!(document["command"], arguments[0]);
    assert!(run.stderr.is_empty(), "{run}");
    Ok(document)
}

fn every_command_follows_the_schema(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let analyzed = document(&project, &["analyze"], 1)?;
    assert_eq!(analyzed["verdict"], "differences");
    assert_eq!(analyzed["sections"]["seeds"][0]["edited"], "1");
    document(&project, &["reconcile"], 1)?;
    let executed = document(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(executed["verdict"], "clean");
    assert!(executed["steps"].as_array().is_some_and(|it| !it.is_empty()));
    for arguments in [&["status"][..], &["validate"], &["migrate"], &["backup", "list"]] {
        assert_eq!(document(&project, arguments, 0)?["verdict"], "clean");
    }
    let backup = document(&project, &["backup"], 0)?;
    assert!(backup["artefacts"].as_array().is_some_and(|it| !it.is_empty()));
    document(&project, &["init"], 1)?;
    Ok(())
}

#[test]
fn every_command_on_sqlite_prints_what_the_schema_says() -> Result {
    every_command_follows_the_schema(Example::BookstoreSqlite)
}

#[test]
fn every_command_on_postgres_prints_what_the_schema_says() -> Result {
    every_command_follows_the_schema(Example::BookstorePostgres)
}

#[test]
fn an_error_is_a_document_too() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let failed = document(&project, &["analyze", "--config", "nowhere.ts"], 2)?;
    assert_eq!(failed["verdict"], "failed");
    assert!(failed["error"]["code"].is_string());
    Ok(())
}

#[test]
fn text_fits_80_columns_says_the_verdict_first_and_the_next_command_last() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        for (arguments, code, next) in [
            (&["analyze"][..], 1, Some("raingauge execute")),
            (&["status"], 0, Some("raingauge analyze")),
            (&["reconcile"], 1, Some("raingauge reconcile --confirm")),
            (&["execute"], 1, Some("raingauge execute --confirm")),
            (&["execute", "--confirm"], 0, Some("git add drizzle raingauge")),
            (&["analyze"], 0, Some("raingauge validate")),
            (&["validate"], 0, None),
            (&["init"], 1, Some("raingauge init --confirm")),
        ] {
            let run = run(&project, arguments, code)?;
            let first = run.stdout.lines().next().unwrap_or_default();
            assert!(first.starts_with(&format!("{}: ", arguments[0])), "{run}");
            let last = run.stdout.trim_end().lines().last().unwrap_or_default();
            assert_eq!(last.strip_prefix("next: "), next, "{run}");
            let is_wide = |it: &&str| it.chars().count() > 80 && it.contains(' ');
            // A path cannot be broken; it may stand out.
            let wide = run.stdout.lines().find(|it| is_wide(it) && !it.contains('/'));
            assert_eq!(wide, None, "{run}");
            let all = format!("{}{}", run.stdout, run.stderr);
            assert!(!all.contains(PASSWORD) && !all.contains('\x1b'), "{run}");
        }
    }
    Ok(())
}

#[test]
fn what_every_empty_database_has_is_not_told() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let run = run(&project, &["analyze"], 1)?;
    assert!(run.stdout.contains("domain public.isbn13"), "{run}");
    for noise in ["plpgsql", "comment on schema.public", "grant on schema.public.public"] {
        assert!(!run.stdout.contains(noise), "{noise} in {run}");
    }
    Ok(())
}
