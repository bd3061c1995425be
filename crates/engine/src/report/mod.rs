//! The one report type of all commands. Renderers ([`text`], [`json`]) add no facts and drop none.

pub mod json;
pub mod text;

use std::path::PathBuf;

/// What a command found and did.
#[derive(Clone, Debug)]
pub struct Report {
    /// The command: `analyze`.
    pub command: &'static str,
    /// Engine and version: `PostgreSQL 15.18`. Empty where no database was opened.
    pub engine: String,
    /// The target, redacted. Empty where no database was opened.
    pub target: String,
    pub findings: Vec<Finding>,
    pub steps: Vec<Step>,
    pub artefacts: Vec<Artefact>,
    /// Set where the outcome does not follow from the findings alone.
    pub outcome: Outcome,
    /// What belongs to this command alone, in order of importance.
    pub sections: Vec<Section>,
    /// The next command to type, if there is an obvious one.
    pub next: Option<String>,
}

/// What the run itself says about its end, before the findings are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It ran to its end.
    #[default]
    Finished,
    /// It goes on: this is what it is about to do.
    Planned,
    /// It would not go on, and changed nothing.
    Refused,
    /// It stopped half way: something changed, and the report says what.
    Stopped,
}

/// The answer of a command; it alone decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    Differences,
    Refused,
    /// Not everything could be seen.
    Unknown,
    Failed,
}

impl Verdict {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Differences => "differences",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// `0` clean · `1` the answer is no · `3` stopped half way. (`2`, could not run, is an
    /// [`crate::Error`].)
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Differences | Self::Refused | Self::Unknown => 1,
            Self::Failed => 3,
        }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Needs a decision some day.
    Warning,
    /// Wrong or unsafe; makes the exit code 1.
    Error,
}

impl Severity {
    /// The word in JSON and text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Whom a defect of the history reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affected {
    /// Databases that have yet to be built, and those that have not had the migration.
    Fresh,
    /// Databases that follow the history step by step, and not those that get all of it at once.
    Upgraded,
    Both,
    /// No database: only what drizzle-kit does next.
    Kit,
}

impl Affected {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Upgraded => "upgraded",
            Self::Both => "both",
            Self::Kit => "kit",
        }
    }

    /// The words in text.
    pub fn words(self) -> &'static str {
        match self {
            Self::Fresh => "new databases, and those that have not had it yet",
            Self::Upgraded => "databases that are upgraded step by step, new ones are not",
            Self::Both => "new databases and upgraded ones",
            Self::Kit => "no database, but what drizzle-kit does next",
        }
    }
}

/// A stated fact with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable kebab-case word, listed in `docs/findings.md`.
    pub code: &'static str,
    pub severity: Severity,
    /// The object or file that it is about: `column public.books.price`, `init.sql:12`.
    pub subject: String,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Whom a defect of the history reaches; absent where that is no question.
    pub affects: Option<Affected>,
    /// What shows it, line by line.
    pub evidence: Vec<String>,
    /// Exact commands, SQL or edits that help, safest first.
    pub next: Vec<String>,
}

impl Finding {
    fn new(
        severity: Severity,
        code: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (subject, message) = (subject.into(), message.into());
        let (evidence, next) = (Vec::new(), Vec::new());
        Self { code, severity, subject, message, affects: None, evidence, next }
    }

    /// Something wrong or unsafe.
    pub fn error(
        code: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Error, code, subject, message)
    }

    /// Something that needs a decision some day.
    pub fn warning(
        code: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, code, subject, message)
    }

    /// The same, as an error.
    #[must_use]
    pub fn raised(self) -> Self {
        Self { severity: Severity::Error, ..self }
    }

    /// Whether both tell of the same, however grave they take it.
    pub fn tells_the_same_as(&self, other: &Self) -> bool {
        (self.code, &self.subject, &self.message) == (other.code, &other.subject, &other.message)
    }

    /// Something good to know.
    pub fn info(
        code: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Info, code, subject, message)
    }

    /// The finding with those whom it reaches.
    #[must_use]
    pub fn affects(mut self, affected: Affected) -> Self {
        self.affects = Some(affected);
        self
    }

    /// The finding with one more line of evidence.
    #[must_use]
    pub fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// The finding with one more step that helps.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }
}

/// One step of what a command did.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub state: StepState,
    pub n_statements: usize,
    pub millis: u64,
}

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Done,
    Skipped,
    Failed,
    NotReached,
    /// Part of a plan that was only shown.
    Planned,
}

impl Step {
    /// A step in some state, with neither statements nor time to tell of.
    pub fn new(name: impl Into<String>, state: StepState) -> Self {
        Self { name: name.into(), state, n_statements: 0, millis: 0 }
    }
}

impl StepState {
    /// The word in JSON and text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::NotReached => "not reached",
            Self::Planned => "planned",
        }
    }
}

/// A file that a command wrote, or would write.
#[derive(Clone, Debug)]
pub struct Artefact {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
}

/// A titled table of facts that only one command has: `differences`, `plan`, `server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Stable key in JSON.
    pub key: &'static str,
    /// The heading in text.
    pub title: String,
    /// Stable column names: keys in JSON, headings in text.
    pub columns: &'static [&'static str],
    /// One cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section without rows yet.
    pub fn new(
        key: &'static str,
        title: impl Into<String>,
        columns: &'static [&'static str],
    ) -> Self {
        Self { key, title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row; `cells` are as many as there are columns.
    pub fn push<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl Report {
    /// An empty report of a command.
    pub fn new(command: &'static str) -> Self {
        Self {
            command,
            engine: String::new(),
            target: String::new(),
            findings: Vec::new(),
            steps: Vec::new(),
            artefacts: Vec::new(),
            outcome: Outcome::Finished,
            sections: Vec::new(),
            next: None,
        }
    }

    /// What the report comes down to.
    pub fn verdict(&self) -> Verdict {
        let has_error = self.findings.iter().any(|it| it.severity == Severity::Error);
        match self.outcome {
            Outcome::Stopped => Verdict::Failed,
            Outcome::Refused => Verdict::Refused,
            Outcome::Finished | Outcome::Planned
                if self.findings.iter().any(|it| it.code == "unseen") =>
            {
                Verdict::Unknown
            }
            Outcome::Finished | Outcome::Planned if has_error => Verdict::Differences,
            Outcome::Finished | Outcome::Planned => Verdict::Clean,
        }
    }
}
