//! Extensions: their types and operator classes in use, elsewhere than usual, in another version, and
//! missing.

use raingauge_testkit::Postgres;
use raingauge_testkit::judge::orm::Orm;

use super::{Scene, check_migrations, scene};

/// Whether the server has the extension; if not, the reason why a test is skipped is printed.
fn has(scene: &Scene, extension: &str) -> bool {
    let sql = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{extension}'");
    let has = scene.live.value(&sql).unwrap() == "1";
    if !has {
        println!("skipped: the server has no extension {extension}");
    }
    has
}

/// An extension and what a database does with it.
const USED: [(&str, &str); 14] = [
    ("citext", "CREATE TABLE people (email ext.citext UNIQUE, CHECK (email <> 'x'::ext.citext))"),
    (
        "pg_trgm",
        "CREATE TABLE docs (body text); CREATE INDEX docs_body ON docs USING gin (body ext.gin_trgm_ops); \
         CREATE INDEX docs_near ON docs USING gist (body ext.gist_trgm_ops (siglen = 32))",
    ),
    (
        "btree_gist",
        "CREATE TABLE stays (room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&))",
    ),
    ("btree_gin", "CREATE TABLE bg (a int, b text[]); CREATE INDEX bg_ab ON bg USING gin (a, b)"),
    (
        "hstore",
        "CREATE TABLE hs (h ext.hstore DEFAULT '\"a\"=>\"1\"', v text GENERATED ALWAYS AS (h OPERATOR(ext.->) 'a') STORED); \
         CREATE INDEX hs_h ON hs USING gin (h)",
    ),
    ("ltree", "CREATE TABLE lt (p ext.ltree); CREATE INDEX lt_p ON lt USING gist (p)"),
    (
        "intarray",
        "CREATE TABLE ia (a int[]); CREATE INDEX ia_a ON ia USING gin (a ext.gin__int_ops)",
    ),
    ("cube", "CREATE TABLE cu (c ext.cube)"),
    ("earthdistance", "CREATE TABLE ed (at ext.earth)"),
    (
        "pgcrypto",
        "CREATE TABLE pc (id uuid DEFAULT ext.gen_random_uuid(), h text DEFAULT ext.crypt('a', 'b'))",
    ),
    ("uuid-ossp", "CREATE TABLE uo (id uuid DEFAULT ext.uuid_generate_v4() PRIMARY KEY)"),
    (
        "unaccent",
        "CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple); \
         ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR word WITH ext.unaccent, simple",
    ),
    ("isn", "CREATE TABLE books (isbn ext.isbn13 PRIMARY KEY)"),
    ("tablefunc", "CREATE VIEW tf AS SELECT * FROM ext.normal_rand(1, 2, 3)"),
];

#[test]
fn contrib_extensions_and_what_uses_them_survive() {
    let Some(scene) = scene("contrib") else { return };
    scene.live.sql("CREATE SCHEMA ext").unwrap();
    for (extension, sql) in USED {
        if has(&scene, extension) {
            let create = format!("CREATE EXTENSION \"{extension}\" SCHEMA ext CASCADE; {sql};");
            // The view of a later one may need the search path of an earlier one.
            scene.live.sql(&format!("SET search_path = public, ext; {create}")).unwrap();
        }
    }
    let baseline = scene.baseline();
    check_migrations(&[Orm::ALL[0], Orm::ALL[3]], &[("contrib", &scene, &baseline)]);
}

#[test]
fn changed_rights_and_comments_of_an_extensions_members_survive() {
    let Some(scene) = scene("members") else { return };
    let role = "DO $$ BEGIN CREATE ROLE ex_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
    scene
        .live
        .sql(&format!(
            "{role}; CREATE TABLE t (a int); CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hstore; \
             REVOKE ALL ON pg_stat_statements FROM PUBLIC; \
             GRANT SELECT ON pg_stat_statements TO ex_reader; \
             REVOKE EXECUTE ON FUNCTION pg_stat_statements_reset(oid, oid, bigint) FROM PUBLIC; \
             GRANT EXECUTE ON FUNCTION pg_stat_statements_reset(oid, oid, bigint) TO ex_reader; \
             REVOKE EXECUTE ON FUNCTION hstore(text, text) FROM PUBLIC; \
             COMMENT ON EXTENSION hstore IS 'pairs; of things';"
        ))
        .unwrap();
    let baseline = scene.baseline();
    check_migrations(&[Orm::ALL[0], Orm::ALL[3]], &[("members", &scene, &baseline)]);
}

#[test]
fn an_older_version_is_pinned() {
    let Some(scene) = scene("older") else { return };
    scene.live.sql("CREATE TABLE t (a int); CREATE EXTENSION hstore VERSION '1.4'; CREATE EXTENSION citext").unwrap();
    let baseline = scene.baseline();
    assert!(
        baseline
            .contains("CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public VERSION '1.4';"),
        "{baseline}"
    );
    assert!(
        baseline.contains("CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;"),
        "{baseline}"
    );
    check_migrations(&[Orm::ALL[0]], &[("older", &scene, &baseline)]);
}

/// The catalog is made to say that live has an extension, or a version, which no server here has.
#[test]
fn an_extension_that_scratch_does_not_have_is_named() {
    let Some(scene) = scene("absent") else { return };
    scene
        .live
        .sql("CREATE TABLE t (a int); CREATE EXTENSION hstore; CREATE EXTENSION citext")
        .unwrap();
    let codes = |scene: &Scene| -> Vec<_> {
        let planning = scene.plan();
        assert!(planning.adoption.is_none());
        let errors = planning.findings.into_iter();
        let errors = errors.filter(|it| it.severity == raingauge_engine::report::Severity::Error);
        errors.map(|it| (it.code, it.subject)).collect()
    };
    scene.live.sql("UPDATE pg_extension SET extversion = '99' WHERE extname = 'hstore'").unwrap();
    assert_eq!(codes(&scene), [("extension-version", "extension hstore".to_owned())]);
    scene.live.sql("UPDATE pg_extension SET extname = 'nowhere' WHERE extname = 'hstore'").unwrap();
    assert_eq!(codes(&scene), [("extension-unavailable", "extension nowhere".to_owned())]);
}

/// Rows of an extension's own tables are data; the tables come with the extension.
#[test]
fn the_tables_of_an_extension_come_with_it() {
    let Some(scene) = scene("postgis") else { return };
    if !has(&scene, "postgis") {
        return;
    }
    scene
        .live
        .sql(
            "CREATE EXTENSION postgis; CREATE TABLE places (at geometry(Point, 4326)); \
             CREATE INDEX places_at ON places USING gist (at); \
             INSERT INTO spatial_ref_sys (srid) VALUES (990001);",
        )
        .unwrap();
    let baseline = scene.baseline();
    assert!(!baseline.contains("spatial_ref_sys"), "{baseline}");
    check_migrations(&[Orm::ALL[0]], &[("postgis", &scene, &baseline)]);
}

/// No package of the system's brings it everywhere, so it is a server of another version that has it.
#[test]
fn vectors_survive() {
    let server = match Postgres::of_major(16) {
        Ok(server) => server,
        Err(failure) => return println!("skipped: PostgreSQL 16: {failure}"),
    };
    let mut scene = Scene::around(server.database("vector").unwrap());
    scene.setting.pg_client = Some(server.bin.display().to_string());
    if !has(&scene, "vector") {
        return;
    }
    scene
        .live
        .sql(
            "CREATE EXTENSION vector; CREATE TABLE items (v vector(3)); \
             CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops)",
        )
        .unwrap();
    let baseline = scene.baseline();
    check_migrations(&[Orm::ALL[0]], &[("vector", &scene, &baseline)]);
}
