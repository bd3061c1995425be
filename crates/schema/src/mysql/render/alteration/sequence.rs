//! What changes a sequence of MariaDB where it is.

use crate::catalog::Object;
use crate::mysql::grammar::quote_ident;
use crate::pair::Pair;

/// The statement that gives a sequence other bounds or steps and leaves how far it has counted. `None` where something
/// differs that no statement changes: its type, its engine.
pub fn sequence(sequence: Pair<&Object>) -> Option<String> {
    let Pair { from, to } = sequence;
    let names = from.attributes.keys().chain(to.attributes.keys());
    let mut differing: Vec<_> = names.filter(|it| from.get(it) != to.get(it)).collect();
    differing.sort_unstable();
    differing.dedup();
    let clauses: Option<Vec<_>> = differing.iter().map(|it| clause(it, to.get(it)?)).collect();
    let clauses = clauses.filter(|it| !it.is_empty())?.join(" ");
    Some(format!("ALTER SEQUENCE {} {clauses};", quote_ident(to.id.name())))
}

fn clause(attribute: &str, value: &str) -> Option<String> {
    Some(match (attribute, value) {
        ("start", _) => format!("START WITH {value}"),
        ("min", _) => format!("MINVALUE {value}"),
        ("max", _) => format!("MAXVALUE {value}"),
        ("increment", _) => format!("INCREMENT BY {value}"),
        ("cache", "0") => "NOCACHE".to_owned(),
        ("cache", _) => format!("CACHE {value}"),
        ("cycle", "true") => "CYCLE".to_owned(),
        ("cycle", _) => "NOCYCLE".to_owned(),
        _ => return None,
    })
}
