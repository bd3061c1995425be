//! Runs a job in the project's own Node.js, fed with the files as this crate transpiles and resolves
//! them. There the files may do whatever Node may do, so someone has to have asked for it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::LoadError;
use crate::export_order::export_order;
use crate::host::resolve_orm;
use crate::modules::{Modules, SharedModules, is_script, scope_line};
use crate::sandbox::{Job, Task, out_of_time};
use crate::thrown::{Thrown, described};
use crate::transpile::Shape;
use crate::workspace::{Style, Target, is_installed};

const DRIVER: &str = include_str!("js/node.js");
const DESCRIBE: [&str; 5] = [
    include_str!("js/schema.js"),
    include_str!("js/mysql.js"),
    include_str!("js/postgres.js"),
    include_str!("js/sqlite.js"),
    include_str!("js/judge.js"),
];

/// Tells the lines of the conversation from what a file of the project prints all the same.
const MARK: &str = "raingauge\u{1}";

/// What Node says in one line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Said {
    Question { question: String, args: Vec<Option<String>> },
    Result { result: String },
    Thrown { thrown: Thrown },
}

/// Evaluates the job in Node.
///
/// # Errors
/// If Node cannot be started or does not end in time, or the files fail.
pub(crate) fn evaluate(job: &Job, modules: &SharedModules) -> Result<String, LoadError> {
    let failed = |message: String| LoadError::Failed { place: None, message };
    let mut child = command(job).spawn().map_err(|it| {
        failed(format!("`node` could not be started: {it}; nothing was evaluated"))
    })?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(failed("`node` has no pipes".to_owned()));
    };
    let child = Arc::new(Mutex::new(child));
    let (done, is_done) = mpsc::channel::<()>();
    let (watched, time) = (Arc::clone(&child), job.time);
    let watch = thread::spawn(move || {
        let late = is_done.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        end(&watched);
        late
    });
    let conversation = Conversation { job, modules };
    let answer = conversation.hold(&mut BufReader::new(stdout), &mut stdin);
    drop(done);
    match (answer, watch.join()) {
        (Some(result), _) => result,
        (None, Ok(true)) => Err(out_of_time(job.time.as_secs_f32(), None)),
        (None, _) => Err(failed("`node` ended without an answer (`process.exit`?)".to_owned())),
    }
}

fn end(child: &Mutex<Child>) {
    if let Ok(mut child) = child.lock() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn command(job: &Job) -> Command {
    let describe = DESCRIBE.join(",");
    let script = format!("const MARK = {};\nconst DESCRIBE = [{describe}];\n{DRIVER}", json!(MARK));
    let mut node = Command::new("node");
    node.args(["--experimental-vm-modules", "--no-warnings", "--max-old-space-size=512"]);
    node.args(["--input-type=commonjs", "-e", &script]);
    node.current_dir(&job.root).env_clear().envs(&job.env);
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    node
}

struct Conversation<'a> {
    job: &'a Job,
    modules: &'a SharedModules,
}

impl Conversation<'_> {
    /// Answers until Node has a result; nothing if it ends before.
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
                Said::Thrown { thrown } => return Some(Err(described(thrown, self.modules))),
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

/// What a file is, and its code if it is the project's own.
fn file(modules: &mut Modules, path: &Path) -> Result<Value, LoadError> {
    if !is_script(path) {
        // Notes that it was read.
        modules.read(path);
        let shape =
            if path.extension().is_some_and(|it| it == "json") { "json" } else { "commonjs" };
        return Ok(json!({ "native": true, "shape": shape }));
    }
    let script = modules.script(path)?;
    let shape = match script.shape {
        Shape::Module => "module",
        Shape::CommonJs => "commonjs",
    };
    if is_installed(path) {
        return Ok(json!({ "native": true, "shape": shape }));
    }
    let code = format!("{}{}", scope_line(&script), script.code);
    Ok(json!({ "native": false, "shape": shape, "code": code }))
}
