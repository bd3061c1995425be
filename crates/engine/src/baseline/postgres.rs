//! Baseline statements out of a `pg_dump -s` text.

use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::postgres::token::tokens;
use raingauge_schema::token::Token;

use super::{Baseline, breakpoint, roles, secret};
use crate::dump::Dump;
use crate::ledger::LedgerName;
use crate::report::Finding;

pub(super) fn statements(dump: &Dump, ledgers: &[LedgerName]) -> Baseline {
    let mut baseline = Baseline::default();
    let mut settings = Settings::default();
    for dumped in &dump.statements {
        let sql = dumped.sql.as_str();
        if settings.absorb(sql) || makes_ledger_schema(sql, ledgers) {
            continue;
        }
        baseline.statements.extend(settings.pending());
        baseline.roles.extend(roles::required(sql));
        baseline.findings.extend(secret::finding(sql));
        let grantor = settings.grantor.as_deref();
        let statement = match roles::guarding(sql, grantor) {
            Some(roles) => {
                baseline.grantees.extend(roles.iter().cloned());
                roles::guarded(sql, &roles, grantor)
            }
            None => sql.to_owned(),
        };
        match breakpoint::broken_up(&statement) {
            Ok(statement) => baseline.statements.push(statement),
            Err(error) => {
                let finding = Finding::error("dump-unreadable", "pg_dump -s", error.to_string());
                baseline.findings.push(finding);
            }
        }
    }
    baseline.statements.extend(settings.restored());
    if baseline.statements.iter().any(|it| has_body(it)) {
        // The body of a function may refer to tables that come later. The migrator may run everything
        // that follows in the same transaction.
        baseline.statements.insert(0, format!("SET LOCAL {BODIES} = false"));
        baseline.statements.push(format!("SET LOCAL {BODIES} TO DEFAULT"));
    }
    baseline
}

const BODIES: &str = "check_function_bodies";

/// The settings of a dump that change what a CREATE means; the others only concern the restore.
#[derive(Default)]
struct Settings {
    tablespace: Change,
    access_method: Change,
    /// The role as which the following statements are run.
    grantor: Option<String>,
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
        if statement == "RESET SESSION AUTHORIZATION" {
            self.grantor = None;
            return true;
        }
        let Some(setting) = statement.strip_prefix("SET ") else { return false };
        if setting.starts_with("SESSION AUTHORIZATION ") {
            let role = tokens(setting).ok().and_then(|it| it.last().and_then(Token::identifier));
            self.grantor = role.filter(|it| it != "DEFAULT");
        } else if let Some(value) = setting.strip_prefix("default_tablespace = ") {
            self.tablespace.wanted = (value != "''").then(|| value.to_owned());
        } else if let Some(value) = setting.strip_prefix("default_table_access_method = ") {
            self.access_method.wanted = (value != "heap").then(|| value.to_owned());
        }
        true
    }

    /// What has to be set before the next statement, for the migrator's transaction only.
    fn pending(&mut self) -> Vec<String> {
        let each = [
            ("default_tablespace", &mut self.tablespace),
            ("default_table_access_method", &mut self.access_method),
        ];
        let mut statements = Vec::new();
        for (name, change) in each {
            if change.wanted != change.current {
                let value = change.wanted.as_deref();
                let value = value.map_or("TO DEFAULT".to_owned(), |it| format!("= {it}"));
                statements.push(format!("SET LOCAL {name} {value}"));
                change.current = change.wanted.clone();
            }
        }
        statements
    }

    /// What makes the settings be as they were before the first statement.
    fn restored(&mut self) -> Vec<String> {
        (self.tablespace.wanted, self.access_method.wanted) = (None, None);
        self.pending()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dump: &str, expected: &[&str]) {
        let ledger = LedgerName { schema: "drizzle".into(), table: "__drizzle_migrations".into() };
        let baseline = statements(&Dump::parse(dump, &[]).unwrap(), &[ledger]);
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
                "SET LOCAL default_tablespace TO DEFAULT",
                "CREATE TABLE public.u (a int)",
            ],
        );
        check(
            "SET default_table_access_method = columnar;\nCREATE TABLE public.t (a int);",
            &[
                "SET LOCAL default_table_access_method = columnar",
                "CREATE TABLE public.t (a int)",
                "SET LOCAL default_table_access_method TO DEFAULT",
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
                "SET LOCAL check_function_bodies TO DEFAULT",
            ],
        );
    }

    #[test]
    fn a_grant_of_somebody_else_is_made_in_the_name_of_its_grantor() {
        check(
            "SET SESSION AUTHORIZATION lender;\nGRANT SELECT ON TABLE public.t TO app;\nRESET SESSION AUTHORIZATION;\nCREATE TABLE public.u ();",
            &[
                "DO $raingauge$\nDECLARE\n\traingauge_role text := pg_catalog.current_setting('role');\nBEGIN\n\tIF 2 = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles WHERE rolname IN ('app', 'lender')) THEN\n\t\tSET LOCAL ROLE \"lender\";\n\t\tGRANT SELECT ON TABLE public.t TO app;\n\t\tPERFORM pg_catalog.set_config('role', raingauge_role, true);\n\tEND IF;\nEND\n$raingauge$",
                "CREATE TABLE public.u ()",
            ],
        );
    }
}
