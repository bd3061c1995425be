//! What of a script may be sent to scratch.
//!
//! `expand` → `fence` → [`crate::replay`]. Where scratch shares its server with live, only what stays
//! inside the scratch database is sent; what reaches the machine or other servers is never sent.

use raingauge_schema::Dialect;
use raingauge_schema::sqlite::token::tokens as sqlite_tokens;
use raingauge_schema::token::{Token, has_words};

use super::Sourced;
use super::expand::Item;
use super::reach::{Reach, reach};
use crate::connect::confined::{self, Leaving};
use crate::report::Finding;

/// Where the script is going to run.
#[derive(Clone, Copy, Debug)]
pub struct Fence<'a> {
    pub dialect: Dialect,
    /// Whether the server that holds scratch also holds live.
    pub shared: bool,
    /// Live's name.
    pub database: &'a str,
    /// The name of the database that live's container makes, if that is known.
    pub container_database: Option<&'a str>,
}

/// What may be sent, and what was held back.
#[derive(Clone, Debug, Default)]
pub struct Fenced {
    pub pieces: Vec<Sourced>,
    pub findings: Vec<Finding>,
    /// How many statements were held back although they may matter for the comparison.
    pub n_held_back: usize,
}

/// Keeps what may be sent; the rest becomes findings.
pub fn fence(items: Vec<Item>, fence: &Fence<'_>) -> Fenced {
    let mut keeper = Keeper {
        fence,
        databases: Databases::of(&items, fence),
        entry: None,
        elsewhere: None,
        attached: Vec::new(),
        held: Vec::new(),
        pieces: Vec::new(),
    };
    for item in items {
        match item {
            Item::Connect { database, server, at } => keeper.connect(database, server, at),
            Item::Statement(statement) => keeper.take(statement),
        }
    }
    let not_important = |it: &&(Why, Vec<Sourced>)| !matches!(it.0, Why::Database);
    let n_held_back = keeper.held.iter().filter(not_important).map(|it| it.1.len()).sum();
    let findings = keeper.held.iter().map(|(why, held)| why.finding(held, fence)).collect();
    Fenced { pieces: keeper.pieces, findings, n_held_back }
}

/// Why statements are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// Scratch is the database.
    Database,
    OtherDatabase(String),
    Server(&'static str),
    Beyond(&'static str),
}

struct Keeper<'a> {
    fence: &'a Fence<'a>,
    databases: Databases,
    /// The file whose session this is.
    entry: Option<usize>,
    /// The other database or server that the session is connected to.
    elsewhere: Option<String>,
    /// Names under which a SQLite script attached other files.
    attached: Vec<String>,
    held: Vec<(Why, Vec<Sourced>)>,
    pieces: Vec<Sourced>,
}

impl Keeper<'_> {
    fn hold(&mut self, why: Why, statement: Sourced) {
        match self.held.iter_mut().find(|it| it.0 == why) {
            Some((_, held)) => held.push(statement),
            None => self.held.push((why, vec![statement])),
        }
    }

    /// Every file begins in the database that the container makes.
    fn follow_entry(&mut self, at: &Sourced) {
        if self.entry != Some(at.entry) {
            self.entry = Some(at.entry);
            self.elsewhere = None;
        }
    }

    fn connect(&mut self, database: Option<String>, server: Option<String>, at: Sourced) {
        self.follow_entry(&at);
        let is_local =
            |it: &String| it.starts_with('/') || matches!(it.as_str(), "localhost" | "127.0.0.1");
        let foreign = server.filter(|it| !is_local(it));
        if let Some(server) = foreign {
            self.elsewhere = Some(format!("{} on {server}", database.unwrap_or_default()));
        } else if let Some(name) = database {
            self.elsewhere = (!self.databases.is_live(&name)).then_some(name);
        }
        if self.elsewhere.is_none() {
            self.hold(Why::Database, at);
        }
    }

    fn take(&mut self, mut statement: Sourced) {
        self.follow_entry(&statement);
        if self.fence.dialect == Dialect::MySql
            && let Some(sql) = confined::unqualified(&statement.piece.sql, &self.databases.live)
        {
            // Scratch stands for it, under a name of its own.
            statement.piece.sql = sql;
        }
        let reach = match self.fence.dialect {
            Dialect::Postgres => reach(&statement.piece.sql),
            Dialect::MySql => self.mysql_reach(&statement.piece.sql),
            Dialect::Sqlite => sqlite_reach(&statement.piece.sql),
        };
        if reach == Reach::Prints {
            return;
        }
        if self.fence.dialect == Dialect::Sqlite {
            self.attached.extend(attached_name(&statement.piece.sql));
        }
        match self.why(reach, &statement) {
            Some(why) => self.hold(why, statement),
            None => self.pieces.push(statement),
        }
    }

    /// On MySQL any statement may name live, whatever it is about.
    fn mysql_reach(&self, sql: &str) -> Reach {
        let reach = of_leaving(confined::leaving(sql));
        let names_live = || confined::named(sql, &self.databases.live).is_some();
        match reach {
            Reach::Inside if self.fence.shared && names_live() => {
                Reach::Server("it names the database that scratch stands for")
            }
            reach => reach,
        }
    }

    /// Why a statement is held back, if it is.
    fn why(&mut self, reach: Reach, statement: &Sourced) -> Option<Why> {
        let server = |why| self.fence.shared.then_some(Why::Server(why));
        match reach {
            Reach::CreateDatabase(_) => return Some(Why::Database),
            Reach::DropDatabase(name) if self.databases.is_live(&name) => {
                return Some(Why::Database);
            }
            Reach::Use(name) => {
                self.connect(Some(name), None, statement.clone());
                return self.elsewhere.clone().map(Why::OtherDatabase).or(Some(Why::Database));
            }
            _ => {}
        }
        if let Some(name) = &self.elsewhere {
            return Some(Why::OtherDatabase(name.clone()));
        }
        match reach {
            Reach::Inside => self.names_attached(&statement.piece.sql),
            Reach::Database | Reach::DropDatabase(_) => {
                server("it changes a database as a whole").or(Some(Why::Database))
            }
            Reach::DropRole => server("roles belong to the whole server").or(Some(Why::Database)),
            Reach::Server(why) => server(why),
            Reach::Beyond(why) => Some(Why::Beyond(why)),
            Reach::Prints | Reach::Use(_) | Reach::CreateDatabase(_) => None,
        }
    }

    fn names_attached(&self, sql: &str) -> Option<Why> {
        if self.attached.is_empty() {
            return None;
        }
        let tokens = sqlite_tokens(sql).unwrap_or_default();
        let qualifier =
            |it: &[Token<'_>]| it[1].is_symbol('.').then(|| it[0].identifier()).flatten();
        let is_attached =
            |name: &String| self.attached.iter().any(|it| it.eq_ignore_ascii_case(name));
        tokens.windows(2).filter_map(qualifier).find(is_attached).map(Why::OtherDatabase)
    }
}

/// The name that `ATTACH 'file' AS name` gives.
fn attached_name(sql: &str) -> Option<String> {
    let tokens = sqlite_tokens(sql).ok()?;
    tokens.first().filter(|it| it.is_word("attach"))?;
    tokens.last()?.identifier()
}

/// Which names mean live.
struct Databases {
    live: Vec<String>,
}

impl Databases {
    /// Live may have another name here than in the script. Where the script never names live, the
    /// first database that it both makes and connects to stands for it.
    fn of(items: &[Item], fence: &Fence<'_>) -> Self {
        let is_mysql = fence.dialect == Dialect::MySql;
        let of = |it: &Sourced| match is_mysql {
            true => of_leaving(confined::leaving(&it.piece.sql)),
            false => reach(&it.piece.sql),
        };
        let made = |it: &Item| match it {
            Item::Statement(it) => match of(it) {
                Reach::CreateDatabase(name) => Some(name),
                _ => None,
            },
            Item::Connect { .. } => None,
        };
        let connected = |it: &Item| match it {
            Item::Connect { database, .. } => database.clone(),
            Item::Statement(it) if is_mysql => match of(it) {
                Reach::Use(name) => Some(name),
                _ => None,
            },
            Item::Statement(_) => None,
        };
        let made: Vec<_> = items.iter().filter_map(made).collect();
        let connected: Vec<_> = items.iter().filter_map(connected).collect();
        let live = [Some(fence.database), fence.container_database].into_iter().flatten();
        let mut live: Vec<_> = live.map(str::to_owned).collect();
        if !live.first().is_some_and(|it| made.contains(it) || connected.contains(it)) {
            let stand_in = connected.iter().find(|it| made.contains(it));
            // A dump of one database of MySQL may only use it.
            // One that is only made is named in front of everything in it.
            let made_alone = made.first().filter(|_| made.len() == 1 && connected.is_empty());
            let named = connected.first().or(made_alone).filter(|_| is_mysql);
            live.extend(stand_in.or(named).cloned());
        }
        Self { live }
    }

    fn is_live(&self, name: &str) -> bool {
        self.live.iter().any(|it| it == name)
    }
}

fn of_leaving(leaving: Option<Leaving>) -> Reach {
    match leaving {
        None => Reach::Inside,
        Some(Leaving::Use(name)) => Reach::Use(name),
        Some(Leaving::CreateDatabase(name)) => Reach::CreateDatabase(name),
        Some(Leaving::DropDatabase(name)) => Reach::DropDatabase(name),
        Some(Leaving::Database) => Reach::Database,
        Some(Leaving::Server(why)) => Reach::Server(why),
        Some(Leaving::Beyond(why)) => Reach::Beyond(why),
    }
}

fn sqlite_reach(sql: &str) -> Reach {
    let Ok(tokens) = sqlite_tokens(sql) else { return Reach::Inside };
    let is_first = |word: &str| tokens.first().is_some_and(|it| it.is_word(word));
    let files = "it opens other files or programs of this machine";
    let calls = ["load_extension", "readfile", "writefile", "edit", "fsdir"];
    let is_call =
        |it: &[Token<'_>]| calls.iter().any(|call| it[0].is_word(call)) && it[1].is_symbol('(');
    let leaves = is_first("attach")
        || is_first("detach")
        || is_first("vacuum") && has_words(&tokens, "into")
        || tokens.windows(2).any(is_call);
    if leaves { Reach::Beyond(files) } else { Reach::Inside }
}

impl Why {
    fn finding(&self, held: &[Sourced], fence: &Fence<'_>) -> Finding {
        let first = held.first().map(Sourced::place).unwrap_or_default();
        let live = fence.database;
        let (word, scheme) = match fence.dialect {
            Dialect::MySql => ("USE", "mysql"),
            Dialect::Postgres | Dialect::Sqlite => ("\\connect", "postgresql"),
        };
        let finding = match self {
            Self::Database => Finding::info(
                "init-sql-database",
                first,
                "statements about the database itself are left out, because scratch stands for it",
            ),
            Self::OtherDatabase(name) => Finding::warning(
                "init-sql-other-database",
                first,
                format!("what runs in the database `{name}` is not sent, because `{live}` is another"),
            )
            .next(format!(
                "if `{name}` means `{live}`, change the `{word}` line; otherwise nothing is to be done"
            )),
            Self::Server(why) => Finding::warning(
                "init-sql-outside",
                first,
                format!("not sent, because scratch is on the server that holds live: {why}"),
            )
            .next(format!(
                "use a server of its own for scratch: `--scratch {scheme}://USER@HOST/DATABASE`"
            )),
            Self::Beyond(why) => Finding::warning(
                "init-sql-beyond",
                first,
                format!("never sent, not even to a server of its own: {why}"),
            )
            .next("if it creates tables or rows, write them as SQL into a file named with `--init-sql`"),
        };
        with_evidence(finding, held)
    }
}

fn with_evidence(finding: Finding, held: &[Sourced]) -> Finding {
    /// More would not be read.
    const LINES: usize = 10;
    let line = |it: &Sourced| format!("{}: {}", it.place(), it.excerpt());
    let finding = held.iter().take(LINES).fold(finding, |finding, it| finding.evidence(line(it)));
    match held.len().saturating_sub(LINES) {
        0 => finding,
        more => finding.evidence(format!("and {more} more")),
    }
}
