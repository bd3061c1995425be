//! Histories of Drizzle 1.0 that end in several snapshots, because branches were merged.

use std::fs;

use raingauge_testkit::{Example, Project, Result, judge};

use super::{both_migrate, folders};
use crate::generate::{declare, masked, project};
use crate::refusals::Witness;
use crate::run::run;
use crate::steps::says;

const ROOT: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name") });"#;
const ONE: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name"), born: integer("born") });"#;
const OTHER: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name"), died: integer("died") });
export const notes = table("notes", { id: integer("id").primaryKey() });"#;
const BOTH: &str = r#"export const users = table("users", { id: integer("id").primaryKey(), name: text("name"), born: integer("born"), died: integer("died") });
export const notes = table("notes", { id: integer("id").primaryKey() });"#;

/// A history of three folders of which the last two follow the first, each as if the other were not there.
fn merged(example: Example, [one, other]: [&str; 2]) -> Result<Project> {
    let project = project((example, 1))?;
    let generate = |schema: &str, name: &str| -> Result {
        declare(&project, example, schema)?;
        run(&project, &["generate", "--name", name], 0)?;
        Ok(())
    };
    generate(ROOT, "root")?;
    generate(one, "one")?;
    let first = folders(&project)?.pop().expect("it was just written");
    let aside = project.path("aside");
    fs::rename(project.path(&format!("drizzle/{first}")), &aside)?;
    generate(other, "other")?;
    fs::rename(aside, project.path(&format!("drizzle/{first}")))?;
    Ok(project)
}

#[test]
fn live_is_found_in_a_history_of_two_branches_and_the_next_migration_follows_both() -> Result {
    for example in Example::ALL {
        let project = merged(example, [ONE, OTHER])?;
        declare(&project, example, BOTH)?;
        let real = project.database.sibling("real")?;
        both_migrate(&project, &real, 3)?;
        says(&run(&project, &["status"], 0)?, &["proven: ", "_other", "3 recorded, 0 pending"]);
        // Together the two snapshots say what schema.ts does, and live is that.
        let validated = run(&project, &["validate"], 0)?;
        assert!(!validated.stdout.contains("schema-ahead"), "{validated}");
        says(&run(&project, &["generate"], 0)?, &["nothing to write"]);

        // What comes next follows both, in our hands as in those of the real kit.
        let next = format!(
            "{BOTH}\nexport const tags = table(\"tags\", {{ id: integer(\"id\").primaryKey() }});"
        );
        declare(&project, example, &next)?;
        let before = folders(&project)?;
        assert!(!judge::generate(&project)?.found_nothing());
        let expected = masked(&project)?;
        let theirs = folders(&project)?.into_iter().find(|it| !before.contains(it));
        fs::remove_dir_all(project.path(&format!("drizzle/{}", theirs.expect("it wrote one"))))?;
        run(&project, &["generate", "--name", "judge"], 0)?;
        assert_eq!(masked(&project)?, expected);
        let judged = judge::generate(&project)?;
        assert!(judged.found_nothing(), "{:?}\n{}", judged.files, judged.run);
        both_migrate(&project, &real, 4)?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn a_branch_that_came_late_is_pending_and_live_is_found_before_it() -> Result {
    for example in Example::ALL {
        // A column would stand elsewhere in a new database, which is refused.
        let tags = "export const tags = table(\"tags\", { id: integer(\"id\").primaryKey() });";
        let project = merged(example, [&format!("{ROOT}\n{tags}"), OTHER])?;
        let all = folders(&project)?;
        let late = project.path(&format!("drizzle/{}", all[1]));
        let aside = project.path("aside");
        fs::rename(&late, &aside)?;
        run(&project, &["migrate"], 0)?;
        fs::rename(&aside, &late)?;
        let told = run(&project, &["status"], 0)?;
        says(&told, &["3 migrations, 2 recorded, 1 pending", "migration-late", "proven: "]);
        run(&project, &["migrate"], 0)?;
        declare(&project, example, &format!("{OTHER}\n{tags}"))?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn branches_that_contradict_one_another_are_not_gone_on_with() -> Result {
    for example in Example::ALL {
        let other = ONE.replace("integer(\"born\")", "text(\"born\")");
        let project = merged(example, [ONE, &other])?;
        declare(&project, example, BOTH)?;
        let witness = Witness::of(&project)?;
        let refused = run(&project, &["generate"], 1)?;
        says(&refused, &["merge-contradiction", "_one", "_other", "users.born"]);
        witness.nothing_changed(&refused)?;
    }
    Ok(())
}

#[test]
fn branches_of_which_one_cannot_be_read_are_not_gone_on_with() -> Result {
    let project = merged(Example::BookstoreSqlite, [ONE, OTHER])?;
    declare(&project, Example::BookstoreSqlite, BOTH)?;
    let all = folders(&project)?;
    project.write(&format!("drizzle/{}/snapshot.json", all[1]), "{ \"id\": ")?;
    let witness = Witness::of(&project)?;
    let refused = run(&project, &["generate"], 1)?;
    says(&refused, &["not-json", "_one"]);
    witness.nothing_changed(&refused)
}
