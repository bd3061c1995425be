//! What live holds in the objects that go when a migration is taken back.

use std::collections::BTreeSet;

use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Comparison, Dialect, Kind, Object, ObjectId};

use super::reverse::Rehearsal;
use crate::apply::retype::only_forbids_null;
use crate::connect::{Session, SqlError};
use crate::findings::folded;
use crate::report::Finding;
use crate::site::Site;

/// How the hazard of a statement begins that changes a column; NULLs need no name by which they may go, since
/// none does.
const NULLS: &str = "retype:";

/// What one object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub id: ObjectId,
    /// The name by which someone consents: `drop:books.note`.
    pub allow: String,
    pub n: u64,
    /// The table whose rows these are, as SQL.
    pub(in crate::apply) table: String,
    /// The query that counts them.
    query: String,
}

impl Loss {
    /// Whether the object holds what someone agreed to lose, and no more.
    pub(in crate::apply) fn is_as_counted(&self, session: &mut Session) -> Result<bool, SqlError> {
        Ok(number(session, &self.query)? == self.n)
    }

    /// The finding that asks for consent, if there is anything to lose.
    pub(super) fn finding(&self, tag: &str) -> Option<Finding> {
        let (n, id) = (self.n, &self.id);
        if self.allow.starts_with(NULLS) {
            let message =
                format!("{n} rows have NULL in {id}, which did not take it; nothing was changed");
            let finding = Finding::error("rows-refuse", tag, message);
            let next = "give these rows a value, then raingauge migrate --undo";
            return (0 < n).then(|| finding.next(next));
        }
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

/// Counts, in live, what the objects hold that a migration added, those left out that are gone already; and the
/// NULLs for which there was no place before it.
pub(super) fn count(
    site: &mut Site,
    live: &Catalog,
    (rehearsal, hazards): (&Rehearsal, &[Hazard]),
) -> Result<Vec<Loss>, SqlError> {
    let (dialect, change) = (site.dialect(), rehearsal.change());
    let ids = folded(change.only_to.iter().map(|it| &it.id));
    let objects = change.only_to.iter().filter(|it| ids.contains(&&it.id));
    let added = objects.filter_map(|it| of_object(dialect, it));
    let columns = hazards.iter().filter_map(|it| only_forbids_null(it, rehearsal.turned()));
    added
        .chain(columns.filter_map(|it| nulls(dialect, it)))
        .filter(|it| live.get(&it.id).is_some())
        .map(|it| Ok(Loss { n: number(&mut site.live, &it.query)?, ..it }))
        .collect()
}

/// The rows that a column which takes no NULL any more has none for.
fn nulls(dialect: Dialect, id: &ObjectId) -> Option<Loss> {
    let (name, path) = id.path.split_last()?;
    let names: Vec<_> = path.iter().map(|it| dialect.quote_ident(it)).collect();
    let (name, table) = (dialect.quote_ident(name), names.join("."));
    let query = format!("SELECT count(*) FROM {table} WHERE {name} IS NULL");
    Some(Loss { id: id.clone(), allow: format!("{NULLS}{}", short(id)), n: 0, table, query })
}

/// The first number that a query gives.
fn number(session: &mut Session, query: &str) -> Result<u64, SqlError> {
    let value = session.rows(query)?.into_iter().flatten().flatten().next();
    Ok(value.and_then(|it| it.parse().ok()).unwrap_or(0))
}

fn of_object(dialect: Dialect, object: &Object) -> Option<Loss> {
    let id = &object.id;
    let is_computed = ["generated", "generated kind"].iter().any(|it| object.get(it).is_some());
    let (path, condition) = match id.kind {
        Kind::Table => (id.path.as_slice(), String::new()),
        // What is computed is lost with nobody.
        Kind::Column if !is_computed => {
            (id.path.split_last()?.1, format!(" WHERE {}", holds_something(dialect, object)))
        }
        _ => return None,
    };
    let names: Vec<_> = path.iter().map(|it| dialect.quote_ident(it)).collect();
    let table = names.join(".");
    // What rows were before is lost with them.
    let history = match (id.kind, object.get("system versioning")) {
        (Kind::Table, Some(_)) => " FOR SYSTEM_TIME ALL",
        _ => "",
    };
    let query = format!("SELECT count(*) FROM {table}{history}{condition}");
    Some(Loss { id: id.clone(), allow: format!("drop:{}", short(id)), n: 0, table, query })
}

/// Whether a value is none that the column got by itself. What a default computes may differ from row to
/// row, so that only NULL is known for nothing.
fn holds_something(dialect: Dialect, column: &Object) -> String {
    let name = dialect.quote_ident(column.id.name());
    let is_there = format!("{name} IS NOT NULL");
    let Some(default) = column.get("default").filter(|it| !it.contains('(')) else {
        return is_there;
    };
    // Not every type can be compared, texts and bytes can; and a default may be a spelled NULL.
    let differs = match dialect {
        Dialect::Postgres | Dialect::Sqlite => {
            format!("CAST({name} AS text) IS DISTINCT FROM CAST({default} AS text)")
        }
        // A text's collation may take two values for one.
        Dialect::MySql => format!("NOT (CAST({name} AS binary) <=> CAST({default} AS binary))"),
    };
    format!("{is_there} AND {differs}")
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
        let query = |default| of_object(Dialect::Postgres, &column(default)).unwrap().query;
        let all = "SELECT count(*) FROM \"public\".\"books\" WHERE \"note\" IS NOT NULL";
        assert_eq!(query(None), all);
        assert_eq!(query(Some("now()")), all);
        let rest = " AND CAST(\"note\" AS text) IS DISTINCT FROM CAST('x'::text AS text)";
        assert_eq!(query(Some("'x'::text")), format!("{all}{rest}"));
    }

    #[test]
    fn in_mysql_no_collation_takes_a_value_for_the_default() {
        let column = Object::new(Kind::Column, ["bo`oks", "note"]).with("default", "'a'");
        let expected = "SELECT count(*) FROM `bo``oks` WHERE `note` IS NOT NULL \
                        AND NOT (CAST(`note` AS binary) <=> CAST('a' AS binary))";
        assert_eq!(of_object(Dialect::MySql, &column).unwrap().query, expected);
    }

    #[test]
    fn what_is_computed_and_what_holds_no_rows_is_no_loss() {
        let of_object = |it: &Object| of_object(Dialect::Postgres, it);
        assert_eq!(of_object(&column(None).with("generated", "id + 1")), None);
        assert_eq!(of_object(&Object::new(Kind::Index, ["public", "books", "i"])), None);
    }

    #[test]
    fn consent_names_the_object_without_public() {
        let table = Object::new(Kind::Table, ["shop", "notes"]);
        let of_object = |it: &Object| of_object(Dialect::Postgres, it);
        assert_eq!(of_object(&table).unwrap().allow, "drop:shop.notes");
        assert_eq!(of_object(&column(None)).unwrap().allow, "drop:books.note");
    }
}
