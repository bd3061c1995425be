//! Which of live's objects the project's Drizzle looks at: `schemaFilter`, `tablesFilter` and
//! `extensionsFilters` of the configuration, as `drizzle-kit pull` and `push` take them.
//!
//! Where there is no `schema.ts` yet, the baseline's snapshot describes these and nothing else. What a
//! snapshot has and a later `schema.ts` has not, `drizzle-kit generate` drops.

use glob::Pattern;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId};
use raingauge_tsload::Config;

use crate::ledger::foreign;
use crate::report::Finding;

/// The filters of a configuration.
#[derive(Clone, Debug)]
pub struct Filters {
    dialect: Dialect,
    schemas: Schemas,
    tables: Vec<String>,
}

/// Which schemas; those of the system are never read.
#[derive(Clone, Debug)]
enum Schemas {
    All,
    /// As 0.x takes them.
    Named(Vec<String>),
    /// As 1.0 takes them.
    Matching(Vec<String>),
}

impl Filters {
    /// The filters that a configuration sets, with Drizzle Kit's defaults.
    pub fn of(config: &Config, dialect: Dialect) -> Self {
        let mut tables = config.tables_filter.clone();
        if config.extensions_filters.iter().any(|it| it == "postgis") {
            tables.extend(
                ["!geography_columns", "!geometry_columns", "!spatial_ref_sys"].map(str::to_owned),
            );
        }
        let schemas = match (&config.schema_filter, config.generation) {
            (None, _) => Schemas::All,
            (Some(patterns), Generation::V1) => Schemas::Matching(patterns.clone()),
            (Some(names), Generation::V0) => Schemas::Named(names.clone()),
        };
        Self { dialect, schemas, tables }
    }

    /// The part of a catalog that the filters let through.
    pub fn managed(&self, live: &Catalog) -> Catalog {
        live.filtered(|it| self.accepts(&it.id))
    }

    /// The tables, views and schemas that the filters leave out.
    pub fn left_out(&self, live: &Catalog) -> Option<Finding> {
        let is_top = |it: &&Object| {
            let kinds = [Kind::Schema, Kind::Table, Kind::View, Kind::MaterializedView, Kind::Enum];
            kinds.contains(&it.id.kind) && !self.accepts(&it.id)
        };
        let names: Vec<_> = live.objects().filter(is_top).map(|it| it.id.to_string()).collect();
        if names.is_empty() {
            return None;
        }
        let finding = Finding::info(
            "unmanaged",
            "drizzle.config.ts",
            "leaves these out (`schemaFilter`, `tablesFilter`), or they are another tool's books; they stay in live as they are, are carried in the baseline and left out of the snapshot, so no `schema.ts` that lacks them makes `drizzle-kit generate` drop them",
        );
        Some(names.into_iter().fold(finding, Finding::evidence))
    }

    fn accepts(&self, id: &ObjectId) -> bool {
        let (schema, rest) = match self.dialect {
            Dialect::Postgres => (id.path.first(), id.path.get(1..).unwrap_or_default()),
            Dialect::MySql | Dialect::Sqlite => (None, id.path.as_slice()),
        };
        let in_schema = schema.is_none_or(|it| match &self.schemas {
            Schemas::All => true,
            Schemas::Named(names) => names.contains(it),
            Schemas::Matching(patterns) => agree(patterns, it),
        });
        let is_relation = !matches!(id.kind, Kind::Enum | Kind::Sequence | Kind::Schema);
        let name = rest.first().filter(|_| is_relation);
        in_schema && name.is_none_or(|it| self.accepts_table(it))
    }

    fn accepts_table(&self, name: &str) -> bool {
        foreign::tool_of(name).is_none() && agree(&self.tables, name)
    }
}

/// As drizzle-kit decides: every pattern that says something has to agree, and one has to; none at all let
/// everything in.
fn agree(patterns: &[String], name: &str) -> bool {
    let said = patterns.iter().filter_map(|pattern| {
        let (pattern, negated) = match pattern.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (pattern.as_str(), false),
        };
        // What is not understood leaves out: that loses nothing.
        let is_plain = !pattern.contains(['{', '(']);
        match Pattern::new(pattern).ok().filter(|_| is_plain) {
            Some(it) if it.matches(name) => Some(!negated),
            Some(_) => negated.then_some(true),
            None => Some(false),
        }
    });
    let said: Vec<_> = said.collect();
    patterns.is_empty() || !said.is_empty() && said.iter().all(|it| *it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tables: &[&str], expected: &str) {
        let filters = Filters {
            dialect: Dialect::Postgres,
            schemas: Schemas::Named(vec!["public".to_owned()]),
            tables: tables.iter().map(|it| (*it).to_owned()).collect(),
        };
        let all = ["app_users", "app_logs", "other", "_prisma_migrations"];
        let kept = all.iter().filter(|it| {
            filters.accepts(&ObjectId::new(Kind::Table, ["public", it]))
                && filters.accepts(&ObjectId::new(Kind::Column, ["public", it, "id"]))
        });
        assert_eq!(kept.copied().collect::<Vec<_>>().join(" "), expected);
        assert!(!filters.accepts(&ObjectId::new(Kind::Table, ["billing", "app_users"])));
        assert!(!filters.accepts(&ObjectId::new(Kind::Schema, ["billing"])));
    }

    #[test]
    fn t28_patterns_decide_as_drizzle_kit_does() {
        check(&[], "app_users app_logs other");
        check(&["app_*"], "app_users app_logs");
        check(&["!other"], "app_users app_logs");
        // A pattern to leave out lets in all that it does not name.
        check(&["app_*", "!app_logs"], "app_users other");
        check(&["other", "app_users"], "app_users other");
    }

    #[test]
    fn t28_a_pattern_that_is_not_understood_leaves_out() {
        check(&["{app_users,other}"], "");
        check(&["app_*", "!{app_logs,x}"], "");
    }

    #[test]
    fn schemas_are_names_for_0_x_and_patterns_for_1_0() {
        let all = ["public", "app_one", "app_two", "internal"];
        let kept = |schemas: Schemas| {
            let filters = Filters { dialect: Dialect::Postgres, schemas, tables: Vec::new() };
            let accepted =
                all.iter().filter(|it| filters.accepts(&ObjectId::new(Kind::Table, [**it, "t"])));
            accepted.copied().collect::<Vec<_>>().join(" ")
        };
        let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        // As `prepareSchemasFitler` of drizzle-kit 1.0.0-rc.5 answers.
        assert_eq!(kept(Schemas::All), "public app_one app_two internal");
        assert_eq!(kept(Schemas::Named(texts(&["app_*", "public"]))), "public");
        for (patterns, expected) in [
            (&["app_*", "public"][..], "public app_one app_two"),
            (&["!internal"], "public app_one app_two"),
            (&["app_*", "!app_two"], "public app_one internal"),
            (&["?pp_one"], "app_one"),
            (&["nothing"], ""),
            (&[], "public app_one app_two internal"),
        ] {
            assert_eq!(kept(Schemas::Matching(texts(patterns))), expected, "{patterns:?}");
        }
    }
}
