//! What live holds in the objects that go when a migration is taken back.

use std::collections::BTreeSet;

use raingauge_schema::{Comparison, Kind, Object, ObjectId};

use super::reverse::Rehearsal;
use crate::connect::{Session, SqlError};
use crate::digest::TableName;
use crate::findings::folded;
use crate::report::Finding;
use crate::site::Site;

/// What one object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub id: ObjectId,
    /// The name by which someone consents: `drop:books.note`.
    pub allow: String,
    pub n: u64,
    /// The table whose rows these are, as SQL.
    pub(super) table: String,
    /// The query that counts them.
    pub(super) query: String,
}

impl Loss {
    /// The finding that asks for consent, if there is anything to lose.
    pub(super) fn finding(&self, tag: &str) -> Option<Finding> {
        let (n, id) = (self.n, &self.id);
        let what = match id.kind {
            Kind::Table => format!("{n} rows of {id}"),
            _ => format!("{n} values of {id}"),
        };
        (0 < n).then(|| {
            Finding::error(
                "deletion-not-allowed",
                tag,
                format!("to take it back deletes {what}; nothing was changed"),
            )
            .next(format!("if that is meant: `--allow {}`", self.allow))
        })
    }
}

/// The names of what the migration added, as hazards have them.
pub(super) fn names_of_added(change: &Comparison) -> BTreeSet<String> {
    let name = |it: &Object| match it.id.kind {
        Kind::Schema => format!("drop:{}.*", short(&it.id)),
        _ => format!("drop:{}", short(&it.id)),
    };
    change.only_to.iter().map(|it| name(it).to_lowercase()).collect()
}

/// Counts, in live, what the objects hold that a migration added.
pub(super) fn count(site: &mut Site, rehearsal: &Rehearsal) -> Result<Vec<Loss>, SqlError> {
    let change = rehearsal.change();
    let ids = folded(change.only_to.iter().map(|it| &it.id));
    let objects = change.only_to.iter().filter(|it| ids.contains(&&it.id));
    objects
        .filter_map(of_object)
        .map(|it| Ok(Loss { n: number(&mut site.live, &it.query)?, ..it }))
        .collect()
}

/// The first number that a query gives.
pub(super) fn number(session: &mut Session, query: &str) -> Result<u64, SqlError> {
    let value = session.rows(query)?.into_iter().flatten().flatten().next();
    Ok(value.and_then(|it| it.parse().ok()).unwrap_or(0))
}

fn of_object(object: &Object) -> Option<Loss> {
    let id = &object.id;
    let (table, condition) = match id.kind {
        Kind::Table => (id.path.as_slice(), String::new()),
        // What is computed is lost with nobody.
        Kind::Column if object.get("generated").is_none() => {
            (id.path.split_last()?.1, format!(" WHERE {}", holds_something(object)))
        }
        _ => return None,
    };
    let (name, schema) = table.split_last()?;
    let schema = schema.first().map(String::as_str).unwrap_or_default();
    let table = TableName::new(schema, name.as_str()).quoted();
    let query = format!("SELECT count(*) FROM {table}{condition}");
    Some(Loss { id: id.clone(), allow: format!("drop:{}", short(id)), n: 0, table, query })
}

/// Whether a value is none that the column got by itself. What a default computes may differ from row to
/// row, so that only NULL is known for nothing.
fn holds_something(column: &Object) -> String {
    let name = TableName::new("", column.id.name()).quoted();
    let is_there = format!("{name} IS NOT NULL");
    match column.get("default") {
        Some(default) if !default.contains('(') => {
            // As text: not every type can be compared.
            format!("{is_there} AND CAST({name} AS text) <> CAST({default} AS text)")
        }
        Some(_) | None => is_there,
    }
}

/// The name as consent has it: without `public`.
fn short(id: &ObjectId) -> String {
    let name = id.path.join(".");
    name.strip_prefix("public.").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(default: Option<&str>) -> Object {
        Object::new(Kind::Column, ["public", "books", "note"]).with_some("default", default)
    }

    #[test]
    fn values_that_a_column_got_by_itself_are_no_loss() {
        let query = |default| of_object(&column(default)).unwrap().query;
        let all = "SELECT count(*) FROM \"public\".\"books\" WHERE \"note\" IS NOT NULL";
        assert_eq!(query(None), all);
        assert_eq!(query(Some("now()")), all);
        let rest = " AND CAST(\"note\" AS text) <> CAST('x'::text AS text)";
        assert_eq!(query(Some("'x'::text")), format!("{all}{rest}"));
    }

    #[test]
    fn what_is_computed_and_what_holds_no_rows_is_no_loss() {
        assert_eq!(of_object(&column(None).with("generated", "id + 1")), None);
        assert_eq!(of_object(&Object::new(Kind::Index, ["public", "books", "i"])), None);
    }

    #[test]
    fn consent_names_the_object_without_public() {
        let table = Object::new(Kind::Table, ["shop", "notes"]);
        assert_eq!(of_object(&table).unwrap().allow, "drop:shop.notes");
        assert_eq!(of_object(&column(None)).unwrap().allow, "drop:books.note");
    }
}
