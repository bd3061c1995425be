//! Errors: their codes, and that they point into the TypeScript.

use crate::project::Fixture;

fn place(error: &raingauge_tsload::LoadError) -> String {
    error.place().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_syntax_error_has_its_place_and_a_frame() {
    let schema = "export const a = 1;\nexport const b = ;\n";
    let fixture = Fixture::postgres(schema, &[]);
    let error = fixture.error();
    assert_eq!((error.code(), place(&error).as_str()), ("schema-syntax", "schema.ts:2:18"));
    let frame = "  1 | export const a = 1;\n> 2 | export const b = ;\n    |                  ^\n";
    assert_eq!(error.place().unwrap().frame, frame);
}

#[test]
fn a_name_that_is_declared_twice_is_a_syntax_error() {
    let fixture = Fixture::postgres("const a = 1;\nconst a = 2;\n", &[]);
    assert_eq!(fixture.error().code(), "schema-syntax");
}

/// The types move every line and column of the printed JavaScript.
#[test]
fn a_runtime_error_is_mapped_back_to_the_typescript() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';
interface Options {
  name: string;
}
type Other = Options | undefined;

export const read = (options: Other): string => (options as any).missing.name;

export const users = pgTable(
  read({ name: 'users' }),
  {},
);
";
    let fixture = Fixture::postgres(schema, &[]);
    let error = fixture.error();
    assert_eq!(error.code(), "schema-failed");
    assert!(error.to_string().contains("cannot read property 'name' of undefined"), "{error}");
    assert!(place(&error).starts_with("schema.ts:7:"), "{error}");
}

#[test]
fn an_error_in_another_file_points_there() {
    let schema = "\n\nimport { limit } from './limits';\nexport const a = limit;\n";
    let other = "interface A {}\n\nexport const limit: number = (() => { throw new TypeError('no limit'); })();\n";
    let fixture = Fixture::postgres(schema, &[("limits.ts", other)]);
    let error = fixture.error();
    assert!(place(&error).starts_with("limits.ts:3:"), "{error}");
    assert!(error.to_string().starts_with("TypeError: no limit"), "{error}");
}

#[test]
fn a_use_of_require_does_not_shift_the_lines() {
    let schema = "interface A {}\nconst path = require('node:path');\n\nthrow new Error(path.basename('/a/b'));\n";
    let fixture = Fixture::postgres(&format!("{schema}export const a = 1;"), &[]);
    let error = fixture.error();
    assert!(place(&error).starts_with("schema.ts:4:"), "{error}");
}

#[test]
fn a_missing_import_names_the_specifier_and_its_place() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { nanoid } from \"not-installed\";\nexport const a = pgTable(nanoid(), {});\n";
    let fixture = Fixture::postgres(schema, &[]);
    let error = fixture.error();
    assert_eq!((error.code(), place(&error).as_str()), ("import-missing", "schema.ts:2:24"));
    assert!(error.to_string().contains("`not-installed`"), "{error}");
}

#[test]
fn a_name_that_is_not_exported_points_at_the_import() {
    let schema = "\nimport { there, missing } from './other';\nexport const a = [there, missing];";
    let other = [("other.ts", "export const there = 1;")];
    let fixture = Fixture::postgres(schema, &other);
    let error = fixture.error();
    assert_eq!((error.code(), place(&error).as_str()), ("import-missing", "schema.ts:2:32"));
    assert!(error.to_string().ends_with("`other.ts` does not export it"), "{error}");
}

#[test]
fn a_caught_missing_module_is_not_an_error() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';
let name = 'fallback';
try { name = require('not-installed').name; } catch {}
try { name = (await import('not-installed')).name; } catch {}
export const a = pgTable(name, {});
";
    let fixture = Fixture::postgres(schema, &[]);
    assert_eq!(fixture.postgres_schema().tables[0].name, "fallback");
}

#[test]
fn a_missing_drizzle_orm_has_its_own_code() {
    let files = [
        ("drizzle.config.ts", "export default { dialect: 'postgresql', schema: './schema.ts' };"),
        (
            "schema.ts",
            "import { pgTable } from 'drizzle-orm/pg-core';\nexport const a = pgTable('a', {});",
        ),
    ];
    let error = Fixture::without_packages(&files).error();
    assert_eq!((error.code(), error.next()), ("drizzle-orm-missing", "npm install"));
}

#[test]
fn a_dialect_that_cannot_be_read_yet_is_refused() {
    for dialect in ["singlestore", "gel"] {
        let config = format!("export default {{ dialect: '{dialect}', schema: './schema.ts' }};");
        let files =
            [("drizzle.config.ts", config.as_str()), ("schema.ts", "throw new Error('run');")];
        let error = Fixture::without_packages(&files).error();
        assert_eq!(error.code(), "dialect-unsupported", "{dialect}");
        assert!(error.to_string().contains(dialect), "{error}");
    }
}

#[test]
fn a_password_does_not_get_into_messages_or_frames() {
    let config = "const url = 'postgres://me:geheim@db/app';\nconst password = 'geheim';\nthrow new Error(`cannot use ${url}`);\nexport default { dialect: 'postgresql' };\n";
    let error = Fixture::without_packages(&[("drizzle.config.ts", config)]).config().unwrap_err();
    assert!(place(&error).starts_with("drizzle.config.ts:3:"), "{error}");
    assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
}

#[track_caller]
fn check_rejected(columns: &str, expected: &str) {
    let schema = format!(
        "import {{ sql }} from 'drizzle-orm';\nimport {{ check, index, integer, pgTable, unique, vector }} from 'drizzle-orm/pg-core';\nexport const t = pgTable('t', {columns});\n"
    );
    let fixture = Fixture::postgres(&schema, &[]);
    let error = fixture.error();
    assert_eq!(error.code(), "schema-rejected", "{error}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn tables_that_are_all_of_another_dialect_are_not_taken_for_none() {
    let schema = "import { integer, pgTable } from 'drizzle-orm/pg-core';\nimport { sqliteTable } from 'drizzle-orm/sqlite-core';\nimport * as lite from 'drizzle-orm/sqlite-core';\n";
    let other = format!("{schema}export const t = sqliteTable('t', {{ a: lite.integer() }});\n");
    let error = Fixture::postgres(&other, &[]).error();
    assert_eq!(error.code(), "schema-rejected", "{error}");
    assert!(error.to_string().contains("dialect `postgresql`"), "{error}");
    assert!(error.to_string().contains("`t` is a SQLiteTable"), "{error}");
    // Beside a table of its own it is another application's.
    let both = format!("{other}export const own = pgTable('own', {{ a: integer() }});\n");
    assert_eq!(Fixture::postgres(&both, &[]).postgres_schema().tables.len(), 1);
}

#[test]
fn what_the_kit_refuses_is_refused() {
    check_rejected(
        "{ a: integer() }, (t) => [index('i').on(t.a), index('i').on(t.a)]",
        "the index `public.i` is declared twice",
    );
    check_rejected("{ a: integer() }, (t) => [index().on(sql`lower(x)`)]", "has no name");
    check_rejected(
        "{ a: integer(), b: integer() }, (t) => [unique('u').on(t.a), unique('u').on(t.b)]",
        "the unique constraint `u` is declared twice",
    );
    check_rejected(
        "{ a: integer() }, (t) => [check('c', sql`1`), check('c', sql`2`)]",
        "the check `c` is declared twice",
    );
    check_rejected(
        "{ a: vector({ dimensions: 3 }) }, (t) => [index('i').using('hnsw', t.a)]",
        "names no operator class",
    );
    check_rejected(
        "{ a: integer().default(sql`${1} + 1`) }",
        "an SQL default contains a parameter",
    );
}
