//! Objects of a catalog → the statements that make them: views, sequences, routines, triggers, events.
//!
//! Tables are in `statement`, as the server prints them. Of the rest the server prints what was said when
//! it was made, and whose it is; a rebuilt database's programs belong to whoever rebuilds it.

use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::mysql::grammar::{quote_ident, quote_literal};

/// The statement that makes an object which is no table and in none, in the name of whoever runs it, or of its
/// owner. Nothing for what has none of its own.
pub fn create(catalog: &Catalog, object: &Object, with_owner: bool) -> Option<String> {
    let definer = definer(object).filter(|_| with_owner).unwrap_or_default();
    let kind = object.id.kind;
    if matches!(kind, Kind::Function | Kind::Procedure | Kind::Other) {
        return routine(object, &definer);
    }
    match () {
        () if kind == Kind::View => Some(view(object, &definer)),
        () if kind == Kind::Sequence => Some(sequence(object)),
        () if kind == Kind::Trigger => trigger(object, &definer),
        () if kind == Kind::Event => event(catalog, object, &definer),
        () => None,
    }
}

/// ``DEFINER=`app`@`%` ``, with a blank behind it.
fn definer(object: &Object) -> Option<String> {
    let (user, host) = object.owner.as_deref()?.rsplit_once('@')?;
    Some(format!("DEFINER={}@{} ", quote_ident(user), quote_ident(host)))
}

fn view(view: &Object, definer: &str) -> String {
    let definition = view.get("definition").unwrap_or_default();
    let Some((algorithm, security)) = view.get("algorithm").zip(view.get("security")) else {
        return definition.to_owned();
    };
    let columns = view.get("columns").map(|it| format!(" ({it})")).unwrap_or_default();
    let check =
        view.get("check option").map(|it| format!(" WITH {} CHECK OPTION", it.to_uppercase()));
    format!(
        "CREATE ALGORITHM={} {definer}SQL SECURITY {} VIEW {}{columns} AS {definition}{}",
        algorithm.to_uppercase(),
        security.to_uppercase(),
        quote_ident(view.id.name()),
        check.unwrap_or_default()
    )
}

fn sequence(sequence: &Object) -> String {
    if let Some(definition) = sequence.get("definition") {
        return definition.to_owned();
    }
    let said = |word: &str, name: &str| sequence.get(name).map(|it| format!(" {word}{it}"));
    let cache = match sequence.get("cache") {
        Some("0") => Some(" NOCACHE".to_owned()),
        _ => said("CACHE ", "cache"),
    };
    let cycle = sequence.get("cycle").map(|it| if it == "true" { " CYCLE" } else { " NOCYCLE" });
    let clauses = [
        said("AS ", "type"),
        said("START WITH ", "start"),
        said("MINVALUE ", "min"),
        said("MAXVALUE ", "max"),
        said("INCREMENT BY ", "increment"),
        cache,
        cycle.map(str::to_owned),
        said("ENGINE=", "engine"),
    ];
    let clauses: String = clauses.into_iter().flatten().collect();
    format!("CREATE SEQUENCE {}{clauses}", quote_ident(sequence.id.name()))
}

fn routine(routine: &Object, definer: &str) -> Option<String> {
    let definition = routine.get("definition")?;
    // Without an owner the text is whole.
    let is_whole = routine.owner.is_none();
    Some(if is_whole { definition.to_owned() } else { format!("CREATE {definer}{definition}") })
}

/// Made in their order, each follows the one before.
fn trigger(trigger: &Object, definer: &str) -> Option<String> {
    let table = trigger.id.path.first()?;
    Some(format!(
        "CREATE {definer}TRIGGER {} {} {} ON {} FOR EACH ROW {}",
        quote_ident(trigger.id.name()),
        trigger.get("timing")?.to_uppercase(),
        trigger.get("event")?.to_uppercase(),
        quote_ident(table),
        trigger.get("definition")?
    ))
}

fn event(catalog: &Catalog, event: &Object, definer: &str) -> Option<String> {
    let time = |word: &str, name: &str| {
        event.get(name).map(|it| format!(" {word} {}", quote_literal(it))).unwrap_or_default()
    };
    let schedule = match event.get("every") {
        Some(every) => {
            let (number, unit) = every.rsplit_once(' ')?;
            let is_bare = number.chars().all(|it| it.is_ascii_digit()) || number.starts_with('\'');
            let number = if is_bare { number.to_owned() } else { quote_literal(number) };
            format!(" EVERY {number} {unit}{}{}", time("STARTS", "starts"), time("ENDS", "ends"))
        }
        None => time("AT", "at"),
    };
    let completion = event.get("on completion")?.to_uppercase();
    let status = match event.get("status")? {
        "enabled" => "ENABLE",
        "disabled" => "DISABLE",
        _ => "DISABLE ON SLAVE",
    };
    let about = ObjectId::new(Kind::Comment, [Kind::Event.word(), event.id.name()]);
    let comment = catalog.get(&about).and_then(|it| it.get("text"));
    let comment = comment.map(|it| format!(" COMMENT {}", quote_literal(it))).unwrap_or_default();
    Some(format!(
        "CREATE {definer}EVENT {} ON SCHEDULE{schedule} ON COMPLETION {completion} {status}{comment} DO {}",
        quote_ident(event.id.name()),
        event.get("definition")?
    ))
}
