//! A schema that calls a native addon: refused by the sandbox, run by the project's own programs if someone
//! agrees, with the same result.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use raingauge_testkit::node::{RUNTIMES, modules};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Raingauge, Result, Run};

use crate::refusals::{Witness, refused_by};

const SCHEMA: &str = "src/db/schema.ts";

/// The addon has to give what it always gives, or there is no schema.
const ADDON: &str = r#"import bcrypt from "bcrypt";
const salt = "$2b$04$abcdefghijklmnopqrstuu";
if (!bcrypt.hashSync("geheim", salt).startsWith(salt)) throw new Error("another hash");
"#;

/// The binary with the `PATH` on which Node.js is.
fn binary() -> Raingauge {
    crate::run::binary().env("PATH", &std::env::var("PATH").unwrap_or_default())
}

fn run(project: &Project, arguments: &[&str], code: i32) -> Result<Run> {
    let run = binary().run(&project.root, arguments)?;
    assert_eq!(run.code, code, "{run}");
    Ok(run)
}

/// A project that has tsx, bun and a native addon beside its packages.
fn project() -> Result<Project> {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let folder = project.path("node_modules");
    fs::remove_file(&folder)?;
    fs::create_dir(&folder)?;
    link_all(&modules(RUNTIMES)?, &folder)?;
    link_all(&modules(project_packages())?, &folder)?;
    Ok(project)
}

fn project_packages() -> &'static str {
    Example::BookstoreSqlite.name()
}

/// Links what is not there yet.
fn link_all(from: &Path, to: &Path) -> Result {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let link = to.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    Ok(())
}

fn import_addon(project: &Project) -> Result {
    project.write(SCHEMA, &format!("{ADDON}{}", project.read(SCHEMA)?))
}

/// The hash of the plan that `reconcile` shows, with what the files would say.
fn plan(project: &Project, runtime: &str) -> Result<String> {
    let run = run(project, &["reconcile", "--format", "json", "--runtime", runtime], 1)?;
    let document = run.json()?;
    let plan = document["sections"]["plan"].clone();
    assert!(!plan.is_null(), "{run}");
    Ok(plan.to_string())
}

#[test]
fn without_consent_a_native_addon_is_refused_with_the_way_to_agree() -> Result {
    let project = project()?;
    import_addon(&project)?;
    for command in [
        &["analyze"][..],
        &["validate", "--offline"],
        &["reconcile", "--confirm"],
        &["execute", "--confirm"],
        &["migrate", "--confirm"],
    ] {
        let refusal = refused_by(&binary(), &project, command, (2, "sandbox-refused"))?;
        refusal.says("is not available while a schema is read");
        refusal.says("--runtime node");
        refusal.says("--runtime auto");
    }
    Ok(())
}

#[test]
fn every_program_plans_what_the_sandbox_plans_and_node_adopts() -> Result {
    let project = project()?;
    let expected = plan(&project, "embedded")?;
    import_addon(&project)?;
    for runtime in ["node", "tsx", "bun", "auto"] {
        assert_eq!(plan(&project, runtime)?, expected, "{runtime}");
    }
    let node = ["--runtime", "node"];
    run(&project, &["analyze", "--runtime", "node"], 1)?;
    run(&project, &[&["execute", "--confirm"][..], &node].concat(), 0)?;
    for command in [&["validate"][..], &["validate", "--offline"], &["status"]] {
        let run = run(&project, &[command, &node].concat(), 0)?;
        assert!(!run.stdout.contains("runtime-outside"), "it was asked for: {run}");
    }
    let again = run(&project, &["validate", "--runtime", "auto"], 0)?;
    assert!(again.stdout.contains("runtime-outside"), "{again}");
    Ok(())
}

#[test]
fn a_program_that_is_missing_is_told_before_anything_happens() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
    for runtime in ["node", "tsx", "bun"] {
        let nowhere = crate::run::binary().env("PATH", "/nowhere");
        let command = ["reconcile", "--confirm", "--runtime", runtime];
        let refusal = refused_by(&nowhere, &project, &command, (2, "runtime-missing"))?;
        refusal.says(&format!("`{runtime}` cannot be started"));
    }
    Ok(())
}

#[test]
fn a_person_at_the_terminal_is_asked_after_the_refusal() -> Result {
    let project = project()?;
    import_addon(&project)?;
    let witness = Witness::of(&project)?;
    let question = "Run the configuration and schema.ts";
    let mut terminal = binary().terminal(&project.root, &["analyze"])?;
    terminal.expect("is not available while a schema is read")?;
    terminal.expect(question)?;
    terminal.press("n")?;
    let refused = terminal.finish()?;
    assert_eq!(refused.code, 2, "{refused}");
    let mut terminal = binary().terminal(&project.root, &["analyze"])?;
    terminal.expect(question)?;
    terminal.press("y")?;
    let run = terminal.finish()?;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("runtime-outside"), "{run}");
    witness.nothing_changed(&run)
}

#[test]
fn a_file_of_answers_may_agree() -> Result {
    let project = project()?;
    import_addon(&project)?;
    project.write("no.json", r#"{ "backup": "yes" }"#)?;
    project.write("yes.json", r#"{ "runtime": "yes" }"#)?;
    let no = run(&project, &["analyze", "--answers", "no.json"], 2)?;
    assert!(no.stderr.contains("sandbox-refused"), "{no}");
    let yes = run(&project, &["analyze", "--answers", "yes.json"], 1)?;
    assert!(yes.stdout.contains("runtime-outside"), "{yes}");
    Ok(())
}
