//! Snapshots of 0.31 as those of 1.0, beside what `drizzle-kit up` makes of every one of the suite.

use std::collections::BTreeMap;
use std::fs;

use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::snapshot::Generation;
use raingauge_testkit::{Run, node};
use serde_json::Value;

use super::cases::{entries, root};

/// Answers each of a file of snapshots.
const SCRIPT: &str = r#"import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [dialect, path] = process.argv.slice(1);
const { up } = await import(`drizzle-kit/payload/${dialect}`);
const all = JSON.parse(readFileSync(path, "utf8"));
const answers = Object.entries(all).map(([name, text]) => [name, JSON.stringify(up(JSON.parse(text)), null, 2)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
"#;

/// Where ours is another, with the reason.
const OTHERS: [(&str, &str); 1] =
    [("an existing view", "`up` writes a view without a text, which no command of 1.0 reads")];

fn recorded(dialect: &str) -> BTreeMap<String, String> {
    let files = entries(&root().join("suite").join(dialect)).into_iter();
    let files = files.filter(|it| it.to_string_lossy().ends_with(".0.json"));
    let cases = files.flat_map(|path| {
        let recording: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let stem = path.file_name().unwrap().to_string_lossy().into_owned();
        let cases = recording["cases"].as_object().unwrap().clone();
        cases.into_iter().filter_map(move |(name, it)| {
            Some((format!("{stem} {name}"), it["snapshot"].as_str()?.to_owned()))
        })
    });
    cases.collect()
}

fn asked(dialect: &str, all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let modules = node::modules("drizzle-1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshots.json");
    fs::write(&path, serde_json::to_string(all).unwrap()).unwrap();
    let mut node = node::command(modules.parent().unwrap());
    node.args(["--input-type=module", "--eval", SCRIPT, dialect]).arg(&path);
    let run = Run::of(&mut node).unwrap().success().unwrap();
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn every_snapshot_of_mysql_is_upgraded_as_up_does_it() {
    let all = recorded("mysql");
    assert!(100 < all.len(), "{}", all.len());
    let answers = asked("mysql", &all);
    let before = AnySnapshot::empty(Dialect::MySql, Generation::V1);
    let mut wrong = Vec::new();
    for (name, text) in &all {
        let old = AnySnapshot::read(Dialect::MySql, Generation::V0, text).unwrap();
        let (ours, state) = old.upgraded_after(&before).unwrap();
        let read = AnySnapshot::read(Dialect::MySql, Generation::V1, &ours).unwrap();
        assert!(state.changed_rows(&read).is_empty(), "{name}");
        let is_other = OTHERS.iter().any(|it| name.ends_with(it.0));
        if (ours == answers[name]) == is_other {
            wrong.push(name);
            println!("{name}\n--- up\n{}\n--- ours\n{ours}", answers[name]);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
