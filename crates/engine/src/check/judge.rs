//! What the project's own drizzle-kit makes of `schema.ts`, held against what we make of it.

use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::snapshot::{Generation, SnapshotIds};
use serde_json::Value;

use crate::project::Project;
use crate::report::Finding;
use crate::setting::Setting;

/// What says where a snapshot stands in its chain and what was renamed on the way, not what it describes.
const PLACE: [&str; 4] = ["id", "prevId", "prevIds", "_meta"];

/// Differences that are shown; one is enough to refuse.
const SHOWN: usize = 12;

/// Asks the kit, which takes seconds, and says where it sees the schema otherwise than we do: in its
/// snapshot, or in the statements that lead there from the last one.
pub fn findings(project: &Project, setting: &Setting) -> Vec<Finding> {
    let Some(declared) = &project.declared else { return Vec::new() };
    let generation = project.history.generation;
    let snapshots = project.history.migrations.iter().rev().filter_map(|it| it.snapshot.as_deref());
    // A file of 1.0 may say only what changed: there the whole schema is compared, from nothing.
    let last = { snapshots }.next().filter(|_| generation == Generation::V0);
    let judgement = match project.judged(setting, last) {
        Ok(Some(judgement)) => judgement,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let what = format!("drizzle-kit gave no answer: {}", error.message);
            let finding = Finding::error("judge-unavailable", "schema.ts", what);
            let next = "read what it says; where it would ask about a rename, `npx drizzle-kit generate` asks";
            return vec![finding.next(next)];
        }
    };
    // What cannot be read or written has been told by the checks before.
    let from = last.map_or_else(
        || Ok(AnySnapshot::empty(project.dialect, generation)),
        |it| AnySnapshot::read(project.dialect, generation, it),
    );
    let (Ok(from), Ok(to)) = (from, declared.snapshot(generation, &SnapshotIds::after(None, "")))
    else {
        return Vec::new();
    };
    let ours: Value = serde_json::from_str(&to.write()).unwrap_or_default();
    let mut differences = Vec::new();
    compare("", described(&ours), described(&judgement.snapshot), &mut differences);
    let difference = from.difference_to(&to);
    let ours: Vec<_> = difference.statements.iter().map(|it| it.sql.trim()).collect();
    let theirs: Vec<_> = judgement.statements.iter().map(|it| it.trim()).collect();
    let kit = project.kit_version.as_deref().unwrap_or("of the project");
    snapshots_differ(kit, &differences)
        .into_iter()
        .chain(statements_differ(kit, &ours, &theirs))
        .collect()
}

/// What a snapshot says of the schema: 1.0's has its rows in one place.
fn described(snapshot: &Value) -> &Value {
    snapshot.get("ddl").unwrap_or(snapshot)
}

fn snapshots_differ(kit: &str, differences: &[String]) -> Option<Finding> {
    let what = format!("drizzle-kit {kit} reads it otherwise than raingauge");
    let finding = Finding::error("judge-differs", "schema.ts", what)
        .next("report these lines; until then let drizzle-kit write the migrations");
    (!differences.is_empty())
        .then(|| differences.iter().take(SHOWN).cloned().fold(finding, Finding::evidence))
}

/// The kit has defects that ours does not repeat, so that this alone is no failure.
fn statements_differ(kit: &str, ours: &[&str], theirs: &[&str]) -> Option<Finding> {
    let what = format!("drizzle-kit {kit} would write other statements than raingauge");
    let finding = Finding::warning("judge-differs", "statements", what)
        .next("compare them, and run what `schema.ts` means");
    let only = |a: &[&str], b: &[&str], whose: &str| -> Vec<String> {
        let only = a.iter().filter(|it| !b.contains(it));
        only.take(SHOWN)
            .map(|it| format!("only {whose}: {}", crate::initsql::excerpt(it)))
            .collect()
    };
    let lines = [only(ours, theirs, "raingauge"), only(theirs, ours, "drizzle-kit")].concat();
    let order = (lines.is_empty() && ours != theirs).then(|| "their order differs".to_owned());
    (ours != theirs).then(|| lines.into_iter().chain(order).fold(finding, Finding::evidence))
}

/// One line for each place in which two documents differ.
fn compare(path: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        let more = theirs.keys().filter(|it| !ours.contains_key(*it));
        for key in
            ours.keys().chain(more).filter(|it| !path.is_empty() || !PLACE.contains(&it.as_str()))
        {
            let at = if path.is_empty() { key.clone() } else { format!("{path} → {key}") };
            let value =
                |it: &serde_json::Map<String, Value>| it.get(key).cloned().unwrap_or_default();
            compare(&at, &value(ours), &value(theirs), differences);
        }
    } else if ours != theirs {
        differences.push(format!("{path}: raingauge {ours}, drizzle-kit {theirs}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_differs_wherever_it_says_something_else_but_in_its_ids() {
        let ours = json!({ "id": "1", "tables": { "a": { "id": 1, "x": [1] }, "b": {} } });
        let theirs =
            json!({ "id": "2", "tables": { "a": { "id": 2, "x": [1] }, "c": { "y": 1 } } });
        let mut differences = Vec::new();
        compare("", &ours, &theirs, &mut differences);
        assert_eq!(
            differences,
            [
                "tables → a → id: raingauge 1, drizzle-kit 2",
                "tables → b: raingauge {}, drizzle-kit null",
                "tables → c: raingauge null, drizzle-kit {\"y\":1}",
            ]
        );
    }

    #[test]
    fn statements_differ_by_text_and_by_order() {
        assert_eq!(statements_differ("0", &["a", "b"], &["a", "b"]), None);
        let evidence = |a: &[&str], b: &[&str]| statements_differ("0", a, b).unwrap().evidence;
        assert_eq!(evidence(&["a", "b"], &["b", "a"]), ["their order differs"]);
        assert_eq!(evidence(&["a"], &["a", "c"]), ["only drizzle-kit: c"]);
    }
}
