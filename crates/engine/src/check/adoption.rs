//! Whether live may be adopted: what differs, and what of it a follow-up migration can mend.

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId, Pair};

use crate::facts::{DeclaredSide, Facts};
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
            Finding::error("schema-unrelated", subject.clone(), "has none of the tables that schema.ts declares; the next `drizzle-kit generate` would create them all beside the others")
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

/// T07: a declared table that live has must be the same table.
pub fn declared_matches(dialect: Dialect, declared: &DeclaredSide, live: &Catalog) -> Vec<Finding> {
    let mut findings: Vec<Finding> = declared.comparison.differs.iter().map(differs).collect();
    for pair in &declared.comparison.renamed {
        findings.push(name_differs(dialect, pair));
    }
    let declared_table = |it: &&Object| {
        declared
            .catalog
            .of_kind(Kind::Table)
            .any(|table| it.id.is_inside(&table.id) || it.id == table.id)
    };
    for object in declared.comparison.only_from.iter().filter(declared_table) {
        findings.push(undeclared_part(object));
    }
    for object in &declared.comparison.only_to {
        findings.extend(unusable_column(object, live));
    }
    findings
}

fn differs(it: &ObjectDifference) -> Finding {
    let finding = Finding::error(
        "schema-differs",
        it.id.to_string(),
        "is not in live what schema.ts declares; a baseline over the difference would hide it from every later `generate`",
    );
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
    let finding = it.attributes.iter().fold(finding, |finding, attribute| {
        finding.evidence(format!(
            "{}: live {} · schema.ts {}",
            attribute.name,
            shown(&attribute.values.from),
            shown(&attribute.values.to)
        ))
    });
    finding.next("change schema.ts to what live has; change live later, with a migration")
}

fn name_differs(dialect: Dialect, pair: &Pair<ObjectId>) -> Finding {
    let message = format!("is called `{}` in schema.ts; everything else is equal", pair.to.name());
    match dialect {
        // SQLite has no statement that refers to a constraint by its name.
        Dialect::Sqlite if pair.from.kind != Kind::Index => {
            Finding::info("name-differs", pair.from.to_string(), message)
        }
        Dialect::Sqlite | Dialect::Postgres => Finding::error(
            "name-differs",
            pair.from.to_string(),
            message,
        )
        .next(format!("name it in schema.ts as live does: {}", naming(&pair.from)))
        .next("or rename it in live first; code that says ON CONFLICT ON CONSTRAINT has to follow"),
    }
}

/// How a schema.ts gives a thing its name.
fn naming(id: &ObjectId) -> String {
    let name = id.name();
    match id.kind {
        Kind::Unique => format!(".unique(\"{name}\") or unique(\"{name}\").on(…)"),
        Kind::ForeignKey => {
            format!("foreignKey({{ name: \"{name}\", columns: […], foreignColumns: […] }})")
        }
        Kind::PrimaryKey => format!("primaryKey({{ name: \"{name}\", columns: […] }})"),
        Kind::Check => format!("check(\"{name}\", sql`…`)"),
        _ => format!("index(\"{name}\").on(…)"),
    }
}

fn undeclared_part(object: &Object) -> Finding {
    let subject = object.id.to_string();
    if matches!(object.id.kind, Kind::Column | Kind::PrimaryKey | Kind::Table) {
        return Finding::error(
            "schema-differs",
            subject,
            "is in live, but schema.ts declares its table without it",
        )
        .next("declare it in schema.ts; remove it from live later, with a migration");
    }
    Finding::warning("undeclared", subject, "is in live, but schema.ts declares its table without it; it is carried in the baseline, and Drizzle does not know of it")
        .next("declare it in schema.ts to have Drizzle manage it")
}

/// A column that must have a value cannot be added to rows that have none.
fn unusable_column(object: &Object, live: &Catalog) -> Option<Finding> {
    let table =
        ObjectId::new(Kind::Table, object.id.path.iter().take(object.id.path.len() - 1).cloned());
    let fills_itself =
        ["default", "generated", "identity"].iter().any(|it| object.get(it).is_some());
    let applies = object.id.kind == Kind::Column
        && object.get("not null") == Some("true")
        && !fills_itself
        && live.get(&table).is_some();
    applies.then(|| {
        Finding::error(
            "column-needs-default",
            object.id.to_string(),
            "is declared NOT NULL without a default, but live's table has no such column: its rows would have no value for it",
        )
        .next("give it a default in schema.ts, or declare it nullable until its values are filled in")
    })
}

/// What the baseline keeps although Drizzle cannot express it. What every empty database has
/// (`plpgsql`, a comment on schema `public`) is nobody's.
pub fn carried(dialect: Dialect, live: &Catalog, empty: &Catalog) -> Option<Finding> {
    let is_counted = |it: &&Object| {
        !dialect.expresses(it, None)
            && it.id.kind != Kind::NotNull
            && empty.get(&it.id).map(Object::fingerprint) != Some(it.fingerprint())
    };
    let lines: Vec<_> = live.objects().filter(is_counted).map(|it| it.id.to_string()).collect();
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

/// Tables that schema.ts does not speak of: they stay as they are, and Drizzle never sees them.
pub fn undeclared_tables(declared: &DeclaredSide) -> Option<Finding> {
    let tables: Vec<_> =
        declared.comparison.only_from.iter().filter(|it| it.id.kind == Kind::Table).collect();
    let unknown = |it: &&&Object| declared.catalog.get(&it.id).is_none();
    let names: Vec<_> = tables.iter().filter(unknown).map(|it| it.id.to_string()).collect();
    if names.is_empty() {
        return None;
    }
    let finding = Finding::info(
        "undeclared-table",
        "tables",
        "schema.ts does not declare these; they are carried in the baseline and left out of the snapshot, so Drizzle never drops them",
    );
    Some(names.into_iter().fold(finding, Finding::evidence))
}
