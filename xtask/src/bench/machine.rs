//! What the numbers depend on: the machine, its load, the versions of the programs.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What the numbers depend on.
#[derive(Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) when: String,
    pub(super) processor: String,
    pub(super) n_cores: usize,
    pub(super) memory: String,
    pub(super) system: String,
    /// The load of the last minute before and after.
    pub(super) load: [String; 2],
    /// Of the programs that took part.
    pub(super) versions: Vec<String>,
}

impl Machine {
    /// This machine, now.
    pub(super) fn look(versions: Vec<String>) -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|it| it.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|it| it.1.trim().to_owned()).unwrap_or_default()
        };
        let kilobytes = field("/proc/meminfo", "MemTotal");
        let kilobytes: u64 = kilobytes.trim_end_matches(" kB").parse().unwrap_or(0);
        Self {
            when: said(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])),
            processor: field("/proc/cpuinfo", "model name"),
            n_cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory: format!("{} GB", kilobytes / 1_000_000),
            system: said(Command::new("uname").args(["-sr"])),
            load: [load(), String::new()],
            versions,
        }
    }

    /// Notes the load at the end.
    pub(super) fn end(&mut self) {
        self.load[1] = load();
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The first line that a program prints; empty if it does not start.
pub(super) fn said(command: &mut Command) -> String {
    let output = command.output().map(|it| it.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned()
}
