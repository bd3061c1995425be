//! The judge on projects that nobody has adopted: it has to say no.

use raingauge_testkit::judge::{Migrator, generate, migrate, verdict};
use raingauge_testkit::project::Age;
use raingauge_testkit::{Example, Project, Result};

/// The plain way of `generate` and `migrate`, of which it is said that it cannot work.
#[track_caller]
fn the_plain_way_fails(example: Example, existing: &str, kit_error: &str) -> Result {
    let project = Project::new(example, Age::Lived)?;
    let before = project.database.state()?;
    let generated = generate(&project)?;
    assert!(!generated.found_nothing());
    assert!(generated.files.contains(&"new drizzle/0000_judge.sql".to_owned()), "{generated:?}");
    for migrator in Migrator::ALL {
        let migrated = migrate(&project, migrator, &project.database)?;
        assert!(!migrated.succeeded, "{migrated:?}");
        assert_eq!(migrated.recorded, Vec::<String>::new());
        if migrator == Migrator::Programmatic {
            let error = migrated.error.unwrap_or_default();
            assert!(error.contains(kit_error) && error.contains(existing), "{error}");
        }
    }
    let after = project.database.state()?;
    assert!(!project.database.tables()?.iter().any(|it| it.contains("users")));
    let of_books = |it: &&String| it.contains("books");
    assert!(before.rows.keys().any(|it| of_books(&it)));
    for table in before.rows.keys().filter(of_books) {
        assert_eq!(before.rows[table], after.rows[table]);
    }
    Ok(())
}

#[test]
fn the_plain_way_fails_on_postgresql() -> Result {
    the_plain_way_fails(Example::BookstorePostgres, "book_format", "42710")
}

#[test]
fn the_plain_way_fails_on_sqlite() -> Result {
    the_plain_way_fails(Example::BookstoreSqlite, "books", "SQLITE_ERROR")
}

#[test]
fn the_verdict_on_a_project_without_migrations_is_bad() -> Result {
    for example in Example::ALL {
        let project = Project::new(example, Age::Lived)?;
        let verdict = verdict(&project, Some("db/init.sql"))?;
        let bad = verdict.bad();
        assert!(bad[0].starts_with("drizzle-kit generate finds no changes"), "{verdict}");
        assert!(!verdict.is_good());
    }
    Ok(())
}

#[test]
fn the_kit_that_cannot_load_a_schema_is_not_taken_for_one_that_finds_nothing() -> Result {
    let project = Project::new(Example::BookstoreSqlite, Age::Seeded)?;
    project.write("src/db/schema.ts", "export const books = ;")?;
    let generated = generate(&project)?;
    assert!(!generated.found_nothing(), "{}", generated.run);
    Ok(())
}
