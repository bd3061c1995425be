//! The `sqlite3` shell: includes and the few other commands that change what a script does.

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
            PieceKind::Command if ends(&piece.sql) => break,
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

fn ends(command: &str) -> bool {
    let name = command.split_whitespace().next().unwrap_or_default();
    matches!(name, ".quit" | ".exit" | ".q")
}

fn command(expander: &mut Expander<'_>, place: &Place, piece: Piece) -> Result<()> {
    let at = expander.sourced(place, piece);
    let (name, rest) = at.piece.sql.split_once(char::is_whitespace).unwrap_or((&at.piece.sql, ""));
    let rest = rest.trim();
    match name {
        ".read" if rest.trim_matches(['"', '\'']).starts_with('|') => {
            expander.not_done(&at, "it runs a program");
        }
        ".read" => {
            if let Some(included) =
                expander.included(rest.trim_matches(['"', '\'']), place, false, &at)
            {
                run_file(expander, &included)?;
            }
        }
        ".shell" | ".system" => expander.not_done(&at, "it runs a program"),
        ".open" | ".restore" | ".clone" | ".save" | ".backup" => {
            expander.not_done(&at, "it leaves this database");
        }
        it if only_shows(it) => {}
        _ => expander.not_done(&at, "it is not known here"),
    }
    Ok(())
}

/// Commands that show something or change how it is shown.
fn only_shows(name: &str) -> bool {
    let known = [
        ".bail",
        ".binary",
        ".changes",
        ".databases",
        ".echo",
        ".eqp",
        ".explain",
        ".fullschema",
        ".header",
        ".headers",
        ".help",
        ".indexes",
        ".indices",
        ".mode",
        ".nullvalue",
        ".print",
        ".progress",
        ".prompt",
        ".schema",
        ".separator",
        ".show",
        ".stats",
        ".tables",
        ".timeout",
        ".timer",
        ".trace",
        ".version",
        ".width",
    ];
    known.contains(&name)
}
