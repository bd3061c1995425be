//! Database → baseline → empty database: nothing lost, or a finding that says what.
//!
//! What a test compares at the end comes from `pg_dump` and from the real migrators, not from the
//! code under test.

mod corpus;
mod extensions;
mod owners;
mod pieces;
mod refusals;

use std::path::PathBuf;

use raingauge_engine::adoption::{self, Planning};
use raingauge_engine::facts::{Facts, Scope};
use raingauge_engine::progress::Silent;
use raingauge_engine::report::{Finding, Severity};
use raingauge_engine::setting::{Keeping, ScratchChoice, Setting};
use raingauge_engine::site::Site;
use raingauge_testkit::database::text_differences;
use raingauge_testkit::judge::orm::Orm;
use raingauge_testkit::{Database, Postgres, Run};
use tempfile::TempDir;

/// A database with a project around it that declares nothing.
pub(crate) struct Scene {
    pub(crate) live: Database,
    pub(crate) setting: Setting,
    folder: TempDir,
}

/// A scene on the shared server, or nothing, with the reason printed, where there is no server.
pub(crate) fn scene(label: &str) -> Option<Scene> {
    let live = super::initsql::replay::postgres(label)?;
    Some(Scene::around(live))
}

impl Scene {
    pub(crate) fn around(live: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "export default { dialect: \"postgresql\", out: \"./drizzle\" };\n";
        std::fs::write(folder.path().join("drizzle.config.ts"), config).unwrap();
        let setting = Setting {
            root: folder.path().canonicalize().unwrap(),
            env: std::env::vars().collect(),
            config: None,
            url: Some(live.url()),
            init_sql: Vec::new(),
            scratch: ScratchChoice::Url(server(&live).url("postgres")),
            pg_client: None,
            keeping: Keeping::default(),
            with_owners: false,
            allow: Vec::new(),
            runtime: raingauge_engine::setting::Runtime::Embedded,
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        Self { live, setting, folder }
    }

    /// What `reconcile` would write, and what it would say.
    #[track_caller]
    pub(crate) fn plan(&self) -> Planning {
        let mut site = Site::open(&self.setting).unwrap();
        let mut facts = Facts::gather(&mut site, Scope::All, &mut Silent).unwrap();
        let mut planning = adoption::plan(&mut site, &mut facts, &mut Silent).unwrap();
        planning.findings.splice(0..0, facts.findings);
        planning
    }

    /// The file of the baseline; fails if there is none.
    #[track_caller]
    pub(crate) fn baseline(&self) -> String {
        let planning = self.plan();
        assert_eq!(errors(&planning.findings), [""; 0]);
        planning.adoption.expect("there is something to adopt").migrations.remove(0).sql
    }

    /// A folder with these migrations, as this generation keeps them.
    pub(crate) fn history(&self, orm: Orm, migrations: &[(&str, &str)]) -> PathBuf {
        let folder = self.folder.path().join(format!("{:?}-{}", orm.generation, orm.driver));
        orm.generation.write(&folder, migrations).unwrap();
        folder
    }

    /// What `pg_dump` says of a database, live or another one.
    #[track_caller]
    pub(crate) fn dump(&self, database: &Database) -> String {
        let Database::Postgres(it) = database else { panic!("not PostgreSQL") };
        let mut pg_dump = it.server.client("pg_dump");
        pg_dump.args(["--schema-only", "--exclude-schema=drizzle"]);
        if !self.setting.with_owners {
            pg_dump.arg("--no-owner");
        }
        pg_dump.arg("-d").arg(it.server.socket_url(&it.name));
        let dump = Run::of(&mut pg_dump).unwrap().success().unwrap().stdout;
        // `\restrict` has a new random word each time, and `pg_dump` remarks on an owner of `public`
        // although it leaves owners out.
        let remarks = ["-- Name: public; Type: SCHEMA;", "-- *not* creating schema"];
        let is_remark =
            |it: &str| it == "--" || remarks.iter().any(|remark| it.starts_with(remark));
        let lines = dump
            .lines()
            .filter(|it| !it.contains("restrict ") && !it.trim().is_empty() && !is_remark(it));
        lines.flat_map(|it| [it, "\n"]).collect()
    }
}

/// Runs each baseline with each migrator, and compares what `pg_dump` says of the result and of live.
#[track_caller]
pub(crate) fn check_migrations(migrators: &[Orm], baselines: &[(&str, &Scene, &str)]) {
    for (n, orm) in migrators.iter().enumerate() {
        let fresh: Vec<_> =
            baselines.iter().map(|(_, scene, _)| scene.live.sibling("fresh").unwrap()).collect();
        let jobs = baselines.iter().zip(&fresh).map(|((_, scene, sql), fresh)| {
            let folder = scene.folder.path().join(format!("history-{n}"));
            orm.generation.write(&folder, &[("baseline", sql)]).unwrap();
            (folder, fresh.url())
        });
        let answers = orm.migrate(&jobs.collect::<Vec<_>>()).unwrap();
        assert_eq!(answers.len(), baselines.len());
        for (((name, scene, _), fresh), answer) in baselines.iter().zip(&fresh).zip(answers) {
            assert_eq!(answer, None, "{name}: {orm:?}");
            let differences = text_differences(&scene.dump(&scene.live), &scene.dump(fresh));
            assert!(differences.is_empty(), "{name}: {orm:?}: {differences:#?}");
        }
    }
}

pub(crate) fn server(database: &Database) -> &Postgres {
    match database {
        Database::Postgres(it) => &it.server,
        Database::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

/// The errors among findings, one line each with what they rest on.
pub(crate) fn errors(findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|it| it.severity == Severity::Error);
    errors
        .map(|it| format!("[{}] {}: {} {:?}", it.code, it.subject, it.message, it.evidence))
        .collect()
}
