//! Other migration tools in the project: two owners of one database.

use std::path::{Path, PathBuf};

use raingauge_schema::catalog::Object;
use raingauge_schema::{Catalog, Kind};

use crate::findings::with_lines;
use crate::ledger::foreign::tool_of;
use crate::report::{Affected, Finding};
use crate::{Error, Result};

/// Files and folders by which the tools are known, below the project's folder.
const MARKS: [(&str, &str); 13] = [
    ("prisma/migrations", "Prisma"),
    ("alembic.ini", "Alembic"),
    ("flyway.conf", "Flyway"),
    ("flyway.toml", "Flyway"),
    ("liquibase.properties", "Liquibase"),
    ("knexfile.js", "Knex"),
    ("knexfile.ts", "Knex"),
    (".sequelizerc", "Sequelize"),
    ("db/migrate", "Rails"),
    ("diesel.toml", "Diesel"),
    ("supabase/migrations", "Supabase"),
    ("atlas.hcl", "Atlas"),
    ("mikro-orm.config.ts", "MikroORM"),
];

/// Wrangler's configuration, which may make it the runner of Drizzle's own files.
const WRANGLER: [&str; 3] = ["wrangler.toml", "wrangler.json", "wrangler.jsonc"];

/// The finding that live has ledgers of other tools, if it has any.
pub fn foreign_ledgers(live: &Catalog) -> Option<Finding> {
    let line = |it: &Object| Some(format!("{}: {}", tool_of(it.id.name())?, it.id.dotted()));
    let lines: Vec<_> = live.of_kind(Kind::Table).filter_map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "ledger-foreign",
        "live",
        "other migration tools have recorded their work here; Drizzle reads none of it, and they read nothing of Drizzle's ledger",
    )
    .affects(Affected::Upgraded);
    Some(with_lines(finding, lines).next("let only one tool change a database from now on"))
}

/// What was found of other tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Systems {
    /// Path and tool.
    found: Vec<(PathBuf, &'static str)>,
    /// The configuration of wrangler, where it names a D1 database.
    wrangler: Option<PathBuf>,
}

impl Systems {
    /// Looks for them; `history` is Drizzle's own folder, which may be where another tool looks.
    ///
    /// # Errors
    /// If a configuration file cannot be read.
    pub fn find(root: &Path, history: &Path) -> Result<Self> {
        let marks = MARKS.iter().map(|(path, tool)| (root.join(path), *tool));
        let found = marks.filter(|(path, _)| path.exists() && path != history).collect();
        let mut wrangler = None;
        for path in WRANGLER.map(|it| root.join(it)).into_iter().filter(|it| it.is_file()) {
            let text = std::fs::read_to_string(&path).map_err(|cause| {
                Error::new("file-unreadable", format!("cannot read `{}`", path.display()))
                    .caused_by(cause)
                    .next("make it readable for this user, then run the command again")
            })?;
            if text.contains("d1_databases") {
                wrangler = Some(path);
            }
        }
        Ok(Self { found, wrangler })
    }

    /// Whether wrangler may apply the history.
    pub fn has_wrangler(&self) -> bool {
        self.wrangler.is_some()
    }

    /// What they mean for the history.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some((first, _)) = self.found.first() {
            let finding = Finding::info(
                "other-system",
                first.display().to_string(),
                "other migration tools are in the project; only one may change a database, or its ledger is wrong for the others",
            )
            .affects(Affected::Upgraded);
            let lines = self.found.iter().map(|(path, tool)| format!("{tool}: {}", path.display()));
            findings.push(with_lines(finding, lines.collect()));
        }
        findings.extend(self.wrangler.as_ref().map(|it| {
            Finding::info(
                "runner-wrangler",
                it.display().to_string(),
                "wrangler has a D1 database: it applies files in the order of their names and records them in `d1_migrations`, which Drizzle does not read",
            )
            .affects(Affected::Both)
        }));
        findings
    }
}

#[cfg(test)]
mod tests {
    use raingauge_schema::Object;

    use super::*;

    #[test]
    fn ledgers_of_other_tools_are_named_and_a_table_of_the_users_is_none() {
        let tables = |names: &[&str]| {
            Catalog::new(names.iter().map(|it| Object::new(Kind::Table, ["public", it])))
        };
        assert_eq!(foreign_ledgers(&tables(&["users", "migrations"])), None);
        let found = foreign_ledgers(&tables(&["users", "d1_migrations"])).unwrap();
        assert_eq!(found.evidence, ["wrangler: public.d1_migrations"]);
    }

    #[test]
    fn other_tools_are_found_and_a_folder_that_is_drizzles_own_is_not_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for made in ["prisma/migrations", "supabase/migrations"] {
            std::fs::create_dir_all(root.join(made)).unwrap();
        }
        std::fs::write(root.join("wrangler.toml"), "[[d1_databases]]\n").unwrap();
        let found = Systems::find(root, &root.join("supabase/migrations")).unwrap().findings();
        let codes: Vec<_> = found.iter().map(|it| it.code).collect();
        assert_eq!(codes, ["other-system", "runner-wrangler"]);
        assert_eq!(found[0].evidence.len(), 1, "{found:#?}");
        assert!(found[0].evidence[0].starts_with("Prisma"), "{found:#?}");
    }
}
