//! What cannot be carried has a name, and nothing is written.

use raingauge_testkit::Postgres;
use raingauge_testkit::judge::orm::Orm;

use super::{Scene, scene};

/// The codes of the errors that forbid a baseline; fails if there is one all the same.
#[track_caller]
fn refused(scene: &Scene) -> Vec<&'static str> {
    let planning = scene.plan();
    assert!(planning.adoption.is_none(), "{:?}", planning.findings);
    let text = format!("{:?}", planning.findings);
    assert!(!text.contains("geheim"), "{text}");
    let errors = planning.findings.iter();
    errors
        .filter(|it| it.severity == raingauge_engine::report::Severity::Error)
        .map(|it| it.code)
        .collect()
}

#[track_caller]
fn check(sql: &str, expected: &[&str]) {
    let Some(scene) = scene("refused") else { return };
    scene.live.sql(&format!("CREATE TABLE t (a int);\n{sql}")).unwrap();
    assert_eq!(refused(&scene), expected, "{sql}");
}

#[test]
fn secrets_are_not_carried() {
    check(
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=geheim' PUBLICATION p WITH (connect = false);",
        &["secret-in-baseline"],
    );
    let server = "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw";
    check(
        &format!("{server}; CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'geheim');"),
        &["secret-in-baseline"],
    );
    check(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (api_token 'geheim');",
        &["secret-in-baseline"],
    );
}

#[test]
fn a_user_mapping_without_a_secret_is_carried() {
    let Some(scene) = scene("mapping") else { return };
    scene
        .live
        .sql(
            "CREATE TABLE t (a int); CREATE EXTENSION postgres_fdw; \
             CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h'); \
             CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (\"user\" 'bob');",
        )
        .unwrap();
    assert!(scene.baseline().contains("CREATE USER MAPPING FOR public SERVER s"));
}

#[test]
fn a_tablespace_is_named_where_scratch_has_none() {
    // A tablespace belongs to a whole server, and scratch must not be on it.
    let Ok(server) = Postgres::start() else { return println!("skipped: no PostgreSQL") };
    let server = std::sync::Arc::new(server);
    server
        .sql("postgres", "SET allow_in_place_tablespaces = on; CREATE TABLESPACE fast LOCATION ''")
        .unwrap();
    let mut scene = Scene::around(server.database("live").unwrap());
    scene.live.sql("CREATE TABLE t (a int) TABLESPACE fast; CREATE TABLE u ();").unwrap();
    // On the same server everything is there.
    let baseline = scene.baseline();
    assert!(baseline.contains("SET LOCAL default_tablespace = fast;"), "{baseline}");
    assert!(baseline.contains("SET LOCAL default_tablespace TO DEFAULT;"), "{baseline}");
    scene.setting.scratch = raingauge_engine::setting::ScratchChoice::Auto;
    assert_eq!(refused(&scene), ["tablespace-missing"]);
}

#[test]
fn an_invalid_index_is_named() {
    let Some(scene) = scene("invalid") else { return };
    scene.live.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)").unwrap();
    assert!(scene.live.sql("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)").is_err());
    assert_eq!(refused(&scene), ["index-invalid"]);
}

#[test]
fn an_order_of_columns_that_no_statement_makes_is_named() {
    check("CREATE TABLE child (c int) INHERITS (t); ALTER TABLE t ADD b int;", &["column-order"]);
}

#[test]
fn what_needs_a_superuser_is_refused_to_others_unless_they_vouch() {
    let Some(mut scene) = scene("superuser") else { return };
    let name = match &scene.live {
        raingauge_testkit::Database::Postgres(it) => it.name.clone(),
        raingauge_testkit::Database::Sqlite(_) => return,
    };
    let role = format!("su_{name}");
    scene
        .live
        .sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p'; ALTER DATABASE {name} OWNER TO {role}; \
             CREATE TABLE t (a int); ALTER TABLE t OWNER TO {role}; \
             CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end'; ALTER FUNCTION f() OWNER TO {role}; \
             CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();"
        ))
        .unwrap();
    scene.setting.url = Some(scene.live.url_as(&role, "p"));
    assert_eq!(refused(&scene), ["needs-superuser"]);
    scene.setting.allow = vec!["needs-superuser".to_owned()];
    assert!(scene.baseline().contains("CREATE EVENT TRIGGER e"));
    scene.setting.allow = Vec::new();
    scene.setting.url = Some(scene.live.url());
    assert!(scene.baseline().contains("CREATE EVENT TRIGGER e"), "a superuser may");
    scene.live.sql(&format!("ALTER DATABASE {name} OWNER TO postgres; REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// T22, T34: a role that may only read gets the exact grants, and never half a baseline.
#[test]
fn a_role_that_may_only_read_is_told_what_it_lacks() {
    let Some(mut scene) = scene("reader") else { return };
    let role = format!("ro_{}", std::process::id());
    scene
        .live
        .sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p'; CREATE TABLE seen (a int); CREATE TABLE hidden (a int); \
             CREATE SCHEMA shut; CREATE TABLE shut.t (a int); GRANT SELECT ON seen TO {role};"
        ))
        .unwrap();
    let owner = scene.setting.url.replace(scene.live.url_as(&role, "p"));
    let planning = scene.plan();
    assert!(planning.adoption.is_none());
    let grants: Vec<_> = planning.findings.iter().flat_map(|it| it.next.clone()).collect();
    for grant in [
        format!("as an administrator: GRANT SELECT ON public.hidden TO {role}"),
        format!("as an administrator: GRANT USAGE ON SCHEMA shut TO {role}"),
    ] {
        assert!(grants.contains(&grant), "{grants:?}");
    }
    scene
        .live
        .sql(&format!(
            "GRANT USAGE ON SCHEMA shut TO {role}; GRANT SELECT ON hidden, shut.t TO {role}"
        ))
        .unwrap();
    assert_eq!(refused(&scene), ["not-owner", "ledger-not-writable"]);
    scene.setting.url = owner;
    scene.live.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// Who owns the database and all that is in it, and is no superuser, gets the whole baseline.
#[test]
fn an_owner_who_is_no_superuser_gets_a_baseline() {
    let Some(mut scene) = scene("owner") else { return };
    let role = format!("ow_{}", std::process::id());
    let name = scene.live.value("SELECT current_database()").unwrap();
    scene
        .live
        .sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p'; ALTER DATABASE {name} OWNER TO {role}; \
             SET ROLE {role}; CREATE EXTENSION citext; \
             CREATE TABLE t (a int PRIMARY KEY, b citext); CREATE VIEW v AS SELECT a FROM t; \
             CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'begin return 1; end'"
        ))
        .unwrap();
    let owner = scene.setting.url.replace(scene.live.url_as(&role, "p"));
    let baseline = scene.baseline();
    scene.setting.url = owner;
    // Another such owner builds a new database with it.
    let fresh = scene.live.sibling("fresh").unwrap();
    let fresh_name = fresh.value("SELECT current_database()").unwrap();
    fresh.sql(&format!("ALTER DATABASE {fresh_name} OWNER TO {role}")).unwrap();
    let folder = scene.history(Orm::ALL[0], &[("baseline", &baseline)]);
    let answers = Orm::ALL[0].migrate(&[(folder, fresh.url_as(&role, "p"))]).unwrap();
    assert_eq!(answers, [None]);
    assert_eq!(scene.dump(&scene.live), scene.dump(&fresh));
    for (database, name) in [(&scene.live, &name), (&fresh, &fresh_name)] {
        let give = format!(
            "ALTER DATABASE {name} OWNER TO postgres; REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}"
        );
        database.sql(&give).unwrap();
    }
    scene.live.sql(&format!("DROP ROLE {role}")).unwrap();
}
