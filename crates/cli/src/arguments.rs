//! What can be typed. Doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Bring an existing database under Drizzle migrations, prove it, and keep it drift-free
///
/// Start with `raingauge init`, then `raingauge analyze`, then `raingauge execute`. Run it in the folder
/// of `drizzle.config.*`, whose `.env` is read too. `raingauge.toml` names protected targets.
///
/// Exit codes: 0 done, and nothing is wrong · 1 it ran to its end and the answer is no (differences,
/// refused, question open) · 2 it could not run · 3 it stopped half way, the report says what was done.
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
    /// The database, instead of the one in `drizzle.config.*`: `postgresql://…`, `file:PATH` or a path
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The Drizzle configuration, if it is not `drizzle.config.*` in this folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A script, or a folder of scripts, that created the database (repeatable, in their order); without
    /// it, compose files, Dockerfiles and the usual places are searched
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) init_sql: Vec<PathBuf>,
    /// Where throw-away databases are made: a server's URL, or `target` to allow the
    /// database's own server; without it, a temporary server on this machine
    #[arg(long, global = true, value_name = "URL|target")]
    pub(crate) scratch: Option<String>,
    /// Where `pg_dump` and `pg_restore`, or `mysqldump` and `mysql`, are: a folder, or the beginning of a command such as `docker exec
    /// -i db`
    #[arg(long, global = true, value_name = "FOLDER|COMMAND")]
    pub(crate) pg_client: Option<String>,
    /// What runs the configuration and `schema.ts`: the embedded engine, which lets them read the project
    /// and nothing else; your own Node.js, tsx or bun, in which they may do what they like; or `auto`, the
    /// first of them, in this order, that can
    #[arg(long, global = true, value_enum, default_value_t = RuntimeChoice::Embedded)]
    pub(crate) runtime: RuntimeChoice,
    /// Consent by name: `drop:orders.note` to a statement that deletes data, `record:0003_prices` to
    /// take rows for written that nobody can prove, `init-sql-half-applied` to a database that lacks
    /// the end of its scripts, `disk-space` to a backup that may not fit on its disk (repeatable)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) allow: Vec<String>,
    /// A JSON file that answers the questions: {"backup": "yes", "reconcile": "yes", "migrate": "yes"}
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

/// What runs the project's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeChoice {
    Embedded,
    Node,
    Tsx,
    Bun,
    Auto,
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
    /// Compare the database, init.sql, the migrations folder and schema.ts; writes nothing
    Analyze(AnalyzeArgs),
    /// Take a backup and verify it by restoring it
    Backup(BackupArgs),
    /// Restore a backup into a new database and verify it
    Restore(RestoreArgs),
    /// Write the missing migrations and record those that are in effect; shows the plan without --confirm
    Reconcile(ReconcileArgs),
    /// Check migrations folder, ledger, database and schema.ts, pass or fail; writes nothing
    Validate(ValidateArgs),
    /// The guided way: backup, reconcile, migrate, validate; asks before each write
    Execute(ExecuteArgs),
    /// Where the database stands in its history, and what is pending; writes nothing
    Status(StatusArgs),
    /// Apply pending migrations, rehearsed and under a lock
    Migrate(MigrateArgs),
    /// Take migrations folder and ledger from Drizzle 0.x to 1.0; shows the plan without --confirm
    Upgrade(UpgradeArgs),
    /// Write the next migration, from schema.ts and the last snapshot; opens no database, never prompts
    /// without a terminal
    Generate(GenerateArgs),
    /// Compare any two of: a database, schema.ts, a migrations folder, SQL, a snapshot; with the statements
    /// that lead from the first to the second, tried in scratch. Writes nothing
    Diff(DiffArgs),
    /// Put npm scripts and lines for git into the project; shows them without --confirm
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
            Self::Upgrade(_) => "upgrade",
            Self::Generate(_) => "generate",
            Self::Diff(_) => "diff",
            Self::Init(_) => "init",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct AnalyzeArgs {
    /// Look at the database alone: what is in it and what cannot be seen; with --url it needs no project
    #[arg(long)]
    pub(crate) live: bool,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
    #[command(flatten)]
    pub(crate) create: CreateArgs,
}

/// What opens an encrypted backup.
#[derive(Args, Debug)]
pub(crate) struct IdentityArgs {
    /// A file with the secret key that opens an encrypted backup, as `age-keygen` writes it (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
}

/// How a backup is taken, and which older ones stay.
#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// How it is proven
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Verify::Restore)]
    pub(crate) verify: Verify,
    /// Encrypt it with `age`: a public key (`age1…`, `ssh-…`), or a file with one in each line
    /// (repeatable); whoever has the secret key of one can open it
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) encrypt_to: Vec<String>,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// Copy it to an object store, `s3://bucket/prefix`, read it back and compare; where the store is and
    /// who may write to it stands in the environment: `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, …
    #[arg(long, value_name = "STORE")]
    pub(crate) to: Option<String>,
    /// Afterwards keep the newest N verified backups and remove older ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep_last: Option<u32>,
    /// Afterwards keep backups of the last N days and remove older ones; never the last verified one
    #[arg(long, value_name = "N")]
    pub(crate) keep_days: Option<u32>,
}

/// How a backup is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verify {
    /// Restored into scratch and compared
    Restore,
    /// Not at all: no command accepts such a backup as protection
    None,
}

/// What to do with backups; `create` when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Take a backup and verify it by restoring it
    Create(CreateArgs),
    /// List the backups of this project, or of an object store
    List {
        /// `s3://bucket/prefix`
        store: Option<String>,
    },
    /// Restore a backup into scratch again and compare everything
    Verify {
        /// The backup's folder, its name, or its address in an object store
        backup: PathBuf,
        #[command(flatten)]
        identity: IdentityArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// The backup's folder, its name, or its address in an object store: `s3://bucket/prefix/NAME`
    pub(crate) backup: PathBuf,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    /// A new database: it must not exist yet, or be empty
    #[arg(long, value_name = "URL", required_unless_present = "tables")]
    pub(crate) to: Option<String>,
    /// The database of --to has been restored: count what live has had since the backup and, with
    /// --confirm, give the copy live's name. Live stays under another name
    #[arg(long, group = "write", requires = "to")]
    pub(crate) swap: bool,
    /// Restore only these tables, into live beside its own and under other names; shows them without
    /// --confirm (separated by commas)
    #[arg(
        long,
        value_name = "TABLES",
        value_delimiter = ',',
        group = "write",
        conflicts_with = "to"
    )]
    pub(crate) tables: Vec<String>,
    /// Carry out the swap, or restore the tables; with a hash, exactly the plan that was shown with it
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "", requires = "write")]
    pub(crate) confirm: Option<String>,
}

/// What a baseline keeps.
#[derive(Args, Debug)]
pub(crate) struct Keep {
    /// Keep who owns what in the baseline, guarded by the role's existence, and compare it; without it,
    /// everything belongs to whoever builds a new database (PostgreSQL)
    #[arg(long)]
    pub(crate) with_owners: bool,
}

/// Consent to a write.
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    /// Carry out the plan; with a hash, exactly the plan that was shown with it
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
    #[command(flatten)]
    pub(crate) keep: Keep,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// Check only the migrations folder and schema.ts, without a database
    #[arg(long)]
    pub(crate) offline: bool,
    /// Also check everything that a certificate says: a JSON file that `reconcile` wrote to `raingauge/`
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// Also ask the project's own drizzle-kit what it makes of schema.ts, and compare
    #[arg(long)]
    pub(crate) judge: bool,
    /// Repair what is safe in the migrations folder: chain snapshots, merge those of two branches, number
    /// anew, make lost ones again from a replay in scratch; opens no database and shows the plan without
    /// --confirm
    #[arg(long, conflicts_with = "certificate")]
    pub(crate) fix: bool,
    /// Carry out the repair; with a hash, exactly the plan that was shown with it
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "", requires = "fix")]
    pub(crate) confirm: Option<String>,
    /// Finish a repair that was cut off
    #[arg(long, requires = "fix", conflicts_with = "confirm")]
    pub(crate) resume: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExecuteArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {}

#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    /// Take the newest applied migration back where that loses nothing, or only what --allow names; what no
    /// statement brings back is called irreversible, with what a restore would cost. Shows the way back
    /// without --confirm
    #[arg(long, conflicts_with = "resume")]
    pub(crate) undo: bool,
    /// Where data can be lost, rest on a verified backup of live as it is now that is not older than this (`6h`,
    /// `30m`), and refuse without one; without it, a new backup is taken. `raingauge.toml` can say it too
    #[arg(long, value_name = "AGE")]
    pub(crate) backup_age: Option<jiff::SignedDuration>,
    /// How many seconds to wait for another runner, and for locks that other sessions hold
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait: u64,
    /// How many milliseconds a statement waits for a lock before it lets others pass and tries again
    /// (PostgreSQL; MySQL and MariaDB count in whole seconds)
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500)]
    pub(crate) lock_timeout: u64,
    /// How many seconds a statement may take; without it, what the server says (PostgreSQL, MySQL, MariaDB)
    #[arg(long, value_name = "SECONDS")]
    pub(crate) statement_timeout: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct UpgradeArgs {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    /// Take a finished upgrade back: the journal with its files, and the ledger, as they were. Refused once
    /// something was migrated, or a migration made. Shows what would come back without --confirm
    #[arg(long, conflicts_with = "resume")]
    pub(crate) undo: bool,
}

#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// What got another name and is not new: `users:people`, `users.name:users.full_name`; where several
    /// kinds of things have the name, `table:users:people` (repeatable)
    #[arg(long, value_name = "OLD:NEW")]
    pub(crate) rename: Vec<String>,
    /// What is new, whatever goes at the same time: `users.email`, `table:people` (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) create: Vec<String>,
    /// The same as a JSON file: the hints of drizzle-kit 1.0
    #[arg(long, value_name = "FILE")]
    pub(crate) hints: Option<PathBuf>,
    /// What the migration is called; without it, two words
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Write a form that lets others go on reading and writing while it runs, with the same end: indexes
    /// built concurrently, constraints validated afterwards (PostgreSQL); the ALGORITHM and LOCK without which the
    /// server has to refuse (MySQL, MariaDB)
    #[arg(long, conflicts_with = "custom")]
    pub(crate) safe: bool,
    /// Write an empty migration, for statements of your own
    #[arg(long, conflicts_with_all = ["rename", "create", "hints"])]
    pub(crate) custom: bool,
}

/// Two sides, each of them named by its address or its path: a URL or a SQLite file; `schema.ts` or a
/// `drizzle.config.*`; a migrations folder; an SQL file or a folder of them; a snapshot file.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The side to come from
    #[arg(value_name = "A")]
    pub(crate) from: String,
    /// The side to get to
    #[arg(value_name = "B")]
    pub(crate) to: String,
    /// Print the statements alone, as a script that makes A what B is; refused, with exit 1, where they do
    /// not lead all the way. The report goes to stderr
    #[arg(long)]
    pub(crate) sql: bool,
    /// The engine, where neither side tells: two SQL files
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<DialectChoice>,
}

/// An engine, by the word that Drizzle uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectChoice {
    Postgresql,
    Mysql,
    Sqlite,
}

#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Write what is shown without it
    #[arg(long)]
    pub(crate) confirm: bool,
}
