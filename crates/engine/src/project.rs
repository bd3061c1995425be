//! A Drizzle project: its configuration, its versions, its declared schema, its history.

use std::path::{Path, PathBuf};

use raingauge_schema::Dialect;
use raingauge_schema::dialect::AnySchema;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::layout::Layout;
use raingauge_schema::mysql::grammar::quote_literal;
use raingauge_schema::mysql::schema::MisreadDefault;
use raingauge_tsload::{
    Config, DeclaredSchema, Ignored, Judgement, LoadError, Project as Loader, Runtime, Versions,
};

use crate::check::history::statements::takes_one;
use crate::connect::Dsn;
use crate::filters::Filters;
use crate::history::History;
use crate::ledger::LedgerName;
use crate::report::Finding;
use crate::setting::{Policy, Setting};
use crate::{Error, Result};

/// Says that the configuration names schema files and there are none.
pub(crate) const SCHEMA_UNMATCHED: &str = "schema-unmatched";

/// A project, read once per run.
#[derive(Debug)]
pub struct Project {
    pub root: PathBuf,
    pub config: Config,
    pub policy: Policy,
    pub dialect: Dialect,
    /// drizzle-orm's version, as its package says.
    pub orm_version: Option<String>,
    pub kit_version: Option<String>,
    /// The ledger that the configuration names.
    pub ledger: LedgerName,
    /// Absent when the configuration names no schema file that exists: then there is only a baseline.
    pub declared: Option<AnySchema>,
    /// The files that made the declared schema.
    pub declared_files: Vec<PathBuf>,
    pub history: History,
    /// What the configuration says to no effect, and `schema.ts` in two ways.
    pub findings: Vec<Finding>,
}

/// What of a project is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    All,
    /// Everything but `schema.ts`, which takes most of the time.
    WithoutSchema,
}

/// What is known of a project without its `schema.ts`.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub root: &'a Path,
    pub config: &'a Config,
    pub dialect: Dialect,
    pub history: &'a History,
}

impl Project {
    /// Reads configuration, `schema.ts` and history; opens no database.
    ///
    /// # Errors
    /// If the configuration or the schema cannot be loaded, with file, line and column.
    pub fn load(setting: &Setting) -> Result<Self> {
        Self::read(setting, Reading::All)
    }

    /// Reads a project, or only a part of it.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub fn read(setting: &Setting, reading: Reading) -> Result<Self> {
        Self::read_beside(setting, reading, |_| ()).map(|(it, ())| it)
    }

    /// Like [`Project::read`], with some `work` on the files while `schema.ts` is evaluated, which takes
    /// longest.
    ///
    /// # Errors
    /// As for [`Project::load`].
    pub fn read_beside<T>(
        setting: &Setting,
        reading: Reading,
        work: impl FnOnce(Files<'_>) -> T,
    ) -> Result<(Self, T)> {
        let policy = Policy::read(&setting.root)?;
        let loader = loader(setting);
        let ahead = (reading == Reading::All).then(|| loader.ahead());
        let config = loader.config(setting.config.as_deref()).map_err(cannot_load)?;
        let dialect = dialect_of(&config)?;
        let versions = loader.versions(&config);
        let installed = installed(&versions)?;
        // `./drizzle` is `drizzle`, in messages too.
        let out: PathBuf = setting.root.join(&config.out).components().collect();
        let loading = ahead.map(|it| it?.begin(&config));
        let read = History::read(&out, dialect, installed).map(|history| {
            let files = Files { root: &setting.root, config: &config, dialect, history: &history };
            let done = work(files);
            (history, done)
        });
        let loaded = loading.map_or(Ok(None), |it| it?.end());
        let loaded = loaded.map_err(cannot_load)?;
        let runtimes = [Some(config.runtime), loaded.as_ref().map(|it| it.runtime)];
        let (history, done) = read?;
        let named_by = named_by(&history, installed);
        let mut findings = findings(setting, &config, runtimes);
        if reading == Reading::All && loaded.is_none() && !config.schema.is_empty() {
            findings.push(schema_unmatched(&config));
        }
        findings.extend(loaded.iter().flat_map(|it| &it.twice).map(|it| declared_twice(it)));
        let (declared, declared_files) = match loaded {
            Some(loaded) => (Some(any_schema(loaded.schema).named_by(named_by)), loaded.files),
            None => (None, Vec::new()),
        };
        let misread = declared.iter().flat_map(|it: &AnySchema| it.misread_defaults(named_by));
        findings.extend(misread.map(|it| default_misread(&it)));
        let project = Self {
            root: setting.root.clone(),
            policy,
            dialect,
            orm_version: versions.drizzle_orm,
            kit_version: versions.drizzle_kit,
            ledger: ledger_name(&config, dialect),
            declared,
            declared_files,
            history,
            findings,
            config,
        };
        Ok((project, done))
    }

    /// Whether breakpoints stand between the statements of the first migrations: the configuration may leave
    /// them out, but a driver that takes one statement at a time cannot do without.
    pub fn has_breakpoints(&self) -> bool {
        self.config.breakpoints || takes_one(self.dialect, self.config.driver.as_deref())
    }

    /// What one file declares, by the settings of the project's configuration where it has one of this
    /// dialect.
    ///
    /// # Errors
    /// If the file cannot be evaluated, or declares nothing of this dialect.
    pub fn declared_in(
        setting: &Setting,
        file: &Path,
        dialect: Dialect,
    ) -> Result<(AnySchema, Generation, Option<Filters>)> {
        let loader = loader(setting);
        let found = loader.config(setting.config.as_deref());
        let found = found.ok().filter(|it| dialect_of(it).is_ok_and(|it| it == dialect));
        let filters = found.as_ref().map(|it| Filters::of(it, dialect));
        let path = file.display().to_string();
        let config = found.unwrap_or_else(|| Config::for_schema(file, dialect.drizzle_name()));
        let config = Config { schema: vec![path.clone()], ..config };
        let generation = installed(&loader.versions(&config))?.unwrap_or_default();
        let loaded = loader.declared(&config).map_err(cannot_load)?;
        let loaded = loaded.ok_or_else(|| {
            Error::new("schema-missing", format!("`{path}` declares no tables"))
                .next("name the file that declares the tables")
        })?;
        Ok((any_schema(loaded.schema).named_by(generation), generation, filters))
    }

    /// The project without its `schema.ts`.
    pub fn files(&self) -> Files<'_> {
        let Self { root, config, dialect, history, .. } = self;
        Files { root, config, dialect: *dialect, history }
    }

    /// What the project's own drizzle-kit makes of `schema.ts`, and how it would get there from the
    /// snapshot `previous`; `None` without a schema.
    ///
    /// # Errors
    /// If the kit is missing or gives no answer.
    pub fn judged(&self, setting: &Setting, previous: Option<&str>) -> Result<Option<Judgement>> {
        loader(setting).judged(&self.config, previous).map_err(cannot_load)
    }

    /// Where live is: `--url`, else the configuration's credentials, else `DATABASE_URL`, else libpq's
    /// variables.
    ///
    /// # Errors
    /// If nobody says where live is, or not in a form that Drizzle takes, or if the configuration's
    /// `driver` reaches it by a way that only the driver knows.
    pub fn target(&self, setting: &Setting) -> Result<Dsn> {
        // With what `.env` says: Drizzle and the driver see it too.
        let loader = loader(setting);
        let env = loader.environment();
        let from_variables = || match self.dialect {
            Dialect::Postgres => Dsn::from_variables(env),
            Dialect::MySql | Dialect::Sqlite => Ok(None),
        };
        let dsn = if let Some(url) = &setting.url {
            Dsn::parse_in(url, self.dialect, env)?
        } else if let Some(driver) = &self.config.driver {
            return Err(unreachable_by(driver));
        } else if !self.config.credentials.is_null() {
            Dsn::from_credentials(&self.config.credentials, self.dialect, env)?
        } else if let Some(url) = env.get("DATABASE_URL") {
            Dsn::parse_in(url, self.dialect, env)?
        } else if let Some(dsn) = from_variables()? {
            dsn
        } else {
            return Err(Error::new("target-missing", "nothing says where the database is").next(
                "add `dbCredentials` to `drizzle.config.ts`, set DATABASE_URL, or give `--url`",
            ));
        };
        Ok(dsn.within(&self.root))
    }
}

/// What 0.x has made has its names, also where 1.0 is installed by now.
fn named_by(history: &History, installed: Option<Generation>) -> Generation {
    match history.layout {
        Layout::Journal => Generation::V0,
        Layout::Empty | Layout::Folders { .. } | Layout::Mixed { .. } => {
            installed.unwrap_or_default()
        }
    }
}

fn loader(setting: &Setting) -> Loader {
    Loader::new(setting.root.clone(), setting.env.clone()).with_runtime(setting.runtime)
}

/// Every `driver` that Drizzle names stands for another way than the database's own protocol or file.
fn unreachable_by(driver: &str) -> Error {
    let message = format!(
        "the database is behind the driver `{driver}`, which raingauge does not speak; nothing was connected to"
    );
    Error::new("driver-unsupported", message)
        .next("give `--url` with an address or a file by which the same database can be reached, if it has one")
        .next("raingauge validate --offline")
}

/// What the configuration says to no effect, and what has left the sandbox although nobody named the program.
fn findings(setting: &Setting, config: &Config, runtimes: [Option<Runtime>; 2]) -> Vec<Finding> {
    let told = config.ignored.iter().map(|it| ignored(config, it));
    let [of_config, of_schema] = runtimes.map(|it| it.filter(|it| *it != Runtime::Embedded));
    let outside = [("the configuration", of_config), ("`schema.ts`", of_schema)];
    let outside = outside.into_iter().filter(|_| setting.runtime == Runtime::Auto);
    let outside = outside.filter_map(|(what, runtime)| Some(ran_outside(what, runtime?)));
    told.chain(outside).collect()
}

fn ran_outside(what: &str, runtime: Runtime) -> Finding {
    let name = runtime.word();
    let message =
        format!("{what} was run by `{name}`, outside of the sandbox, which had refused it");
    Finding::info("runtime-outside", name, message)
}

/// Only a warning: where migrations are applied, `schema.ts` is often not there.
fn schema_unmatched(config: &Config) -> Finding {
    let path = config.path.display().to_string();
    let message = format!(
        "names schema files that do not exist: no file is `{}`, so nothing was compared with `schema.ts`, and drizzle-kit generate stops",
        config.schema.join("`, `")
    );
    Finding::warning(SCHEMA_UNMATCHED, path, message)
        .next("correct `schema` in the configuration; it is looked for from the project's folder")
}

/// Two of one name: drizzle-kit 0.x takes one and forgets the other without a word.
fn declared_twice(what: &str) -> Finding {
    let message = format!(
        "declares the {what} twice, and not in the same way; drizzle-kit 0.x takes one of the two and forgets the other, 1.0 refuses such a schema"
    );
    Finding::warning("declared-twice", "schema.ts", message)
        .next("give one of them a name of its own, or take it out of what the configuration's `schema` names")
}

/// 0.31 puts a text between quotes as it is, and MySQL takes a backslash for the beginning of something.
fn default_misread(it: &MisreadDefault) -> Finding {
    let sql = quote_literal(&it.declared).replace('\\', "\\\\");
    let message = "has a backslash in its default, which drizzle-kit 0.x does not escape: the server reads another text";
    Finding::warning("default-misread", format!("column {}.{}", it.table, it.column), message)
        .evidence(format!("schema.ts: {:?}, the server: {:?}", it.declared, it.read))
        .next(format!("in schema.ts: .default(sql`{sql}`)"))
}

/// A setting that 1.0 does not hear: without `casing`, columns get other names than before.
fn ignored(config: &Config, ignored: &Ignored) -> Finding {
    let Ignored { setting, value } = ignored;
    let message = format!("drizzle 1.0 ignores `{setting}: {value}`");
    let finding = Finding::warning("config-ignored", config.path.display().to_string(), message);
    match *setting {
        "casing" => finding.next(
            "name the columns in `schema.ts`, or declare tables with `snakeCase.table(…)` or `camelCase.table(…)`",
        ),
        _ => finding.next(format!("take `{setting}` out of the configuration")),
    }
}

fn dialect_of(config: &Config) -> Result<Dialect> {
    match config.dialect.as_str() {
        "postgresql" => Ok(Dialect::Postgres),
        "mysql" => Ok(Dialect::MySql),
        "sqlite" | "turso" => Ok(Dialect::Sqlite),
        other => Err(unsupported(other)),
    }
}

/// Drizzle has more dialects than raingauge.
fn unsupported(dialect: &str) -> Error {
    let message = format!("dialect `{dialect}` is not supported yet");
    Error::new("dialect-unsupported", message)
        .next("raingauge works with `postgresql`, `mysql`, `sqlite` and `turso`")
}

/// The generation of the installed packages. drizzle-orm migrates and drizzle-kit generates: if they are of
/// two generations, what one of them writes locks the other one out.
fn installed(versions: &Versions) -> Result<Option<Generation>> {
    let (orm, kit) = (versions.drizzle_orm.as_deref(), versions.drizzle_kit.as_deref());
    match (orm.and_then(Generation::of), kit.and_then(Generation::of)) {
        (Some(of_orm), Some(of_kit)) if of_orm != of_kit => Err(Error::new(
            "drizzle-generation",
            format!(
                "drizzle-orm {} and drizzle-kit {} are of two generations: neither reads what the other one writes; nothing was changed",
                orm.unwrap_or_default(),
                kit.unwrap_or_default()
            ),
        )
        .next("install both of 0.x (drizzle-orm 0.45 and drizzle-kit 0.31), or both of 1.0")),
        (of_orm, of_kit) => Ok(of_orm.or(of_kit)),
    }
}

fn ledger_name(config: &Config, dialect: Dialect) -> LedgerName {
    let usual = LedgerName::usual(dialect);
    let table = config.migrations_table.clone().unwrap_or(usual.table);
    let schema = match dialect {
        Dialect::Postgres => config.migrations_schema.clone().unwrap_or(usual.schema),
        Dialect::MySql | Dialect::Sqlite => usual.schema,
    };
    LedgerName { schema, table }
}

fn any_schema(schema: DeclaredSchema) -> AnySchema {
    match schema {
        DeclaredSchema::Postgres(it) => AnySchema::Postgres(it),
        DeclaredSchema::Mysql(it) => AnySchema::MySql(it),
        DeclaredSchema::Sqlite(it) => AnySchema::Sqlite(it),
    }
}

fn cannot_load(error: LoadError) -> Error {
    let result = Error::new(error.code(), error.to_string()).next(error.next());
    match error.place() {
        Some(place) => result.excerpt(place.frame.clone()),
        None => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(orm: Option<&str>, kit: Option<&str>, expected: Result<Option<Generation>, &str>) {
        let versions =
            Versions { drizzle_orm: orm.map(str::to_owned), drizzle_kit: kit.map(str::to_owned) };
        assert_eq!(installed(&versions).map_err(|it| it.code), expected);
    }

    #[test]
    fn packages_of_two_generations_are_refused() {
        check(Some("0.45.4"), Some("0.31.11"), Ok(Some(Generation::V0)));
        check(Some("1.0.0-rc.5"), Some("1.0.0-rc.5"), Ok(Some(Generation::V1)));
        // Where an application is deployed there is no kit.
        check(Some("1.0.0-rc.5"), None, Ok(Some(Generation::V1)));
        check(None, None, Ok(None));
        check(Some("1.0.0-rc.5"), Some("0.31.11"), Err("drizzle-generation"));
        check(Some("0.45.4"), Some("1.0.0-rc.5"), Err("drizzle-generation"));
    }
}
