//! What a SQLite rebuild would lose, told before it runs from the catalogs of the rehearsal.
//!
//! [`raingauge_schema::sqlite::rebuild`] says which column fills which; only the old table's columns
//! tell whether that is all of them. What is left to the rows is the tripwire's.

use raingauge_schema::plan::Hazard;
use raingauge_schema::sqlite::adopt::is_constraint_now;
use raingauge_schema::sqlite::rebuild::{Effects, Rebuild};
use raingauge_schema::{Catalog, Kind, Object, ObjectId, Pair};

use crate::report::Finding;

/// The table of a catalog, in whatever case it is spelled.
pub(super) fn table<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a ObjectId> {
    let mut tables = catalog.of_kind(Kind::Table).map(|it| &it.id);
    tables.find(|it| it.name().eq_ignore_ascii_case(name))
}

/// The values that rebuilds drop or replace.
pub(super) fn hazards(effects: &Effects, before: &Catalog) -> Vec<Hazard> {
    effects.rebuilds.iter().flat_map(|it| of_rebuild(it, effects, before)).collect()
}

fn of_rebuild(rebuild: &Rebuild, effects: &Effects, before: &Catalog) -> Vec<Hazard> {
    let Some(old) = table(before, effects.first_name(&rebuild.table)) else { return Vec::new() };
    let columns = before.inside(old).filter(|it| it.id.kind == Kind::Column);
    let stored = columns.filter(|it| it.get("generated").is_none()).map(|it| it.id.name());
    let hazard = |column: &str| {
        let column = effects.last_name(&rebuild.table, column);
        let same = |it: &str| it.eq_ignore_ascii_case(column);
        let source = rebuild.columns.iter().find(|it| same(&it.0)).map(|it| &it.1);
        let is_copied = rebuild.columns.iter().any(|it| it.1.as_deref().is_some_and(same));
        let table = &rebuild.table;
        match source {
            Some(Some(source)) if same(source) => None,
            Some(_) => Some(Hazard::DeletesData(format!("update:{table}"))),
            None if is_copied => None,
            None => Some(Hazard::DeletesData(format!("drop:{table}.{column}"))),
        }
    };
    stored.filter_map(hazard).collect()
}

/// What makes a rebuild wrong, whatever the rows are. `allowed` names what someone consented to lose.
pub(super) fn findings(
    tag: &str,
    effects: &Effects,
    rehearsed: Pair<&Catalog>,
    allowed: &[String],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for rebuild in &effects.rebuilds {
        let Some(old) = table(rehearsed.from, &rebuild.table) else { continue };
        found.extend(unknown_columns(tag, rebuild, effects, (rehearsed.from, old)));
        found.extend(dropped_objects(tag, effects, rehearsed, old, allowed));
    }
    found
}

/// T48: SQLite takes a quoted name that it does not know for a text.
fn unknown_columns(
    tag: &str,
    rebuild: &Rebuild,
    effects: &Effects,
    (before, old): (&Catalog, &ObjectId),
) -> Vec<Finding> {
    let is_known = |name: &str| {
        let mut columns = before.inside(old).filter(|it| it.id.kind == Kind::Column);
        columns.any(|it| it.id.name().eq_ignore_ascii_case(name))
            || effects.added.iter().any(|it| it.eq_ignore_ascii_case(name))
    };
    let sources = rebuild.columns.iter().filter_map(|it| it.1.as_deref());
    let unknown = sources.filter(|it| !is_known(it)).map(|name| {
        let table = &rebuild.table;
        Finding::error(
            "rebuild-copies-unknown",
            tag,
            format!("copies `{name}` out of `{table}`, which has no such column: SQLite would write the text `{name}` into every row; nothing was changed"),
        )
        .next(format!("take `{name}` out of both lists of the `INSERT … SELECT`, or select a value for it"))
    });
    unknown.collect()
}

/// T49: the triggers and indexes of the old table go with it, and the kit does not know of all.
fn dropped_objects(
    tag: &str,
    effects: &Effects,
    rehearsed: Pair<&Catalog>,
    old: &ObjectId,
    allowed: &[String],
) -> Vec<Finding> {
    let objects =
        rehearsed.from.inside(old).filter(|it| matches!(it.id.kind, Kind::Trigger | Kind::Index));
    let is_meant = |name: &str| {
        effects.dropped.iter().any(|it| it.eq_ignore_ascii_case(name))
            || allowed.contains(&format!("drop:{name}"))
    };
    let is_gone =
        |it: &Object| rehearsed.to.get(&it.id).is_none() && !is_constraint_now(it, rehearsed.to);
    let gone = objects.filter(|it| is_gone(it) && !is_meant(it.id.name()));
    gone.map(|it| {
        let (kind, name, table) = (it.id.kind.word(), it.id.name(), old.name());
        Finding::error(
            "rebuild-drops",
            tag,
            format!("builds `{table}` anew and does not make its {kind} `{name}` again; nothing was changed"),
        )
        .next(format!("add the CREATE statement of `{name}` to the end of the migration, after a statement-breakpoint"))
        .next(format!("if it is meant to go: `--allow drop:{name}`"))
    })
    .collect()
}
