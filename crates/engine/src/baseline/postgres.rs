//! Baseline statements out of a `pg_dump -s` text.

use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};
use raingauge_schema::postgres::split::split;
use raingauge_schema::script::PieceKind;

use super::Baseline;
use crate::ledger::LedgerName;
use crate::report::Finding;

pub(super) fn statements(dump: &str, ledgers: &[LedgerName]) -> Baseline {
    let mut baseline = Baseline::default();
    let pieces = match split(dump) {
        Ok(pieces) => pieces,
        Err(error) => {
            let finding = Finding::error("dump-unreadable", "pg_dump -s", error.to_string());
            baseline.findings.push(finding);
            return baseline;
        }
    };
    let mut settings = Settings::default();
    for piece in pieces.iter().filter(|it| it.kind != PieceKind::Command) {
        let statement = without_comments(&piece.sql);
        if statement.is_empty()
            || settings.absorb(statement)
            || makes_ledger_schema(statement, ledgers)
        {
            continue;
        }
        baseline.statements.extend(settings.pending());
        baseline.statements.push(guarded(statement));
    }
    if baseline.statements.iter().any(|it| has_body(it)) {
        // The body of a function may refer to tables that come later.
        baseline.statements.insert(0, "SET LOCAL check_function_bodies = false".to_owned());
    }
    baseline
}

/// The dump's comments name its sections; a statement has to begin with its own words.
fn without_comments(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start();
        match sql.strip_prefix("--") {
            Some(comment) => sql = comment.split_once('\n').map_or("", |it| it.1),
            None => return sql.trim_end(),
        }
    }
}

/// The settings of a dump that change what a CREATE means; the others only concern the restore.
#[derive(Default)]
struct Settings {
    tablespace: Change,
    access_method: Change,
}

#[derive(Default)]
struct Change {
    wanted: Option<String>,
    current: Option<String>,
}

impl Settings {
    /// Takes a SET of the dump; `true` means that it is no statement of the baseline.
    fn absorb(&mut self, statement: &str) -> bool {
        if statement.starts_with("SELECT pg_catalog.set_config(") {
            return true;
        }
        let Some(setting) = statement.strip_prefix("SET ") else { return false };
        if let Some(value) = setting.strip_prefix("default_tablespace = ") {
            self.tablespace.wanted = (value != "''").then(|| value.to_owned());
        } else if let Some(value) = setting.strip_prefix("default_table_access_method = ") {
            self.access_method.wanted = (value != "heap").then(|| value.to_owned());
        }
        true
    }

    /// What has to be set before the next statement, for the migrator's transaction only.
    fn pending(&mut self) -> Vec<String> {
        let each = [
            ("default_tablespace", "''", &mut self.tablespace),
            ("default_table_access_method", "heap", &mut self.access_method),
        ];
        let mut statements = Vec::new();
        for (name, usual, change) in each {
            if change.wanted != change.current {
                let value = change.wanted.as_deref().unwrap_or(usual);
                statements.push(format!("SET LOCAL {name} = {value}"));
                change.current = change.wanted.clone();
            }
        }
        statements
    }
}

/// The migrator makes the ledger's schema itself, before it runs the first migration.
fn makes_ledger_schema(statement: &str, ledgers: &[LedgerName]) -> bool {
    ledgers.iter().any(|it| {
        let plain = format!("CREATE SCHEMA {}", it.schema);
        statement == plain || statement == format!("CREATE SCHEMA {}", quote_ident(&it.schema))
    })
}

fn has_body(statement: &str) -> bool {
    ["CREATE FUNCTION", "CREATE PROCEDURE"].iter().any(|it| statement.starts_with(it))
}

/// A grant to a role that does not exist on some machine must not stop a new database from being
/// built there.
fn guarded(statement: &str) -> String {
    let Some(role) = grantee(statement) else { return statement.to_owned() };
    format!(
        "DO $raingauge$\nBEGIN\n\tIF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {}) THEN\n\t\t{statement};\n\tEND IF;\nEND\n$raingauge$",
        quote_literal(&role)
    )
}

/// The role that a GRANT, REVOKE or ALTER DEFAULT PRIVILEGES is for; nothing for PUBLIC.
fn grantee(statement: &str) -> Option<String> {
    let is_grant = statement.starts_with("GRANT ");
    let is_revoke = statement.starts_with("REVOKE ");
    let is_default = statement.starts_with("ALTER DEFAULT PRIVILEGES ");
    if !is_grant && !is_revoke && !is_default {
        return None;
    }
    let marker = if is_revoke || statement.contains(" REVOKE ") { " FROM " } else { " TO " };
    let tail = statement.rsplit_once(marker)?.1.trim();
    let tail = tail.strip_suffix(" WITH GRANT OPTION").unwrap_or(tail);
    let role = match tail.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?.replace("\"\"", "\""),
        None => tail.to_owned(),
    };
    (role != "PUBLIC").then_some(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dump: &str, expected: &[&str]) {
        let ledger = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let baseline = statements(dump, &[ledger]);
        assert_eq!(baseline.findings, []);
        assert_eq!(baseline.statements, expected);
    }

    #[test]
    fn settings_of_the_restore_are_left_out() {
        check(
            "--\n-- PostgreSQL database dump\n--\n\\restrict abc\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\nSET default_table_access_method = heap;\n\n--\n-- Name: t; Type: TABLE\n--\n\nCREATE TABLE public.t (\n    a integer\n);\n\\unrestrict abc\n",
            &["CREATE TABLE public.t (\n    a integer\n)"],
        );
    }

    #[test]
    fn settings_that_change_a_table_are_kept_for_the_transaction() {
        check(
            "SET default_tablespace = fast;\nCREATE TABLE public.t (a int);\nSET default_tablespace = '';\nCREATE TABLE public.u (a int);",
            &[
                "SET LOCAL default_tablespace = fast",
                "CREATE TABLE public.t (a int)",
                "SET LOCAL default_tablespace = ''",
                "CREATE TABLE public.u (a int)",
            ],
        );
    }

    #[test]
    fn a_grant_is_guarded_by_the_roles_existence() {
        check(
            "GRANT SELECT ON TABLE public.t TO \"re\"\"ader\" WITH GRANT OPTION;\nGRANT SELECT ON TABLE public.t TO PUBLIC;",
            &[
                "DO $raingauge$\nBEGIN\n\tIF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 're\"ader') THEN\n\t\tGRANT SELECT ON TABLE public.t TO \"re\"\"ader\" WITH GRANT OPTION;\n\tEND IF;\nEND\n$raingauge$",
                "GRANT SELECT ON TABLE public.t TO PUBLIC",
            ],
        );
    }

    #[test]
    fn the_ledgers_schema_is_left_to_the_migrator_and_bodies_are_not_checked() {
        check(
            "CREATE SCHEMA drizzle;\nCREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS $$ select 1; $$;",
            &[
                "SET LOCAL check_function_bodies = false",
                "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS $$ select 1; $$",
            ],
        );
    }
}
