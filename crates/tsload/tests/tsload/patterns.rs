//! Which files `schema` means.

use crate::project::{Fixture, LATEST, NEXT, table_names};

fn schema(name: &str) -> String {
    format!(
        "import {{ pgTable }} from 'drizzle-orm/pg-core';\nexport const t = pgTable('{name}', {{}});"
    )
}

/// The tables that the pattern finds among these files.
#[track_caller]
fn check(orm: &str, pattern: &str, expected: &[&str]) {
    let config = format!("export default {{ dialect: 'postgresql', schema: {pattern} }};");
    let fixture = Fixture::with_orm(orm, &[("drizzle.config.ts", &config)]);
    for path in [
        "src/b.ts",
        "src/a.schema.ts",
        "src/a.test.ts",
        "src/deep/c.schema.ts",
        "src/deep/er/d.ts",
        "src/.hidden/e.schema.ts",
        "other/f.tsx",
    ] {
        let name = path.rsplit('/').next().unwrap().split('.').next().unwrap();
        fixture.write(path, &schema(name));
    }
    fixture.write("src/a.test.ts", "throw new Error('a test was loaded')");
    fixture.write("docs/README.md", "# no code");
    fixture.write("docs/z.ts", &schema("z"));
    assert_eq!(table_names(&fixture.postgres_schema()), expected, "{pattern}");
}

#[test]
fn a_file_a_list_and_patterns_mean_what_the_kit_takes_them_for() {
    check(LATEST, "'./src/b.ts'", &["b"]);
    check(LATEST, "['src/b.ts', './other/', 'src/*.ts'.replace('*', 'b')]", &["b", "f"]);
    check(LATEST, "'src/**/*.schema.ts'", &["a", "c"]);
    check(LATEST, "'./src/deep/**'", &["c", "d"]);
    check(LATEST, "'src/../src/{b,a.schema}.ts'", &["a", "b"]);
    check(LATEST, "'src/!(*.test).ts'", &["a", "b"]);
    check(LATEST, "'**/+(b|d|f).@(ts|tsx)'", &["f", "b", "d"]);
    check(LATEST, "`${__dirname}/src/b.ts`", &["b"]);
}

#[test]
fn of_a_folder_1_0_takes_only_code_and_0_x_says_what_is_none() {
    check(NEXT, "'./docs'", &["z"]);
    let config = "export default { dialect: 'postgresql', schema: './docs' };";
    let fixture = Fixture::new(&[("drizzle.config.ts", config), ("docs/README.md", "# no")]);
    let error = fixture.error();
    assert_eq!(error.code(), "schema-not-code");
    assert!(error.to_string().contains("`docs/README.md`"), "{error}");
}
