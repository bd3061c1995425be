//! The bookstore, adopted end to end on both engines, and judged by the real drizzle-kit.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Example, Postgres, Project, Result, State, judge};
use sha2::{Digest, Sha256};

use crate::run::{run, verdict};

/// Everything that execute must leave as it is: all rows, and the objects that Drizzle cannot express.
#[track_caller]
fn assert_untouched(before: &State, project: &Project) -> Result {
    let after = project.database.state()?;
    for (table, rows) in before.rows.iter().filter(|(it, _)| !is_counter(it)) {
        assert_eq!(after.rows.get(table), Some(rows), "{table} is not what it was");
    }
    for line in before.schema.lines() {
        assert!(after.schema.lines().any(|it| it == line), "`{line}` is gone from the structure");
    }
    Ok(())
}

/// SQLite's own table of counters gets a row for the new table; its old rows are checked apart.
fn is_counter(table: &str) -> bool {
    table.contains("sqlite_sequence")
}

/// The ledger's rows as the history's files say they have to be: exact `when`, hash of exact bytes.
fn expected_ledger(project: &Project) -> Result<(Vec<String>, Vec<u64>)> {
    let journal: serde_json::Value =
        serde_json::from_str(&project.read("drizzle/meta/_journal.json")?)?;
    let (mut rows, mut whens) = (Vec::new(), Vec::new());
    for entry in journal["entries"].as_array().expect("the journal has entries") {
        let tag = entry["tag"].as_str().expect("an entry has a tag");
        let bytes = std::fs::read(project.path(&format!("drizzle/{tag}.sql")))?;
        let hash: String = Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect();
        let when = entry["when"].as_u64().expect("an entry has a time");
        rows.push(format!("{when}|{hash}"));
        whens.push(when);
    }
    Ok((rows, whens))
}

#[track_caller]
fn assert_ledger_exact(project: &Project) -> Result {
    let (rows, whens) = expected_ledger(project)?;
    assert_eq!(project.database.ledger()?, Some(rows));
    for pair in whens.windows(2) {
        assert!(pair[0] + 1000 <= pair[1], "{whens:?} are less than a second apart");
    }
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    assert!(whens.iter().all(|it| *it <= now), "{whens:?} reach into the future");
    Ok(())
}

fn n_backups(project: &Project) -> Result<usize> {
    Ok(std::fs::read_dir(project.path(".raingauge/backups"))?.count())
}

#[track_caller]
fn assert_judged_good(project: &Project) -> Result {
    let verdict = judge::verdict(project, Some("db/init.sql"))?;
    assert!(verdict.is_good(), "{verdict}");
    Ok(())
}

fn execute_adopts(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let before = project.database.state()?;
    let adopted = run(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(verdict(&adopted), "execute: clean");
    assert_untouched(&before, &project)?;
    assert_ledger_exact(&project)?;
    let tags = ["0000_baseline.sql", "0001_seed.sql", "0002_follow_up.sql"];
    assert!(tags.iter().all(|it| project.path("drizzle").join(it).exists()));

    let (files, state, backups) =
        (project.files()?, project.database.state()?, n_backups(&project)?);
    run(&project, &["execute", "--confirm"], 0)?;
    assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
    assert_eq!(state.differences(&project.database.state()?), [""; 0]);
    assert_eq!(n_backups(&project)?, backups);
    assert_judged_good(&project)
}

#[test]
fn execute_takes_sqlite_all_the_way_and_then_does_nothing() -> Result {
    execute_adopts(Example::BookstoreSqlite)
}

#[test]
fn execute_takes_postgres_all_the_way_and_then_does_nothing() -> Result {
    execute_adopts(Example::BookstorePostgres)
}

fn step_by_step(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let before = project.database.state()?;
    let untouched = |files: &std::collections::BTreeMap<String, Vec<u8>>| -> Result {
        assert_eq!(file_differences(files, &project.files()?), [""; 0]);
        assert_eq!(before.differences(&project.database.state()?), [""; 0]);
        Ok(())
    };
    let files = project.files()?;
    assert_eq!(verdict(&run(&project, &["analyze"], 1)?), "analyze: differences");
    untouched(&files)?;
    run(&project, &["backup"], 0)?;
    assert_eq!(n_backups(&project)?, 1);
    let files = project.files()?;
    let shown = run(&project, &["reconcile"], 1)?;
    assert!(shown.stdout.trim_end().ends_with("next: raingauge reconcile --confirm"), "{shown}");
    untouched(&files)?;
    run(&project, &["validate"], 1)?;
    untouched(&files)?;

    let written = run(&project, &["reconcile", "--confirm"], 0)?;
    assert!(written.stdout.trim_end().ends_with("next: raingauge migrate"), "{written}");
    assert_eq!(n_backups(&project)?, 1, "the backup of a moment ago is good enough");
    let status = run(&project, &["status"], 0)?;
    assert!(status.stdout.contains("3 migrations, 2 recorded, 1 pending"), "{status}");
    let validated = run(&project, &["validate"], 1)?;
    assert!(validated.stdout.contains("error[pending]"), "{validated}");
    run(&project, &["migrate"], 0)?;
    let again = run(&project, &["migrate"], 0)?;
    assert!(again.stdout.contains("nothing is pending"), "{again}");
    assert_eq!(verdict(&run(&project, &["validate"], 0)?), "validate: clean");
    run(&project, &["validate", "--offline"], 0)?;
    assert_eq!(verdict(&run(&project, &["analyze"], 0)?), "analyze: clean");
    run(&project, &["reconcile"], 0)?;

    assert_untouched(&before, &project)?;
    assert_ledger_exact(&project)?;
    assert_judged_good(&project)
}

#[test]
fn the_single_commands_lead_sqlite_to_the_same_end() -> Result {
    step_by_step(Example::BookstoreSqlite)
}

#[test]
fn the_single_commands_lead_postgres_to_the_same_end() -> Result {
    step_by_step(Example::BookstorePostgres)
}

#[test]
fn breakpoints_are_left_out_where_the_configuration_says_so_and_the_driver_can_do_without() -> Result
{
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        project.edit("drizzle.config.ts", "out:", "breakpoints: false,\n  out:")?;
        run(&project, &["execute", "--confirm"], 0)?;
        let has_any = example == Example::BookstoreSqlite;
        let baseline = project.read("drizzle/0000_baseline.sql")?;
        assert!(1 < baseline.matches("CREATE ").count(), "{baseline}");
        assert_eq!(baseline.contains("--> statement-breakpoint"), has_any, "{baseline}");
        let follow_up = project.read("drizzle/0002_follow_up.sql")?;
        assert!(has_any || !follow_up.contains("--> statement-breakpoint"), "{follow_up}");
        let journal = project.read("drizzle/meta/_journal.json")?;
        assert_eq!(journal.matches(&format!("\"breakpoints\": {has_any}")).count(), 3, "{journal}");
        if !has_any {
            assert_judged_good(&project)?;
        }
    }
    Ok(())
}

#[test]
fn what_drizzle_cannot_express_is_in_the_baseline_and_stays_in_live() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let baseline = project.read("drizzle/0000_baseline.sql")?;
    let live = project.database.schema()?;
    for carried in ["CREATE DOMAIN", "CREATE FUNCTION", "CREATE TRIGGER", "COMMENT ON", "GRANT"] {
        assert!(baseline.contains(carried), "{carried} is not in\n{baseline}");
        assert!(live.contains(carried), "{carried} is not in live\n{live}");
    }
    Ok(())
}

fn migrate_builds_an_empty_database(example: Example) -> Result {
    let project = Project::new(example, Age::Lived)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let fresh = project.database.sibling("fresh")?;
    let url = fresh.url();
    let status = run(&project, &["status", "--url", &url], 0)?;
    assert!(status.stdout.contains("3 migrations, 0 recorded, 3 pending"), "{status}");
    assert!(status.stdout.contains("\nnext: raingauge migrate --url "), "{status}");
    if let raingauge_testkit::Database::Sqlite(it) = &fresh {
        assert!(!it.path.exists(), "status created the file");
    }
    run(&project, &["migrate", "--url", &url], 0)?;
    run(&project, &["validate", "--url", &url], 0)?;
    assert_eq!(project.database.schema()?, fresh.schema()?);
    assert_eq!(project.database.ledger()?, fresh.ledger()?);
    let migrated = judge::migrate(&project, judge::Migrator::Kit, &fresh)?;
    assert!(migrated.did_nothing(), "{:?}", migrated.changes);
    Ok(())
}

#[test]
fn migrate_builds_a_sqlite_file_that_does_not_exist() -> Result {
    migrate_builds_an_empty_database(Example::BookstoreSqlite)
}

#[test]
fn migrate_builds_an_empty_postgres_database() -> Result {
    migrate_builds_an_empty_database(Example::BookstorePostgres)
}

#[test]
fn t30_reference_rows_reach_a_database_that_only_migrations_build() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let reference = project.database.sibling("reference")?;
    reference.sql(&project.read("db/init.sql")?)?;
    run(&project, &["execute", "--confirm"], 0)?;
    let fresh = project.database.sibling("fresh")?;
    run(&project, &["migrate", "--url", &fresh.url()], 0)?;
    let mut n_filled = 0;
    for table in reference.tables()? {
        let volatile = reference.volatile_columns(&table)?;
        let expected = reference.rows_without(&table, &volatile)?;
        assert_eq!(fresh.rows_without(&table, &volatile)?, expected, "{table}");
        n_filled += usize::from(!expected.is_empty());
    }
    assert!(0 < n_filled, "no table has reference rows");
    Ok(())
}

#[test]
fn t21_analyze_leaves_a_sqlite_file_and_its_folder_alone() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Lived)?;
    let path = project.path("data/bookstore.db");
    let look = || -> Result<_> {
        let names = std::fs::read_dir(project.path("data"))?
            .map(|it| Ok(it?.file_name()))
            .collect::<Result<Vec<_>>>()?;
        Ok((std::fs::read(&path)?, std::fs::metadata(&path)?.modified()?, names, project.files()?))
    };
    let before = look()?;
    run(&project, &["analyze"], 1)?;
    assert!(before == look()?, "analyze changed the file, its folder or the project");
    Ok(())
}

/// Everything that a write of any kind would leave behind in PostgreSQL.
fn traces(project: &Project) -> Result<(String, State)> {
    // A session is counted when it ends, which is after its client has gone.
    let others = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()
                         AND backend_type = 'client backend'";
    while project.database.value(others)? != "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    let counters = "SELECT (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables
                             WHERE schemaname = 'public'),
                           (SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database
                             WHERE datname LIKE '%raingauge%' OR datname LIKE 'scratch%'),
                           (SELECT string_agg(relname || xmin::text || ctid::text, ',' ORDER BY oid)
                              FROM pg_class WHERE oid > 16383),
                           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    Ok((project.database.value(counters)?, project.database.state()?))
}

#[test]
fn t21_analyze_needs_no_more_of_postgres_than_to_read() -> Result {
    // A server of its own: what others leave on a shared one counts as a trace too.
    let project = Project::on(&Arc::new(Postgres::start()?), Age::Lived)?;
    let role = format!("reader_{}", std::process::id());
    let name = project.database.value("SELECT current_database()")?;
    project.database.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reader' NOSUPERUSER NOCREATEDB;
         REVOKE CREATE, TEMPORARY ON DATABASE \"{name}\" FROM PUBLIC;
         GRANT CONNECT ON DATABASE \"{name}\" TO {role};
         GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};"
    ))?;
    let before = (traces(&project)?, project.files()?);
    let url = project.database.url_as(&role, "reader");
    let run = crate::run::binary().run(&project.root, &["analyze", "--url", &url])?;
    let after = (traces(&project)?, project.files()?);
    project.database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role};"))?;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("rows that init.sql inserted"), "{run}");
    assert!(before == after, "{run}\n{:?}\n{:?}", before.0, after.0);
    Ok(())
}

#[test]
fn what_live_grants_by_default_is_part_of_what_is_rehearsed() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    with_default_privileges(&project)
}

#[test]
fn that_holds_where_somebody_else_owns_a_table_that_is_shared() -> Result {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let other = format!("{}_other", project.database.value("SELECT current_database()")?);
    project.database.sql(&format!(
        "CREATE ROLE {other}; CREATE TABLE public.lent (); ALTER TABLE public.lent OWNER TO {other}; \
         GRANT SELECT ON public.lent TO CURRENT_USER"
    ))?;
    with_default_privileges(&project)
}

fn with_default_privileges(project: &Project) -> Result {
    let role = format!("{}_by_default", project.database.value("SELECT current_database()")?);
    project.database.sql(&format!(
        "CREATE ROLE {role}; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {role}; \
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {role}; \
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {role}; \
         ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    ))?;
    run(project, &["execute", "--confirm"], 0)?;
    let granted = format!("SELECT has_table_privilege('{role}', 'users', 'SELECT')");
    assert_eq!(project.database.value(&granted)?, "t", "the new table has what is usual");
    run(project, &["validate"], 0)?;
    Ok(())
}
