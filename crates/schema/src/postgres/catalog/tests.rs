//! Tests of how rows become objects.

use super::*;

fn row(n: usize, values: &[&str]) -> TextRow {
    let values = values.iter().map(|it| (*it != "-").then(|| (*it).to_owned()));
    std::iter::once(Some(n.to_string())).chain(values).collect()
}

fn table(schema: &str, name: &str) -> TextRow {
    let path = format!("[\"{schema}\", \"{name}\"]");
    row(1, &["table", &path, "app", "-", "-", "false"])
}

fn column(schema: &str, table: &str, name: &str) -> TextRow {
    let path = format!("[\"{schema}\", \"{table}\", \"{name}\"]");
    row(2, &["column", &path, "-", "-", "-", "-", "1", "text"])
}

fn schema(name: &str, acl: &str) -> TextRow {
    row(0, &["schema", &format!("[\"{name}\"]"), "app", "-", acl])
}

fn assemble(rows: Vec<TextRow>, ledgers: &[[&str; 2]]) -> Result<Catalog, UnexpectedRow> {
    let mut assembly = Assembly::default();
    rows.into_iter().try_for_each(|it| assembly.push(it))?;
    Ok(assembly.finish(ledgers))
}

#[track_caller]
fn check(rows: Vec<TextRow>, expected: &[&str]) {
    let catalog = assemble(rows, &[["drizzle", "__drizzle_migrations"]]).unwrap();
    let found: Vec<_> = catalog.objects().map(|it| it.id.to_string()).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_query_fits_every_version() {
    for major in OLDEST_MAJOR..=18 {
        for sees_subscriptions in [true, false] {
            let script = script(Reader { major, sees_subscriptions });
            assert!(!script.contains(['{', '}']), "an abbreviation is left in version {major}");
        }
    }
}

#[test]
fn a_row_becomes_an_object_with_its_comment() {
    let mut books = table("public", "books");
    books[4] = Some("all of them".to_owned());
    check(vec![books], &["table public.books", "comment on table.public.books"]);
}

#[test]
fn a_ledger_and_its_schema_are_left_out() {
    let mut rows = vec![
        schema("drizzle", "-"),
        table("drizzle", "__drizzle_migrations"),
        table("public", "books"),
        row(
            5,
            &[
                "sequence",
                "[\"drizzle\", \"__drizzle_migrations_id_seq\"]",
                "app",
                "-",
                "-",
                "integer",
                "1",
                "1",
                "1",
                "9",
                "1",
                "false",
                "-",
                "serial",
                "[[\"drizzle\", \"__drizzle_migrations\", \"id\"]]",
            ],
        ),
    ];
    rows.extend(
        ["id", "hash", "created_at"].map(|it| column("drizzle", "__drizzle_migrations", it)),
    );
    check(rows.clone(), &["table public.books"]);
    rows.push(table("drizzle", "mine"));
    check(rows, &["schema drizzle", "table drizzle.mine", "table public.books"]);
}

#[test]
fn a_schema_that_waits_for_its_ledger_is_left_out() {
    check(vec![schema("drizzle", "-"), table("public", "books")], &["table public.books"]);
}

#[test]
fn a_configured_ledger_is_left_out_whatever_its_name() {
    let rows = vec![table("public", "applied"), table("public", "books")];
    let catalog = assemble(rows, &[["public", "applied"]]).unwrap();
    assert_eq!(catalog.len(), 1);
}

#[test]
fn only_privileges_beyond_the_default_are_grants() {
    let usage = r#"["app", true, "app", true, "usage", false]"#;
    let public = r#"["public", false, "app", true, "usage", false]"#;
    let reader = r#"["reader", false, "app", true, "usage", true]"#;
    let acl = format!("[[{usage}, {public}, {reader}], [{usage}]]");
    let catalog = assemble(vec![schema("s", &acl)], &[]).unwrap();
    let grants: Vec<_> = catalog.of_kind(Kind::Grant).collect();
    assert_eq!(grants.len(), 2);
    assert_eq!(grants[1].id.path, ["schema", "s", "reader"]);
    assert_eq!(grants[1].get("privileges"), Some("usage*"));
}

#[test]
fn a_revoked_default_is_a_grant_of_nothing() {
    let public = r#"["public", false, "app", true, "usage", false]"#;
    let catalog = assemble(vec![schema("s", &format!("[null, [{public}]]"))], &[]).unwrap();
    let grant = catalog.of_kind(Kind::Grant).next().unwrap();
    assert_eq!(grant.get("privileges"), Some("none"));
}
