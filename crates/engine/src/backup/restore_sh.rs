//! `restore.sh`: restores a backup with nothing but POSIX sh and the engine's own tools.

use raingauge_schema::Dialect;

use super::manifest::Manifest;
use super::{postgres, sealed};

const HEAD: &str = include_str!("restore/head.sh");
const SQLITE: &str = include_str!("restore/sqlite.sh");
/// No backup of MySQL is ever made; a manifest that says so was written by someone else.
const MYSQL: &str = "echo 'raingauge has no backups of MySQL' >&2\nexit 2\n";
const SEALED: &str = include_str!("restore/sealed.sh");
const POSTGRES: &str = include_str!("restore/postgres.sh");

/// The script for one backup.
pub(super) fn render(manifest: &Manifest) -> String {
    match manifest.dialect {
        Dialect::Sqlite => [HEAD, SQLITE].concat(),
        Dialect::MySql => [HEAD, MYSQL].concat(),
        Dialect::Postgres => [HEAD, &render_postgres(manifest)].concat(),
    }
}

/// The script of an encrypted backup: it decrypts and calls the one inside.
pub(super) fn render_sealed() -> String {
    [HEAD, &SEALED.replace("@ARCHIVE@", sealed::ARCHIVE)].concat()
}

fn render_postgres(manifest: &Manifest) -> String {
    let n_tables = manifest.contents.tables.len();
    let how = if postgres::is_one_transaction(manifest) {
        "--single-transaction"
    } else {
        "--jobs=\"${JOBS:-2}\""
    };
    POSTGRES
        .replace("@COUNT_OBJECTS@", postgres::COUNT_OBJECTS.trim_end())
        .replace("@HOW@", how)
        .replace("@N_TABLES@", &n_tables.to_string())
        // Last, because a role may have any name.
        .replace("@ROLES@", &role_list(&manifest.roles))
}

/// Role names as SQL literals, for a quoted here-document: one that breaks a line could end it.
fn role_list(roles: &[String]) -> String {
    let literal = |it: &String| {
        let escaped = it.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
        format!("E'{escaped}'")
    };
    roles.iter().map(literal).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_cannot_break_out_of_the_script() {
        let roles = ["o'neil".to_owned(), "a\nSQL\nrm -rf".to_owned(), "b\\".to_owned()];
        assert_eq!(role_list(&roles), r"E'o\'neil', E'a\nSQL\nrm -rf', E'b\\'");
    }
}
