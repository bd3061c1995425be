//! Where live stands when it is not where the ledger says: between two statements, out of order, applied by hand.

use raingauge_testkit::{Example, Result};

use crate::refusals::Witness;
use crate::refusals::history::{WHENS, apply, create_ledger, project, record, tag, write_journal};
use crate::run::run;
use crate::steps::{says, with_pending};

/// A migration in one transaction whose rows nobody can tell.
const MORE: &str = "CREATE TABLE a (id integer);--> statement-breakpoint
INSERT INTO a VALUES (1);--> statement-breakpoint
CREATE TABLE b (id integer);--> statement-breakpoint
CREATE INDEX ab ON a (id);";

#[test]
fn live_is_found_between_two_statements_and_each_object_is_told() -> Result {
    for example in Example::ALL {
        let project = with_pending(example, MORE)?;
        project.database.sql("CREATE TABLE a (id integer)")?;
        let witness = Witness::of(&project)?;
        let told = run(&project, &["status", "--format", "json"], 1)?;
        let report = told.json()?;
        let position = report["sections"]["sides"].to_string();
        assert!(position.contains("inside 0001_more: 1 or 2 of 4 statements"), "{told}");
        let effect = &report["sections"]["effects"][0];
        assert_eq!(
            (effect["migration"].as_str(), effect["extent"].as_str()),
            (Some("0001_more"), Some("partial")),
            "{told}"
        );
        let objects = effect["objects"].to_string();
        assert!(
            objects.contains("present table")
                && objects.contains("missing table")
                && objects.contains("missing index"),
            "{told}"
        );
        says(&told, &["migration-partly-applied", "from line 3 on", "only write rows"]);
        let refused = run(&project, &["migrate"], 1)?;
        says(&refused, &["migration-partly-applied"]);
        says(&run(&project, &["analyze"], 1)?, &["inside 0001_more", "partial"]);
        witness.nothing_changed(&refused)?;
    }
    Ok(())
}

#[test]
fn t20_what_was_finished_by_hand_is_recorded_with_the_objects_that_were_probed() -> Result {
    for example in Example::ALL {
        let sql =
            "CREATE TABLE a (id integer);--> statement-breakpoint\nCREATE TABLE b (id integer);";
        let project = with_pending(example, sql)?;
        project.database.sql("CREATE TABLE a (id integer)")?;
        says(
            &run(&project, &["reconcile", "--confirm"], 1)?,
            &["migration-partly-applied", "1 of 2"],
        );
        assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 1);
        project.database.sql("CREATE TABLE b (id integer)")?;
        let plan = run(&project, &["reconcile"], 1)?;
        says(&plan, &["1 migration of the history", "probed: table"]);
        run(&project, &["reconcile", "--confirm"], 0)?;
        run(&project, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn t05_an_entry_that_was_skipped_is_told_with_what_differs_for_that_reason() -> Result {
    for example in Example::ALL {
        let project = project(example, 3)?;
        let early = WHENS[0] - 343 * 86_400_000;
        write_journal(&project, &[(0, WHENS[0]), (1, early), (2, WHENS[2])])?;
        create_ledger(&project, "__drizzle_migrations")?;
        for at in [0, 2] {
            apply(&project, at)?;
            record(&project, at, &WHENS[at].to_string())?;
        }
        let told = run(&project, &["status"], 1)?;
        let flat = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("343 days earlier"), "{told}");
        assert!(flat.contains("upgraded step by step"), "{told}");
        assert!(flat.contains("for that reason live differs in table"), "{told}");
        says(&told, &[&tag(1), "migration-skipped"]);
        // Made by hand, live has it all the same.
        apply(&project, 1)?;
        let told = run(&project, &["status"], 1)?;
        assert!(told.stdout.contains("live has all its effects nevertheless"), "{told}");
    }
    Ok(())
}
