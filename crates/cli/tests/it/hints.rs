//! The hints of Drizzle 1.0: one file, read by the real drizzle-kit and by us, leads to the same migration.

use raingauge_testkit::{Example, Project, Result, judge};

use crate::generate::{declare, masked, project, wait_for_another_stamp};
use crate::run::run;
use crate::steps::says;

const BEFORE: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name") });
export const posts = table("posts", { id: integer("id").primaryKey(), body: text("body"), note: text("note") });"#;

/// A table with another name, a column in it, one elsewhere; and one that is new while another goes.
const AFTER: &str = r#"export const people = table("people", { id: integer("id").primaryKey(), full_name: text("full_name") });
export const posts = table("posts", { id: integer("id").primaryKey(), text: text("text"), remark: integer("remark") });"#;

const HINTS: &str = r#"[
  { "type": "rename", "kind": "table", "from": ["public", "users"], "to": ["public", "people"] },
  { "type": "rename", "kind": "column", "from": ["public", "people", "name"], "to": ["public", "people", "full_name"] },
  { "type": "rename", "kind": "column", "from": ["public", "posts", "body"], "to": ["public", "posts", "text"] },
  { "type": "create", "kind": "column", "entity": ["public", "posts", "remark"] },
  { "type": "confirm_data_loss", "kind": "column", "entity": ["public", "posts", "note"] }
]"#;

fn before(example: Example, hints: &str) -> Result<Project> {
    let project = project((example, 1))?;
    declare(&project, example, BEFORE)?;
    run(&project, &["generate", "--name", "judge"], 0)?;
    declare(&project, example, AFTER)?;
    project.write("hints.json", hints)?;
    Ok(project)
}

#[test]
fn a_file_of_hints_leads_to_the_migration_that_the_real_kit_makes_of_it() -> Result {
    for example in Example::ALL {
        let (ours, theirs) = (before(example, HINTS)?, before(example, HINTS)?);
        wait_for_another_stamp((example, 1));
        run(&ours, &["generate", "--name", "judge", "--hints", "hints.json"], 0)?;
        judge::generate_hinted(&theirs, "hints.json")?;
        assert_eq!(masked(&ours)?, masked(&theirs)?);
        let judged = judge::generate(&ours)?;
        assert!(judged.found_nothing(), "{:?}", judged.files);
    }
    Ok(())
}

#[test]
fn hints_that_leave_something_open_or_say_nonsense_write_nothing() -> Result {
    let example = Example::BookstoreSqlite;
    let without_last = HINTS.replace("\"posts\", \"remark\"", "\"posts\", \"other\"");
    for (hints, code, part) in [
        (without_last.as_str(), 1, "rename-open"),
        ("{}", 2, "rename-invalid"),
        ("[{\"type\": \"rename\", \"kind\": \"colour\"}]", 2, "`colour`"),
        ("[", 2, "rename-invalid"),
    ] {
        let project = before(example, hints)?;
        let files = project.files()?;
        let refused = run(&project, &["generate", "--hints", "hints.json"], code)?;
        says(&refused, &[part]);
        assert_eq!(files, project.files()?);
    }
    Ok(())
}
