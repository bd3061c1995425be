//! In which order the seed tables are filled: what is pointed to comes first.

use raingauge_schema::catalog::{Catalog, Kind, Object};

use super::SeedTable;
use super::shape::refers_to;

/// Parents before children; tables in a cycle keep the order of their names.
pub(super) fn parents_first(mut tables: Vec<SeedTable>, catalog: &Catalog) -> Vec<SeedTable> {
    let mut ordered: Vec<SeedTable> = Vec::new();
    while !tables.is_empty() {
        let waits = |it: &SeedTable| {
            let mut keys = foreign_keys(catalog, it);
            keys.any(|key| {
                tables.iter().any(|other| other.id != it.id && refers_to(key, &other.id))
            })
        };
        let at = tables.iter().position(|it| !waits(it)).unwrap_or(0);
        ordered.push(tables.remove(at));
    }
    ordered
}

/// The foreign keys that point to a table which is filled later: cycles have them whatever the order.
pub(super) fn forward_keys<'a>(tables: &[SeedTable], catalog: &'a Catalog) -> Vec<&'a Object> {
    let mut forward = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let later = &tables[at + 1..];
        let points_forward = |key: &&Object| later.iter().any(|it| refers_to(key, &it.id));
        forward.extend(foreign_keys(catalog, table).filter(points_forward));
    }
    forward
}

/// Whether rows of the table point to other rows of it. They go in with one statement, since engines
/// check foreign keys at its end.
pub(super) fn refers_to_itself(table: &SeedTable, catalog: &Catalog) -> bool {
    foreign_keys(catalog, table).any(|it| refers_to(it, &table.id))
}

fn foreign_keys<'a>(
    catalog: &'a Catalog,
    table: &SeedTable,
) -> impl Iterator<Item = &'a Object> + use<'a> {
    let id = table.id.clone();
    catalog.of_kind(Kind::ForeignKey).filter(move |it| it.id.is_inside(&id))
}
