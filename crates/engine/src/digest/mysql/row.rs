//! A row as one text: no two rows of a table look alike, whatever collations say.
//!
//! Numbers and times print exactly, `|` never occurs in them. Short texts and bytes follow their length. Long
//! ones are hashed on their own, so that no row outgrows what the server lets pass. NULL is `n`, which no
//! number, length or hash is.

use raingauge_schema::mysql::grammar::quote_ident;

use crate::connect::TextRow;

/// Types that can be longer than a row.
const LONG: [&str; 21] = [
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "json",
    "vector",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
    "xmltype",
    "clob",
];

/// Types that are exact as the numbers behind them: labels may look alike, and bits are no text.
const NUMBERED: [&str; 3] = ["bit", "enum", "set"];

/// Types whose text has no `|` and says all.
const PLAIN: [&str; 13] = [
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "double",
    "date",
    "datetime",
    "timestamp",
    "time",
    "year",
    "boolean",
];

/// A hexadecimal hash as a decimal number: its letters become the digits 0 to 5.
const TO_DECIMAL: [(char, char); 6] =
    [('a', '0'), ('b', '1'), ('c', '2'), ('d', '3'), ('e', '4'), ('f', '5')];

/// How many digits of the hash are summed: the largest number is below 2¹²⁸.
const DIGITS: u8 = 38;

/// A table, as far as its rows are concerned.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) is_sequence: bool,
    /// Whether its engine has transactions, so that it knows snapshots.
    pub(crate) is_transactional: bool,
    /// Of its counter, if it has one.
    pub(crate) next_value: u64,
    pub(crate) bytes: u64,
    pub(crate) is_versioned: bool,
}

/// A column, as far as its values are concerned.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As `data_type` says it: `varchar`.
    pub(crate) kind: String,
    pub(crate) is_generated: bool,
    is_nullable: bool,
    is_counter: bool,
    is_row_start: bool,
}

impl Table {
    pub(crate) fn of(row: TextRow) -> Self {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap_or_default();
        let (name, kind) = (next(), next());
        let (next_value, bytes) = (next(), next());
        let _engine = next();
        Self {
            name,
            columns: Vec::new(),
            is_sequence: kind == "SEQUENCE",
            is_transactional: next() == "YES",
            // A counter that was never used has no value on MySQL.
            next_value: next_value.parse().unwrap_or(1),
            bytes: bytes.parse().unwrap_or(0),
            is_versioned: kind == "SYSTEM VERSIONED",
        }
    }

    pub(crate) fn quoted(&self) -> String {
        quote_ident(&self.name)
    }

    /// Whether one of its columns counts by itself.
    pub(crate) fn counts(&self) -> bool {
        self.columns.iter().any(|it| it.is_counter)
    }

    /// The query that counts the rows and sums their hashes.
    pub(crate) fn sum(&self) -> String {
        let mut number = format!("left({}, {DIGITS})", self.hash());
        for (letter, digit) in TO_DECIMAL {
            number = format!("replace({number}, '{letter}', '{digit}')");
        }
        let sum = format!("coalesce(sum(cast({number} as decimal({DIGITS}))), 0)");
        format!("select count(*), {sum} from {}", self.all_rows())
    }

    /// The query that returns a number of 64 bits for each row.
    pub(crate) fn hashes(&self) -> String {
        let hash = self.hash();
        format!("select cast(conv(left({hash}, 16), 16, 10) as unsigned) from {}", self.all_rows())
    }

    fn hash(&self) -> String {
        let mut parts: Vec<_> = self.columns.iter().map(Column::text).collect();
        parts.extend(self.hidden_period().map(str::to_owned));
        format!("sha2(concat_ws('|', {}), 256)", parts.join(", "))
    }

    /// The columns that say from when to when a row held, where nobody named them.
    pub(crate) fn hidden_period(&self) -> impl Iterator<Item = &'static str> {
        let is_hidden = self.is_versioned && !self.columns.iter().any(|it| it.is_row_start);
        ["row_start", "row_end"].into_iter().filter(move |_| is_hidden)
    }

    /// History is part of what a table holds.
    pub(crate) fn all_rows(&self) -> String {
        let history = if self.is_versioned { " for system_time all" } else { "" };
        format!("{}{history}", self.quoted())
    }
}

impl Column {
    /// The column, and which table it is of.
    pub(crate) fn of(row: TextRow) -> (String, Self) {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap_or_default();
        let table = next();
        let (name, kind, nullable) = (next(), next().to_lowercase(), next());
        let (extra, expression) = (next().to_lowercase(), next());
        let column = Self {
            name,
            kind,
            is_generated: !matches!(expression.as_str(), "" | "ROW START" | "ROW END"),
            is_nullable: nullable != "NO",
            is_counter: extra.contains("auto_increment"),
            is_row_start: expression.eq_ignore_ascii_case("row start"),
        };
        (table, column)
    }

    /// Whether its values are bytes or text, of any length.
    pub(crate) fn is_bytes(&self) -> bool {
        let kind = self.kind.as_str();
        kind != "float" && !PLAIN.contains(&kind) && !NUMBERED.contains(&kind)
    }

    /// Whether its values are exact as numbers only.
    pub(crate) fn is_numbered(&self) -> bool {
        NUMBERED.contains(&self.kind.as_str())
    }

    /// Its value as arguments of `concat_ws`, which leaves out NULL.
    fn text(&self) -> String {
        let name = quote_ident(&self.name);
        let kind = self.kind.as_str();
        let value = match kind {
            _ if LONG.contains(&kind) => format!("sha2({name}, 256)"),
            _ if NUMBERED.contains(&kind) => format!("cast({name} as unsigned)"),
            // As a text it has six digits, of which there are nine.
            "float" => format!("cast({name} as double)"),
            _ if PLAIN.contains(&kind) => name,
            _ => {
                let length = self.or_null(format!("length(cast({name} as binary))"));
                return format!("{length}, cast({name} as binary)");
            }
        };
        self.or_null(value)
    }

    fn or_null(&self, value: String) -> String {
        if self.is_nullable { format!("ifnull({value}, 'n')") } else { value }
    }
}
