//! What the actions of `ALTER TABLE` do to rows.

use super::{deletes, object};
use crate::plan::Hazard;
use crate::token::{Cursor, Token};

/// What of a table has no rows, so that dropping or renaming it keeps them all.
const HOLDS_NONE: [&str; 6] = ["index", "key", "primary key", "foreign key", "constraint", "check"];

/// The hazards of one action, which stands between two commas.
pub(super) fn action(table: &str, tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut it = Cursor::new(tokens);
    let Some(first) = it.bump() else { return vec![Hazard::NotUnderstood] };
    match first.text.to_ascii_lowercase().as_str() {
        // A comma in the list of an action's own parentheses does not end it.
        "add" if it.eat("partition") => vec![Hazard::NotUnderstood],
        "add" | "rename" => Vec::new(),
        "drop" => of_drop(table, it),
        // The type, and with it the values, may be another one; the text does not say what it was.
        "modify" | "change" => {
            it.eat("column");
            it.eat("if exists");
            let column = object(&mut it);
            deletes("retype", &format!("{table}.{column}"))
        }
        "alter" => Vec::new(),
        "convert" => {
            let mut found = deletes("retype", table);
            found.push(Hazard::RewritesTable(table.to_owned()));
            found
        }
        "truncate" => deletes("delete", table),
        "engine" | "row_format" | "key_block_size" | "force" | "order" | "compression"
        | "encryption" | "tablespace" => vec![Hazard::RewritesTable(table.to_owned())],
        // Every row goes to its partition; one that has none fails the statement.
        "partition" if it.eat("by") => vec![Hazard::RewritesTable(table.to_owned())],
        "remove" if it.eat("partitioning") => vec![Hazard::RewritesTable(table.to_owned())],
        "comment" | "auto_increment" | "default" | "character" | "charset" | "collate"
        | "algorithm" | "lock" | "enable" | "disable" | "min_rows" | "max_rows"
        | "avg_row_length" | "pack_keys" | "stats_persistent" | "stats_auto_recalc"
        | "stats_sample_pages" | "checksum" | "page_checksum" | "delay_key_write"
        | "transactional" => Vec::new(),
        _ => vec![Hazard::NotUnderstood],
    }
}

fn of_drop(table: &str, mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    if it.eat_any(&HOLDS_NONE).is_some() {
        return Vec::new();
    }
    if it.eat("period for") {
        return Vec::new();
    }
    // With the versions the rows go that are in the past.
    if it.eat_any(&["partition", "system versioning"]).is_some() {
        return deletes("delete", table);
    }
    it.eat("column");
    it.eat("if exists");
    deletes("drop", &format!("{table}.{}", object(&mut it)))
}
