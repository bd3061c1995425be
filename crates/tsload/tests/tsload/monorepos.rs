//! Projects whose packages lie elsewhere: hoisted, linked, in a store, in a workspace.

use std::os::unix::fs::symlink;
use std::path::Path;

use raingauge_tsload::{DeclaredSchema, Generation, Project};

use crate::project::{Fixture, LATEST, NEXT};

const SCHEMA: &str = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from '@acme/names';\nexport const a = pgTable(name, {});";
const CONFIG: &str = "export default { dialect: 'postgresql', schema: './schema.ts' };";
const NAMES: [(&str, &str); 2] = [
    ("packages/names/package.json", r#"{ "name": "@acme/names", "main": "src/index.ts" }"#),
    ("packages/names/src/index.ts", "export const name: string = 'shared';"),
];

/// A workspace with the project in `packages/db`.
fn workspace(top: (&str, &str), config: &str) -> Fixture {
    let files = [
        top,
        NAMES[0],
        NAMES[1],
        ("packages/db/package.json", r#"{ "name": "@acme/db" }"#),
        ("packages/db/drizzle.config.ts", config),
        ("packages/db/schema.ts", SCHEMA),
    ];
    Fixture::without_packages(&files)
}

fn link(fixture: &Fixture, from: &str, to: &str) {
    let to = fixture.path(to);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    symlink(fixture.path(from), to).unwrap();
}

#[track_caller]
fn check(project: &Project, config: Option<&Path>, generation: Generation) {
    let config = project.config(config).unwrap();
    assert_eq!(config.generation, generation);
    let DeclaredSchema::Postgres(schema) = project.declared(&config).unwrap().unwrap().schema
    else {
        panic!("a PostgreSQL schema")
    };
    assert_eq!(schema.tables[0].name, "shared");
}

#[test]
fn packages_that_npm_and_yarn_have_hoisted_are_found() {
    let top = ("package.json", r#"{ "workspaces": ["packages/*"] }"#);
    let fixture = workspace(top, CONFIG);
    fixture.install(LATEST, "node_modules");
    link(&fixture, "packages/names", "node_modules/@acme/names");
    let project = Project::new(fixture.path("packages/db"), Default::default());
    check(&project, None, Generation::V0);
}

#[test]
fn packages_in_the_store_of_pnpm_are_found() {
    let fixture = workspace(("pnpm-workspace.yaml", "packages:\n  - packages/*\n"), CONFIG);
    let store = "node_modules/.pnpm/drizzle-orm@1.0.0/node_modules";
    fixture.install(NEXT, store);
    link(&fixture, &format!("{store}/drizzle-orm"), "packages/db/node_modules/drizzle-orm");
    link(&fixture, "packages/names", "packages/db/node_modules/@acme/names");
    let project = Project::new(fixture.path("packages/db"), Default::default());
    check(&project, None, Generation::V1);
}

/// As `drizzle-kit --config packages/db/drizzle.config.ts` at the top: paths are relative to there.
#[test]
fn a_named_configuration_is_read_from_the_top() {
    let config = CONFIG.replace("./schema.ts", "packages/db/schema.ts");
    let fixture = workspace(("pnpm-workspace.yaml", ""), &config);
    fixture.install(NEXT, "packages/db/node_modules");
    link(&fixture, "packages/names", "packages/db/node_modules/@acme/names");
    let project = Project::new(fixture.root().to_owned(), Default::default());
    let config = Path::new("packages/db/drizzle.config.ts");
    check(&project, Some(config), Generation::V1);
    let versions = project.versions(&project.config(Some(config)).unwrap());
    assert_eq!(versions.drizzle_orm.as_deref(), Some("1.0.0-rc.5"));
}

#[test]
fn one_of_several_configurations_is_chosen_by_name() {
    let text = |out: &str| format!("export default {{ dialect: 'sqlite', out: '{out}' }};");
    let fixture = Fixture::without_packages(&[
        ("drizzle.config.ts", &text("one")),
        ("drizzle.test.config.ts", &text("two")),
        ("config/drizzle.config.js", &text("three")),
    ]);
    let out = |path: Option<&str>| fixture.project().config(path.map(Path::new)).unwrap().out;
    assert_eq!(out(None), "one");
    assert_eq!(out(Some("drizzle.test.config.ts")), "two");
    assert_eq!(out(Some("./config/drizzle.config.js")), "three");
}

/// npm leaves a second version in the package that asks for it, below the one that it has hoisted.
#[test]
fn of_two_versions_the_nearest_is_taken() {
    let top = ("package.json", r#"{ "workspaces": ["packages/*"] }"#);
    let fixture = workspace(top, CONFIG);
    fixture.install(LATEST, "node_modules");
    link(&fixture, "packages/names", "node_modules/@acme/names");
    fixture.install(NEXT, "store");
    link(&fixture, "store/drizzle-orm", "packages/db/node_modules/drizzle-orm");
    let project = Project::new(fixture.path("packages/db"), Default::default());
    check(&project, None, Generation::V1);
    std::fs::remove_file(fixture.path("packages/db/node_modules/drizzle-orm")).unwrap();
    check(&project, None, Generation::V0);
}

/// The configuration is in the application, the schema and its drizzle-orm in a package of the workspace.
#[test]
fn a_schema_in_another_package_brings_its_own_drizzle_orm() {
    let fixture = workspace(
        ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
        &CONFIG.replace("./schema.ts", "../tables/src/*.ts"),
    );
    fixture.write("packages/tables/package.json", r#"{ "name": "@acme/tables" }"#);
    fixture.write("packages/tables/src/index.ts", SCHEMA);
    fixture.install(NEXT, "store");
    link(&fixture, "store/drizzle-orm", "packages/tables/node_modules/drizzle-orm");
    link(&fixture, "packages/names", "packages/tables/node_modules/@acme/names");
    let project = Project::new(fixture.path("packages/db"), Default::default());
    let config = project.config(None).unwrap();
    let versions = project.versions(&config);
    assert_eq!(versions.drizzle_orm.as_deref(), Some("1.0.0-rc.5"));
    let declared = project.declared(&config).unwrap().unwrap();
    assert!(format!("{:?}", declared.schema).contains("\"shared\""));
}

#[test]
fn linked_folders_and_files_are_read_where_they_lie() {
    let top = ("package.json", r#"{ "workspaces": ["packages/*"] }"#);
    let fixture = workspace(top, &CONFIG.replace("./schema.ts", "./linked/index.ts"));
    fixture.install(LATEST, "node_modules");
    link(&fixture, "packages/names", "node_modules/@acme/names");
    fixture.write("packages/tables/index.ts", SCHEMA);
    link(&fixture, "packages/tables", "packages/db/linked");
    // The project itself is reached by a link, as `cd` leaves it.
    link(&fixture, "packages/db", "here");
    let project = Project::new(fixture.path("here"), Default::default());
    check(&project, None, Generation::V0);
    let declared = project.declared(&project.config(None).unwrap()).unwrap().unwrap();
    let real = fixture.root().canonicalize().unwrap().join("packages/tables/index.ts");
    assert_eq!(declared.files[0], real);
}
