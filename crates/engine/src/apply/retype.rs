//! Whether a change of a column's type only makes room.
//!
//! The statement names the new type alone; the catalogs of the rehearsal know the old one too. MySQL's names
//! all of the column, so that much of what it may do to values is done to none.

use raingauge_schema::plan::Hazard;
use raingauge_schema::{Catalog, Kind, Object, ObjectId, Pair, mysql};

/// Whether the hazard is a new type that holds every value of the old one.
pub(crate) fn only_widens(hazard: &Hazard, rehearsed: Pair<&Catalog>) -> bool {
    let Some(Pair { from, to }) = column(hazard, rehearsed) else { return false };
    if mysql::catalog::flavour(rehearsed.to).is_some() {
        return keeps_values(from, to);
    }
    match (from.get("type"), to.get("type")) {
        (Some(from), Some(to)) => widens(from, to),
        _ => false,
    }
}

/// The column of MySQL that keeps all values but NULL, if the hazard is no more than that.
pub(super) fn only_forbids_null<'a>(
    hazard: &Hazard,
    rehearsed: Pair<&'a Catalog>,
) -> Option<&'a ObjectId> {
    mysql::catalog::flavour(rehearsed.to)?;
    let Pair { from, to } = column(hazard, rehearsed)?;
    let nullable = to.clone().with("not null", "false");
    keeps_values(from, &nullable).then_some(&to.id)
}

/// The column that a hazard is about, on both sides.
fn column<'a>(hazard: &Hazard, rehearsed: Pair<&'a Catalog>) -> Option<Pair<&'a Object>> {
    let Hazard::DeletesData(name) = hazard else { return None };
    let name = name.strip_prefix("retype:")?;
    let find = |catalog: &'a Catalog| {
        catalog.of_kind(Kind::Column).find(|it| {
            let path = it.id.path.join(".");
            path.strip_prefix("public.").unwrap_or(&path) == name
        })
    };
    Some(Pair { from: find(rehearsed.from)?, to: find(rehearsed.to)? })
}

/// Whether every value of a column of MySQL is one of the new column, and stays what it is.
fn keeps_values(from: &Object, to: &Object) -> bool {
    let is_same = |name: &&str| from.get(name) == to.get(name);
    let takes_null = to.get("not null") != Some("true") || from.get("not null") == Some("true");
    let types = (from.get("type"), to.get("type"));
    let (Some(old), Some(new)) = types else { return false };
    takes_null
        && ["charset", "collation", "generated", "srid"].iter().all(is_same)
        && (old == new || widens_in_mysql(old, new))
}

fn widens_in_mysql(from: &str, to: &str) -> bool {
    const WHOLE: [&str; 5] = ["tinyint", "smallint", "mediumint", "int", "bigint"];
    const TEXTS: [&str; 4] = ["tinytext", "text", "mediumtext", "longtext"];
    let rank = |all: &[&str], name: &str| all.iter().position(|it| *it == name);
    let is_higher = |all: &[&str], from: &str, to: &str| {
        rank(all, from).zip(rank(all, to)).is_some_and(|(from, to)| from <= to)
    };
    if let (Some(old), true) = (from.strip_suffix(')'), from.starts_with("enum(")) {
        // Values that come behind leave the others their numbers.
        return to.starts_with(&format!("{old},"));
    }
    let sign = |kind: &str| kind.split_once(' ').map_or("", |it| it.1).to_owned();
    let ((old, of_old), (new, of_new)) = (parts(from), parts(to));
    let (old_word, new_word) = (word(old), word(new));
    if rank(&WHOLE, old_word).is_some() {
        return sign(from) == sign(to) && is_higher(&WHOLE, old_word, new_word);
    }
    match (old_word, new_word) {
        ("varchar", "varchar") => of_old <= of_new,
        ("decimal", "decimal") if sign(from) == sign(to) => match (&of_old[..], &of_new[..]) {
            ([precision, scale], [new_precision, new_scale]) => {
                scale <= new_scale && precision - scale <= new_precision - new_scale
            }
            _ => false,
        },
        (old, new) => is_higher(&TEXTS, old, new),
    }
}

/// `int unsigned` without what stands behind.
fn word(name: &str) -> &str {
    name.split(' ').next().unwrap_or_default()
}

/// Whether a statement says for itself what becomes of the values. `USING "a"::bigint`, as Drizzle 1.0 writes it, is
/// the cast that the server would make anyway.
pub(crate) fn computes_values(sql: &str) -> bool {
    let sql = sql.trim().trim_end_matches(';');
    let lower = sql.to_ascii_lowercase();
    let Some(at) = lower.find(" using ") else { return lower.contains("using") };
    let (head, expression) = sql.split_at(at);
    let change = head.split_once(" ALTER COLUMN ").map_or("", |it| it.1);
    let cast =
        change.split_once(" SET DATA TYPE ").map(|(column, kind)| format!("{column}::{kind}"));
    cast.as_deref() != expression.get(" using ".len()..)
}

/// Whether a type of PostgreSQL holds every value of another one, spelled as the server or as Drizzle spells them.
pub(crate) fn widens(from: &str, to: &str) -> bool {
    let ((from, old), (to, new)) = (parts(from), parts(to));
    let spelled = |it| if it == "varchar" { "character varying" } else { it };
    let (from, to) = (spelled(from), spelled(to));
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
    use super::{computes_values, widens, widens_in_mysql};

    #[test]
    fn of_mysql_too_only_types_that_hold_every_value_are_wider() {
        for (from, to) in [
            ("int", "bigint"),
            ("int(11)", "bigint(20)"),
            ("int unsigned", "bigint unsigned"),
            ("varchar(20)", "varchar(200)"),
            ("decimal(10,2)", "decimal(12,2)"),
            ("text", "longtext"),
            ("enum('a','b')", "enum('a','b','c')"),
        ] {
            assert!(widens_in_mysql(from, to), "{from} {to}");
            assert!(!widens_in_mysql(to, from), "{to} {from}");
        }
        assert!(!widens_in_mysql("int unsigned", "bigint"));
        assert!(!widens_in_mysql("int(10) unsigned", "bigint(20)"));
        assert!(!widens_in_mysql("varchar(20)", "text"));
        assert!(!widens_in_mysql("enum('a','b')", "enum('b','a','c')"));
        assert!(!widens_in_mysql("datetime", "date"));
    }

    #[test]
    fn only_the_cast_to_the_new_type_itself_computes_nothing() {
        let change =
            |rest: &str| format!("ALTER TABLE \"t\" ALTER COLUMN \"a\" SET DATA TYPE {rest};");
        for plain in
            ["bigint", "bigint USING \"a\"::bigint", "numeric(9, 2) USING \"a\"::numeric(9, 2)"]
        {
            assert!(!computes_values(&change(plain)), "{plain}");
        }
        for other in [
            "bigint USING 0",
            "bigint USING \"a\"::int",
            "bigint USING \"b\"::bigint",
            "bigint USING(0)",
        ] {
            assert!(computes_values(&change(other)), "{other}");
        }
    }

    #[test]
    fn only_types_that_hold_every_value_are_wider() {
        for (from, to) in [
            ("integer", "bigint"),
            ("character varying(3)", "character varying(20)"),
            ("character varying(3)", "character varying"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
            ("integer", "numeric"),
            ("varchar(3)", "varchar(20)"),
            ("numeric(10, 2)", "numeric(12, 2)"),
        ] {
            assert!(widens(from, to), "{from} {to}");
            assert!(!widens(to, from), "{to} {from}");
        }
        assert!(!widens("numeric(10,2)", "numeric(11,4)"));
        assert!(!widens("timestamp without time zone", "date"));
        assert!(!widens("bigint", "double precision"));
    }
}
