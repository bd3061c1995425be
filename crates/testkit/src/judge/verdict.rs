//! The whole question after an adoption: does Drizzle, as it is, find everything in order?

use std::fmt;

use super::{Fresh, Migrator, fresh_build, generate, migrate};
use crate::database::{Database, text_differences};
use crate::failure::Result;
use crate::project::Project;

/// The judge's answers, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub answers: Vec<Answer>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What should be so: `drizzle-kit generate finds no changes`.
    pub what: String,
    /// What is otherwise; nothing if all is well.
    pub problems: Vec<String>,
}

impl Verdict {
    /// Whether everything is as it should be.
    pub fn is_good(&self) -> bool {
        self.answers.iter().all(|it| it.problems.is_empty())
    }

    /// The questions whose answer is bad.
    pub fn bad(&self) -> Vec<&str> {
        let bad = self.answers.iter().filter(|it| !it.problems.is_empty());
        bad.map(|it| it.what.as_str()).collect()
    }

    pub(super) fn add(&mut self, what: impl Into<String>, problems: Vec<String>) {
        self.answers.push(Answer { what: what.into(), problems });
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.problems.is_empty() { "ok " } else { "BAD" };
        write!(f, "{word} {}", self.what)?;
        self.problems.iter().try_for_each(|it| write!(f, "\n      {it}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answers.iter().try_for_each(|it| writeln!(f, "{it}"))
    }
}

/// Asks the real drizzle-kit and drizzle-orm about a project and its database. With `init_sql` it
/// also compares the rows of a fresh build with those that this script inserts.
///
/// # Errors
/// If a question cannot be asked: Node.js, packages or server missing. Bad answers are no errors.
pub fn verdict(project: &Project, init_sql: Option<&str>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let generated = generate(project)?;
    let mut problems = generated.files;
    if !generated.says_no_changes {
        problems.push(generated.run.to_string());
    }
    verdict.add("drizzle-kit generate finds no changes and writes nothing", problems);
    judge_history(project, init_sql, &mut verdict)?;
    Ok(verdict)
}

/// As [`verdict`], for a project without `schema.ts`, where `generate` has nothing to look at.
///
/// # Errors
/// As [`verdict`].
pub fn history_verdict(project: &Project, init_sql: Option<&str>) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    judge_history(project, init_sql, &mut verdict)?;
    Ok(verdict)
}

fn judge_history(project: &Project, init_sql: Option<&str>, verdict: &mut Verdict) -> Result {
    for migrator in Migrator::ALL {
        let migrated = migrate(project, migrator, &project.database)?;
        let mut problems = migrated.changes;
        if !migrated.succeeded {
            problems.push(migrated.run.to_string());
        }
        verdict.add(format!("{} applies nothing to the database", migrator.name()), problems);
    }
    Migrator::ALL.iter().try_for_each(|&it| judge_fresh_build(project, it, init_sql, verdict))
}

fn judge_fresh_build(
    project: &Project,
    migrator: Migrator,
    init_sql: Option<&str>,
    verdict: &mut Verdict,
) -> Result {
    let Fresh { database, migrated } = fresh_build(project, migrator)?;
    let name = migrator.name();
    let failed = if migrated.succeeded { vec![] } else { vec![migrated.run.to_string()] };
    verdict.add(format!("{name} builds an empty database"), failed);
    let differences = text_differences(&project.database.schema()?, &database.schema()?);
    verdict.add(format!("the database built by {name} has the same structure"), differences);
    let ledgers = (project.database.ledger()?, database.ledger()?);
    let differs = ledgers.0 != ledgers.1;
    let problems =
        if differs { vec![format!("{:?}, fresh {:?}", ledgers.0, ledgers.1)] } else { vec![] };
    verdict.add(format!("the database built by {name} has the same ledger"), problems);
    if let Some(init_sql) = init_sql {
        let reference = project.database.sibling("reference")?;
        reference.sql(&project.read(init_sql)?)?;
        let problems = seed_problems(&reference, &database)?;
        verdict
            .add(format!("the database built by {name} has the seed rows and no others"), problems);
        verdict.add(format!("the database built by {name} takes new rows"), ids_taken(&database)?);
    }
    Ok(())
}

/// Tables whose rows are not those of the reference; what a clock or chance fills is left out.
fn seed_problems(reference: &Database, fresh: &Database) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let present = fresh.tables()?;
    for table in reference.tables()? {
        if !present.contains(&table) {
            problems.push(format!("there is no {table}"));
            continue;
        }
        let volatile = reference.volatile_columns(&table)?;
        let rows =
            |it: &Database| Ok::<_, crate::Failure>(it.rows_without(&table, &volatile)?.join("\n"));
        let differences = text_differences(&rows(reference)?, &rows(fresh)?);
        problems.extend(differences.into_iter().map(|it| format!("{table}: {it}")));
    }
    Ok(problems)
}

/// Sequences that would next give an id that a row already has.
fn ids_taken(database: &Database) -> Result<Vec<String>> {
    // SQLite takes the next id from the rows themselves, or from sqlite_sequence, compared above.
    let Database::Postgres(_) = database else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for line in database.sql(OWNED_SEQUENCES)?.lines() {
        let (sequence, query) = line.split_once('|').expect("the query has two columns");
        if database.value(query)? == "t" {
            problems.push(format!("{sequence} is behind the ids of its table"));
        }
    }
    Ok(problems)
}

const OWNED_SEQUENCES: &str = "
    SELECT s.oid::regclass,
           format('SELECT (SELECT coalesce(max(%I), 0) FROM %s) >= (SELECT CASE WHEN is_called '
                  'THEN last_value + 1 ELSE last_value END FROM %s)',
                  attname, refobjid::regclass, s.oid::regclass)
      FROM pg_class s
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
       AND d.refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
      JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
     WHERE s.relkind = 'S' ORDER BY 1";
