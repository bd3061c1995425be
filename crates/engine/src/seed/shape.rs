//! Catalog → the tables that may hold seed rows: their columns, their keys, and what points to them.

use raingauge_schema::catalog::{Catalog, Kind, Object, ObjectId};
use raingauge_schema::mysql::grammar::quote_ident as in_backticks;
use raingauge_schema::mysql::token::tokens as mysql_tokens;
use raingauge_schema::sqlite::grammar::spell_identifier;

use super::{SeedColumn, SeedTable, order};

/// All tables of a catalog that have rows of their own, without their rows.
pub(super) fn of_all(catalog: &Catalog) -> Vec<SeedTable> {
    // A partitioned table shows its partitions' rows; the partitions themselves would repeat them.
    let holds_rows = |it: &&Object| it.get("virtual").is_none() && it.get("partition of").is_none();
    let tables = catalog.of_kind(Kind::Table).filter(holds_rows);
    tables.map(|it| of(catalog, it)).filter(|it| !it.columns.is_empty()).collect()
}

/// The seeds as live can take them: the tables and columns that live has, with live's key, types and
/// defaults, parents before children. Rows go into a database that is built like live.
pub fn fit(seeds: Vec<SeedTable>, live: &Catalog) -> Vec<SeedTable> {
    let fitted = seeds.into_iter().filter_map(|it| fit_one(it, live)).collect();
    order::parents_first(fitted, live)
}

fn fit_one(seed: SeedTable, live: &Catalog) -> Option<SeedTable> {
    let table = live.get(&seed.id).filter(|it| it.id.kind == Kind::Table)?;
    let mut fitted = of(live, table);
    let twin = |name: &str| seed.columns.iter().position(|it| same_name(&seed.id, &it.name, name));
    let twins: Vec<Option<usize>> = fitted.columns.iter().map(|it| twin(&it.name)).collect();
    let kept: Vec<(usize, usize)> =
        twins.iter().enumerate().filter_map(|(at, twin)| Some((at, (*twin)?))).collect();
    let columns = kept.iter().map(|(at, twin)| {
        let (mine, theirs) = (&fitted.columns[*at], &seed.columns[*twin]);
        let linked = mine.linked || theirs.linked;
        SeedColumn { linked, volatile: theirs.volatile, ..mine.clone() }
    });
    let columns: Vec<_> = columns.collect();
    let position = |at: &usize| kept.iter().position(|it| it.0 == *at);
    let key: Option<Vec<_>> = fitted.key.iter().map(position).collect();
    let is_stable = |it: &Vec<usize>| it.iter().all(|at| !columns[*at].volatile);
    fitted.key = key.filter(is_stable).unwrap_or_default();
    fitted.retyped =
        kept.iter().any(|it| fitted.columns[it.0].sql_type != seed.columns[it.1].sql_type);
    let row = |row: &Vec<String>| kept.iter().map(|it| row[it.1].clone()).collect();
    fitted.rows = seed.rows.iter().map(row).collect();
    fitted.columns = columns;
    (!fitted.columns.is_empty()).then_some(fitted)
}

fn of(catalog: &Catalog, table: &Object) -> SeedTable {
    let inside = || catalog.inside(&table.id);
    let mut columns: Vec<&Object> =
        inside().filter(|it| it.id.kind == Kind::Column && !is_generated(it)).collect();
    columns.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
    let names: Vec<&str> = columns.iter().map(|it| it.id.name()).collect();
    let named = |it: &Object, list| positions(&table.id, it.get(list).unwrap_or_default(), &names);
    let key = inside().find(|it| it.id.kind == Kind::PrimaryKey);
    let key = key.and_then(|it| named(it, "columns")).unwrap_or_default();
    let own = inside().filter(|it| it.id.kind == Kind::ForeignKey);
    let own = own.filter_map(|it| named(it, "columns"));
    let to_here = catalog.of_kind(Kind::ForeignKey).filter(|it| refers_to(it, &table.id));
    let to_here = to_here.filter_map(|it| named(it, "references columns"));
    let linked: Vec<usize> = own.chain(to_here).flatten().chain(key.iter().copied()).collect();
    let column = |(at, it): (usize, &&Object)| SeedColumn {
        name: it.id.name().to_owned(),
        sql_type: it.get("type").unwrap_or_default().to_owned(),
        has_default: ["default", "identity", "rowid", "auto increment"]
            .iter()
            .any(|name| it.get(name).is_some()),
        volatile: false,
        linked: linked.contains(&at),
    };
    SeedTable {
        id: table.id.clone(),
        columns: columns.iter().enumerate().map(column).collect(),
        key,
        rows: Vec::new(),
        has_heirs: has_heirs(catalog, &table.id),
        retyped: false,
    }
}

/// Nobody gives it a value: the row's other columns do, or MariaDB, which keeps when a row counted.
fn is_generated(column: &Object) -> bool {
    column.get("generated").or_else(|| column.get("generated kind")).is_some()
}

fn has_heirs(catalog: &Catalog, table: &ObjectId) -> bool {
    let name = table.dotted();
    let inherits = |it: &Object| {
        it.get("inherits").is_some_and(|it| it.split(", ").any(|parent| parent == name))
    };
    catalog.of_kind(Kind::Table).any(inherits)
}

/// Whether a foreign key points to this table.
pub(super) fn refers_to(key: &Object, table: &ObjectId) -> bool {
    let target = key.get("references").unwrap_or_default();
    target == table.dotted()
        || (is_flat(table)
            && (same_name(table, target, table.name()) || target == in_backticks(table.name())))
}

/// The table that something lies inside.
pub(super) fn table_of(inner: &ObjectId) -> ObjectId {
    let path = inner.path.split_last().map(|it| it.1).unwrap_or_default();
    ObjectId::new(Kind::Table, path.iter().cloned())
}

/// PostgreSQL's tables lie in a schema.
fn is_flat(table: &ObjectId) -> bool {
    table.path.len() == 1
}

/// SQLite's names compare without case, and so do those of columns in MySQL.
fn same_name(table: &ObjectId, one: &str, other: &str) -> bool {
    one == other || (is_flat(table) && one.to_lowercase() == other.to_lowercase())
}

/// Which columns a list of names in a catalog means; `None` if one is none of these.
fn positions(table: &ObjectId, list: &str, names: &[&str]) -> Option<Vec<usize>> {
    if list.starts_with('`') && is_flat(table) {
        return mysql_positions(list, names);
    }
    let spelled: Vec<Vec<String>> = names.iter().map(|it| spellings(table, it)).collect();
    let list = if is_flat(table) { list.to_lowercase() } else { list.to_owned() };
    walk(&list, &spelled)
}

/// Names in backticks, behind which the length of a prefix and an order may stand.
fn mysql_positions(list: &str, names: &[&str]) -> Option<Vec<usize>> {
    let tokens = mysql_tokens(list).ok()?;
    let quoted = tokens.iter().filter(|it| it.text.starts_with('`'));
    let position = |name: String| names.iter().position(|it| it.eq_ignore_ascii_case(&name));
    quoted.filter_map(|it| it.identifier()).map(position).collect()
}

/// Names may hold commas themselves, so the list is not cut but walked along.
fn walk(list: &str, spelled: &[Vec<String>]) -> Option<Vec<usize>> {
    let candidates =
        spelled.iter().enumerate().flat_map(|(at, it)| it.iter().map(move |name| (at, name)));
    candidates.into_iter().find_map(|(at, name)| {
        let rest = list.strip_prefix(name.as_str())?;
        if rest.is_empty() {
            return Some(vec![at]);
        }
        // SQLite says ` desc` and ` collate nocase` behind a name.
        let rest = match rest.strip_prefix(' ') {
            Some(suffix) => match suffix.split_once(", ") {
                Some((_, rest)) => rest,
                None => return Some(vec![at]),
            },
            None => rest.strip_prefix(", ")?,
        };
        let mut found = vec![at];
        found.extend(walk(rest, spelled)?);
        Some(found)
    })
}

/// How the catalogs may spell a column's name in a list.
fn spellings(table: &ObjectId, name: &str) -> Vec<String> {
    if is_flat(table) {
        vec![spell_identifier(name), name.to_lowercase()]
    } else {
        vec![ObjectId::new(Kind::Other, [name]).dotted(), name.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_odd_names_is_walked_along() {
        let postgres = ObjectId::new(Kind::Table, ["public", "t"]);
        let names = ["a", "a, b", "Group", "select", "my-col", "a.b"];
        let list = "Group, select, \"my-col\", \"a.b\", a, b";
        assert_eq!(positions(&postgres, list, &names), Some(vec![2, 3, 4, 5, 1]));
        assert_eq!(positions(&postgres, "ab", &names), None);
        let sqlite = ObjectId::new(Kind::Table, ["t"]);
        let mysql = "`group`,`my-col`(10),`a, b` DESC";
        assert_eq!(positions(&sqlite, mysql, &names), Some(vec![2, 4, 1]));
        let list = "group, \"my-col\" desc, a collate nocase, select";
        assert_eq!(positions(&sqlite, list, &names), Some(vec![2, 4, 0, 3]));
    }
}
