//! Types of the engines as drizzle-orm's builders.

use raingauge_schema::Dialect;

/// The builder that makes a type, with its options: `varchar`, `{ length: 20 }`. `None` for a type that has none of
/// its own, as an enum's.
pub(super) fn builder(dialect: Dialect, kind: &str) -> Option<(&'static str, String)> {
    match dialect {
        Dialect::Postgres => postgres(kind),
        Dialect::Sqlite => sqlite(kind),
        // Live is not read there.
        Dialect::MySql => None,
    }
}

fn postgres(kind: &str) -> Option<(&'static str, String)> {
    let (name, numbers, rest) = parts(kind);
    let one = |option: &str| match numbers.as_slice() {
        [] => String::new(),
        [it, ..] => format!("{{ {option}: {it} }}"),
    };
    let plain = |name| Some((name, String::new()));
    let (is_zoned, precision) = (rest == "with time zone", numbers.first());
    let moment = || {
        let precision = precision.map(|it| format!("precision: {it}"));
        let zone = is_zoned.then(|| "withTimezone: true".to_owned());
        let options: Vec<_> = precision.into_iter().chain(zone).collect();
        if options.is_empty() { String::new() } else { format!("{{ {} }}", options.join(", ")) }
    };
    match (name, numbers.as_slice()) {
        ("character varying", _) => Some(("varchar", one("length"))),
        ("character", _) => Some(("char", one("length"))),
        ("numeric", [precision, scale]) => {
            Some(("numeric", format!("{{ precision: {precision}, scale: {scale} }}")))
        }
        ("numeric", _) => Some(("numeric", one("precision"))),
        ("bigint", _) => Some(("bigint", "{ mode: \"number\" }".to_owned())),
        ("timestamp", _) => Some(("timestamp", moment())),
        ("time", _) => Some(("time", moment())),
        ("smallint", _) => plain("smallint"),
        ("integer", _) => plain("integer"),
        ("text", _) => plain("text"),
        ("boolean", _) => plain("boolean"),
        ("real", _) => plain("real"),
        ("double precision", _) => plain("doublePrecision"),
        ("date", _) => plain("date"),
        ("json", _) => plain("json"),
        ("jsonb", _) => plain("jsonb"),
        ("uuid", _) => plain("uuid"),
        ("inet", _) => plain("inet"),
        ("cidr", _) => plain("cidr"),
        ("macaddr", _) => plain("macaddr"),
        _ => None,
    }
}

fn sqlite(kind: &str) -> Option<(&'static str, String)> {
    let kind = kind.to_ascii_lowercase();
    let (name, numbers, _) = parts(&kind);
    let length = numbers.first().map(|it| format!("{{ length: {it} }}")).unwrap_or_default();
    match name {
        "integer" => Some(("integer", String::new())),
        "text" => Some(("text", length)),
        "real" => Some(("real", String::new())),
        "blob" => Some(("blob", String::new())),
        "numeric" => Some(("numeric", String::new())),
        _ => None,
    }
}

/// `timestamp(3) with time zone` as its name, its numbers and what follows. An array is none of these.
fn parts(kind: &str) -> (&str, Vec<u32>, &str) {
    if let Some((name, rest)) = kind.split_once('(') {
        let (numbers, rest) = rest.split_once(')').unwrap_or((rest, ""));
        let numbers = numbers.split(',').filter_map(|it| it.trim().parse().ok()).collect();
        return (name.trim(), numbers, rest.trim());
    }
    match kind.split_once(" with") {
        Some((name, _)) if name == "timestamp" || name == "time" => {
            (name, Vec::new(), kind.get(name.len()..).unwrap_or_default().trim())
        }
        _ => (kind.trim(), Vec::new(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_become_the_builders_that_make_them() {
        for (kind, name, options) in [
            ("character varying(20)", "varchar", "{ length: 20 }"),
            ("character varying", "varchar", ""),
            ("numeric(10,2)", "numeric", "{ precision: 10, scale: 2 }"),
            ("timestamp(3) with time zone", "timestamp", "{ precision: 3, withTimezone: true }"),
            ("timestamp without time zone", "timestamp", ""),
            ("bigint", "bigint", "{ mode: \"number\" }"),
        ] {
            let found = builder(Dialect::Postgres, kind);
            assert_eq!(found, Some((name, options.to_owned())), "{kind}");
        }
        assert_eq!(builder(Dialect::Postgres, "public.mood"), None);
        assert_eq!(builder(Dialect::Postgres, "integer[]"), None);
        assert_eq!(
            builder(Dialect::Sqlite, "TEXT(20)"),
            Some(("text", "{ length: 20 }".to_owned()))
        );
    }
}
