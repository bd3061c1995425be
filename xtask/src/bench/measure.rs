//! What one run of a program costs: wall time, CPU time, peak memory, and the server's CPU time.
//!
//! The program is started by a small process of its own (this task once more, as `xtask measure`),
//! which asks the kernel what its children used: that has the whole tree of the program in it and
//! nothing else.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use raingauge_testkit::{Failure, Result};
use serde::{Deserialize, Serialize};

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// Milliseconds from start to end.
    pub(super) wall: f64,
    /// Milliseconds of user and system time of the program and what it started.
    pub(super) cpu: f64,
    /// Milliseconds of CPU time of the PostgreSQL server meanwhile; its clock has steps of ten.
    #[serde(default)]
    pub(super) server_cpu: f64,
    /// The most memory that one process of the tree had at once, in kB.
    pub(super) peak: i64,
    pub(super) end: End,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum End {
    Good,
    /// It was stopped after this many seconds.
    TooLong(u64),
    /// The last line of what it said.
    Failed(String),
}

/// Measures a run that has to end within a number of seconds. What it says is kept in a file.
#[derive(Debug, clap::Args)]
pub(crate) struct MeasureArgs {
    #[arg(long)]
    limit: u64,
    #[arg(long)]
    log: PathBuf,
    /// Throw standard output away instead
    #[arg(long)]
    mute: bool,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Where measured programs work, and the server whose time counts too.
pub(super) struct Gauge {
    /// The server's main process.
    pub(super) server: Option<u32>,
    /// Seconds after which a run is stopped.
    pub(super) limit: u64,
    /// What the last run said.
    pub(super) log: PathBuf,
}

impl Gauge {
    /// Runs a command once. With `mute` its standard output goes nowhere, as fast as possible.
    pub(super) fn run(&self, command: &Command, mute: bool) -> Result<Run> {
        let mut outer = Command::new(std::env::current_exe()?);
        outer.args(["measure", "--limit", &self.limit.to_string(), "--log"]).arg(&self.log);
        if mute {
            outer.arg("--mute");
        }
        outer.arg("--").arg(command.get_program()).args(command.get_args());
        outer.env_clear().envs(command.get_envs().filter_map(|(name, it)| Some((name, it?))));
        outer.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
        let before = self.server_cpu()?;
        let output = outer.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(Failure::new(String::from_utf8_lossy(&output.stdout)));
        }
        // A backend's time is its parent's only after its end.
        std::thread::sleep(Duration::from_millis(60));
        let mut run: Run = serde_json::from_slice(&output.stdout)?;
        run.server_cpu = self.server_cpu()? - before;
        Ok(run)
    }

    fn server_cpu(&self) -> Result<f64> {
        /// The kernel's unit for programs, whatever its own is.
        const TICK: f64 = 10.0;
        let Some(pid) = self.server else { return Ok(0.0) };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in parentheses may have blanks; of the rest, 11 to 14 are the times.
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let times = rest.split_whitespace().skip(11).take(4);
        Ok(times.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() * TICK)
    }
}

/// The inner process: runs the command and prints a [`Run`] as JSON.
pub(crate) fn run(arguments: &MeasureArgs) -> Result {
    let log = File::create(&arguments.log)?;
    let mut command = Command::new(&arguments.command[0]);
    command.args(&arguments.command[1..]).stdin(Stdio::null()).stderr(log.try_clone()?);
    command.stdout(if arguments.mute { Stdio::null() } else { Stdio::from(log) });
    // A group of its own, so that its end is the end of all that it started.
    command.process_group(0);
    let since = Instant::now();
    let mut child = command.spawn()?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let (ended, end) = mpsc::channel::<()>();
    let limit = Duration::from_secs(arguments.limit);
    let watch = std::thread::spawn(move || {
        let is_late = end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if is_late {
            let _ = killpg(group, Signal::SIGKILL);
        }
        is_late
    });
    let status = child.wait()?;
    let wall = since.elapsed();
    drop(ended);
    let is_late = watch.join().map_err(|_| Failure::new("the watch died"))?;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let end = match status.code() {
        _ if is_late => End::TooLong(arguments.limit),
        Some(0) => End::Good,
        _ => End::Failed(last_words(&arguments.log, status.signal())),
    };
    let run = Run {
        wall: wall.as_secs_f64() * 1000.0,
        cpu: millis(used.user_time()) + millis(used.system_time()),
        server_cpu: 0.0,
        peak: used.max_rss(),
        end,
    };
    println!("{}", serde_json::to_string(&run)?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are few")]
fn millis(time: nix::sys::time::TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1000.0
}

fn last_words(log: &Path, signal: Option<i32>) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().map(str::trim).rfind(|it| !it.is_empty());
    match (last, signal) {
        (Some(line), None) => line.to_owned(),
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "it said nothing".to_owned(),
    }
}
