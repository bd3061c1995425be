//! Which statements of a baseline only a superuser may run.

use raingauge_schema::postgres::token::tokens;
use raingauge_schema::token::{Cursor, has_words};

use super::Baseline;
use crate::connect::{Session, SqlError};
use crate::initsql::opening;
use crate::report::{Finding, Severity};

/// The name under which a person may vouch that new databases are built by a superuser.
const NAME: &str = "needs-superuser";

/// Says what of a baseline needs a superuser. It forbids the baseline if live's role is none: then new
/// databases are built without one too, and would fail there, although scratch can build them.
///
/// # Errors
/// If live cannot be asked.
pub(crate) fn finding(
    baseline: &Baseline,
    live: &mut Session,
    allow: &[String],
) -> Result<Option<Finding>, SqlError> {
    let own = baseline.statements.iter().filter(|it| is_privileged(it));
    let lines: Vec<String> =
        baseline.privileged.iter().cloned().chain(own.map(|it| opening(it))).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let sql = "select rolsuper from pg_catalog.pg_roles where rolname = current_user";
    let is_super = live.rows(sql)?.into_iter().flatten().flatten().any(|it| it == "t");
    let message =
        "needs a superuser wherever a new database is built: live has what nobody else may create";
    let finding = Finding::warning(NAME, "baseline", message);
    let finding = lines.into_iter().fold(finding, Finding::evidence);
    Ok(Some(if is_super || allow.iter().any(|it| it == NAME) {
        Finding { severity: Severity::Info, ..finding }
    } else {
        Finding { severity: Severity::Error, ..finding }
            .next("connect as a superuser, if new databases are built by one")
            .next("if whoever builds new databases may create these things all the same: `--allow needs-superuser`")
    }))
}

fn is_privileged(sql: &str) -> bool {
    let begins = ["CREATE ", "ALTER FUNCTION", "ALTER PROCEDURE"];
    if !begins.iter().any(|it| sql.starts_with(it)) {
        return false;
    }
    let Ok(tokens) = tokens(sql) else { return false };
    let mut it = Cursor::new(&tokens);
    it.eat("create");
    it.eat("or replace");
    let always = [
        "event trigger",
        "foreign data wrapper",
        "access method",
        "operator class",
        "operator family",
        "text search parser",
        "text search template",
        "subscription",
    ];
    if it.eat_any(&always).is_some() {
        return true;
    }
    if it.eat_any(&["function", "procedure"]).is_some() {
        return has_words(&tokens, "language c")
            || has_words(&tokens, "language internal")
            || has_words(&tokens, "leakproof") && !has_words(&tokens, "not leakproof");
    }
    if it.eat("type") {
        return has_words(&tokens, "internallength") || has_words(&tokens, "input =");
    }
    if it.eat("publication") {
        return has_words(&tokens, "for all tables") || has_words(&tokens, "tables in schema");
    }
    it.eat("cast") && has_words(&tokens, "without function")
        || it.eat_any(&["language", "procedural language"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::is_privileged;
    use crate::initsql::opening;

    #[test]
    fn what_only_a_superuser_may_create_is_known() {
        for sql in [
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f()",
            "CREATE FUNCTION public.f() RETURNS integer LANGUAGE c AS 'lib', 'f'",
            "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql LEAKPROOF AS $$select 1$$",
            "CREATE TYPE public.t (INTERNALLENGTH = variable, INPUT = public.i, OUTPUT = public.o)",
            "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert')",
            "CREATE CAST (public.a AS public.b) WITHOUT FUNCTION",
            "CREATE OPERATOR FAMILY public.f USING btree",
        ] {
            assert!(is_privileged(sql), "{sql}");
        }
        for sql in [
            "CREATE TABLE public.t (a integer)",
            "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$select 'LANGUAGE c'$$",
            "CREATE TYPE public.t AS (a integer)",
            "CREATE TYPE public.e AS ENUM ('input =')",
            "CREATE PUBLICATION p WITH (publish = 'insert')",
            "CREATE CAST (text AS public.b) WITH FUNCTION public.f(text)",
        ] {
            assert!(!is_privileged(sql), "{sql}");
        }
    }

    #[test]
    fn what_stands_in_a_literal_is_not_shown() {
        let sql = "CREATE SUBSCRIPTION s CONNECTION 'password=geheim' PUBLICATION p";
        assert_eq!(opening(sql), "CREATE SUBSCRIPTION s CONNECTION");
    }
}
