//! Who owns what, and who may do what: kept, left out, or said of the current user.

use raingauge_testkit::judge::orm::Orm;

use super::{Scene, check_migrations, errors, scene};

/// Roles are everybody's on the shared server, so each test has its own.
fn role(name: &str) -> String {
    format!(
        "DO $$ BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;\n"
    )
}

fn owned() -> Option<Scene> {
    let scene = scene("owners")?;
    let roles: String = ["ow_boss", "ow_app", "\"ow Reader\"", "ow_lender"].map(role).concat();
    scene
        .live
        .sql(&format!(
            "{roles}
             CREATE SCHEMA shop AUTHORIZATION ow_boss;
             CREATE TABLE shop.orders (id serial PRIMARY KEY, note text, secret text);
             ALTER TABLE shop.orders OWNER TO ow_boss;
             CREATE VIEW shop.totals AS SELECT count(*) FROM shop.orders;
             ALTER VIEW shop.totals OWNER TO ow_app;
             CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'select 1';
             ALTER FUNCTION shop.f() OWNER TO ow_boss;
             CREATE TYPE shop.kind AS ENUM ('a'); ALTER TYPE shop.kind OWNER TO ow_boss;
             REVOKE ALL ON FUNCTION shop.f() FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION shop.f() TO \"ow Reader\" WITH GRANT OPTION;
             REVOKE DELETE ON shop.orders FROM ow_boss;
             GRANT USAGE ON SCHEMA shop TO ow_lender, ow_app, \"ow Reader\";
             GRANT SELECT ON shop.orders TO ow_lender WITH GRANT OPTION;
             GRANT UPDATE (note) ON shop.orders TO ow_app;
             SET ROLE ow_lender; GRANT SELECT ON shop.orders TO ow_app; RESET ROLE;
             ALTER DEFAULT PRIVILEGES FOR ROLE ow_boss IN SCHEMA shop GRANT SELECT ON TABLES TO ow_app;
             ALTER DEFAULT PRIVILEGES FOR ROLE ow_boss REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
             ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
             CREATE POLICY mine ON shop.orders FOR SELECT TO ow_app, \"ow Reader\" USING (true);"
        ))
        .unwrap();
    Some(scene)
}

/// What `pg_dump` says with the owner's name, where there is one, as everybody writes it.
fn grants(scene: &Scene, dump: &str, owner: &str) -> Vec<String> {
    let _ = scene;
    let lines = dump.lines().filter(|it| it.starts_with("GRANT ") || it.starts_with("REVOKE "));
    lines.map(|it| it.replace(&format!(" {owner};"), " (owner);")).collect()
}

#[test]
fn without_owners_the_grants_are_the_same_and_everything_is_the_current_users() {
    let Some(scene) = owned() else { return };
    let baseline = scene.baseline();
    assert!(!baseline.contains("OWNER TO"), "{baseline}");
    let expected = grants(&scene, &scene.dump(&scene.live), "ow_boss");
    for orm in [Orm::ALL[0], Orm::ALL[2]] {
        let fresh = scene.live.sibling("fresh").unwrap();
        let folder = scene.history(orm, &[("baseline", &baseline)]);
        assert_eq!(orm.migrate(&[(folder, fresh.url())]).unwrap(), [None]);
        assert_eq!(grants(&scene, &scene.dump(&fresh), "postgres"), expected);
        let lent =
            "SELECT count(*) FROM information_schema.table_privileges WHERE grantor = 'ow_lender'";
        assert_eq!(fresh.value(lent).unwrap(), "1");
    }
}

#[test]
fn with_owners_the_whole_dump_is_the_same() {
    let Some(mut scene) = owned() else { return };
    scene.setting.with_owners = true;
    let baseline = scene.baseline();
    assert!(baseline.contains("ALTER TABLE shop.orders OWNER TO ow_boss;"), "{baseline}");
    check_migrations(&[Orm::ALL[0], Orm::ALL[3]], &[("owned", &scene, &baseline)]);
}

#[test]
fn a_machine_without_the_roles_gets_everything_but_their_privileges() {
    let Some(scene) = owned() else { return };
    scene.live.sql("DROP POLICY mine ON shop.orders").unwrap();
    let baseline = scene.baseline();
    let server = std::sync::Arc::new(raingauge_testkit::Postgres::start().unwrap());
    let fresh = server.database("fresh").unwrap();
    let folder = scene.history(Orm::ALL[0], &[("baseline", &baseline)]);
    assert_eq!(Orm::ALL[0].migrate(&[(folder, fresh.url())]).unwrap(), [None]);
    let names = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace";
    assert_eq!(fresh.value(names).unwrap(), scene.live.value(names).unwrap());
}

#[test]
fn roles_that_a_new_database_needs_are_named() {
    let Some(scene) = owned() else { return };
    let planning = scene.plan();
    assert_eq!(errors(&planning.findings), [""; 0]);
    let finding = planning.findings.iter().find(|it| it.code == "prerequisites").unwrap();
    let needs = |it: &str| finding.evidence.iter().any(|line| line == it);
    assert!(needs("role ow_app: has to exist"), "{finding:?}");
    assert!(
        needs("role ow_lender: where it is missing, what it may do is left out"),
        "{finding:?}"
    );
}
