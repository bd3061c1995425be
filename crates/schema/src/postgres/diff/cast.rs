//! Which types PostgreSQL turns into which others by itself when a column changes its type; for all
//! others `ALTER COLUMN … SET DATA TYPE` needs a `USING`, which drizzle-kit 0.31 never writes.

/// Types that are numbers: each is assigned to each other.
const NUMBERS: [&str; 7] =
    ["smallint", "integer", "bigint", "numeric", "decimal", "real", "double precision"];

/// Texts: everything is assigned to them.
const TEXTS: [&str; 4] = ["text", "varchar", "char", "citext"];

const OTHERS: [(&str, &str); 19] = [
    ("bit", "varbit"),
    ("varbit", "bit"),
    ("cidr", "inet"),
    ("inet", "cidr"),
    ("date", "timestamp"),
    ("date", "timestamp with time zone"),
    ("interval", "time"),
    ("json", "jsonb"),
    ("jsonb", "json"),
    ("macaddr", "macaddr8"),
    ("macaddr8", "macaddr"),
    ("time", "interval"),
    ("time", "time with time zone"),
    ("time with time zone", "time"),
    ("timestamp", "date"),
    ("timestamp", "time"),
    ("timestamp", "timestamp with time zone"),
    ("timestamp with time zone", "timestamp"),
    ("timestamp with time zone", "date"),
];

/// Whether a column of one type becomes one of the other without being told how.
pub(in crate::postgres) fn is_automatic(from: &str, to: &str) -> bool {
    let is_array = |it: &str| it.contains('[');
    let (old, new) = (base(from), base(to));
    if !is_array(to) && TEXTS.contains(&new.as_str()) {
        return true;
    }
    let is_number = |it: &str| NUMBERS.contains(&it);
    is_array(from) == is_array(to)
        && (old == new
            || (is_number(&old) && is_number(&new))
            || OTHERS.contains(&(old.as_str(), new.as_str()))
            || TEXTS.contains(&new.as_str()))
}

/// A type without length, precision and dimensions: `timestamp (3) with time zone[]` is
/// `timestamp with time zone`.
fn base(sql_type: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for letter in sql_type.split('[').next().unwrap_or_default().chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_postgres_assigns_by_itself_needs_no_words() {
        for (from, to, expected) in [
            ("integer", "bigint", true),
            ("numeric(10, 2)", "integer", true),
            ("uuid", "varchar(36)", true),
            ("text[]", "text", true),
            ("varchar(5)[]", "text[]", true),
            ("timestamp (3)", "timestamp (6) with time zone", true),
            ("text", "integer", false),
            ("text", "text[]", false),
            ("integer", "boolean", false),
            ("text", "jsonb", false),
            ("bigint", "timestamp", false),
        ] {
            assert_eq!(is_automatic(from, to), expected, "{from} to {to}");
        }
    }
}
