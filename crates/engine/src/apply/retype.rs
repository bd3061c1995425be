//! Whether PostgreSQL's change of a column's type only makes room.
//!
//! The statement names the new type alone; the catalogs of the rehearsal know the old one too.

use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Kind, Pair};

/// Whether the hazard is a new type that holds every value of the old one.
pub(crate) fn only_widens(hazard: &Hazard, rehearsed: Pair<&Catalog>) -> bool {
    let Hazard::DeletesData(name) = hazard else { return false };
    let Some(name) = name.strip_prefix("retype:") else { return false };
    let kind = |catalog: &Catalog| {
        let mut columns = catalog.of_kind(Kind::Column);
        let column = columns.find(|it| {
            let path = it.id.path.join(".");
            path.strip_prefix("public.").unwrap_or(&path) == name
        });
        column.and_then(|it| it.get("type")).map(str::to_owned)
    };
    match (kind(rehearsed.from), kind(rehearsed.to)) {
        (Some(from), Some(to)) => widens(&from, &to),
        _ => false,
    }
}

fn widens(from: &str, to: &str) -> bool {
    let ((from, old), (to, new)) = (parts(from), parts(to));
    let is_longer = match (old.as_slice(), new.as_slice()) {
        (_, []) => true,
        ([], _) => false,
        ([old], [new]) => old <= new,
        ([precision, scale], [new_precision, new_scale]) => {
            scale <= new_scale && precision - scale <= new_precision - new_scale
        }
        _ => false,
    };
    match (from, to) {
        ("character varying", "character varying") | ("numeric", "numeric") => is_longer,
        ("smallint", "integer" | "bigint" | "double precision")
        | ("integer", "bigint" | "double precision")
        | ("real", "double precision") => true,
        ("smallint" | "integer" | "bigint", "numeric") => new.is_empty(),
        _ => false,
    }
}

/// `numeric(10,2)` as its name and its numbers.
fn parts(kind: &str) -> (&str, Vec<i64>) {
    let (name, rest) = kind.split_once('(').unwrap_or((kind, ""));
    let numbers = rest.trim_end_matches(')').split(',');
    (name.trim(), numbers.filter_map(|it| it.trim().parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::widens;

    #[test]
    fn only_types_that_hold_every_value_are_wider() {
        for (from, to) in [
            ("integer", "bigint"),
            ("character varying(3)", "character varying(20)"),
            ("character varying(3)", "character varying"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
            ("integer", "numeric"),
        ] {
            assert!(widens(from, to), "{from} {to}");
            assert!(!widens(to, from), "{to} {from}");
        }
        assert!(!widens("numeric(10,2)", "numeric(11,4)"));
        assert!(!widens("timestamp without time zone", "date"));
        assert!(!widens("bigint", "double precision"));
    }
}
