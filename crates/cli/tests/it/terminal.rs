//! `execute` and its questions: at a terminal, from a file, and with nobody there.

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Project, Result, Terminal};

use crate::run::{binary, run, verdict};

const BACKUP: &str = "Take a verified backup";
const RECONCILE: &str = "Write the files of the history";
const MIGRATE: &str = "Apply 1 pending migration";

fn execute(project: &Project) -> Result<Terminal> {
    binary().terminal(&project.root, &["execute"])
}

/// Every file of a project with its bytes, and the state of its database.
type Look = (Vec<(String, Vec<u8>)>, raingauge_testkit::State);

/// Files without those that a backup made, and everything in the database.
fn look(project: &Project) -> Result<Look> {
    let mut files: Vec<_> = project.files()?.into_iter().collect();
    files.retain(|it| !it.0.starts_with(".raingauge/"));
    Ok((files, project.database.state()?))
}

fn yes_to_all(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let mut terminal = execute(&project)?;
    for question in [BACKUP, RECONCILE, MIGRATE] {
        terminal.expect(question)?;
        terminal.press("y")?;
    }
    let run = terminal.finish()?;
    assert_eq!(run.code, 0, "{run}");
    let plan = run.stdout.find("execute: the plan").expect("the plan is shown");
    assert!(plan < run.stdout.find(BACKUP).expect("it asks"), "the plan comes before questions");
    assert!(run.stdout.contains("execute: clean"), "{run}");
    crate::run::run(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn yes_to_every_question_adopts_sqlite() -> Result {
    yes_to_all(Example::BookstoreSqlite)
}

#[test]
fn yes_to_every_question_adopts_postgres() -> Result {
    yes_to_all(Example::BookstorePostgres)
}

#[test]
fn no_to_the_second_question_keeps_the_backup_and_changes_nothing() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let before = look(&project)?;
        let mut terminal = execute(&project)?;
        terminal.expect(BACKUP)?;
        terminal.press("y")?;
        terminal.expect(RECONCILE)?;
        terminal.press("n")?;
        let run = terminal.finish()?;
        assert_eq!(run.code, 1, "{run}");
        assert!(run.stdout.contains("error[declined] reconcile"), "{run}");
        assert!(run.stdout.contains("backup"), "what was done is said: {run}");
        assert!(before == look(&project)?, "a no changed something");
        assert_eq!(std::fs::read_dir(project.path(".raingauge/backups"))?.count(), 1);
    }
    Ok(())
}

#[test]
fn enter_alone_and_an_interrupted_prompt_are_a_no() -> Result {
    for keys in ["\r", "\x1b", "\x03"] {
        let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
        let before = (project.files()?, project.database.state()?);
        let mut terminal = execute(&project)?;
        terminal.expect(BACKUP)?;
        terminal.press(keys)?;
        let run = terminal.finish()?;
        assert_eq!(run.code, 1, "after {keys:?}: {run}");
        assert_eq!(file_differences(&before.0, &project.files()?), [""; 0]);
        assert_eq!(before.1.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}

#[test]
fn t69_without_a_terminal_the_question_stays_open_and_nothing_hangs() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let before = (project.files()?, project.database.state()?);
        let text = run(&project, &["execute"], 1)?;
        assert_eq!(verdict(&text), "execute: differences");
        assert!(text.stdout.contains("error[question-open] backup"), "{text}");
        let last = text.stdout.trim_end().lines().last().unwrap_or_default();
        assert_eq!(last, "next: raingauge execute --confirm");
        let json = run(&project, &["execute", "--format", "json"], 1)?.json()?;
        assert_eq!(json["verdict"], "differences");
        assert_eq!(json["findings"][0]["code"], "question-open");
        assert_eq!(json["findings"][0]["subject"], "backup");
        assert_eq!(file_differences(&before.0, &project.files()?), [""; 0]);
        assert_eq!(before.1.differences(&project.database.state()?), [""; 0]);
    }
    Ok(())
}

#[test]
fn t69_answers_in_a_pipe_are_not_read() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let run = binary().run_fed(&project.root, &["execute"], "y\ny\ny\n")?;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("question-open"), "{run}");
    Ok(())
}

#[test]
fn a_file_of_answers_answers_every_question() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    project.write("some.json", r#"{"backup": "yes"}"#)?;
    let open = run(&project, &["execute", "--answers", "some.json"], 1)?;
    assert!(open.stdout.contains("error[question-open] reconcile"), "{open}");
    project.write("no.json", r#"{"backup": "yes", "reconcile": "no"}"#)?;
    let declined = run(&project, &["execute", "--answers", "no.json"], 1)?;
    assert!(declined.stdout.contains("error[declined] reconcile"), "{declined}");
    assert_eq!(project.database.ledger()?, None);
    project.write("all.json", r#"{"backup": "yes", "reconcile": "yes", "migrate": "yes"}"#)?;
    run(&project, &["execute", "--answers", "all.json"], 0)?;
    run(&project, &["validate"], 0)?;
    let missing = run(&project, &["execute", "--answers", "none.json"], 2)?;
    assert!(missing.stderr.contains("error[answers-invalid]"), "{missing}");
    Ok(())
}
