//! Where a run works: the project, live, and a scratch provider, opened once.

use std::path::{Path, PathBuf};

use raingauge_schema::{Catalog, Dialect};

use crate::baseline::roles::without_owners;
use crate::client::ProgramSource;
use crate::connect::pooler::Link;
use crate::connect::{Access, Dsn, Identity, PgSession, Session, offline_only};
use crate::consent::Circumstance;
use crate::dump::Dump;
use crate::history::History;
use crate::ledger::{self, LedgerName};
use crate::project::{Project, Reading};
use crate::report::{Finding, Report, Section};
use crate::scratch::{Scratch, ScratchDatabase, ScratchOptions};
use crate::setting::{ScratchChoice, Setting};
use crate::{Error, Result, check, introspect};

/// The project, live, and a scratch provider.
#[derive(Debug)]
pub struct Site {
    pub setting: Setting,
    pub project: Project,
    pub dsn: Dsn,
    /// Read only: the server itself refuses every write.
    pub live: Session,
    pub identity: Identity,
    pub scratch: Scratch,
    /// Every ledger of live, the configured one included even if it does not exist yet.
    pub ledgers: Vec<LedgerName>,
    /// The ledger of wrangler, if live has one.
    pub wrangler: Option<LedgerName>,
    /// Stands in for a SQLite file that does not exist yet.
    empty: Option<ScratchDatabase>,
}

impl Site {
    /// Opens a site whose database exists.
    ///
    /// # Errors
    /// If the project cannot be read or the database cannot be reached.
    pub fn open(setting: &Setting) -> Result<Self> {
        Self::of(setting, Project::read(setting, Reading::All)?, false)
    }

    /// Opens a site; a SQLite file that does not exist is taken for an empty database.
    ///
    /// # Errors
    /// As [`Site::open`].
    pub fn open_or_empty(setting: &Setting) -> Result<Self> {
        Self::of(setting, Project::read(setting, Reading::All)?, true)
    }

    /// Opens a site as [`Site::open_or_empty`] does, without `schema.ts`: enough to see that nothing is pending.
    ///
    /// # Errors
    /// As [`Site::open`].
    pub fn open_without_schema(setting: &Setting) -> Result<Self> {
        Self::of(setting, Project::read(setting, Reading::WithoutSchema)?, true)
    }

    fn of(setting: &Setting, project: Project, may_be_missing: bool) -> Result<Self> {
        let dsn = project.target(setting)?;
        check::target::refuse_other_port(&dsn, &project.root)?;
        let dsn = one_server(dsn)?;
        let mut scratch = Scratch::open(scratch_options(setting, project.dialect, Some(&dsn))?)?;
        let empty = match &dsn {
            Dsn::Sqlite(target) if may_be_missing && !target.path.exists() => {
                Some(scratch.create("missing")?)
            }
            Dsn::Sqlite(_) | Dsn::MySql(_) | Dsn::Postgres(_) => None,
        };
        let opened = empty.as_ref().map_or(&dsn, |it| &it.dsn);
        let mut live = Session::open(opened, Access::ReadOnly)?;
        let identity = live.identity()?.of(&dsn);
        let ledgers = find_ledgers(&mut live, &project.ledger)?;
        let wrangler = find_wrangler(&mut live)?;
        let setting = setting.clone();
        Ok(Self { setting, project, dsn, live, identity, scratch, ledgers, wrangler, empty })
    }

    /// Reads history and ledgers again, after something was written.
    ///
    /// # Errors
    /// If they cannot be read any more.
    pub fn refresh(&mut self) -> Result<()> {
        let history = &self.project.history;
        let again = History::read(&history.folder, self.project.dialect, Some(history.generation))?;
        self.project.history = again;
        if self.empty.is_some() && Session::open(&self.dsn, Access::ReadOnly).is_ok() {
            self.empty = None;
        }
        if self.empty.is_none() {
            self.live = Session::open(&self.dsn, Access::ReadOnly)?;
        }
        self.find_ledgers()
    }

    /// Looks again which ledgers there are: another runner may have made one.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn find_ledgers(&mut self) -> Result<()> {
        self.ledgers = find_ledgers(&mut self.live, &self.project.ledger)?;
        self.wrangler = find_wrangler(&mut self.live)?;
        Ok(())
    }

    /// The names of the files that wrangler has applied to live, if it has a ledger there.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn wrangler_names(&mut self) -> Result<Option<Vec<String>>> {
        let Some(ledger) = &self.wrangler else { return Ok(None) };
        let names = ledger::wrangler::names(&mut self.live, ledger);
        names.map(Some).map_err(|cause| {
            Error::new("ledger-unreadable", format!("cannot read the ledger `{ledger}`"))
                .caused_by(cause)
        })
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        self.project.dialect
    }

    /// The ledgers to leave out of a catalog: those of live, the configured one, and wrangler's.
    pub fn ledger_names(&self) -> Vec<LedgerName> {
        let mut names = self.ledgers.clone();
        names.extend(self.wrangler.iter().cloned());
        if !names.contains(&self.project.ledger) {
            names.push(self.project.ledger.clone());
        }
        names
    }

    /// Reads live's catalog.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn catalog(&mut self) -> Result<Catalog> {
        let names = self.ledger_names();
        introspect::catalog(&mut self.live, &names)
    }

    /// Reads the catalog of a scratch database.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn catalog_of(&self, session: &mut Session) -> Result<Catalog> {
        introspect::catalog(session, &self.ledger_names())
    }

    /// A dump with or without its owners, as the user wants a baseline.
    pub fn owned(&self, dump: Dump) -> Dump {
        if self.setting.with_owners { dump } else { without_owners(dump) }
    }

    /// Where PostgreSQL's programs are, if the user says.
    pub fn client(&self) -> Option<ProgramSource> {
        self.setting.pg_client.as_deref().map(ProgramSource::parse)
    }

    /// Where backups are.
    pub fn backups(&self) -> PathBuf {
        self.project.root.join(".raingauge").join("backups")
    }

    /// Whether somebody vouched for this by name: `--allow NAME`.
    pub fn vouches(&self, name: &str) -> bool {
        self.setting.allow.iter().any(|it| it == name)
    }

    /// Whether a write needs the plan's hash, and what to call the reason.
    pub fn guarded(&self) -> Option<String> {
        if let Some(name) = self.project.policy.protects(&self.dsn, &self.identity) {
            return Some(format!("`raingauge.toml` protects it as `{name}`"));
        }
        (!self.identity.local).then(|| "it is on another machine".to_owned())
    }

    /// Where a consent to a write is asked for; `typed` is what was typed at the prompt.
    pub(crate) fn circumstance(&self, typed: Option<String>) -> Circumstance {
        Circumstance {
            database: self.identity.database.clone(),
            guarded: self.guarded().is_some(),
            typed,
        }
    }

    /// A report of a command that says who answered.
    pub fn report(&self, command: &'static str) -> Report {
        let mut report = describe(command, &self.dsn, &self.identity, &self.live);
        if let (Some(_), Dsn::Sqlite(target)) = (&self.empty, &self.dsn) {
            report.findings.push(file_missing(&target.path));
        }
        report
    }
}

/// A mistyped path would else pass for a database in which nothing has happened yet.
fn file_missing(path: &Path) -> Finding {
    let message =
        "there is no such file; it is taken for an empty database, which `migrate` would make";
    Finding::warning("sqlite-missing", path.display().to_string(), message)
        .next("check the path, if there should be a database")
}

/// A report of a command that says who answered.
pub(crate) fn describe(
    command: &'static str,
    dsn: &Dsn,
    identity: &Identity,
    live: &Session,
) -> Report {
    let mut report = Report::new(command);
    report.engine = identity.engine.clone();
    report.target = dsn.to_string();
    let mut server = Section::new("server", "database", &["fact", "value"]);
    server.push(["name", &identity.database]);
    server.push(["host", &identity.host]);
    if !identity.role.is_empty() {
        server.push(["role", &identity.role]);
    }
    server.push(["size", &size(identity.bytes)]);
    if let Some(finding) = check::target::port_assumed(dsn) {
        server.push(["port".to_owned(), finding.message.clone()]);
        report.findings.push(finding);
    }
    if let Session::Postgres(session) = live
        && let Link::Shared(how) = session.link()
    {
        server.push(["connection", &format!("a pooler in transaction mode ({how})")]);
    }
    report.findings.extend(check::target::ignored_parameters(dsn));
    report.sections.push(server);
    report
}

/// An address may name several servers. Everything that a run does is about the one that answers.
pub(crate) fn one_server(dsn: Dsn) -> Result<Dsn> {
    match dsn {
        Dsn::Postgres(target) if !target.others.is_empty() => {
            Ok(Dsn::Postgres(PgSession::open_plain(&target, Access::ReadOnly)?.target().clone()))
        }
        Dsn::Postgres(_) | Dsn::MySql(_) | Dsn::Sqlite(_) => Ok(dsn),
    }
}

fn find_wrangler(live: &mut Session) -> Result<Option<LedgerName>> {
    ledger::wrangler::find(live).map_err(|cause| {
        Error::new("catalog-unreadable", "cannot look for the ledger of wrangler").caused_by(cause)
    })
}

fn find_ledgers(live: &mut Session, configured: &LedgerName) -> Result<Vec<LedgerName>> {
    ledger::find(live, configured).map_err(|cause| {
        Error::new("catalog-unreadable", "cannot look for the ledger").caused_by(cause)
    })
}

fn refuse_mysql(project: &Project) -> Result<()> {
    if project.dialect == Dialect::MySql { Err(offline_only()) } else { Ok(()) }
}

/// Scratch for a run that does not look at live: of any version, unless it is to be on live's server.
pub(crate) fn scratch_for(setting: &Setting, project: &Project) -> Result<Scratch> {
    refuse_mysql(project)?;
    let live = match setting.scratch {
        ScratchChoice::Target => Some(project.target(setting)?),
        ScratchChoice::Auto | ScratchChoice::Url(_) => None,
    };
    Scratch::open(scratch_options(setting, project.dialect, live.as_ref())?)
}

/// What scratch databases are to be like, and where.
pub(crate) fn scratch_options(
    setting: &Setting,
    dialect: Dialect,
    live: Option<&Dsn>,
) -> Result<ScratchOptions> {
    let mut options = ScratchOptions::new(dialect);
    options.live = live.cloned();
    options.cache = setting.cache_folder();
    let path = setting.env.get("PATH").map(std::env::split_paths);
    options.programs = path.into_iter().flatten().collect();
    options.pg_client = match setting.pg_client.as_deref().map(ProgramSource::parse) {
        Some(ProgramSource::Folder(folder)) => Some(folder),
        Some(ProgramSource::Prefix(_)) | None => None,
    };
    match &setting.scratch {
        ScratchChoice::Auto => {}
        ScratchChoice::Url(url) => {
            options.scratch_url = Some(Dsn::parse_in(url, dialect, &setting.env)?);
        }
        ScratchChoice::Target => options.target_consent = true,
    }
    Ok(options)
}

/// Bytes for people.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(crate) fn size(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while 1024.0 <= value && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", units[unit]) }
}
