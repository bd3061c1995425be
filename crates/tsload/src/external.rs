//! Runs a job in a program of the project's own ([`Program`]) and answers its questions. There the files may
//! do whatever the program may do, so someone has to have asked for it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::LoadError;
use crate::export_order::export_order;
use crate::host::{resolve_orm, shape_of};
use crate::modules::{Modules, SharedModules, is_script, scope_line};
use crate::programs::Program;
use crate::sandbox::{Job, Task, out_of_time};
use crate::thrown::{Thrown, described};
use crate::transpile::Shape;
use crate::workspace::{Style, Target, is_installed};

/// Tells the lines of the conversation from what a file of the project prints all the same.
const MARK: &str = "raingauge\u{1}";

/// What the program says in one line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Said {
    Question { question: String, args: Vec<Option<String>> },
    Result { result: String },
    Thrown { thrown: Thrown },
}

/// Evaluates the job in the program.
///
/// # Errors
/// If it cannot be started or does not end in time, or the files fail.
pub(crate) fn evaluate(
    job: &Job,
    modules: &SharedModules,
    program: &Program,
) -> Result<String, LoadError> {
    let name = program.name();
    let failed = |message: String| LoadError::Failed { place: None, message };
    let mut command = program.command(job, MARK, modules.borrow().workspace.yarn());
    let mut child = command
        .spawn()
        .map_err(|it| LoadError::RuntimeMissing { program: name, message: it.to_string() })?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(failed(format!("`{name}` has no pipes")));
    };
    let child = Arc::new(Mutex::new(child));
    let (done, is_done) = mpsc::channel::<()>();
    let (watched, time) = (Arc::clone(&child), job.time);
    let watch = thread::spawn(move || {
        let late = is_done.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        end(&watched);
        late
    });
    let conversation = Conversation { job, modules, program };
    let answer = conversation.hold(&mut BufReader::new(stdout), &mut stdin);
    drop(done);
    match (answer, watch.join()) {
        (Some(result), _) => result,
        (None, Ok(true)) => Err(out_of_time(job.time.as_secs_f32(), None)),
        (None, _) => Err(failed(format!("`{name}` ended without an answer (`process.exit`?)"))),
    }
}

fn end(child: &Mutex<Child>) {
    if let Ok(mut child) = child.lock() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

struct Conversation<'a> {
    job: &'a Job,
    modules: &'a SharedModules,
    program: &'a Program,
}

impl Conversation<'_> {
    /// Answers until there is a result; nothing if the program ends before.
    fn hold(
        &self,
        from: &mut impl BufRead,
        to: &mut impl Write,
    ) -> Option<Result<String, LoadError>> {
        let mut line = String::new();
        loop {
            line.clear();
            if from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let Some((_, said)) = line.split_once(MARK) else { continue };
            match serde_json::from_str(said).ok()? {
                Said::Result { result } => return Some(Ok(result)),
                Said::Thrown { thrown } => {
                    let is_source = self.program.transpiles();
                    return Some(Err(described(thrown, self.modules, is_source)));
                }
                Said::Question { question, args } => {
                    let args: Vec<_> = args.iter().map(Option::as_deref).collect();
                    let answer = match self.answer(&question, &args) {
                        Ok(value) => json!({ "value": value }),
                        Err(error) => {
                            let message = error.to_string();
                            let number = self.modules.borrow_mut().keep_failure(error);
                            json!({ "failure": number, "message": message })
                        }
                    };
                    writeln!(to, "{answer}").ok()?;
                    to.flush().ok()?;
                }
            }
        }
    }

    fn answer(&self, question: &str, args: &[Option<&str>]) -> Result<Value, LoadError> {
        let text = |at: usize| args.get(at).copied().flatten().unwrap_or_default();
        let path = Path::new(text(0));
        match question {
            "job" => Ok(self.task()),
            "orm" => resolve_orm(self.modules, &self.job.anchors(), text(0)).map(Value::from),
            "exportOrder" => export_order(&mut self.modules.borrow_mut(), path).map(Value::from),
            "shape" => shape_of(self.modules, path).map(Value::from),
            "file" => file(&mut self.modules.borrow_mut(), path),
            _ => {
                let style = if text(2) == "import" { Style::Import } else { Style::Require };
                let target = self.modules.borrow_mut().target(path, text(1), style)?;
                Ok(match target {
                    Target::File(path) => json!(["file", path]),
                    Target::Builtin(name) if name == "drizzle-kit" => json!(["kit", name]),
                    Target::Builtin(name) => json!(["node", name]),
                    Target::Driver(name) => json!(["driver", name]),
                })
            }
        }
    }

    fn task(&self) -> Value {
        let files: &[PathBuf] = &self.job.files;
        match &self.job.task {
            Task::Config => json!({ "task": "config", "files": files }),
            Task::Schema { dialect, casing } => {
                json!({ "task": "schema", "files": files, "dialect": dialect, "casing": casing })
            }
            Task::Judge(case) => json!({ "task": "judge", "files": files, "case": case }),
        }
    }
}

/// What a file is, and its code if it is the project's own, for a program that does not transpile.
fn file(modules: &mut Modules, path: &Path) -> Result<Value, LoadError> {
    if !is_script(path) {
        // Notes that it was read.
        modules.read(path);
        let shape =
            if path.extension().is_some_and(|it| it == "json") { "json" } else { "commonjs" };
        return Ok(json!({ "native": true, "shape": shape }));
    }
    let script = modules.runnable(path)?;
    let shape = match script.shape {
        Shape::Module => "module",
        Shape::CommonJs => "commonjs",
    };
    if is_installed(path) {
        return Ok(json!({ "native": true, "shape": shape }));
    }
    let code = format!("{}{}", scope_line(&script), script.code());
    Ok(json!({ "native": false, "shape": shape, "code": code }))
}

/// Notes the project's files that these files import in their text, for a program that reads them itself.
pub(crate) fn note_imports(modules: &mut Modules, files: &[PathBuf]) {
    let mut waiting: Vec<PathBuf> = files.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if is_installed(&path) || !seen.insert(path.clone()) {
            continue;
        }
        if !is_script(&path) {
            // Notes that it was read.
            modules.read(&path);
            continue;
        }
        // The program has read it, and perhaps understood more of it.
        let Ok(script) = modules.script(&path) else { continue };
        for specifier in script.record().requests.keys() {
            if let Ok(Target::File(target)) = modules.target(&path, specifier, Style::Import) {
                waiting.push(target);
            }
        }
    }
}
