//! A project with its database, whatever the engine: what the tests of `migrate --undo` ask of all of them.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use raingauge_testkit::judge::{self, Migrator};
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use raingauge_testkit::{Example, Project, Result, Run, State};

use crate::mysql_backup::client;
use crate::mysql_migrate;
use crate::run::binary;
use crate::steps::{BOOKS, with_pending, write_history};
use crate::tripwire::Paused;

/// Where a migration is taken back.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    Of(Example),
    MySql(Arc<MySql>),
}

/// Two migrations of which the second is pending or applied.
pub(super) struct Subject {
    pub(super) project: Project,
    /// The database, where it is none of the project's own.
    mysql: Option<MySqlDatabase>,
}

/// An open transaction.
pub(super) struct Held<'a> {
    database: &'a MySqlDatabase,
    connection: String,
    thread: JoinHandle<Result<String>>,
}

impl Held<'_> {
    pub(super) fn release(self) -> Result {
        self.database.sql(&format!("KILL {}", self.connection))?;
        // It was cut off.
        let _ = self.thread.join().expect("it does not panic");
        Ok(())
    }
}

/// All engines that can be had here.
pub(super) fn engines() -> Vec<Engine> {
    let own = [Example::BookstorePostgres, Example::BookstoreSqlite].map(Engine::Of);
    own.into_iter().chain(servers().into_iter().map(Engine::MySql)).collect()
}

impl Engine {
    /// The one of these texts that it understands: PostgreSQL, SQLite, MySQL and MariaDB.
    pub(super) fn one<'a>(&self, texts: [&'a str; 3]) -> &'a str {
        match self {
            Self::Of(Example::BookstorePostgres) => texts[0],
            Self::Of(Example::BookstoreSqlite) => texts[1],
            Self::MySql(_) => texts[2],
        }
    }

    /// Whether each statement of a way back is committed by itself.
    pub(super) fn commits_each(&self) -> bool {
        matches!(self, Self::MySql(_))
    }

    /// A project whose database has `books`, and a second migration pending.
    pub(super) fn pending(&self, sql: &str) -> Result<Subject> {
        let server = match self {
            Self::Of(example) => {
                return Ok(Subject { project: with_pending(*example, sql)?, mysql: None });
            }
            Self::MySql(server) => server,
        };
        let books = BOOKS.replace("title text", "title varchar(100)");
        let project = mysql_migrate::of_migrations(&[("0000_books", &books)])?;
        project.forget_schema()?;
        let subject = Subject { project, mysql: Some(server.database("undo")?) };
        subject.run(&["migrate"], 0)?;
        mysql_migrate::write_history(
            &subject.project,
            &[("0000_books", &books), ("0001_more", sql)],
        )?;
        Ok(subject)
    }

    /// The same with two books, and the second migration applied.
    pub(super) fn applied(&self, sql: &str, arguments: &[&str]) -> Result<Subject> {
        let subject = self.pending(sql)?;
        subject.sql("INSERT INTO books VALUES (1, 'Emma'), (2, 'Persuasion')")?;
        subject.run(&[&["migrate"], arguments].concat(), 0)?;
        Ok(subject)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(example) => f.write_str(example.name()),
            Self::MySql(server) => write!(f, "{:?}", server.vendor),
        }
    }
}

impl Subject {
    pub(super) fn of(project: Project, database: MySqlDatabase) -> Self {
        Self { project, mysql: Some(database) }
    }

    /// Keeps a transaction of MySQL open that has read something.
    pub(super) fn hold(&self, query: &str) -> Result<Held<'_>> {
        let database = self.mysql.as_ref().expect("a database of MySQL");
        let (server, name) = (Arc::clone(&database.server), database.name.clone());
        let script = format!("START TRANSACTION; {query}; SELECT sleep(300)");
        let thread = std::thread::spawn(move || server.sql(&name, &script));
        let sleeps = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'SELECT sleep%'",
            database.name
        );
        let mut connection = String::new();
        while connection.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
            connection = database.sql(&sleeps)?.trim_end().to_owned();
        }
        Ok(Held { database, connection, thread })
    }

    /// The arguments with what names database and programs.
    pub(super) fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let own = arguments.iter().map(|it| (*it).to_owned());
        let Some(database) = &self.mysql else { return own.collect() };
        let url = ["--url".to_owned(), database.server.url(&database.name)];
        own.chain(url).chain(client(database.server.release).into_iter().flatten()).collect()
    }

    /// Runs a command with a variable of the environment, if there is one.
    pub(super) fn try_run(&self, arguments: &[&str], set: Option<(&str, &str)>) -> Result<Run> {
        let arguments = self.arguments(arguments);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let binary = set.iter().fold(binary(), |it, (name, value)| it.env(name, value));
        binary.run(&self.project.root, &arguments)
    }

    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str], code: i32) -> Result<Run> {
        let run = self.try_run(arguments, None)?;
        assert_eq!(run.code, code, "{run}");
        Ok(run)
    }

    /// Takes the migration back, and waits at a moment of that.
    pub(super) fn paused(&self, moment: &str) -> Result<Paused> {
        let arguments = self.arguments(&["migrate", "--undo", "--confirm"]);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Paused::with(&self.project, &arguments, moment)
    }

    pub(super) fn sql(&self, script: &str) -> Result<String> {
        match &self.mysql {
            Some(database) => database.sql(script),
            None => self.project.database.sql(script),
        }
    }

    pub(super) fn value(&self, query: &str) -> Result<String> {
        Ok(self.sql(query)?.trim_end().to_owned())
    }

    pub(super) fn state(&self) -> Result<State> {
        self.mysql.as_ref().map_or_else(|| self.project.database.state(), MySqlDatabase::state)
    }

    pub(super) fn schema(&self) -> Result<String> {
        match &self.mysql {
            Some(database) => database.structure(),
            None => self.project.database.schema(),
        }
    }

    pub(super) fn n_recorded(&self) -> Result<usize> {
        match &self.mysql {
            Some(database) => {
                Ok(database.sql("SELECT count(*) FROM __drizzle_migrations")?.trim().parse()?)
            }
            None => Ok(self.project.database.ledger()?.unwrap_or_default().len()),
        }
    }

    /// Lets Drizzle's own migrator apply what it takes for pending; whether it could.
    pub(super) fn judge(&self) -> Result<bool> {
        let (project, migrator) = (&self.project, Migrator::Programmatic);
        let Some(database) = &self.mysql else {
            return Ok(judge::migrate(project, migrator, &project.database)?.succeeded);
        };
        if project.path("drizzle/meta").exists() {
            project.install_mysql_0()?;
        }
        Ok(judge::mysql::migrate(project, migrator, database)?.code == 0)
    }

    /// The first migration alone, as the project's history.
    pub(super) fn forget_second(&self) -> Result {
        match &self.mysql {
            Some(_) => mysql_migrate::write_history(&self.project, &[("0000_books", BOOKS)]),
            None => write_history(&self.project, &[("0000_books", BOOKS)]),
        }
    }

    pub(super) fn vendor(&self) -> Option<Vendor> {
        self.mysql.as_ref().map(|it| it.server.vendor)
    }
}
