//! Runs one job in a fresh engine on its own thread, within bounds of time, memory and stack.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rquickjs::context::EvalOptions;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Function, Object, Persistent, Promise};
use serde_json::json;

use crate::error::{LoadError, Place};
use crate::external;
use crate::host::host_object;
use crate::literal;
use crate::modules::{ModuleLoader, ModuleResolver, Modules, SharedModules};
use crate::programs::Program;
use crate::thrown::thrown;

/// The global under which generated code finds the prelude's functions.
pub(crate) const INTERNALS: &str = "__raingauge";

const MEMORY_BYTES: usize = 512 << 20;
/// How much is allocated before cycles of garbage are looked for.
const GARBAGE_BYTES: usize = 64 << 20;
const ENGINE_STACK_BYTES: usize = 4 << 20;
/// The parser recurses too, so the thread has more than the engine may use. What is not used costs
/// nothing.
const THREAD_STACK_BYTES: usize = 256 << 20;
/// After the engine's own deadline: some of its functions never look at the clock.
const GRACE: Duration = Duration::from_secs(5);

/// A file of the prelude: its name and its code.
type Part = (&'static str, &'static str);

/// What every task needs, in the order in which the files build on each other.
const GROUND: [Part; 8] = [
    ("stand_ins.js", include_str!("js/stand_ins.js")),
    ("encoding.js", include_str!("js/encoding.js")),
    ("globals.js", include_str!("js/globals.js")),
    ("url.js", include_str!("js/url.js")),
    ("crypto.js", include_str!("js/crypto.js")),
    ("builtins.js", include_str!("js/builtins.js")),
    ("require.js", include_str!("js/require.js")),
    ("refusals.js", include_str!("js/refusals.js")),
];
const CONFIG: Part = ("config.js", include_str!("js/config.js"));
const SCHEMA: Part = ("schema.js", include_str!("js/schema.js"));
const MYSQL: Part = ("mysql.js", include_str!("js/mysql.js"));
const POSTGRES: Part = ("postgres.js", include_str!("js/postgres.js"));
const SQLITE: Part = ("sqlite.js", include_str!("js/sqlite.js"));
const JUDGE: Part = ("judge.js", include_str!("js/judge.js"));

/// What is to be evaluated.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) root: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) time: Duration,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) task: Task,
    pub(crate) runtime: Runtime,
}

/// What evaluates the project's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// The engine within this crate: without network, processes and writing, within bounds.
    #[default]
    Embedded,
    /// The project's own Node.js, in which the files may do what they like.
    Node,
    /// The project's own tsx in its Node.js, without bounds too.
    Tsx,
    /// The project's own bun, or the one on `PATH`, without bounds too.
    Bun,
    /// The embedded engine; for what that refuses, the first of Node.js, tsx and bun that can.
    Auto,
}

impl Runtime {
    /// As `--runtime` spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Node => "node",
            Self::Tsx => "tsx",
            Self::Bun => "bun",
            Self::Auto => "auto",
        }
    }
}

impl Job {
    /// From where drizzle-orm is looked for: the project's folder, then its files.
    pub(crate) fn anchors(&self) -> Vec<PathBuf> {
        let files = self.files.iter().cloned();
        std::iter::once(self.root.join("raingauge.mjs")).chain(files).collect()
    }
}

#[derive(Clone)]
pub(crate) enum Task {
    /// The configuration that the one file exports.
    Config,
    /// The schema that the files declare.
    Schema { dialect: String, casing: Option<String> },
    /// What the project's own drizzle-kit makes of the schema.
    Judge(Case),
}

impl Task {
    /// The files of the prelude beyond [`GROUND`]: parsing one takes about as long as running it.
    fn parts(&self) -> Vec<Part> {
        match self {
            Self::Config => vec![CONFIG],
            Self::Schema { dialect, .. } => match dialect.as_str() {
                "mysql" => vec![SCHEMA, MYSQL],
                "postgresql" => vec![SCHEMA, POSTGRES],
                _ => vec![SCHEMA, SQLITE],
            },
            Self::Judge(_) => vec![SCHEMA, JUDGE],
        }
    }
}

/// What the kit is asked.
#[derive(Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) dialect: String,
    pub(crate) casing: Option<String>,
    /// Whether the kit is of generation 1.0.
    pub(crate) is_next: bool,
    /// The snapshot to start from; `None` for an empty schema.
    pub(crate) previous: Option<String>,
}

/// What came out of a job.
pub(crate) struct Outcome {
    pub(crate) json: String,
    /// What has evaluated it; never [`Runtime::Auto`].
    pub(crate) runtime: Runtime,
    /// Files of the project that were read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// The line of every export of these files.
    pub(crate) export_lines: BTreeMap<PathBuf, BTreeMap<String, u32>>,
}

/// Runs the job and waits for it.
pub(crate) fn run(job: Job) -> Result<Outcome, LoadError> {
    let (sender, receiver) = mpsc::channel();
    let attempts = if job.runtime == Runtime::Auto { 4 } else { 1 };
    let patience = (job.time + GRACE) * attempts;
    let seconds = job.time.as_secs_f32();
    let work = move || {
        let mut spent = None;
        let result = evaluate(&job, &mut spent);
        // Nobody waits any more when the deadline has passed.
        let _ = sender.send(result);
    };
    let thread = thread::Builder::new().name("schema".to_owned()).stack_size(THREAD_STACK_BYTES);
    let failed = |message: String| LoadError::Failed { place: None, message };
    let handle =
        thread.spawn(work).map_err(|it| failed(format!("no thread could be started: {it}")))?;
    match receiver.recv_timeout(patience) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(out_of_time(seconds, None)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(handle.join());
            Err(failed("the JavaScript engine stopped unexpectedly".to_owned()))
        }
    }
}

pub(crate) fn out_of_time(seconds: f32, place: Option<Place>) -> LoadError {
    LoadError::Limit { place, message: format!("it took longer than {seconds} seconds") }
}

/// The engine goes to `spent`: taking it down takes time that nobody has to wait for.
fn evaluate(job: &Job, spent: &mut Option<Engine>) -> Result<Outcome, LoadError> {
    match job.runtime {
        Runtime::Auto => evaluate_in_turn(job, spent),
        runtime => evaluate_in(job, runtime, spent),
    }
}

/// Leaves the embedded engine only for what it refuses.
fn evaluate_in_turn(job: &Job, spent: &mut Option<Engine>) -> Result<Outcome, LoadError> {
    let refusal = match evaluate_in(job, Runtime::Embedded, spent) {
        Err(error @ LoadError::Refused { .. }) => error,
        result => return result,
    };
    let mut first_failure = None;
    for runtime in [Runtime::Node, Runtime::Tsx, Runtime::Bun] {
        match evaluate_in(job, runtime, spent) {
            Err(LoadError::RuntimeMissing { .. }) => {}
            // Another one would take as long.
            Err(error @ LoadError::Limit { .. }) => return Err(error),
            Err(error) => drop(first_failure.get_or_insert(error)),
            Ok(outcome) => return Ok(outcome),
        }
    }
    Err(first_failure.unwrap_or(refusal))
}

fn evaluate_in(
    job: &Job,
    runtime: Runtime,
    spent: &mut Option<Engine>,
) -> Result<Outcome, LoadError> {
    let modules: SharedModules = Rc::new(RefCell::new(Modules::new(&job.root, &job.env)));
    let literal = match (&job.task, &job.files[..]) {
        (Task::Config, [file]) if runtime == Runtime::Embedded => {
            literal::config(&mut modules.borrow_mut(), file)
        }
        _ => None,
    };
    let json = if let Some(json) = literal {
        json
    } else if runtime == Runtime::Embedded {
        let failed =
            |it: rquickjs::Error| LoadError::Failed { place: None, message: it.to_string() };
        spent.insert(Engine::new(job, &modules).map_err(failed)?).answer(job)?
    } else {
        let program = Program::find(runtime, job, &modules)?;
        let json = external::evaluate(job, &modules, &program)?;
        if program.transpiles() {
            external::note_imports(&mut modules.borrow_mut(), &job.files);
        }
        json
    };
    let modules = modules.borrow();
    let (files, export_lines) = (modules.files.clone(), modules.export_lines());
    Ok(Outcome { json, runtime, files, export_lines })
}

struct Engine {
    runtime: rquickjs::Runtime,
    context: Context,
    modules: SharedModules,
    timed_out: Rc<Cell<bool>>,
}

/// What is under way: the promise of the result, and the function that runs the next timer.
type Started<'js> = (Promise<'js>, Function<'js>);

impl Engine {
    fn new(job: &Job, modules: &SharedModules) -> rquickjs::Result<Self> {
        let runtime = rquickjs::Runtime::new()?;
        runtime.set_memory_limit(MEMORY_BYTES);
        // A schema makes little garbage in cycles; looking for it all the time costs a tenth of the run.
        runtime.set_gc_threshold(GARBAGE_BYTES);
        runtime.set_max_stack_size(ENGINE_STACK_BYTES);
        let timed_out = Rc::new(Cell::new(false));
        let (flag, deadline) = (Rc::clone(&timed_out), Instant::now() + job.time);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            flag.set(flag.get() || deadline <= Instant::now());
            flag.get()
        })));
        runtime.set_loader(ModuleResolver(Rc::clone(modules)), ModuleLoader(Rc::clone(modules)));
        let context = Context::full(&runtime)?;
        Ok(Self { runtime, context, modules: Rc::clone(modules), timed_out })
    }

    fn answer(&self, job: &Job) -> Result<String, LoadError> {
        self.run(job).map_err(|it| match self.timed_out.get() {
            true => out_of_time(job.time.as_secs_f32(), it.place().cloned()),
            false => it,
        })
    }

    /// Starts the job and runs everything that it left in the queues until its promise is settled.
    fn run(&self, job: &Job) -> Result<String, LoadError> {
        let (promise, run_timer) = self.with(|ctx| {
            let (promise, run_timer) = self.start(ctx, job)?;
            Ok((Persistent::save(ctx, promise), Persistent::save(ctx, run_timer)))
        })?;
        let mut first_failure = None;
        loop {
            if let Err(error) = self.empty_queue() {
                first_failure.get_or_insert(error);
            }
            let settled = self.with(|ctx| {
                let promise = promise.clone().restore(ctx)?;
                if self.timed_out.get() {
                    return Err(rquickjs::Error::WouldBlock);
                }
                if promise.state() != PromiseState::Pending {
                    return promise.finish().map(Some);
                }
                match run_timer.clone().restore(ctx)?.call::<_, bool>(())? {
                    true => Ok(None),
                    false => Err(rquickjs::Error::WouldBlock),
                }
            });
            match settled {
                Ok(Some(json)) => return Ok(json),
                Ok(None) => {}
                Err(error) => return Err(first_failure.unwrap_or(error)),
            }
        }
    }

    fn with<T>(
        &self,
        work: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, LoadError> {
        self.context.with(|ctx| work(&ctx).map_err(|it| thrown(&ctx, &self.modules, &it)))
    }

    /// Runs what waits in the engine's queue. What a job throws has no one else who would hear it:
    /// the engine was stopped, or has no memory left.
    fn empty_queue(&self) -> Result<(), LoadError> {
        while !self.timed_out.get() {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) => {
                    let exception = rquickjs::Error::Exception;
                    return Err(failed.0.with(|ctx| thrown(&ctx, &self.modules, &exception)));
                }
            }
        }
        Ok(())
    }

    fn start<'js>(&self, ctx: &Ctx<'js>, job: &Job) -> rquickjs::Result<Started<'js>> {
        let internals = prepare(ctx, &self.modules, job)?;
        let files: Vec<String> =
            job.files.iter().map(|it| it.to_string_lossy().into_owned()).collect();
        let promise = match &job.task {
            Task::Config => {
                internals.get::<_, Function<'js>>("config")?.call((files.first().cloned(),))?
            }
            Task::Schema { dialect, casing } => internals
                .get::<_, Function<'js>>("declared")?
                .call((dialect.clone(), casing.clone(), files))?,
            Task::Judge(case) => {
                let case = ctx.json_parse(json!(case).to_string())?;
                internals.get::<_, Function<'js>>("judged")?.call((case, files))?
            }
        };
        Ok((promise, internals.get("runTimer")?))
    }
}

fn prepare<'js>(
    ctx: &Ctx<'js>,
    modules: &SharedModules,
    job: &Job,
) -> rquickjs::Result<Object<'js>> {
    let internals = Object::new(ctx.clone())?;
    let host = host_object(ctx, modules, job)?;
    for (name, source) in GROUND.into_iter().chain(job.task.parts()) {
        let mut options = EvalOptions::default();
        options.filename = Some(format!("raingauge/{name}"));
        let file: Function<'js> = ctx.eval_with_options(source, options)?;
        let () = file.call((internals.clone(), host.clone()))?;
    }
    ctx.globals().prop(INTERNALS, rquickjs::object::Property::from(internals.clone()))?;
    Ok(internals)
}
