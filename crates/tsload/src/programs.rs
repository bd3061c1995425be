//! The programs of the project's own that can run its files: Node.js, Node.js with tsx, bun.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::error::LoadError;
use crate::modules::SharedModules;
use crate::plugnplay::PlugNPlay;
use crate::sandbox::{Job, Runtime};
use crate::workspace::{Style, Target};

const OUTSIDE: &str = include_str!("js/outside.js");
const NODE: &str = include_str!("js/node.js");
const TOOL: &str = include_str!("js/tool.js");
const DESCRIBE: [&str; 7] = [
    include_str!("js/refusals.js"),
    include_str!("js/config.js"),
    include_str!("js/schema.js"),
    include_str!("js/mysql.js"),
    include_str!("js/postgres.js"),
    include_str!("js/sqlite.js"),
    include_str!("js/judge.js"),
];

/// A program, found.
#[derive(Debug)]
pub(crate) enum Program {
    /// It is fed with the files as this crate transpiles and resolves them.
    Node,
    /// Node.js with the project's tsx, which this is the entry of.
    Tsx(PathBuf),
    /// bun, by its path or its name on `PATH`.
    Bun(PathBuf),
}

impl Program {
    /// The program that stands for the runtime in this project.
    ///
    /// # Errors
    /// If tsx is not installed. Whether Node.js and bun are there is seen when they are started.
    pub(crate) fn find(
        runtime: Runtime,
        job: &Job,
        modules: &SharedModules,
    ) -> Result<Self, LoadError> {
        match runtime {
            Runtime::Tsx => tsx(job, modules).map(Self::Tsx),
            Runtime::Bun => Ok(Self::Bun(bun(&job.root))),
            Runtime::Embedded | Runtime::Node | Runtime::Auto => Ok(Self::Node),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Tsx(_) => "tsx",
            Self::Bun(_) => "bun",
        }
    }

    /// Whether it transpiles the files itself: then it also knows the lines of the source.
    pub(crate) fn transpiles(&self) -> bool {
        match self {
            Self::Node => false,
            Self::Tsx(_) | Self::Bun(_) => true,
        }
    }

    /// The command that begins the conversation, in which `mark` precedes each message. `yarn` are packages
    /// that Node.js finds with hooks only.
    pub(crate) fn command(&self, job: &Job, mark: &str, yarn: Option<&PlugNPlay>) -> Command {
        let load = if self.transpiles() { TOOL } else { NODE };
        let describe = DESCRIBE.join(",");
        let script = format!(
            "const MARK = {};\nconst LOAD = {load};\nconst DESCRIBE = [{describe}];\n{OUTSIDE}",
            json!(mark)
        );
        let mut command = match self {
            Self::Node | Self::Tsx(_) => node(yarn),
            Self::Bun(path) => Command::new(path),
        };
        match self {
            Self::Node => drop(command.arg("--experimental-vm-modules")),
            // An archive can only be entered by a name.
            Self::Tsx(_) if yarn.is_some() => drop(command.args(["--import", "tsx"])),
            Self::Tsx(entry) => drop(command.arg("--import").arg(entry)),
            // What it installs by itself, and what it reads of `.env` files, the others do not have.
            Self::Bun(_) => drop(command.args(["--no-install", "--env-file=/dev/null"])),
        }
        command.args(["-e", &script]);
        command.current_dir(&job.root).env_clear().envs(&job.env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

fn node(yarn: Option<&PlugNPlay>) -> Command {
    let mut node = Command::new("node");
    node.args(["--no-warnings", "--max-old-space-size=512", "--input-type=commonjs"]);
    if let Some((require, loader)) = yarn.map(PlugNPlay::hooks) {
        node.arg("--require").arg(require);
        node.args(
            loader.iter().flat_map(|it| [OsStr::new("--experimental-loader"), it.as_os_str()]),
        );
    }
    node
}

/// The entry of the package `tsx`, as the project's files see it.
fn tsx(job: &Job, modules: &SharedModules) -> Result<PathBuf, LoadError> {
    let found = job.anchors().iter().find_map(|anchor| {
        match modules.borrow_mut().target(anchor, "tsx", Style::Import) {
            Ok(Target::File(path)) => Some(path),
            Ok(_) | Err(_) => None,
        }
    });
    found.ok_or_else(|| LoadError::RuntimeMissing {
        program: "tsx",
        message: format!("it is installed neither in `{}` nor above it", job.root.display()),
    })
}

/// The bun that npm has installed, else the one on `PATH`.
fn bun(root: &Path) -> PathBuf {
    let installed = root.ancestors().map(|it| it.join("node_modules/.bin/bun"));
    installed.into_iter().find(|it| it.is_file()).unwrap_or_else(|| PathBuf::from("bun"))
}
