//! A workspace that the real Yarn has installed without `node_modules`, its packages in archives.

use std::path::{Path, PathBuf};

use raingauge_tsload::{Generation, LoadError, Project, Runtime};

use crate::project::{Fixture, table_names};

const CONFIG: &str = "import { defineConfig } from 'drizzle-kit';\nexport default defineConfig({ dialect: 'postgresql', schema: './schema.ts' });";

/// With a package that has others beside it (drizzle-zod), which have paths of their own in Yarn.
const SCHEMA: &str = "
import { createId } from '@paralleldrive/cuid2';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { createInsertSchema } from 'drizzle-zod';
import { z } from 'zod';
export const t = pgTable(z.string().parse('t'), { id: text('id').$defaultFn(() => createId()), a: text('a').notNull() });
export const u = pgTable(createInsertSchema(t).pick({ a: true }).parse({ a: 'parsed' }).a, {});
";

const OF_WORKSPACE: &str = "import { pgTable } from 'drizzle-orm/pg-core';\nimport { name } from '@acme/names';\nexport const a = pgTable(name, {});";

fn installed() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let mut folders = binary.ancestors().map(|it| it.join("testkit/yarn-pnp"));
    folders.find(|it| it.join(".pnp.cjs").is_file()).expect("run `cargo xtask install`")
}

/// The workspace with these files; its archives lie in it, or in a store beside it, as Yarn does it with
/// `enableGlobalCache`.
fn workspace(is_store: bool, files: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::without_packages(files);
    let installed = installed();
    for file in [".pnp.cjs", ".pnp.loader.mjs", "package.json"] {
        std::fs::copy(installed.join(file), fixture.path(file)).unwrap();
    }
    for package in ["packages/db", "packages/names"] {
        fixture.write(
            &format!("{package}/package.json"),
            &std::fs::read_to_string(installed.join(package).join("package.json")).unwrap(),
        );
    }
    if is_store {
        let depth = fixture.root().canonicalize().unwrap().components().count() - 1;
        let cache = installed.join(".yarn/cache").display().to_string();
        let manifest = std::fs::read_to_string(fixture.path(".pnp.cjs")).unwrap();
        let up = format!("\"{}{}/", "../".repeat(depth), cache.trim_start_matches('/'));
        let out = format!("/{}{cache}/", depth + 1);
        let manifest = manifest.replace("\"./.yarn/cache/", &up).replace("/0/cache/", &out);
        fixture.write(".pnp.cjs", &manifest);
        return fixture;
    }
    std::fs::create_dir_all(fixture.path(".yarn/cache")).unwrap();
    for archive in std::fs::read_dir(installed.join(".yarn/cache")).unwrap().flatten() {
        let to = fixture.path(".yarn/cache").join(archive.file_name());
        std::fs::copy(archive.path(), to).unwrap();
    }
    fixture
}

#[test]
fn packages_in_the_archives_of_yarn_are_found() {
    for is_store in [false, true] {
        let files = [("drizzle.config.ts", CONFIG), ("schema.ts", SCHEMA)];
        let fixture = workspace(is_store, &files);
        assert_eq!(table_names(&fixture.postgres_schema()), ["t", "parsed"]);
        let config = fixture.config().unwrap();
        let versions = fixture.project().versions(&config);
        assert_eq!(versions.drizzle_orm.as_deref(), Some("0.45.4"));
        assert_eq!((versions.drizzle_kit, config.generation), (None, Generation::V0));
        let declared = fixture.declared().unwrap().unwrap();
        let names: Vec<_> = declared.files.iter().filter_map(|it| it.file_name()).collect();
        assert_eq!(names, ["schema.ts"], "archives are no files of the project");
    }
}

/// `pnpEnableInlining: false`.
#[test]
fn the_data_of_the_manifest_may_lie_beside_it() {
    let names = "export const name: string = 'shared';";
    let fixture = workspace(
        false,
        &[
            ("drizzle.config.ts", CONFIG),
            ("schema.ts", SCHEMA),
            ("packages/db/drizzle.config.ts", CONFIG),
            ("packages/db/schema.ts", OF_WORKSPACE),
            ("packages/names/src/index.ts", names),
        ],
    );
    for file in [".pnp.cjs", ".pnp.data.json"] {
        let from = installed().join(format!("apart{file}"));
        std::fs::copy(from, fixture.path(file)).unwrap();
    }
    assert_eq!(table_names(&fixture.postgres_schema()), ["t", "parsed"]);
    let versions = fixture.project().versions(&fixture.config().unwrap());
    assert_eq!(versions.drizzle_orm.as_deref(), Some("0.45.4"));
    let project = Project::new(fixture.path("packages/db"), Default::default());
    let declared = project.declared(&project.config(None).unwrap()).unwrap().unwrap();
    assert!(format!("{:?}", declared.schema).contains("\"shared\""));
    fixture.write(".pnp.data.json", "{}");
    let error = error_of(&fixture).to_string();
    assert!(error.contains(".pnp.cjs` is not the manifest that Yarn writes"), "{error}");
}

#[test]
fn a_package_of_yarns_workspace_sees_what_it_declares() {
    let fixture = workspace(
        false,
        &[
            ("packages/db/drizzle.config.ts", CONFIG),
            ("packages/db/schema.ts", OF_WORKSPACE),
            ("packages/names/src/index.ts", "export const name: string = 'shared';"),
        ],
    );
    let project = Project::new(fixture.path("packages/db"), Default::default());
    let config = project.config(None).unwrap();
    assert_eq!(project.versions(&config).drizzle_orm.as_deref(), Some("0.45.4"));
    let declared = project.declared(&config).unwrap().unwrap();
    assert!(format!("{:?}", declared.schema).contains("\"shared\""));
    assert_eq!(declared.files.len(), 2);
    // What only the top declares is not there for it, as Yarn has it.
    fixture.write(
        "packages/names/src/index.ts",
        "import { z } from 'zod';\nexport const name = z.string().parse('n');",
    );
    let error = project.declared(&config).map(|_| ()).unwrap_err();
    let place = error.place().map(|it| it.line);
    assert_eq!((error.code(), place), ("import-missing", Some(1)), "{error}");
}

#[test]
fn node_finds_the_archives_by_the_hooks_of_yarn() {
    let files = [("drizzle.config.ts", CONFIG), ("schema.ts", SCHEMA)];
    let fixture = workspace(true, &files).with_env("PATH", &std::env::var("PATH").unwrap());
    let embedded = fixture.declared().unwrap().unwrap();
    let project = fixture.project().with_runtime(Runtime::Node);
    let declared = project.declared(&project.config(None).unwrap());
    let declared = declared.unwrap_or_else(|it| panic!("{it}")).unwrap();
    assert_eq!((declared.runtime, &declared.schema), (Runtime::Node, &embedded.schema));
    assert_eq!(declared.files, embedded.files);
}

fn error_of(fixture: &Fixture) -> LoadError {
    fixture.declared().map(|_| ()).unwrap_err()
}

/// `__virtual__` in a path takes away as many folders as the number after it says.
#[test]
fn paths_of_yarn_are_no_way_out() {
    let outside = tempfile::TempDir::new().unwrap();
    let secret = outside.path().canonicalize().unwrap().join("secret.json");
    std::fs::write(&secret, r#"{ "word": "geheim" }"#).unwrap();
    let top = Path::new(".yarn/__virtual__/abc/99").join(secret.strip_prefix("/").unwrap());
    let other = installed().join(".yarn/cache");
    let archive = std::fs::read_dir(other).unwrap().flatten().map(|it| it.path());
    let archive =
        archive.into_iter().find(|it| it.to_string_lossy().contains("bignumber")).unwrap();
    let package = archive.join("node_modules/bignumber.js/package.json");
    let ways = [
        format!("import it from './{}';", top.display()),
        format!(
            "import fs from 'fs';\nconst it = JSON.parse(fs.readFileSync('{}', 'utf8'));",
            top.display()
        ),
        format!("import it from '{}';", package.display()),
        format!(
            "import fs from 'fs';\nconst it = JSON.parse(fs.readFileSync('{}', 'utf8'));",
            package.display()
        ),
    ];
    for way in ways {
        let schema = format!("{way}\nthrow new Error('read: ' + (it.word ?? it.name));");
        let files = [("drizzle.config.ts", CONFIG), ("schema.ts", schema.as_str())];
        let error = error_of(&workspace(true, &files));
        assert!(!error.to_string().contains("read: "), "{way}\n{error}");
        assert!(!format!("{error:?}").contains("geheim"), "{way}\n{error}");
    }
}

#[test]
fn a_manifest_that_cannot_be_read_is_told() {
    let files = [("drizzle.config.ts", CONFIG), ("schema.ts", SCHEMA)];
    let fixture = workspace(true, &files);
    let manifest = std::fs::read_to_string(fixture.path(".pnp.cjs")).unwrap();
    for broken in
        ["", "const RAW_RUNTIME_STATE = '{}';", &manifest.replace("[null, [", "[\"x\", [")]
    {
        fixture.write(".pnp.cjs", broken);
        let error = error_of(&fixture);
        assert_eq!(error.code(), "import-missing");
        assert!(error.to_string().contains(".pnp.cjs` is not the manifest"), "{error}");
    }
}
