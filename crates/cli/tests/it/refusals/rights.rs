//! Roles that cannot see everything, or cannot alter what they would adopt.

use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::project::Age;
use raingauge_testkit::{Database, Example, Project, Result};

use super::{Refusal, no_secrets, refuses};
use crate::run::{binary, run};

/// A lived-in bookstore and the address for a role that may only log in. Its name belongs to the
/// test, because roles belong to the server.
struct Visited {
    project: Project,
    role: String,
    url: String,
}

fn visited(grants: &str) -> Result<Visited> {
    let project = Project::new(Example::BookstorePostgres, Age::Lived)?;
    let Database::Postgres(database) = &project.database else { unreachable!("it is PostgreSQL") };
    let role = format!("visitor_{}", database.name);
    let grants = grants.replace("VISITOR", &role).replace("DATABASE_NAME", &database.name);
    project.database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; {grants}"))?;
    let url = project.database.url_as(&role, PASSWORD);
    Ok(Visited { project, role, url })
}

impl Visited {
    #[track_caller]
    fn refuses(&self, command: &[&str], exit: i32, code: &str) -> Result<Refusal> {
        let command: Vec<_> = command.iter().copied().chain(["--url", &self.url]).collect();
        refuses(&self.project, &command, exit, code)
    }
}

const ALL: &str = "GRANT ALL ON ALL TABLES IN SCHEMA public TO VISITOR;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO VISITOR;
    GRANT ALL ON SCHEMA public TO VISITOR;
    GRANT ALL ON DATABASE DATABASE_NAME TO VISITOR;";

#[test]
fn t22_what_a_role_cannot_see_is_unknown_and_the_grants_are_named() -> Result {
    let visited = visited(
        "CREATE SCHEMA hidden; CREATE TABLE hidden.secrets (id serial PRIMARY KEY);
         CREATE TABLE notes (id integer PRIMARY KEY);
         GRANT SELECT ON books TO VISITOR; GRANT SELECT ON books_id_seq TO VISITOR",
    )?;
    for command in [&["analyze"][..], &["validate"], &["execute", "--confirm"], &["reconcile"]] {
        let refusal = visited.refuses(command, 1, "unseen")?;
        let grants = refusal.document["findings"].to_string();
        for grant in [
            format!("GRANT USAGE ON SCHEMA hidden TO {}", visited.role),
            format!("GRANT SELECT ON public.notes TO {}", visited.role),
        ] {
            assert!(grants.contains(&grant), "`{grant}` is not in {}", refusal.run);
        }
        if command == ["analyze"] || command == ["validate"] {
            assert_eq!(refusal.document["verdict"], "unknown", "{}", refusal.run);
        }
    }
    Ok(())
}

#[test]
fn t22_rows_that_a_policy_hides_are_unknown() -> Result {
    let visited = visited(&format!(
        "{ALL} ALTER TABLE books ENABLE ROW LEVEL SECURITY;
         CREATE POLICY cheap ON books USING (price < 10)"
    ))?;
    let refusal = visited.refuses(&["analyze"], 1, "unseen")?;
    refusal.says("some rows of table public.books");
    refusal.says(&format!("ALTER ROLE {} BYPASSRLS", visited.role));
    let rows = refusal.document["sections"]["tables"].to_string();
    assert!(rows.contains("unknown"), "a number of rows that nobody knows: {rows}");
    assert_eq!(refusal.document["verdict"], "unknown", "{}", refusal.run);
    Ok(())
}

#[test]
fn t22_a_sequence_that_the_role_may_not_read_is_unknown_and_not_at_zero() -> Result {
    let visited = visited("GRANT SELECT ON books TO VISITOR")?;
    let told = binary().run(&visited.project.root, &["analyze", "--url", &visited.url])?;
    no_secrets(&told);
    assert!(told.stdout.contains("warning[sequence-unseen]"), "{told}");
    let grant = format!("GRANT SELECT ON SEQUENCE public.books_id_seq TO {}", visited.role);
    assert!(
        told.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(&grant),
        "{told}"
    );
    Ok(())
}

#[test]
fn t34_a_role_that_owns_nothing_cannot_adopt() -> Result {
    let visited = visited(ALL)?;
    for command in [["execute", "--confirm"], ["reconcile", "--confirm"]] {
        let refusal = visited.refuses(&command, 1, "not-owner")?;
        refusal.says(&visited.role);
        refusal.says("table public.books belongs to `postgres`");
    }
    Ok(())
}

#[test]
fn t34_a_member_of_the_owner_can_adopt() -> Result {
    let visited = visited(
        "CREATE ROLE owner_VISITOR; GRANT owner_VISITOR TO VISITOR;
         ALTER TABLE books OWNER TO owner_VISITOR; ALTER TYPE book_format OWNER TO owner_VISITOR;
         GRANT ALL ON SCHEMA public TO VISITOR; GRANT ALL ON DATABASE DATABASE_NAME TO VISITOR",
    )?;
    let command = ["execute", "--confirm", "--url", &visited.url];
    let run = binary().run(&visited.project.root, &command)?;
    no_secrets(&run);
    assert_eq!(run.code, 0, "{run}");
    Ok(())
}

#[test]
fn t34_a_role_that_cannot_write_the_ledger_is_refused_before_anything_is_written() -> Result {
    let visited = visited(
        "ALTER TABLE books OWNER TO VISITOR; ALTER TYPE book_format OWNER TO VISITOR;
         GRANT ALL ON SCHEMA public TO VISITOR",
    )?;
    let refusal = visited.refuses(&["execute", "--confirm"], 1, "ledger-not-writable")?;
    refusal.says("GRANT CREATE ON DATABASE");
    Ok(())
}

#[test]
fn t34_a_role_that_cannot_create_what_is_declared_is_refused_before_anything_is_written() -> Result
{
    let visited = visited(
        "ALTER TABLE books OWNER TO VISITOR; ALTER TYPE book_format OWNER TO VISITOR;
         GRANT ALL ON DATABASE DATABASE_NAME TO VISITOR",
    )?;
    let refusal = visited.refuses(&["execute", "--confirm"], 1, "schema-not-creatable")?;
    refusal.says("GRANT CREATE ON SCHEMA");
    Ok(())
}

/// An adopted bookstore with a pending migration, and a role that may do everything but own it.
fn visited_with_pending(grants: &str, sql: &str) -> Result<Visited> {
    // Privileges that are given to objects afterwards would be drift.
    let all = "GRANT pg_read_all_data, pg_write_all_data TO VISITOR;";
    let visited = visited(&format!("{all} {grants}"))?;
    run(&visited.project, &["execute", "--confirm"], 0)?;
    add_migration(&visited.project, sql)?;
    Ok(visited)
}

/// Appends a migration to the history, as `drizzle-kit generate --custom` does.
fn add_migration(project: &Project, sql: &str) -> Result {
    let journal = project.read("drizzle/meta/_journal.json")?;
    let mut journal: serde_json::Value = serde_json::from_str(&journal)?;
    let entries = journal["entries"].as_array_mut().expect("a journal has entries");
    let last = entries.last().expect("it is adopted").clone();
    let idx = last["idx"].as_u64().unwrap_or_default() + 1;
    let when = last["when"].as_u64().unwrap_or_default() + 1000;
    let tag = format!("{idx:04}_next");
    entries.push(serde_json::json!({
        "idx": idx, "version": last["version"], "when": when, "tag": tag, "breakpoints": true
    }));
    project.write("drizzle/meta/_journal.json", &journal.to_string())?;
    project.write(&format!("drizzle/{tag}.sql"), sql)
}

#[test]
fn t34_migrate_names_each_object_of_somebody_else_with_the_statement_that_needs_its_owner() -> Result
{
    let visited = visited_with_pending(
        &format!("{ALL} CREATE ROLE owner_VISITOR; GRANT ALL ON SCHEMA public TO owner_VISITOR"),
        "ALTER TABLE \"books\" ADD COLUMN \"subtitle\" text;\n--> statement-breakpoint\n\
         CREATE INDEX \"books_subtitle\" ON \"books\" (\"subtitle\");\n",
    )?;
    let refusal = visited.refuses(&["migrate"], 1, "not-owner")?;
    refusal.says("table public.books belongs to `postgres`");
    refusal.says("_next`: ALTER TABLE");
    let next = refusal.document["findings"].to_string();
    let owner =
        format!("ALTER TABLE \\\"public\\\".\\\"books\\\" OWNER TO \\\"{}\\\"", visited.role);
    assert!(next.contains(&owner), "`{owner}` is not in {next}");
    assert!(!next.contains("GRANT \\\"postgres\\\""), "membership in a superuser: {next}");

    let other = format!("ALTER TABLE books OWNER TO owner_{}", visited.role);
    visited.project.database.sql(&other)?;
    let refusal = visited.refuses(&["migrate"], 1, "not-owner")?;
    let grant = format!("GRANT \\\"owner_{0}\\\" TO \\\"{0}\\\"", visited.role);
    let next = refusal.document["findings"].to_string();
    assert!(next.contains(&grant), "`{grant}` is not in {next}");

    visited.project.database.sql(&format!("GRANT owner_{0} TO {0}", visited.role))?;
    run(&visited.project, &["migrate", "--url", &visited.url], 0)?;
    Ok(())
}

#[test]
fn t34_migrate_is_refused_where_a_new_table_has_no_place() -> Result {
    let visited = visited_with_pending(
        "GRANT ALL ON DATABASE DATABASE_NAME TO VISITOR; GRANT USAGE ON SCHEMA public TO VISITOR;
         GRANT ALL ON ALL TABLES IN SCHEMA public TO VISITOR",
        "CREATE TABLE \"extra\" (\"id\" integer);\n",
    )?;
    let refusal = visited.refuses(&["migrate"], 1, "schema-not-creatable")?;
    refusal.says("GRANT CREATE ON SCHEMA");
    Ok(())
}

#[test]
fn a_role_whose_sessions_only_read_is_refused_before_anything_is_written() -> Result {
    let visited = visited(
        "ALTER TABLE books OWNER TO VISITOR; ALTER TYPE book_format OWNER TO VISITOR;
         GRANT ALL ON SCHEMA public TO VISITOR; GRANT ALL ON DATABASE DATABASE_NAME TO VISITOR;
         ALTER ROLE VISITOR SET default_transaction_read_only = on",
    )?;
    for command in [["execute", "--confirm"], ["reconcile", "--confirm"]] {
        let refusal = visited.refuses(&command, 1, "server-read-only")?;
        refusal.says("SET default_transaction_read_only = off");
    }
    Ok(())
}
