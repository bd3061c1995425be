//! What can be typed. Doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Bring an existing database under Drizzle migrations, prove it, and keep it drift-free
///
/// Configuration comes from `drizzle.config.*` in the current folder (and its `.env`), then from
/// `raingauge.toml`, then from the options below.
///
/// Exit codes: 0 done and clean · 1 ran to the end, the answer is no (differences, refused, question
/// open) · 2 could not run · 3 stopped half way, the report says what was done.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// How to print the report
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// The target database, instead of the one in `drizzle.config.*`
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The script or folder that created the database (repeatable); found through compose files if
    /// not given
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) init_sql: Vec<PathBuf>,
    /// Where scratch databases are made: a server's URL, or `target` to allow the target server
    #[arg(long, global = true, value_name = "URL|target")]
    pub(crate) scratch: Option<String>,
    /// Where `pg_dump` is: a folder, or a command prefix such as `docker exec -i db`
    #[arg(long, global = true, value_name = "FOLDER|COMMAND")]
    pub(crate) pg_client: Option<String>,
    /// Consent by name: `drop:orders.note` to a statement that deletes data, `record:0003_prices` to
    /// take rows for written that nobody can prove (repeatable)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) allow: Vec<String>,
    /// Answers to all questions, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// The commands, in the order in which an adoption uses them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare live, init.sql, the history and schema.ts; writes nothing
    Analyze(AnalyzeArgs),
    /// Take a backup and verify it by restoring it
    Backup(BackupArgs),
    /// Restore a backup into a new database and verify it
    Restore(RestoreArgs),
    /// Write the baseline, the seed migration and the ledger rows that prove live's position
    Reconcile(ReconcileArgs),
    /// Check files, ledger, live and schema.ts; writes nothing
    Validate(ValidateArgs),
    /// The guided way: analyze, backup, reconcile, migrate, validate
    Execute(ExecuteArgs),
    /// Where live stands, and what is pending; writes nothing
    Status(StatusArgs),
    /// Apply pending migrations, rehearsed and under a lock
    Migrate(MigrateArgs),
    /// Put npm scripts and ignore lines into the project
    Init(InitArgs),
}

impl Command {
    /// The word that was typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Analyze(_) => "analyze",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Reconcile(_) => "reconcile",
            Self::Validate(_) => "validate",
            Self::Execute(_) => "execute",
            Self::Status(_) => "status",
            Self::Migrate(_) => "migrate",
            Self::Init(_) => "init",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct AnalyzeArgs {}

#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
}

/// What to do with backups; `create` when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Take a backup and verify it by restoring it
    Create,
    /// List the backups of this project
    List,
    /// Restore a backup into scratch again and compare everything
    Verify {
        /// The backup's folder or its name
        backup: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// The backup's folder or its name
    pub(crate) backup: PathBuf,
    /// A new database: it must not exist yet, or be empty
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
}

/// Consent to a write.
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    /// Carry out the plan just shown, or exactly the plan with this hash
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) confirm: Option<String>,
    /// Finish or undo a run that was interrupted
    #[arg(long)]
    pub(crate) resume: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// Look at files and schema.ts only, not at a database
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExecuteArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {}

#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    /// How many seconds to wait for another runner
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait: u64,
}

#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Write the changes just shown
    #[arg(long)]
    pub(crate) confirm: bool,
}
