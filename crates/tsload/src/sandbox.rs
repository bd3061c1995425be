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
use rquickjs::{Context, Ctx, Function, Object, Promise, Runtime};

use crate::error::LoadError;
use crate::host::host_object;
use crate::modules::{ModuleLoader, ModuleResolver, Modules, SharedModules};
use crate::thrown::thrown;

/// The global under which generated code finds the prelude's functions.
pub(crate) const INTERNALS: &str = "__raingauge";

const MEMORY_BYTES: usize = 512 << 20;
const ENGINE_STACK_BYTES: usize = 4 << 20;
/// The parser recurses too, so the thread has more than the engine may use.
const THREAD_STACK_BYTES: usize = 32 << 20;
/// After the engine's own deadline: some of its functions never look at the clock.
const GRACE: Duration = Duration::from_secs(2);

/// The prelude, in the order in which its files build on each other.
const PRELUDE: [(&str, &str); 9] = [
    ("stand_ins.js", include_str!("js/stand_ins.js")),
    ("encoding.js", include_str!("js/encoding.js")),
    ("globals.js", include_str!("js/globals.js")),
    ("url.js", include_str!("js/url.js")),
    ("builtins.js", include_str!("js/builtins.js")),
    ("require.js", include_str!("js/require.js")),
    ("schema.js", include_str!("js/schema.js")),
    ("postgres.js", include_str!("js/postgres.js")),
    ("sqlite.js", include_str!("js/sqlite.js")),
];

/// What is to be evaluated.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) root: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) time: Duration,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) task: Task,
}

#[derive(Clone)]
pub(crate) enum Task {
    /// The configuration that the one file exports.
    Config,
    /// The schema that the files declare.
    Schema { dialect: String, casing: Option<String> },
}

/// What came out of a job.
pub(crate) struct Outcome {
    pub(crate) json: String,
    /// Files of the project that were read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// The line of every export of these files.
    pub(crate) export_lines: BTreeMap<PathBuf, BTreeMap<String, u32>>,
}

/// Runs the job and waits for it.
pub(crate) fn run(job: Job) -> Result<Outcome, LoadError> {
    let (sender, receiver) = mpsc::channel();
    let patience = job.time + GRACE;
    let seconds = job.time.as_secs_f32();
    let work = move || {
        // Nobody waits any more when the deadline has passed.
        let _ = sender.send(evaluate(&job));
    };
    let thread = thread::Builder::new().name("schema".to_owned()).stack_size(THREAD_STACK_BYTES);
    let failed = |message: String| LoadError::Failed { place: None, message };
    let handle =
        thread.spawn(work).map_err(|it| failed(format!("no thread could be started: {it}")))?;
    match receiver.recv_timeout(patience) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(out_of_time(seconds)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(handle.join());
            Err(failed("the JavaScript engine stopped unexpectedly".to_owned()))
        }
    }
}

fn out_of_time(seconds: f32) -> LoadError {
    LoadError::Limit { message: format!("it took longer than {seconds} seconds") }
}

fn evaluate(job: &Job) -> Result<Outcome, LoadError> {
    let internal = |it: rquickjs::Error| LoadError::Failed { place: None, message: it.to_string() };
    let runtime = Runtime::new().map_err(internal)?;
    runtime.set_memory_limit(MEMORY_BYTES);
    runtime.set_max_stack_size(ENGINE_STACK_BYTES);
    let timed_out = Rc::new(Cell::new(false));
    let (flag, deadline) = (Rc::clone(&timed_out), Instant::now() + job.time);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        flag.set(flag.get() || deadline <= Instant::now());
        flag.get()
    })));
    let modules: SharedModules = Rc::new(RefCell::new(Modules::new(&job.root, &job.env)));
    runtime.set_loader(ModuleResolver(Rc::clone(&modules)), ModuleLoader(Rc::clone(&modules)));
    let context = Context::full(&runtime).map_err(internal)?;
    let result = context.with(|ctx| {
        let result = drive(&ctx, &modules, job, &timed_out);
        result.map_err(|it| match timed_out.get() {
            true => out_of_time(job.time.as_secs_f32()),
            false => thrown(&ctx, &modules, &it),
        })
    });
    let modules = modules.borrow();
    result.map(|json| Outcome {
        json,
        files: modules.files.clone(),
        export_lines: modules.export_lines(),
    })
}

/// Starts the job and runs everything that it left in the queues until its promise is settled.
fn drive<'js>(
    ctx: &Ctx<'js>,
    modules: &SharedModules,
    job: &Job,
    timed_out: &Cell<bool>,
) -> rquickjs::Result<String> {
    let internals = prepare(ctx, modules, job)?;
    let run_timer: Function<'js> = internals.get("runTimer")?;
    let files: Vec<String> = job.files.iter().map(|it| it.to_string_lossy().into_owned()).collect();
    let promise: Promise<'js> = match &job.task {
        Task::Config => {
            internals.get::<_, Function<'js>>("config")?.call((files.first().cloned(),))?
        }
        Task::Schema { dialect, casing } => internals
            .get::<_, Function<'js>>("declared")?
            .call((dialect.clone(), casing.clone(), files))?,
    };
    loop {
        while !timed_out.get() && ctx.execute_pending_job() {}
        if timed_out.get() {
            return Err(rquickjs::Error::WouldBlock);
        }
        if promise.state() != PromiseState::Pending {
            return promise.finish();
        }
        if !run_timer.call::<_, bool>(())? {
            return Err(rquickjs::Error::WouldBlock);
        }
    }
}

fn prepare<'js>(
    ctx: &Ctx<'js>,
    modules: &SharedModules,
    job: &Job,
) -> rquickjs::Result<Object<'js>> {
    let internals = Object::new(ctx.clone())?;
    let host = host_object(ctx, modules, job)?;
    for (name, source) in PRELUDE {
        let mut options = EvalOptions::default();
        options.filename = Some(format!("raingauge/{name}"));
        let file: Function<'js> = ctx.eval_with_options(source, options)?;
        let () = file.call((internals.clone(), host.clone()))?;
    }
    ctx.globals().prop(INTERNALS, rquickjs::object::Property::from(internals.clone()))?;
    Ok(internals)
}
