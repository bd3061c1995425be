//! Turns what JavaScript threw into an error that points into the TypeScript.

use std::path::Path;

use rquickjs::{Ctx, Object, Value};
use serde::Deserialize;

use crate::error::{LoadError, Place};
use crate::modules::{FAILURE, Modules, SharedModules, added_lines};
use crate::redaction::redact_variables;
use crate::workspace::is_installed;

/// The error behind a failed call into the engine.
pub(crate) fn thrown(ctx: &Ctx<'_>, modules: &SharedModules, error: &rquickjs::Error) -> LoadError {
    match error {
        rquickjs::Error::Exception => explain(&ctx.catch(), modules),
        rquickjs::Error::Allocation => out_of_memory(None),
        rquickjs::Error::WouldBlock => LoadError::Failed {
            place: None,
            message: "the schema waits for something that never happens (a top-level `await`)"
                .to_owned(),
        },
        other => LoadError::Failed { place: None, message: other.to_string() },
    }
}

fn out_of_memory(place: Option<Place>) -> LoadError {
    LoadError::Limit { place, message: "it needed more than 512 MiB of memory".to_owned() }
}

/// What another engine has caught, in the words of JavaScript.
#[derive(Deserialize)]
pub(crate) struct Thrown {
    failure: Option<usize>,
    rejected: Option<bool>,
    name: Option<String>,
    message: String,
    stack: String,
}

/// The error behind what another engine has caught. `is_source` says that its stack has the lines of the
/// source, not those of what was made of it here.
pub(crate) fn described(thrown: Thrown, modules: &SharedModules, is_source: bool) -> LoadError {
    if let Some(error) = thrown.failure.and_then(|it| modules.borrow_mut().take_failure(it)) {
        return error;
    }
    let place = match is_source {
        true => source_place_of(&thrown.stack, &mut modules.borrow_mut()),
        false => place_of(&thrown.stack, &modules.borrow()),
    };
    let message = redact_variables(&thrown.message, &modules.borrow().env);
    if thrown.rejected == Some(true) {
        return LoadError::Rejected { message };
    }
    let name = thrown.name.unwrap_or_else(|| "Error".to_owned());
    let message = format!("{name}: {message}");
    LoadError::Failed { place, message }
}

fn explain(value: &Value<'_>, modules: &SharedModules) -> LoadError {
    let mask = |text: &str| redact_variables(text, &modules.borrow().env);
    let Some(object) = value.as_object() else {
        // The engine has no memory left for an error object.
        if value.is_null() {
            return out_of_memory(None);
        }
        let text = value.as_string().and_then(|it| it.to_string().ok());
        let message =
            mask(&text.unwrap_or_else(|| "a value that is not an error was thrown".to_owned()));
        return LoadError::Failed { place: None, message };
    };
    let number = object.get::<_, Option<usize>>(FAILURE).ok().flatten();
    if let Some(error) = number.and_then(|it| modules.borrow_mut().take_failure(it)) {
        return error;
    }
    let message = mask(&message_of(object));
    let stack = object.get::<_, Option<String>>("stack").ok().flatten().unwrap_or_default();
    let place = place_of(&stack, &modules.borrow());
    if message == "InternalError: out of memory" {
        return out_of_memory(place);
    }
    if let Some(error) = missing_export(&message, &modules.borrow()) {
        return error;
    }
    let rejected = object.get::<_, Option<bool>>("raingaugeRejected").ok().flatten();
    if rejected == Some(true) {
        return LoadError::Rejected { message: message.trim_start_matches("Error: ").to_owned() };
    }
    let refused = object.get::<_, Option<bool>>("raingaugeRefused").ok().flatten();
    if refused == Some(true) {
        let message = message.trim_start_matches("Error: ").to_owned();
        return LoadError::Refused { place, message };
    }
    match foreign_global(&message) {
        Some(name) => {
            let message = format!("`{name}` is not available while a schema is read");
            LoadError::Refused { place, message }
        }
        None => LoadError::Failed { place, message },
    }
}

/// A global of another program, which a file asks for without looking whether it is there.
fn foreign_global(message: &str) -> Option<&'static str> {
    let rest = message.strip_prefix("ReferenceError: ")?.strip_suffix(" is not defined")?;
    ["Bun", "Deno"].into_iter().find(|it| rest.trim_matches('\'') == *it)
}

/// What the engine says when it links an import of a name that is not exported.
fn missing_export(message: &str, modules: &Modules) -> Option<LoadError> {
    let rest = message.strip_prefix("SyntaxError: Could not find export '")?;
    let (name, module) = rest.trim_end_matches('\'').split_once("' in module '")?;
    Some(LoadError::ImportMissing {
        specifier: name.to_owned(),
        place: modules.import_of(name),
        message: format!("`{}` does not export it", modules.shown(Path::new(module)).display()),
    })
}

fn message_of(error: &Object<'_>) -> String {
    let text = |name: &str| error.get::<_, Option<String>>(name).ok().flatten();
    let name = text("name").filter(|it| !it.is_empty()).unwrap_or_else(|| "Error".to_owned());
    match text("message").filter(|it| !it.is_empty()) {
        Some(message) => format!("{name}: {message}"),
        None => name,
    }
}

/// The first frame in a file of the project, else in any file.
fn place_of(stack: &str, modules: &Modules) -> Option<Place> {
    let frames: Vec<_> = stack.lines().filter_map(frame).collect();
    let known = |path: &str| modules.script_at(Path::new(path)).is_some();
    let own = frames.iter().find(|it| known(it.0) && !is_installed(Path::new(it.0)));
    let (path, line, column) = own.or_else(|| frames.iter().find(|it| known(it.0)))?;
    let script = modules.script_at(Path::new(path))?;
    let shown = modules.shown(Path::new(path));
    Some(script.place(&shown, (*line, *column), added_lines(script)))
}

/// The first frame in a file of the project, by the lines of the source.
fn source_place_of(stack: &str, modules: &mut Modules) -> Option<Place> {
    let frames = stack.lines().filter_map(frame);
    let mut own = frames.filter_map(|(path, line, column)| {
        let path = Path::new(path.strip_prefix("file://").unwrap_or(path));
        // A tool may add a question to the path, and has files of its own.
        (path.is_absolute() && !is_installed(path)).then_some((path, line, column))
    });
    own.find_map(|(path, line, column)| {
        let source = modules.text(path).ok()?;
        Some(Place::new(&modules.shown(path), &source, line, column))
    })
}

/// `    at name (path:line:column)` or `    at path:line:column`.
fn frame(line: &str) -> Option<(&str, u32, u32)> {
    let text = line.trim().strip_prefix("at ")?;
    let place = match text.rsplit_once('(') {
        Some((_, inner)) => inner.trim_end_matches(')'),
        None => text,
    };
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((parts.next()?, line, column))
}
