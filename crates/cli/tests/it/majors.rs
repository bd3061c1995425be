//! The bookstore on other major versions of PostgreSQL than the system's.

use raingauge_testkit::project::{Age, file_differences};
use raingauge_testkit::{Project, Result, judge, majors, postgres};

use crate::run::{run, verdict};

#[test]
fn execute_takes_the_bookstore_all_the_way_on_every_version() -> Result {
    let system = postgres::installed().first().map(|it| it.0);
    for server in majors::matrix().into_iter().filter(|it| Some(it.major) != system) {
        let project = Project::on(&server, Age::Lived)?;
        if 18 <= server.major {
            name_not_null_constraints(&project)?;
        }
        let programs = server.bin.to_string_lossy().into_owned();
        let execute = ["execute", "--confirm", "--pg-client", &programs];
        let adopted = run(&project, &execute, 0)?;
        assert_eq!(verdict(&adopted), "execute: clean", "PostgreSQL {}", server.major);
        let files = project.files()?;
        run(&project, &execute, 0)?;
        assert_eq!(file_differences(&files, &project.files()?), [""; 0]);
        let judged = judge::verdict(&project, Some("db/init.sql"))?;
        assert!(judged.is_good(), "PostgreSQL {}: {judged}", server.major);
    }
    Ok(())
}

/// Since 18 each NOT NULL has a name, which `schema.ts` cannot declare: it is kept, and no drift. A table
/// made with LIKE has its model's names, and comes before it in a dump.
fn name_not_null_constraints(project: &Project) -> Result {
    let statement = project.database.value(
        "select format('alter table %s rename constraint %I to given', conrelid::regclass, conname) \
         from pg_constraint where contype = 'n' and connamespace = 'public'::regnamespace \
         order by conrelid::regclass::text, conname limit 1",
    )?;
    project.database.sql(&statement)?;
    project.database.sql(
        "create schema kept; create table kept.\"it's\" (\"Id\" int not null, at date not null); \
         create table kept.archive (like kept.\"it's\")",
    )?;
    Ok(())
}
