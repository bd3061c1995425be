//! `raingauge init`: shown first, written with consent, and not twice.

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result};

use crate::run::{run, verdict};

#[test]
fn init_shows_then_writes_then_has_nothing_to_do() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    let before = project.files()?;
    let shown = run(&project, &["init"], 1)?;
    assert!(shown.stdout.contains("\"migration:execute\": \"raingauge execute\""), "{shown}");
    assert!(shown.stdout.trim_end().ends_with("next: raingauge init --confirm"), "{shown}");
    assert_eq!(file_differences(&before, &project.files()?), [""; 0]);

    assert_eq!(verdict(&run(&project, &["init", "--confirm"], 0)?), "init: clean");
    let package: serde_json::Value = serde_json::from_str(&project.read("package.json")?)?;
    let scripts = [
        "migration:analyze",
        "migration:backup",
        "migration:reconcile",
        "migration:validate",
        "migration:execute",
        "db:generate",
        "db:migrate",
        "db:up",
    ];
    for script in scripts {
        assert!(package["scripts"][script].is_string(), "{script} is not in {package}");
    }
    assert_eq!(package["scripts"]["migration:reconcile"], "raingauge reconcile --confirm");
    let attributes = "drizzle/** text eol=lf\nraingauge/** text eol=lf\n";
    assert_eq!(project.read(".gitattributes")?, attributes);
    assert_eq!(project.read(".gitignore")?, "node_modules/\n.env\n/data/\n.raingauge/\n");

    let written = project.files()?;
    for arguments in [&["init"][..], &["init", "--confirm"]] {
        let again = run(&project, arguments, 0)?;
        assert!(again.stdout.contains("nothing to change"), "{again}");
    }
    assert_eq!(file_differences(&written, &project.files()?), [""; 0]);
    Ok(())
}

#[test]
fn a_script_of_the_team_is_left_as_it_is() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Empty)?;
    project.edit(
        "package.json",
        "\"db:up\"",
        "\"db:migrate\": \"make migrate\",\n    \"db:up\"",
    )?;
    let run = run(&project, &["init", "--confirm"], 0)?;
    assert!(run.stdout.contains("warning[script-exists] package.json db:migrate"), "{run}");
    assert!(project.read("package.json")?.contains("\"db:migrate\": \"make migrate\""));
    Ok(())
}
