//! Where live stands when it is not where the ledger says: between two statements, out of order, applied by hand.

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::{Example, Result};

use crate::refusals::Witness;
use crate::refusals::history::{WHENS, apply, create_ledger, project, record, tag, write_journal};
use crate::run::run;
use crate::steps::{says, with_pending, write_history};

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

/// The second migration gives the first one's table two columns.
const COLUMNS: &str = "ALTER TABLE authors ADD COLUMN born integer;--> statement-breakpoint
ALTER TABLE authors ADD COLUMN died integer;";

#[test]
fn t05_what_the_real_migrator_skipped_step_by_step_is_told_with_the_columns_that_differ() -> Result
{
    for (example, migrator) in Example::ALL.into_iter().zip(Migrator::ALL) {
        let project = project(example, 3)?;
        project.write(&format!("drizzle/{}.sql", tag(1)), COLUMNS)?;
        let early = WHENS[0] - 343 * 86_400_000;
        let all = [(0, WHENS[0]), (1, early), (2, WHENS[2])];
        for n in 1..=all.len() {
            write_journal(&project, &all[..n])?;
            let migrated = judge::migrate(&project, migrator, &project.database)?;
            assert!(migrated.succeeded, "{}", migrated.run);
        }
        assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
        let witness = Witness::of(&project)?;
        let told = run(&project, &["status", "--format", "json"], 1)?;
        let report = told.json()?;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let skipped = findings.iter().find(|it| it["code"] == "migration-skipped");
        let skipped = skipped.map(ToString::to_string).unwrap_or_default();
        for part in [
            tag(1).as_str(),
            "343 days earlier",
            "upgraded step by step",
            "for that reason live differs in column",
            "authors.born",
            "authors.died",
        ] {
            assert!(skipped.contains(part), "no `{part}` in {skipped}");
        }
        says(&run(&project, &["migrate"], 1)?, &["migration-skipped"]);
        witness.nothing_changed(&told)?;
        // A new database gets all three at once: there it is not skipped.
        let fresh = judge::fresh_build(&project, migrator)?;
        assert!(fresh.database.schema()?.contains("died"), "{}", fresh.migrated.run);
    }
    Ok(())
}

/// A migration after which a session that asks what has changed hears nothing new for ever. Where nobody asks, it
/// does nothing.
const DEAFENING: &str = "DO $$ DECLARE asking text; BEGIN
  SELECT name INTO asking FROM pg_prepared_statements WHERE name LIKE 'raingauge%changes';
  IF asking IS NOT NULL THEN
    EXECUTE format('CREATE TEMP TABLE told (a, b, c, d, e, f) AS EXECUTE %I (%L)', asking, txid_current());
    EXECUTE format('DEALLOCATE %I', asking);
    EXECUTE format('PREPARE %I (xid) AS SELECT * FROM pg_temp.told', asking);
  END IF;
END $$;";

#[test]
fn what_is_misread_in_part_is_noticed_and_read_again_in_full() -> Result {
    let create = |name: &str| format!("CREATE TABLE {name} (id integer);");
    let all = [
        ("0000_a", create("a")),
        ("0001_deafening", DEAFENING.to_owned()),
        ("0002_c", create("c")),
        ("0003_d", create("d")),
        ("0004_e", create("e")),
        ("0005_f", create("f")),
        ("0006_g", create("g")),
    ];
    let project = project(Example::BookstorePostgres, 0)?;
    let texts = all.iter().map(|it| (it.0, it.1.as_str())).collect::<Vec<_>>();
    write_history(&project, &texts)?;
    let migrated = judge::migrate(&project, Migrator::Programmatic, &project.database)?;
    assert!(migrated.succeeded, "{}", migrated.run);
    // Nowhere near where the ledger says, so that every state is looked at.
    project.database.sql("DROP TABLE f; DROP TABLE g")?;
    let told = run(&project, &["status", "--format", "json"], 1)?;
    let sides = told.json()?["sections"]["sides"].to_string();
    assert!(sides.contains("0004_e"), "{told}");
    Ok(())
}
