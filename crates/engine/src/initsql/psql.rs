//! psql: variables, conditions, includes and the other commands that change what a script does.

use std::collections::BTreeMap;

use raingauge_schema::postgres::split::split;
use raingauge_schema::postgres::token::{literal, tokens};
use raingauge_schema::script::{Piece, PieceKind};

use super::Sourced;
use super::expand::{Expander, Item, Place};
use super::substitute::{Argument, Variables, arguments, substitute};
use crate::Result;

/// Runs one file in a session of its own.
pub(super) fn run(expander: &mut Expander<'_>, place: Place, variables: Variables) -> Result<()> {
    let mut session = Psql { expander, variables };
    session.run_file(&place)
}

struct Psql<'e, 'a> {
    expander: &'e mut Expander<'a>,
    variables: Variables,
}

/// What psql has read of a file.
struct File<'p> {
    place: &'p Place,
    /// The statement that is being read, and its line.
    buffer: Option<(String, usize)>,
    conditions: Vec<Condition>,
    ended: bool,
}

/// One `\if` that is open.
#[derive(Clone, Copy)]
struct Condition {
    active: bool,
    /// A branch was taken, or none may be.
    decided: bool,
}

impl File<'_> {
    fn is_active(&self) -> bool {
        self.conditions.iter().all(|it| it.active)
    }

    fn add(&mut self, piece: &Piece) {
        match &mut self.buffer {
            Some((text, _)) => {
                text.push('\n');
                text.push_str(&piece.sql);
            }
            None => self.buffer = Some((piece.sql.clone(), piece.line)),
        }
    }
}

impl Psql<'_, '_> {
    fn run_file(&mut self, place: &Place) -> Result<()> {
        let pieces = self.expander.open(place)?;
        let mut file = File { place, buffer: None, conditions: Vec::new(), ended: false };
        for piece in pieces {
            match piece.kind {
                PieceKind::Command => self.command(&mut file, &piece)?,
                PieceKind::Fragment | PieceKind::Statement if !file.is_active() => {}
                PieceKind::Fragment => file.add(&piece),
                PieceKind::Statement => {
                    file.add(&piece);
                    self.send(&mut file, piece.copy_data);
                }
            }
            if file.ended {
                break;
            }
        }
        self.expander.close();
        Ok(())
    }

    /// Sends what was read. A variable may hold anything, several statements too.
    fn send(&mut self, file: &mut File<'_>, mut copy_data: Option<String>) {
        let Some((text, line)) = file.buffer.take() else { return };
        let substituted = substitute(&text, &self.variables);
        let pieces = if substituted == text { None } else { split(&substituted).ok() };
        let mut pieces = pieces.unwrap_or_else(|| vec![Piece::statement(substituted, 1)]);
        if let Some(last) = pieces.last_mut() {
            last.copy_data = copy_data.take();
        }
        for mut piece in pieces.into_iter().filter(|it| !it.sql.is_empty()) {
            piece.line = line;
            let statement = self.expander.sourced(file.place, piece);
            self.expander.emit(Item::Statement(statement));
        }
    }

    fn command(&mut self, file: &mut File<'_>, piece: &Piece) -> Result<()> {
        let (name, rest) = piece.sql.split_once(char::is_whitespace).unwrap_or((&piece.sql, ""));
        let at = self.expander.sourced(file.place, piece.clone());
        let name = name.trim_start_matches('\\');
        if self.condition(file, name, rest, &at) || !file.is_active() {
            return Ok(());
        }
        let name = name.trim_end_matches(';');
        match name {
            "i" | "include" => return self.include(file, rest, &at, false),
            "ir" | "include_relative" => return self.include(file, rest, &at, true),
            "c" | "connect" => self.connect(rest, at),
            "set" => self.set(rest, &at),
            "unset" => {
                for it in arguments(rest, &self.variables) {
                    self.variables.remove(&it.value);
                }
            }
            "getenv" => self.getenv(rest, &at),
            "copy" => self.copy(file, rest, piece.copy_data.clone(), &at),
            "g" | "gx" | "crosstabview" | "watch" => self.send(file, None),
            "gset" => {
                self.send(file, None);
                self.expander.not_done(&at, "only the server knows the answer of the query");
            }
            "gexec" => self.gexec(file, &at),
            "gdesc" | "r" | "reset" => file.buffer = None,
            "q" | "quit" => file.ended = true,
            "encoding" => self.encoding(rest, &at),
            it if only_shows(it) => {}
            "!" => self.expander.not_done(&at, "it runs a program"),
            _ => self.expander.not_done(&at, "it is not known here"),
        }
        Ok(())
    }

    /// Carries out `\if` and its kin; false for other commands.
    fn condition(&mut self, file: &mut File<'_>, name: &str, rest: &str, at: &Sourced) -> bool {
        match name {
            "if" => {
                let outer = file.is_active();
                let active = outer && self.is_true(rest, at);
                file.conditions.push(Condition { active, decided: active || !outer });
            }
            "elif" => {
                let open = file.conditions.last().copied();
                let active = open.is_some_and(|it| !it.decided) && self.is_true(rest, at);
                if let Some(last) = file.conditions.last_mut() {
                    *last = Condition { active, decided: last.decided || active };
                }
            }
            "else" => {
                if let Some(last) = file.conditions.last_mut() {
                    *last = Condition { active: !last.decided, decided: true };
                }
            }
            "endif" => {
                file.conditions.pop();
            }
            _ => return false,
        }
        true
    }

    fn is_true(&mut self, expression: &str, at: &Sourced) -> bool {
        let words = self.values(expression, at).join(" ").to_ascii_lowercase();
        match words.as_str() {
            "1" | "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" => true,
            "0" | "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" => false,
            _ => {
                self.expander
                    .not_done(at, "its value is neither true nor false, so false is assumed");
                false
            }
        }
    }

    /// The values of arguments; what a shell would have to answer is empty and reported.
    fn values(&mut self, text: &str, at: &Sourced) -> Vec<String> {
        let value = |it: Argument| {
            let Some(shell) = it.shell else { return it.value };
            let known =
                echoed(&shell).and_then(|it| self.expander.found.environment.get(it)).cloned();
            let known = known.unwrap_or_else(|| {
                self.expander.not_done(at, "it runs a program, whose answer is taken as empty");
                String::new()
            });
            it.value + &known
        };
        arguments(text, &self.variables).into_iter().map(value).collect()
    }

    fn include(&mut self, file: &File<'_>, rest: &str, at: &Sourced, relative: bool) -> Result<()> {
        let name = self.values(rest, at).into_iter().next().unwrap_or_default();
        match self.expander.included(name.trim_end_matches(';'), file.place, relative, at) {
            Some(place) => self.run_file(&place),
            None => Ok(()),
        }
    }

    fn connect(&mut self, rest: &str, at: Sourced) {
        let mut words = self.values(rest, &at);
        words.retain(|it| !it.starts_with("-reuse-previous"));
        let word = |index: usize| {
            let word: &String = words.get(index)?;
            let word = word.trim_end_matches(';').trim_matches('"');
            (!word.is_empty() && word != "-").then(|| word.to_owned())
        };
        let (database, server) = match word(0) {
            Some(it) if it.contains("://") => from_url(&it),
            Some(it) if it.contains('=') => from_settings(&it),
            name => (name, word(2)),
        };
        if let Some(name) = &database {
            self.variables.insert("DBNAME".to_owned(), name.clone());
        }
        self.expander.emit(Item::Connect { database, server, at });
    }

    fn set(&mut self, rest: &str, at: &Sourced) {
        let values = self.values(rest, at);
        if let Some((name, values)) = values.split_first() {
            self.variables.insert(name.clone(), values.concat());
        }
    }

    fn getenv(&mut self, rest: &str, at: &Sourced) {
        let values = self.values(rest, at);
        let [name, variable, ..] = values.as_slice() else { return };
        match self.expander.found.environment.get(variable) {
            Some(value) => {
                self.variables.insert(name.clone(), value.clone());
            }
            None => self.expander.not_done(at, "the container's environment is not known"),
        }
    }

    fn encoding(&mut self, rest: &str, at: &Sourced) {
        let name = rest.trim().to_ascii_lowercase();
        if !matches!(name.as_str(), "" | "utf8" | "utf-8" | "unicode") {
            self.expander.not_done(at, "scripts are read as UTF-8");
        }
    }

    /// `\gexec` runs what a query answers. Answers that do not depend on the server are known.
    fn gexec(&mut self, file: &mut File<'_>, at: &Sourced) {
        let query =
            file.buffer.take().map(|(text, line)| (substitute(&text, &self.variables), line));
        let statement = query.as_ref().and_then(|(query, _)| created_database(query));
        match (statement, query) {
            (Some(sql), Some((_, line))) => {
                let statement = self.expander.sourced(file.place, Piece::statement(sql, line));
                self.expander.emit(Item::Statement(statement));
            }
            _ => self.expander.not_done(at, "it runs what only the server can answer"),
        }
    }

    fn copy(&mut self, file: &File<'_>, rest: &str, data: Option<String>, at: &Sourced) {
        match CopyCommand::parse(rest) {
            Some(CopyCommand::FromStdin(sql)) => {
                self.copy_in(file, sql, data.unwrap_or_default(), at);
            }
            Some(CopyCommand::FromFile(sql, name)) => {
                let Some(place) = self.expander.resolve(&name, file.place, false) else {
                    return self.expander.missing(at, &name);
                };
                match super::expand::read(&place.host, &name) {
                    Ok(data) => self.copy_in(file, sql, data, at),
                    Err(_) => self.expander.not_done(at, "the file cannot be read as UTF-8"),
                }
            }
            Some(CopyCommand::Out) => {}
            None => self.expander.not_done(at, "it needs a program or standard input"),
        }
    }

    fn copy_in(&mut self, file: &File<'_>, sql: String, data: String, at: &Sourced) {
        let piece = Piece { copy_data: Some(data), ..Piece::statement(sql, at.piece.line) };
        let statement = self.expander.sourced(file.place, piece);
        self.expander.emit(Item::Statement(statement));
    }
}

/// The database and the server of `postgresql://server/database`.
fn from_url(text: &str) -> (Option<String>, Option<String>) {
    let Ok(url) = url::Url::parse(text) else { return (Some(text.to_owned()), None) };
    let server = url.host_str().filter(|it| !it.is_empty()).map(str::to_owned);
    let name = url.path().trim_start_matches('/');
    ((!name.is_empty()).then(|| name.to_owned()), server)
}

/// The database and the server of `dbname=app host=server`.
fn from_settings(text: &str) -> (Option<String>, Option<String>) {
    let pairs = arguments(text, &BTreeMap::new());
    let value = |name: &str| {
        let found = pairs.iter().find_map(|it| it.value.strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    (value("dbname"), value("host"))
}

/// The variable of `echo "$NAME"`, which needs no shell to be known.
fn echoed(shell: &str) -> Option<&str> {
    let rest =
        shell.trim().strip_prefix("echo").or_else(|| shell.trim().strip_prefix("printenv"))?;
    let name = rest.trim().trim_matches(['"', '\'']).trim_start_matches('$');
    let name = name.trim_start_matches('{').trim_end_matches('}');
    let is_plain = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    (is_plain && !name.is_empty()).then_some(name)
}

/// `SELECT 'CREATE DATABASE app' WHERE NOT EXISTS …` answers with the text in it.
fn created_database(query: &str) -> Option<String> {
    let tokens = tokens(query).ok()?;
    let [select, text, ..] = tokens.as_slice() else { return None };
    let sql = literal(text).filter(|_| select.is_word("select"))?;
    let start = sql.trim_start().to_ascii_lowercase();
    start.starts_with("create database").then_some(sql)
}

/// Commands that show something or change how it is shown.
fn only_shows(name: &str) -> bool {
    let known = [
        "a",
        "C",
        "conninfo",
        "copyright",
        "echo",
        "errverbose",
        "f",
        "h",
        "H",
        "help",
        "l",
        "list",
        "lo_list",
        "o",
        "p",
        "print",
        "pset",
        "qecho",
        "restrict",
        "s",
        "setenv",
        "sf",
        "sv",
        "t",
        "T",
        "timing",
        "unrestrict",
        "warn",
        "x",
        "z",
        "?",
    ];
    let plain = name.trim_end_matches('+');
    known.contains(&plain) || plain.starts_with('d') && plain.len() <= 5 || plain == "l+"
}

/// `\copy`, as the statement that the server sees.
enum CopyCommand {
    FromStdin(String),
    FromFile(String, String),
    /// Copies out of the database, which changes nothing.
    Out,
}

impl CopyCommand {
    fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text).ok()?;
        let mut depth = 0_usize;
        let direction = tokens.iter().position(|it| {
            match it.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (it.is_word("from") || it.is_word("to"))
        })?;
        if tokens[direction].is_word("to") {
            return Some(Self::Out);
        }
        let before = text.get(..tokens[direction].start)?.trim();
        let source = tokens.get(direction + 1)?;
        let start = text.get(source.start..)?;
        // Without quotes a file's name goes to the next white space.
        let (name, options) = match literal(source) {
            Some(name) => (name, text.get(source.end()..)?),
            None => {
                let (name, options) = start.split_once(char::is_whitespace).unwrap_or((start, ""));
                (name.trim_end_matches(';').to_owned(), options)
            }
        };
        let sql = format!("COPY {before} FROM STDIN {}", options.trim().trim_end_matches(';'));
        let sql = sql.trim_end().to_owned();
        let plain = literal(source).is_none();
        match name.to_ascii_lowercase().as_str() {
            "stdin" if plain => Some(Self::FromStdin(sql)),
            "program" | "pstdin" if plain => None,
            _ => Some(Self::FromFile(sql, name)),
        }
    }
}
