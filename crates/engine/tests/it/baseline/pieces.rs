//! One statement per piece, whatever stands in it, and nothing that leaks into what comes after.

use raingauge_schema::drizzle::migration::{BREAKPOINT, split};
use raingauge_testkit::judge::orm::{Generation, Orm};

use super::{check_migrations, scene};

/// Bodies, literals and names that a careless reader would cut in two.
const ODD: &str = r#"
CREATE SCHEMA "odd; --> statement-breakpoint";
CREATE TYPE "odd; --> statement-breakpoint"."kind; $raingauge$" AS ENUM ('a;', 'b --> statement-breakpoint', E'c\\d');
CREATE TABLE public."$$;" (
    "--" integer DEFAULT 1,
    "a --> statement-breakpoint" text DEFAULT E'x\n--> statement-breakpoint\ny \\ ''z'';' NOT NULL,
    kind "odd; --> statement-breakpoint"."kind; $raingauge$",
    CONSTRAINT "check;" CHECK ("a --> statement-breakpoint" <> '--> statement-breakpoint')
);
COMMENT ON TABLE public."$$;" IS E'line one;\n--> statement-breakpoint\nline /* three';
CREATE FUNCTION public.atomic(case_ integer) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE WHEN case_ > 0 THEN 1 ELSE 2 END;
    SELECT length('--> statement-breakpoint');
END;
CREATE FUNCTION public.begin() RETURNS integer LANGUAGE sql RETURN 1;
CREATE FUNCTION public.marked() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    -- a comment; with the marker
    --> statement-breakpoint
    RETURN $q$it's \ --> statement-breakpoint$q$;
END;
$body$;
CREATE PROCEDURE public.many() LANGUAGE plpgsql AS $$ BEGIN; NULL; END; $$ SET check_function_bodies = off;
CREATE VIEW public."view;" AS SELECT '--> statement-breakpoint'::text AS "x --> statement-breakpoint";
CREATE RULE "rule;" AS ON INSERT TO public."$$;" DO ALSO (SELECT 1; SELECT '--> statement-breakpoint'; );
GRANT SELECT ("a --> statement-breakpoint") ON public."$$;" TO "odd_role $raingauge$; --> statement-breakpoint";
"#;

const ODD_ROLE: &str = r#"DO $$ BEGIN CREATE ROLE "odd_role $raingauge$; --> statement-breakpoint";
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"#;

#[test]
fn every_piece_is_one_statement_under_every_migrator() {
    let Some(scene) = scene("pieces") else { return };
    let odd = ODD.replace("BEGIN; NULL;", "BEGIN NULL;");
    scene.live.sql(&format!("{ODD_ROLE}\n{odd}")).unwrap();
    let baseline = scene.baseline();
    for chunk in split(&baseline) {
        let statements = raingauge_schema::postgres::split::split(chunk.sql).unwrap();
        assert_eq!(statements.len(), 1, "{}", chunk.sql);
    }
    // The text stands between the pieces and nowhere in them.
    assert_eq!(baseline.matches(BREAKPOINT).count(), baseline.matches(";\n-->").count());
    check_migrations(&Orm::ALL, &[("odd", &scene, &baseline)]);
}

/// Migrators of 0.45 run everything in one transaction: what the baseline sets must not reach the next
/// migration, which speaks of its tables without their schema and makes a function that has to be checked.
#[test]
fn a_following_migration_finds_the_settings_as_they_were() {
    let Some(scene) = scene("leaks") else { return };
    scene
        .live
        .sql(
            "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'; \
              CREATE MATERIALIZED VIEW m AS SELECT a FROM t",
        )
        .unwrap();
    let baseline = scene.baseline();
    let settings = ["search_path", "check_function_bodies", "default_tablespace"];
    let settings =
        [&settings[..], &["default_table_access_method", "row_security", "role"]].concat();
    let following = settings.iter().map(|it| {
        format!(
            "INSERT INTO seen SELECT '{it}', current_setting('{it}');\n--> statement-breakpoint\n"
        )
    });
    let following = format!(
        "CREATE TABLE seen (name text, value text);\n--> statement-breakpoint\n{}ALTER TABLE t ADD b int;",
        following.collect::<String>()
    );
    for orm in Orm::ALL {
        let fresh = scene.live.sibling("fresh").unwrap();
        let folder = scene.history(orm, &[("baseline", &baseline), ("next", &following)]);
        assert_eq!(orm.migrate(&[(folder, fresh.url())]).unwrap(), [None], "{orm:?}");
        let seen =
            fresh.value("SELECT string_agg(value, '|' ORDER BY name) FROM public.seen").unwrap();
        assert_eq!(seen, "on|heap||none|on|\"$user\", public", "{orm:?}");
        assert_eq!(fresh.value("SELECT count(*) FROM m").unwrap(), "0", "it is populated");
    }
}

#[test]
fn a_body_that_is_wrong_is_still_refused_after_the_baseline() {
    let Some(scene) = scene("bodies") else { return };
    scene
        .live
        .sql("CREATE TABLE t (); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'")
        .unwrap();
    let wrong = "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'select no_such_column from t';";
    let baseline = scene.baseline();
    for orm in Orm::ALL.into_iter().filter(|it| it.generation == Generation::Zero) {
        let fresh = scene.live.sibling("fresh").unwrap();
        let folder = scene.history(orm, &[("baseline", &baseline), ("wrong", wrong)]);
        let answer = orm.migrate(&[(folder, fresh.url())]).unwrap().remove(0).unwrap_or_default();
        assert!(answer.contains("no_such_column"), "{orm:?}: {answer}");
    }
}
