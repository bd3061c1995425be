//! `restore.sh`: restores a backup with nothing but POSIX sh and the engine's own tools.

use raingauge_schema::Dialect;

use super::manifest::Manifest;
use super::{mysql, postgres, sealed};

const HEAD: &str = include_str!("restore/head.sh");
const SQLITE: &str = include_str!("restore/sqlite.sh");
const MYSQL: &str = include_str!("restore/mysql.sh");
const SEALED: &str = include_str!("restore/sealed.sh");
const POSTGRES: &str = include_str!("restore/postgres.sh");

/// The script for one backup.
pub(super) fn render(manifest: &Manifest) -> String {
    match manifest.dialect {
        Dialect::Sqlite => [HEAD, SQLITE].concat(),
        Dialect::MySql => [HEAD, &render_mysql(manifest)].concat(),
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

fn render_mysql(manifest: &Manifest) -> String {
    let is_maria = manifest.source.engine.starts_with("MariaDB");
    let (client, flavour) = if is_maria { ("mariadb", "MariaDB") } else { ("mysql", "MySQL") };
    let definers: Vec<_> = manifest.roles.iter().map(|it| mysql::literal(it)).collect();
    let definers = if definers.is_empty() { vec!["null".to_owned()] } else { definers };
    MYSQL
        .replace("@CLIENT@", client)
        .replace("@FLAVOUR@", flavour)
        .replace("@COUNT_OBJECTS@", mysql::COUNT_OBJECTS)
        .replace("@MADE_WITH@", &mysql::made_with(&manifest.settings))
        .replace("@N_TABLES@", &manifest.contents.tables.len().to_string())
        // Last, because an account may have any name.
        .replace("@DEFINERS@", &definers.join(" union select "))
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
