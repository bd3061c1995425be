//! What accounts of the server may do in the database: a file beside the dump, since accounts belong to the server.
//!
//! The statements name no database, so they are for whichever they run in. A restore does not run them: whether the
//! same accounts exist elsewhere, and may do the same there, is for a person to say.

use std::path::Path;

use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::{Catalog, Kind, Object};

use super::super::folder::unwritable;
use super::super::manifest::LeftOut;
use crate::Result;
use crate::connect::MySqlSession;

/// The file's name.
pub(super) const FILE: &str = "grants.sql";

/// Who may not read it sees only what is granted to himself.
const PROBE: &str = "select 1 from mysql.db limit 0";

/// Writes the statements that give every grant on the database again, and says what they leave out.
pub(super) fn write(
    session: &mut MySqlSession,
    catalog: &Catalog,
    folder: &Path,
) -> Result<Vec<LeftOut>> {
    let text = render(catalog);
    if !text.is_empty() {
        let path = folder.join(FILE);
        let mut file = super::create_file(&path).map_err(|it| unwritable(&path, it))?;
        std::io::Write::write_all(&mut file, text.as_bytes())
            .map_err(|it| unwritable(&path, it))?;
    }
    let mut left_out = Vec::new();
    let grantees = grantees(catalog);
    if !grantees.is_empty() {
        left_out.push(LeftOut {
            what: "accounts of the server".to_owned(),
            why: format!(
                "they belong to the server; what they may do in this database stands in `{FILE}`: {}",
                grantees.join(", ")
            ),
        });
    }
    if session.rows(PROBE).is_err() {
        left_out.push(LeftOut {
            what: "grants of other accounts on the database".to_owned(),
            why: "the account may not read them: it has no SELECT on `mysql`.*".to_owned(),
        });
    }
    Ok(left_out)
}

/// How the file beside a dump differs from what the catalog says.
pub(in crate::backup) fn difference(folder: &Path, catalog: &Catalog) -> Option<String> {
    let found = std::fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    (found != render(catalog))
        .then(|| format!("`{FILE}` and `catalog.json` do not belong together"))
}

fn all(catalog: &Catalog) -> impl Iterator<Item = &Object> {
    catalog.surroundings.iter().filter(|it| it.id.kind == Kind::Grant)
}

fn grantees(catalog: &Catalog) -> Vec<String> {
    let mut names: Vec<_> = all(catalog).filter_map(|it| it.id.path.last().cloned()).collect();
    names.sort();
    names.dedup();
    names
}

fn render(catalog: &Catalog) -> String {
    all(catalog).flat_map(statements).collect()
}

/// The statements of one account's grants on one thing: those that it may pass on stand in one of their own.
fn statements(grant: &Object) -> Vec<String> {
    let path: Vec<_> = grant.id.path.iter().map(String::as_str).collect();
    let (column, on, account) = match path.as_slice() {
        ["database", account] => (None, "*".to_owned(), *account),
        ["table", table, account] => (None, quote_ident(table), *account),
        ["column", table, column, account] => {
            (Some(quote_ident(column)), quote_ident(table), *account)
        }
        _ => return Vec::new(),
    };
    let privileges = grant.get("privileges").unwrap_or_default();
    let (passed_on, own): (Vec<_>, Vec<_>) =
        privileges.split(", ").filter(|it| !it.is_empty()).partition(|it| it.ends_with('*'));
    let say = |it: &&str| {
        let right = it.trim_end_matches('*').to_uppercase();
        column.as_ref().map_or(right.clone(), |column| format!("{right} ({column})"))
    };
    let statement = |(rights, end): (Vec<&str>, &str)| {
        let rights: Vec<_> = rights.iter().map(say).collect();
        (!rights.is_empty())
            .then(|| format!("GRANT {} ON {on} TO {account}{end};\n", rights.join(", ")))
    };
    [(own, ""), (passed_on, " WITH GRANT OPTION")].into_iter().filter_map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(path: &[&str], privileges: &str) -> Object {
        Object::new(Kind::Grant, path.iter().copied()).with("privileges", privileges)
    }

    #[test]
    fn every_grant_is_a_statement_without_the_databases_name() {
        let mut catalog = Catalog::new([]);
        catalog.surroundings = vec![
            grant(&["database", "'a'@'%'"], "insert, select"),
            grant(&["table", "a`b", "'a'@'%'"], "delete*, update"),
            grant(&["column", "t", "c", "'o''k'@'h'"], "select"),
        ];
        assert_eq!(
            render(&catalog),
            "GRANT INSERT, SELECT ON * TO 'a'@'%';\nGRANT UPDATE ON `a``b` TO 'a'@'%';\n\
             GRANT DELETE ON `a``b` TO 'a'@'%' WITH GRANT OPTION;\nGRANT SELECT (`c`) ON `t` TO 'o''k'@'h';\n"
        );
        let folder = tempfile::tempdir().unwrap();
        assert!(difference(folder.path(), &catalog).is_some());
        assert!(difference(folder.path(), &Catalog::new([])).is_none());
        std::fs::write(folder.path().join(FILE), render(&catalog)).unwrap();
        assert!(difference(folder.path(), &catalog).is_none());
    }
}
