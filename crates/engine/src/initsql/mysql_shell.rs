//! The `mysql` client: includes, `DELIMITER`, and the few other commands that change what a script does.
//!
//! `USE` goes to the server like any statement, so it is not here.

use raingauge_schema::script::{Piece, PieceKind};

use super::expand::{Expander, Item, Place};
use crate::Result;

/// Runs one file.
pub(super) fn run(expander: &mut Expander<'_>, place: Place) -> Result<()> {
    run_file(expander, &place)
}

fn run_file(expander: &mut Expander<'_>, place: &Place) -> Result<()> {
    for piece in expander.open(place)? {
        match piece.kind {
            PieceKind::Command => command(expander, place, piece)?,
            PieceKind::Statement | PieceKind::Fragment => {
                let statement = expander.sourced(place, piece);
                expander.emit(Item::Statement(statement));
            }
        }
    }
    expander.close();
    Ok(())
}

fn command(expander: &mut Expander<'_>, place: &Place, piece: Piece) -> Result<()> {
    let at = expander.sourced(place, piece);
    let text = at.piece.sql.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim().trim_end_matches(';').trim();
    match name.to_ascii_lowercase().as_str() {
        // The splitter has heard it.
        "delimiter" | "\\d" => {}
        "source" | "\\." => {
            if let Some(included) = expander.included(rest, place, false, &at) {
                run_file(expander, &included)?;
            }
        }
        "\\u" => {
            let database = rest.trim_matches(['`', '"', '\'']).to_owned();
            expander.emit(Item::Connect { database: Some(database), server: None, at });
        }
        "\\!" => expander.not_done(&at, "it runs a program"),
        "\\r" => expander.not_done(&at, "it connects to another server"),
        _ => expander.not_done(&at, "it is not known here"),
    }
    Ok(())
}
