//! `migrations.js`: the history as applications import it that carry their database with them (Expo, Durable
//! Objects). drizzle-kit writes it anew with each migration where the driver is one of those.

use std::fmt::Write;

use super::Generation;
use super::folder::MIGRATION_FILE;

/// Its path below the migrations folder.
pub const BUNDLE_PATH: &str = "migrations.js";

/// The drivers whose applications import the history.
const DRIVERS: [&str; 2] = ["expo", "durable-sqlite"];

/// Whether an application imports the history, so that a migration outside of the bundle never runs.
pub fn is_bundled(driver: Option<&str>) -> bool {
    driver.is_some_and(|it| DRIVERS.contains(&it))
}

/// The bytes of the file, with migrations by their number and tag.
pub fn bundle(generation: Generation, driver: &str, migrations: &[(u32, &str)]) -> String {
    let mut text = String::new();
    if driver == "expo" {
        text.push_str("// This file is required for Expo/React Native SQLite migrations - https://orm.drizzle.team/quick-sqlite/expo\n\n");
    }
    if generation == Generation::V0 {
        text.push_str("import journal from './meta/_journal.json';\n");
    }
    for (number, tag) in migrations {
        let path = imported(generation, tag);
        let _infallible = writeln!(text, "import m{number:04} from './{path}';");
    }
    let listed = migrations.iter().map(|(number, tag)| match generation {
        Generation::V0 => format!("m{number:04}"),
        Generation::V1 => format!("\"{tag}\": m{number:04}"),
    });
    let listed = listed.collect::<Vec<_>>().join(",\n");
    let (journal, end) = match generation {
        Generation::V0 => ("    journal,\n", "    }"),
        Generation::V1 => ("", "}"),
    };
    text + &format!(
        "\n  export default {{\n{journal}    migrations: {{\n      {listed}\n{end}\n  }}\n  "
    )
}

/// Whether a bundle imports a migration.
pub fn imports(bundle: &str, generation: Generation, tag: &str) -> bool {
    bundle.contains(&format!("/{}", imported(generation, tag)))
}

/// What is imported of a migration, below the migrations folder.
pub fn imported(generation: Generation, tag: &str) -> String {
    match generation {
        Generation::V0 => format!("{tag}.sql"),
        Generation::V1 => format!("{tag}/{MIGRATION_FILE}"),
    }
}
