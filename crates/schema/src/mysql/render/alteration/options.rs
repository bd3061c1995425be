//! The options of a table, its comment and its partitions.

use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::compare::{Comparison, ObjectDifference};
use crate::mysql::grammar::{quote_ident, quote_literal};
use crate::pair::Pair;

/// Options with the words that say them, and with those that take them back.
const OPTIONS: [(&str, &str, &str); 17] = [
    ("row format", "ROW_FORMAT", "DEFAULT"),
    ("min rows", "MIN_ROWS", "0"),
    ("max rows", "MAX_ROWS", "0"),
    ("avg row length", "AVG_ROW_LENGTH", "0"),
    ("pack keys", "PACK_KEYS", "DEFAULT"),
    ("stats persistent", "STATS_PERSISTENT", "DEFAULT"),
    ("stats auto recalc", "STATS_AUTO_RECALC", "DEFAULT"),
    ("stats sample pages", "STATS_SAMPLE_PAGES", "DEFAULT"),
    ("checksum", "CHECKSUM", "0"),
    ("page checksum", "PAGE_CHECKSUM", "DEFAULT"),
    ("delay key write", "DELAY_KEY_WRITE", "0"),
    ("transactional", "TRANSACTIONAL", "DEFAULT"),
    ("key block size", "KEY_BLOCK_SIZE", "0"),
    ("compression", "COMPRESSION", "''"),
    ("encryption", "ENCRYPTION", "'N'"),
    ("tablespace", "TABLESPACE", "innodb_file_per_table"),
    ("autoextend size", "AUTOEXTEND_SIZE", "0"),
];

/// Engines that keep their rows. A table is given no other one: what it holds would not be there after the next
/// start, or not at all.
const ENGINES: [&str; 5] = ["innodb", "myisam", "aria", "rocksdb", "ndbcluster"];

/// The actions that change options; none for those that no statement changes without more.
pub(super) fn actions(difference: &ObjectDifference, to: &Catalog) -> Vec<String> {
    let Some(table) = to.get(&difference.id) else { return Vec::new() };
    let names: Vec<_> = difference.attributes.iter().map(|it| it.name.as_str()).collect();
    let mut actions: Vec<_> = names.iter().flat_map(|it| option(it, table)).collect();
    if names.contains(&"charset") || names.contains(&"collation") {
        let charset = table.get("charset").map(|it| format!("DEFAULT CHARACTER SET {it}"));
        let collation = table.get("collation").map(|it| format!("COLLATE {it}"));
        let words: Vec<_> = charset.into_iter().chain(collation).collect();
        actions.push(words.join(" "));
    }
    actions
}

fn option(name: &str, table: &Object) -> Vec<String> {
    let value = table.get(name);
    if let Some((_, word, usual)) = OPTIONS.iter().find(|it| it.0 == name) {
        let value = value.unwrap_or(usual);
        let value = if name == "tablespace" { quote_ident(value) } else { value.to_owned() };
        let sign = if name == "tablespace" { " " } else { "=" };
        return vec![format!("{word}{sign}{value}")];
    }
    if let Some(option) = name.strip_prefix("option ") {
        return vec![format!("{}={}", quote_ident(option), value.unwrap_or("DEFAULT"))];
    }
    if let Some(period) = name.strip_prefix("period ") {
        let period =
            if period == "system_time" { "SYSTEM_TIME".to_owned() } else { quote_ident(period) };
        return vec![match value {
            Some(columns) => format!("ADD PERIOD FOR {period} ({columns})"),
            None => format!("DROP PERIOD FOR {period}"),
        }];
    }
    let action = match (name, value) {
        ("engine", Some(it)) if ENGINES.contains(&it.to_lowercase().as_str()) => {
            Some(format!("ENGINE={it}"))
        }
        ("system versioning", Some(_)) => Some("ADD SYSTEM VERSIONING".to_owned()),
        ("system versioning", None) => Some("DROP SYSTEM VERSIONING".to_owned()),
        _ => None,
    };
    action.into_iter().collect()
}

/// The action that says of a table what the second catalog says, if it is something else than the first one does.
pub(super) fn comment(
    table: &ObjectId,
    catalogs: Pair<&Catalog>,
    difference: &Comparison,
) -> Option<String> {
    let id = ObjectId::new(Kind::Comment, [Kind::Table.word(), table.name()]);
    let only = difference.only_from.iter().chain(&difference.only_to).map(|it| &it.id);
    let mut all = only.chain(difference.differs.iter().map(|it| &it.id));
    all.any(|it| *it == id).then(|| {
        let text = catalogs.to.get(&id).and_then(|it| it.get("text")).unwrap_or_default();
        format!("COMMENT={}", quote_literal(text))
    })
}

/// What gives a table other partitions, or none: every row goes to the one that is its own, and one that has
/// none fails the statement.
pub fn partitioning(table: Pair<&Object>) -> Option<String> {
    let partitions = |it: &Object| it.get("partitions").map(str::to_owned);
    match (partitions(table.from), partitions(table.to)) {
        (from, to) if from == to => None,
        (_, Some(to)) => Some(to),
        (_, None) => Some("REMOVE PARTITIONING".to_owned()),
    }
}
