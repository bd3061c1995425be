//! Whether live may be adopted: whether it is the database that is meant, and what is carried.

use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId};

use crate::facts::Facts;
use crate::findings::named;
use crate::report::Finding;
use crate::side::Init;

/// T08, T66: a database that has nothing, or nothing of what the project speaks of, is most likely
/// another one than meant.
pub fn right_database(facts: &Facts, declared_tables: &[ObjectId], database: &str) -> Vec<Finding> {
    let subject = format!("database {database}");
    if facts.live.of_kind(Kind::Table).next().is_none() {
        return vec![
            Finding::error("database-empty", subject, "has no tables, so there is nothing to adopt; a ledger stamped here would keep every migration from running")
                .next("check that the URL names the database that you mean")
                .next("to build an empty database from the history: raingauge migrate"),
        ];
    }
    let has_any = |ids: &[ObjectId]| ids.iter().any(|it| facts.live.get(it).is_some());
    let mut findings = Vec::new();
    if !declared_tables.is_empty() && !has_any(declared_tables) {
        findings.push(
            Finding::error("schema-unrelated", subject.clone(), "has none of the tables that schema.ts declares; the next `generate` would create them all beside the others")
                .next("check that the URL names the database that you mean, and that `schema` in drizzle.config.ts names the right files"),
        );
    }
    if let Some(init) = &facts.init {
        let tables: Vec<_> = init.catalog.of_kind(Kind::Table).map(|it| it.id.clone()).collect();
        if !tables.is_empty() && !has_any(&tables) {
            findings.push(
                Finding::error("init-sql-unrelated", subject, "has none of the tables that init.sql creates")
                    .evidence(init.source.clone())
                    .next("check that the URL names the database that you mean, or name the script with `--init-sql`"),
            );
        }
    }
    findings
}

/// T32: a container that failed in the middle of init.sql leaves a database that looks intended.
///
/// Objects that are missing here and there were removed later, and live is the truth; when everything
/// from some point of the scripts on is missing, they never ran to their end.
pub fn half_initialised(init: &Init, live: &Catalog) -> Vec<Finding> {
    let place = |it: &Object| init.scripts.find(it.id.name());
    let missing: Vec<&Object> = init.comparison.only_to.iter().filter(|it| is_own(it)).collect();
    let Some(first_missing) = missing.iter().filter_map(|it| place(it)).min() else {
        return Vec::new();
    };
    let present = init.catalog.objects().filter(|it| is_own(it) && live.get(&it.id).is_some());
    let last_present = present.filter_map(place).max().unwrap_or(0);
    let names = missing.iter().map(|it| it.id.to_string());
    if last_present < first_missing {
        let finding = Finding::error(
            "init-sql-half-applied",
            init.source.clone(),
            "live has what the scripts create up to a point and nothing after it, as if their first run had failed there; a baseline would take this for intended",
        );
        let finding = names.fold(finding, |it, name| it.evidence(format!("missing: {name}")));
        return vec![
            finding
                .next("run the rest of the scripts against live, or remove it from them, then analyze again")
                .next("if live is as it is meant, and the scripts grew later: `--allow init-sql-half-applied`"),
        ];
    }
    let finding = Finding::warning(
        "init-sql-ahead",
        init.source.clone(),
        "creates objects that live does not have; live is taken as the truth, so the baseline will not have them either",
    );
    vec![names.fold(finding, |it, name| it.evidence(format!("missing: {name}")))]
}

/// What someone creates by name in a script; columns and constraints come with their tables.
fn is_own(object: &Object) -> bool {
    matches!(
        object.id.kind,
        Kind::Table
            | Kind::View
            | Kind::MaterializedView
            | Kind::Function
            | Kind::Procedure
            | Kind::Trigger
            | Kind::Index
            | Kind::Enum
            | Kind::Domain
    )
}

/// What the baseline keeps although Drizzle cannot express it. What every empty database has
/// (`plpgsql`, a comment on schema `public`) is nobody's.
pub fn carried(dialect: Dialect, live: &Catalog, empty: &Catalog) -> Option<Finding> {
    let is_counted = |it: &&Object| {
        !dialect.expresses(it, None)
            && it.id.kind != Kind::NotNull
            && empty.get(&it.id).map(Object::fingerprint) != Some(it.fingerprint())
    };
    let lines: Vec<_> = live.objects().filter(is_counted).map(|it| named(&it.id)).collect();
    if lines.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "carried",
        "live",
        "has what Drizzle cannot express; it is kept word for word in the baseline",
    );
    Some(lines.into_iter().fold(finding, Finding::evidence))
}
