//! Where init.sql is looked for.

use std::path::PathBuf;

use raingauge_engine::initsql::{Found, Search, find};
use raingauge_schema::Dialect;

use super::{codes, found_in, project};

const INIT: &str = "/docker-entrypoint-initdb.d";

/// How it was found, and the files.
fn summary(found: &Found) -> (String, Vec<String>) {
    (found.source.to_string(), found.files.iter().map(|it| found.label(it)).collect())
}

#[track_caller]
fn check(files: &[(&str, &str)], source: &str, expected: &[&str]) -> Vec<String> {
    let folder = project(files);
    let found = found_in(folder.path(), &[]);
    let (how, names) = summary(&found);
    assert_eq!(names, expected, "{how}");
    assert_eq!(how, source);
    codes(&found.findings)
}

fn compose(volumes: &str) -> String {
    format!("services:\n  db:\n    image: postgres:16\n    volumes: [{volumes}]\n")
}

#[test]
fn files_of_a_mounted_folder_run_in_the_order_of_their_bytes() {
    let findings = check(
        &[
            ("docker-compose.yml", &compose(&format!("'./db:{INIT}'"))),
            ("db/10-b.sql", ""),
            ("db/02-a.sql", ""),
            ("db/z.sql.gz", ""),
            ("db/roles.sh", ""),
            ("db/old.sql.xz", ""),
            ("db/README.md", ""),
            ("db/more/x.sql", ""),
        ],
        "service `db` of `docker-compose.yml`",
        &["db/02-a.sql", "db/10-b.sql", "db/z.sql.gz"],
    );
    assert_eq!(findings, ["init-script-skipped db/old.sql.xz", "init-script-skipped db/roles.sh"]);
}

#[test]
fn names_inside_the_container_decide_the_order() {
    check(
        &[
            (
                "compose.yaml",
                &compose(&format!("'./a.sql:{INIT}/2.sql:ro', './b.sql:{INIT}/1.sql'")),
            ),
            ("a.sql", ""),
            ("b.sql", ""),
        ],
        "service `db` of `compose.yaml`",
        &["b.sql", "a.sql"],
    );
}

#[test]
fn an_order_that_depends_on_the_locale_is_said() {
    let findings = check(
        &[("compose.yml", &compose(&format!("'./db:{INIT}'"))), ("db/B.sql", ""), ("db/a.sql", "")],
        "service `db` of `compose.yml`",
        &["db/B.sql", "db/a.sql"],
    );
    assert_eq!(findings, ["init-sql-order B.sql"]);
}

#[test]
fn an_override_and_the_compose_file_above_are_seen() {
    let folder = project(&[
        (".git/HEAD", ""),
        (
            "docker-compose.yml",
            "services: { db: { image: postgres, environment: { POSTGRES_DB: x } } }",
        ),
        ("docker-compose.override.yml", &compose(&format!("'${{DIR:-./sql}}:{INIT}'"))),
        ("sql/init.sql", ""),
        ("packages/api/package.json", "{}"),
    ]);
    let found = found_in(&folder.path().join("packages/api"), &[]);
    assert_eq!(found.files, [folder.path().join("sql/init.sql")]);
    assert_eq!(found.container_database(), Some("x"));
}

#[test]
fn a_dockerfile_that_a_service_builds_is_read() {
    check(
        &[
            ("compose.yml", "services: { db: { build: { context: ./docker/db } } }"),
            ("docker/db/Dockerfile", "FROM postgres:16\nCOPY *.sql /docker-entrypoint-initdb.d/\n"),
            ("docker/db/1.sql", ""),
            ("docker/db/2.sql", ""),
        ],
        "service `db` of `compose.yml`",
        &["docker/db/1.sql", "docker/db/2.sql"],
    );
}

#[test]
fn a_dockerfile_alone_is_read() {
    check(
        &[
            ("db/Dockerfile", "FROM postgres\nADD init.sql /docker-entrypoint-initdb.d/\n"),
            ("db/init.sql", ""),
        ],
        "copied by `db/Dockerfile`",
        &["db/init.sql"],
    );
}

#[test]
fn containers_of_other_databases_do_not_count() {
    let findings = check(
        &[
            ("compose.yml", &compose(&format!("'./my:{INIT}'")).replace("postgres", "mysql")),
            ("my/my.sql", ""),
            ("db/init.sql", ""),
            ("sql/init.sql", ""),
        ],
        "found at `db/init.sql`, a usual place",
        &["db/init.sql"],
    );
    assert_eq!(findings, ["init-sql-others db/init.sql"]);
}

#[test]
fn of_several_containers_the_one_with_the_name_of_live_counts() {
    let services = |first: &str| {
        format!(
            "services:\n  a: {{ image: postgres, environment: [POSTGRES_DB={first}], volumes: ['./a.sql:{INIT}/a.sql'] }}\n  \
             b: {{ image: postgres, environment: [POSTGRES_DB=other], volumes: ['./b.sql:{INIT}/b.sql'] }}\n"
        )
    };
    check(
        &[("compose.yml", &services("shop")), ("a.sql", ""), ("b.sql", "")],
        "service `a` of `compose.yml`",
        &["a.sql"],
    );
    let findings = check(
        &[("compose.yml", &services("x")), ("a.sql", ""), ("b.sql", ""), ("init.sql", "")],
        "no init.sql found",
        &[],
    );
    assert_eq!(findings, ["init-sql-ambiguous shop"]);
}

#[test]
fn what_is_mounted_but_not_there_is_said() {
    let findings = check(
        &[("compose.yml", &compose(&format!("'./init.sql:{INIT}/init.sql'")))],
        "service `db` of `compose.yml`",
        &[],
    );
    assert_eq!(findings, ["init-sql-missing init.sql"]);
}

#[test]
fn a_compose_file_that_cannot_be_read_is_said() {
    let findings = check(
        &[("compose.yml", "services: [\n"), ("init.sql", "")],
        "found at `init.sql`, a usual place",
        &["init.sql"],
    );
    assert_eq!(findings, ["compose-unreadable compose.yml"]);
}

#[test]
fn paths_that_the_user_names_win_and_keep_their_order() {
    let folder =
        project(&[("init.sql", ""), ("b.sql", ""), ("more/2.sql", ""), ("more/1.sql", "")]);
    let (how, files) = summary(&found_in(folder.path(), &["b.sql", "more"]));
    assert_eq!(
        (how.as_str(), files.join(" ").as_str()),
        ("named with `--init-sql`", "b.sql more/1.sql more/2.sql")
    );
    let given = [PathBuf::from("gone.sql")];
    let search =
        Search { root: folder.path(), given: &given, dialect: Dialect::Sqlite, database: "" };
    assert_eq!(find(&search).unwrap_err().code, "init-sql-missing");
}

#[test]
fn no_file_at_all_is_no_error() {
    assert!(check(&[("package.json", "{}")], "no init.sql found", &[]).is_empty());
}
