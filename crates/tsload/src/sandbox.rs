//! Runs one job in a fresh engine on its own thread, within bounds of time, memory and stack. The engine may be
//! made ready before the job is known: that takes as long as reading a configuration.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::{Path, PathBuf};
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
use crate::host::{add_orm, host_object};
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
const GROUND: [Part; 6] = [
    ("stand_ins.js", include_str!("js/stand_ins.js")),
    ("encoding.js", include_str!("js/encoding.js")),
    ("globals.js", include_str!("js/globals.js")),
    ("url.js", include_str!("js/url.js")),
    ("require.js", include_str!("js/require.js")),
    ("refusals.js", include_str!("js/refusals.js")),
];
/// What `require.js` asks for when a file imports a module of Node.
const BUILTINS: [Part; 2] =
    [("crypto.js", include_str!("js/crypto.js")), ("builtins.js", include_str!("js/builtins.js"))];
const CONFIG: Part = ("config.js", include_str!("js/config.js"));
const SCHEMA: Part = ("schema.js", include_str!("js/schema.js"));
const MYSQL: Part = ("mysql.js", include_str!("js/mysql.js"));
const POSTGRES: Part = ("postgres.js", include_str!("js/postgres.js"));
const SQLITE: Part = ("sqlite.js", include_str!("js/sqlite.js"));
const JUDGE: Part = ("judge.js", include_str!("js/judge.js"));

/// Variables and their values.
pub(crate) type Environment = BTreeMap<String, String>;

/// What is to be evaluated.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) root: PathBuf,
    pub(crate) env: Environment,
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
    /// The files of the prelude beyond [`GROUND`]: most of their cost is parsing them.
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
    Worker::start(None)?.begin(job).end()
}

/// Together about what an engine takes that has read a small schema.
const ROOM_PIECES: usize = 40;
/// Less than what glibc would map by itself, 128 KB.
const ROOM_PIECE_BYTES: usize = 120 << 10;

/// A thread that waits for its one job.
pub(crate) struct Worker {
    jobs: mpsc::Sender<Job>,
    results: mpsc::Receiver<Result<Outcome, LoadError>>,
    thread: thread::JoinHandle<()>,
}

impl Worker {
    /// Starts the thread. It gets the engine ready, before the job is known, if it is told the job's root and
    /// environment.
    pub(crate) fn start(ahead: Option<(PathBuf, Environment)>) -> Result<Self, LoadError> {
        let (jobs, job) = mpsc::channel::<Job>();
        let (sender, results) = mpsc::channel();
        let work = move || {
            make_room();
            let mut engine = ahead.map(|(root, env)| Engine::new(&root, &env));
            let Ok(job) = job.recv() else { return };
            let result = evaluate(&job, &mut engine);
            // Nobody waits any more when the deadline has passed.
            let _ = sender.send(result);
        };
        let thread =
            thread::Builder::new().name("schema".to_owned()).stack_size(THREAD_STACK_BYTES);
        let thread =
            thread.spawn(work).map_err(|it| failed(format!("no thread could be started: {it}")))?;
        Ok(Self { jobs, results, thread })
    }

    /// Hands it the job.
    pub(crate) fn begin(self, job: Job) -> Underway {
        let attempts = if job.runtime == Runtime::Auto { 4 } else { 1 };
        let end = Instant::now() + (job.time + GRACE) * attempts;
        let seconds = job.time.as_secs_f32();
        // A thread that does not take it any more has panicked, and sends no result either.
        let _ = self.jobs.send(job);
        Underway { results: self.results, thread: self.thread, end, seconds }
    }
}

/// A job that is being done.
pub(crate) struct Underway {
    results: mpsc::Receiver<Result<Outcome, LoadError>>,
    thread: thread::JoinHandle<()>,
    /// Until when the result is waited for.
    end: Instant,
    seconds: f32,
}

impl Underway {
    /// Waits for the result.
    pub(crate) fn end(self) -> Result<Outcome, LoadError> {
        match self.results.recv_timeout(self.end.saturating_duration_since(Instant::now())) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(out_of_time(self.seconds, None)),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                drop(self.thread.join());
                Err(failed("the JavaScript engine stopped unexpectedly".to_owned()))
            }
        }
    }
}

/// Makes the heap of this thread grow in large steps: glibc asks the kernel for each page of it, and an
/// engine takes them one by one. Nothing is written to the pieces.
fn make_room() {
    drop(black_box([(); ROOM_PIECES].map(|()| Vec::<u8>::with_capacity(ROOM_PIECE_BYTES))));
}

fn failed(message: String) -> LoadError {
    LoadError::Failed { place: None, message }
}

pub(crate) fn out_of_time(seconds: f32, place: Option<Place>) -> LoadError {
    LoadError::Limit { place, message: format!("it took longer than {seconds} seconds") }
}

/// An engine, or why there is none.
type Made = rquickjs::Result<Engine>;

/// Whatever engine is used stays in `engine`: taking it down takes time that nobody has to wait for.
fn evaluate(job: &Job, engine: &mut Option<Made>) -> Result<Outcome, LoadError> {
    match job.runtime {
        Runtime::Auto => evaluate_in_turn(job, engine),
        Runtime::Embedded => evaluate_embedded(job, engine),
        runtime => evaluate_outside(job, runtime),
    }
}

/// Leaves the embedded engine only for what it refuses.
fn evaluate_in_turn(job: &Job, engine: &mut Option<Made>) -> Result<Outcome, LoadError> {
    let refusal = match evaluate_embedded(job, engine) {
        Err(error @ LoadError::Refused { .. }) => error,
        result => return result,
    };
    let mut first_failure = None;
    for runtime in [Runtime::Node, Runtime::Tsx, Runtime::Bun] {
        match evaluate_outside(job, runtime) {
            Err(LoadError::RuntimeMissing { .. }) => {}
            // Another one would take as long.
            Err(error @ LoadError::Limit { .. }) => return Err(error),
            Err(error) => drop(first_failure.get_or_insert(error)),
            Ok(outcome) => return Ok(outcome),
        }
    }
    Err(first_failure.unwrap_or(refusal))
}

fn evaluate_embedded(job: &Job, engine: &mut Option<Made>) -> Result<Outcome, LoadError> {
    if let (Task::Config, [file]) = (&job.task, &job.files[..]) {
        let mut modules = Modules::new(&job.root, &job.env);
        if let Some(json) = literal::config(&mut modules, file) {
            return Ok(Outcome::new(json, Runtime::Embedded, &modules));
        }
    }
    let engine = engine.get_or_insert_with(|| Engine::new(&job.root, &job.env));
    let engine = engine.as_ref().map_err(|it| failed(it.to_string()))?;
    let json = engine.answer(job)?;
    Ok(Outcome::new(json, Runtime::Embedded, &engine.modules.borrow()))
}

fn evaluate_outside(job: &Job, runtime: Runtime) -> Result<Outcome, LoadError> {
    let modules: SharedModules = Rc::new(RefCell::new(Modules::new(&job.root, &job.env)));
    let program = Program::find(runtime, job, &modules)?;
    let json = external::evaluate(job, &modules, &program)?;
    if program.transpiles() {
        external::note_imports(&mut modules.borrow_mut(), &job.files);
    }
    Ok(Outcome::new(json, runtime, &modules.borrow()))
}

impl Outcome {
    fn new(json: String, runtime: Runtime, modules: &Modules) -> Self {
        Self { json, runtime, files: modules.files.clone(), export_lines: modules.export_lines() }
    }
}

struct Engine {
    /// The prelude, until a job takes it.
    ground: Cell<Option<Ground>>,
    runtime: rquickjs::Runtime,
    context: Context,
    modules: SharedModules,
    deadline: Rc<Cell<Instant>>,
    timed_out: Rc<Cell<bool>>,
}

/// What the prelude's files share with each other, and what the host offers them.
struct Ground {
    internals: Persistent<Object<'static>>,
    host: Persistent<Object<'static>>,
}

/// What is under way: the promise of the result, and the function that runs the next timer.
type Started<'js> = (Promise<'js>, Function<'js>);

impl Engine {
    /// An engine that has evaluated what every task needs.
    fn new(root: &Path, env: &Environment) -> Made {
        let modules: SharedModules = Rc::new(RefCell::new(Modules::new(root, env)));
        let runtime = rquickjs::Runtime::new()?;
        runtime.set_memory_limit(MEMORY_BYTES);
        // A schema makes little garbage in cycles; looking for it all the time costs a tenth of the run.
        runtime.set_gc_threshold(GARBAGE_BYTES);
        runtime.set_max_stack_size(ENGINE_STACK_BYTES);
        let timed_out = Rc::new(Cell::new(false));
        let deadline = Rc::new(Cell::new(Instant::now() + GRACE));
        let (flag, end) = (Rc::clone(&timed_out), Rc::clone(&deadline));
        runtime.set_interrupt_handler(Some(Box::new(move || {
            flag.set(flag.get() || end.get() <= Instant::now());
            flag.get()
        })));
        runtime.set_loader(ModuleResolver(Rc::clone(&modules)), ModuleLoader(Rc::clone(&modules)));
        let context = Context::full(&runtime)?;
        let ground = context.with(|ctx| prepare(&ctx, &modules, root, env))?;
        let ground = Cell::new(Some(ground));
        Ok(Self { ground, runtime, context, modules, deadline, timed_out })
    }

    fn answer(&self, job: &Job) -> Result<String, LoadError> {
        self.deadline.set(Instant::now() + job.time);
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
        let ground = self.ground.take().ok_or(rquickjs::Error::Unknown)?;
        let (internals, host) = (ground.internals.restore(ctx)?, ground.host.restore(ctx)?);
        add_orm(ctx, &host, &self.modules, job)?;
        evaluate_parts(ctx, job.task.parts(), &internals, &host)?;
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

fn prepare(
    ctx: &Ctx<'_>,
    modules: &SharedModules,
    root: &Path,
    env: &Environment,
) -> rquickjs::Result<Ground> {
    let internals = Object::new(ctx.clone())?;
    let host = host_object(ctx, modules, root, env)?;
    host.set("addBuiltins", Function::new(ctx.clone(), add_builtins)?)?;
    evaluate_parts(ctx, GROUND, &internals, &host)?;
    ctx.globals().prop(INTERNALS, rquickjs::object::Property::from(internals.clone()))?;
    Ok(Ground { internals: Persistent::save(ctx, internals), host: Persistent::save(ctx, host) })
}

fn add_builtins<'js>(
    ctx: Ctx<'js>,
    internals: Object<'js>,
    host: Object<'js>,
) -> rquickjs::Result<()> {
    evaluate_parts(&ctx, BUILTINS, &internals, &host)
}

/// A file of the prelude is a function that adds something to `internals`.
fn evaluate_parts<'js>(
    ctx: &Ctx<'js>,
    parts: impl IntoIterator<Item = Part>,
    internals: &Object<'js>,
    host: &Object<'js>,
) -> rquickjs::Result<()> {
    for (name, source) in parts {
        let mut options = EvalOptions::default();
        options.filename = Some(format!("raingauge/{name}"));
        let file: Function<'js> = ctx.eval_with_options(source, options)?;
        let () = file.call((internals.clone(), host.clone()))?;
    }
    Ok(())
}
