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

/// The error behind what another engine has caught.
pub(crate) fn described(thrown: Thrown, modules: &SharedModules) -> LoadError {
    if let Some(error) = thrown.failure.and_then(|it| modules.borrow_mut().take_failure(it)) {
        return error;
    }
    let modules = modules.borrow();
    let message = redact_variables(&thrown.message, &modules.env);
    if thrown.rejected == Some(true) {
        return LoadError::Rejected { message };
    }
    let name = thrown.name.unwrap_or_else(|| "Error".to_owned());
    let message = format!("{name}: {message}");
    LoadError::Failed { place: place_of(&thrown.stack, &modules), message }
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
    match refused {
        Some(true) => {
            let message = message.trim_start_matches("Error: ").to_owned();
            LoadError::Refused { place, message }
        }
        _ => LoadError::Failed { place, message },
    }
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
