//! How far a PostgreSQL statement reaches: told from its words, never from raw text.
//!
//! Bodies of functions and `DO` blocks are read word by word, literals in them too, so that what they
//! would run counts. A body that puts such text together at run time may reach anything (`opaque`).

use raingauge_schema::postgres::token::{identifier, literal, tokens, tokens_with_escapes};
use raingauge_schema::token::{Cursor, Token, TokenKind};

use super::opaque::is_opaque;

/// How far a statement reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Stays in its database.
    Inside,
    /// Only prints.
    Prints,
    /// Changes to another database, as no PostgreSQL does and every MySQL.
    Use(String),
    CreateDatabase(String),
    DropDatabase(String),
    /// Settings, comments and grants of a database, which scratch does not need.
    Database,
    DropRole,
    /// What all databases of the server share.
    Server(&'static str),
    /// Files and programs of the machine, or other servers.
    Beyond(&'static str),
}

const ROLES: &str = "roles belong to the whole server";
const SETTINGS: &str = "it changes the whole server";
const OTHER_DATABASE: &str = "it names another database";
const FILES: &str = "it reads or writes files, or runs programs, on the server's machine";
const NETWORK: &str = "it connects to other servers";
const OPAQUE: &str = "it runs text that it puts together itself, which may reach anything";
const LANGUAGE: &str = "its language may do anything on the server's machine";

/// How far one statement reaches.
pub(super) fn reach(sql: &str) -> Reach {
    let found = tokens(sql).map(|it| of_statement(&it));
    // Whether a backslash escapes the quote is the session's setting: the farther reading counts.
    let escaped = sql.contains("\\'").then(|| tokens_with_escapes(sql).map(|it| of_statement(&it)));
    let readings = [Some(found), escaped].into_iter().flatten().flatten();
    readings.reduce(|a, b| if rank(&a) < rank(&b) { b } else { a }).unwrap_or(Reach::Inside)
}

fn of_statement(tokens: &[Token<'_>]) -> Reach {
    let mut it = Cursor::new(tokens);
    if it.eat("use") && it.rest().len() == 1 {
        return Reach::Use(last_name(&mut it));
    }
    while it.eat_any(&["explain", "analyze", "verbose"]).is_some() {}
    let rest = it.rest();
    let found = at_start(rest).or_else(|| called(tokens)).or_else(|| in_shared_catalog(tokens));
    let found = found.or_else(|| has_body(rest).then(|| in_bodies(rest)).flatten());
    found
        .or_else(|| names_database(rest).then_some(Reach::Server(OTHER_DATABASE)))
        .unwrap_or(Reach::Inside)
}

/// What the first words say.
fn at_start(tokens: &[Token<'_>]) -> Option<Reach> {
    let mut it = Cursor::new(tokens);
    match it.bump()?.text.to_ascii_lowercase().as_str() {
        "create" => of_create(it),
        "alter" => of_alter(it),
        "drop" => of_drop(it),
        "copy" => of_copy(tokens),
        "grant" | "revoke" => of_grant(tokens),
        "comment" | "security" if it.sees("on") || it.eat("label") => of_comment(it),
        "load" if it.peek().is_some_and(|it| it.kind == TokenKind::Text) => {
            Some(Reach::Beyond(FILES))
        }
        "import" if it.eat("foreign schema") => Some(Reach::Beyond(NETWORK)),
        "reassign" if it.eat("owned") => Some(Reach::Server(ROLES)),
        "checkpoint" if it.rest().is_empty() => Some(Reach::Server(SETTINGS)),
        "prepare" if it.eat("transaction") => Some(Reach::Server(SETTINGS)),
        "commit" | "rollback" if it.eat("prepared") => Some(Reach::Server(SETTINGS)),
        "reindex" if it.eat("database") || it.eat("system") => Some(Reach::Database),
        "do" => untrusted_language(tokens),
        _ => None,
    }
}

fn of_create(mut it: Cursor<'_, '_>) -> Option<Reach> {
    it.eat("or replace");
    it.eat_any(&["trusted", "procedural"]);
    if it.eat("extension") {
        it.eat("if not exists");
        let known = ["plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh", "plr"];
        let others = ["file_fdw", "adminpack", "pljava", "pllua_ng", "pllua", "pg_execute"];
        let name = last_name(&mut it);
        let is = |names: &[&str]| names.contains(&name.as_str());
        return Some(if is(&known) || is(&others) {
            Reach::Beyond(LANGUAGE)
        } else {
            Reach::Inside
        });
    }
    if it.eat("database") {
        return Some(Reach::CreateDatabase(last_name(&mut it)));
    }
    if it.eat("language") {
        let trusted = is_trusted(&last_name(&mut it));
        return (!trusted).then_some(Reach::Beyond(LANGUAGE));
    }
    if it.eat("function") || it.eat("procedure") {
        return untrusted_language(it.rest());
    }
    of_kind(&mut it)
}

/// Kinds that belong to the server or point beyond it, whatever is done with them.
fn of_kind(it: &mut Cursor<'_, '_>) -> Option<Reach> {
    if it.eat("user mapping") || it.eat_any(&["server", "foreign", "subscription"]).is_some() {
        Some(Reach::Beyond(NETWORK))
    } else if it.eat_any(&["role", "user", "group"]).is_some() {
        Some(Reach::Server(ROLES))
    } else if it.eat("tablespace") {
        Some(Reach::Beyond(FILES))
    } else {
        None
    }
}

fn of_alter(mut it: Cursor<'_, '_>) -> Option<Reach> {
    if it.eat("system") {
        // Settings may name programs that the server runs.
        Some(Reach::Beyond(SETTINGS))
    } else if it.eat("database") {
        Some(Reach::Database)
    } else {
        of_kind(&mut it)
    }
}

fn of_drop(mut it: Cursor<'_, '_>) -> Option<Reach> {
    if it.eat("database") {
        it.eat("if exists");
        Some(Reach::DropDatabase(last_name(&mut it)))
    } else if it.eat("owned") {
        Some(Reach::Server(ROLES))
    } else if it.eat_any(&["role", "user", "group"]).is_some() && !it.sees("mapping") {
        Some(Reach::DropRole)
    } else {
        of_kind(&mut it)
    }
}

fn of_copy(tokens: &[Token<'_>]) -> Option<Reach> {
    let mut depth = 0_usize;
    let direction = tokens.iter().position(|it| {
        match it.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (it.is_word("from") || it.is_word("to"))
    })?;
    match tokens.get(direction + 1)? {
        it if it.is_word("stdin") => None,
        it if it.is_word("stdout") => Some(Reach::Prints),
        _ => Some(Reach::Beyond(FILES)),
    }
}

/// Without `ON` it makes roles members of roles.
fn of_grant(tokens: &[Token<'_>]) -> Option<Reach> {
    let Some(on) = tokens.iter().position(|it| it.is_word("on")) else {
        return Some(Reach::Server(ROLES));
    };
    let mut it = Cursor::new(&tokens[on + 1..]);
    match it.eat_any(&["database", "tablespace", "parameter", "foreign"])? {
        "database" => Some(Reach::Database),
        "foreign" => Some(Reach::Beyond(NETWORK)),
        _ => Some(Reach::Server(SETTINGS)),
    }
}

fn of_comment(mut it: Cursor<'_, '_>) -> Option<Reach> {
    while !it.sees("on") {
        it.bump()?;
    }
    it.bump();
    match it.eat_any(&["database", "role", "tablespace", "subscription", "server", "foreign"])? {
        "database" => Some(Reach::Database),
        "role" => Some(Reach::Server(ROLES)),
        _ => Some(Reach::Beyond(NETWORK)),
    }
}

fn last_name(it: &mut Cursor<'_, '_>) -> String {
    it.eat("if not exists");
    it.name(identifier).pop().unwrap_or_default()
}

fn is_trusted(language: &str) -> bool {
    ["sql", "plpgsql", "plperl", "pltcl", "plv8", "plrust"].contains(&language)
}

fn untrusted_language(tokens: &[Token<'_>]) -> Option<Reach> {
    let at = tokens.iter().position(|it| it.is_word("language"))?;
    let name = tokens.get(at + 1)?;
    let name = literal(name).or_else(|| identifier(name))?;
    (!is_trusted(&name.to_ascii_lowercase())).then_some(Reach::Beyond(LANGUAGE))
}

/// Calls of functions whose effect leaves the database.
fn called(tokens: &[Token<'_>]) -> Option<Reach> {
    let calls = tokens.windows(2).filter(|it| it[1].is_symbol('(')).map(|it| &it[0]);
    calls
        .filter(|it| it.kind != TokenKind::Text)
        .filter_map(identifier)
        .find_map(|it| of_function(&it))
}

fn of_function(name: &str) -> Option<Reach> {
    let files = [
        "pg_read_file",
        "pg_read_binary_file",
        "pg_stat_file",
        "lo_import",
        "lo_export",
        "pg_current_logfile",
    ];
    let server = [
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_promote",
        "pg_switch_wal",
        "pg_create_restore_point",
        "pg_wal_replay_pause",
        "pg_wal_replay_resume",
        "pg_drop_replication_slot",
        "pg_logical_emit_message",
        "pg_log_backend_memory_contexts",
        "schedule_in_database",
    ];
    let begins = |words: &[&str]| words.iter().any(|it| name.starts_with(it));
    let network =
        ["dblink", "http", "http_get", "http_post", "http_put", "http_patch", "http_delete"];
    if files.contains(&name) || begins(&["pg_ls_", "pg_file_", "pg_logdir_"]) {
        Some(Reach::Beyond(FILES))
    } else if network.contains(&name)
        || begins(&["dblink_connect", "dblink_exec", "dblink_open", "dblink_send"])
    {
        Some(Reach::Beyond(NETWORK))
    } else if server.contains(&name)
        || begins(&[
            "pg_create_logical_",
            "pg_create_physical_",
            "pg_copy_logical_",
            "pg_copy_physical_",
        ])
        || begins(&["pg_replication_origin_", "pg_backup_", "pg_start_backup", "pg_stop_backup"])
    {
        Some(Reach::Server(SETTINGS))
    } else {
        None
    }
}

/// Catalogs that all databases share may be written like tables.
fn in_shared_catalog(tokens: &[Token<'_>]) -> Option<Reach> {
    let shared = [
        "pg_database",
        "pg_authid",
        "pg_auth_members",
        "pg_db_role_setting",
        "pg_tablespace",
        "pg_shdepend",
        "pg_shdescription",
        "pg_shseclabel",
        "pg_subscription",
        "pg_replication_origin",
        "pg_parameter_acl",
        "pg_shadow",
        "pg_user",
        "pg_roles",
    ];
    let writes = |start: usize| {
        let mut it = Cursor::new(&tokens[start..]);
        let written =
            it.eat_any(&["update", "into", "delete from", "truncate", "merge into"]).is_some();
        it.eat_any(&["only", "table"]);
        written && shared.contains(&last_name(&mut it).as_str())
    };
    (0..tokens.len()).any(writes).then_some(Reach::Server(SETTINGS))
}

fn has_body(tokens: &[Token<'_>]) -> bool {
    let mut it = Cursor::new(tokens);
    it.eat("do")
        || it.eat("create") && {
            it.eat("or replace");
            it.eat("function") || it.eat("procedure")
        }
}

/// The farthest that anything in the literals of a statement reaches, read at every word.
fn in_bodies(tokens: &[Token<'_>]) -> Option<Reach> {
    tokens.iter().filter_map(literal).filter_map(|it| in_body(&it)).max_by_key(rank)
}

/// Literals inside a body count where it runs text; messages that it raises never do.
fn in_body(body: &str) -> Option<Reach> {
    let Ok(words) = tokens(body) else {
        let words = rough(body);
        let names = words.iter().filter_map(identifier);
        let called = names.filter_map(|it| of_function(&it)).max_by_key(rank);
        let runs_text = words.iter().any(|it| it.is_word("execute"));
        let opaque = runs_text.then_some(Reach::Server(OPAQUE));
        return farther(farther(in_words(&words), called), opaque);
    };
    let runs_text = words.windows(2).any(|it| {
        it[0].is_word("execute") && !it[1].is_word("function") && !it[1].is_word("procedure")
    });
    let statements = words.split(|it| it.is_symbol(';'));
    let run = statements.filter(|it| runs_text && !it.iter().any(|it| it.is_word("raise")));
    let opaque = is_opaque(&words).then_some(Reach::Server(OPAQUE));
    // The more telling reason comes last: of equals, it stays.
    farther(opaque, farther(in_words(&words), run.filter_map(in_bodies).max_by_key(rank)))
}

fn farther(a: Option<Reach>, b: Option<Reach>) -> Option<Reach> {
    [a, b].into_iter().flatten().max_by_key(rank)
}

fn rank(reach: &Reach) -> u8 {
    match reach {
        Reach::Inside | Reach::Prints | Reach::Use(_) => 0,
        Reach::CreateDatabase(_) | Reach::DropDatabase(_) | Reach::Database | Reach::DropRole => 1,
        Reach::Server(_) => 1,
        Reach::Beyond(_) => 2,
    }
}

/// Every word of a body counts as the first of a statement. What would concern a database concerns
/// the server here.
fn in_words(tokens: &[Token<'_>]) -> Option<Reach> {
    let statements = tokens.split(|it| it.is_symbol(';'));
    let at_each = statements.flat_map(|it| (0..it.len()).map(|start| &it[start..]));
    let found = at_each.filter_map(at_start).map(|it| match it {
        Reach::CreateDatabase(_) | Reach::DropDatabase(_) | Reach::Database => {
            Reach::Server(SETTINGS)
        }
        Reach::DropRole => Reach::Server(ROLES),
        other => other,
    });
    let first = found.max_by_key(rank);
    farther(first, farther(called(tokens), in_shared_catalog(tokens)))
}

/// The words of a text that is no SQL as a whole.
fn rough(text: &str) -> Vec<Token<'_>> {
    let words = text.split(|it: char| !(it.is_alphanumeric() || it == '_'));
    let word = |text| Token { kind: TokenKind::Word, text, start: 0 };
    words.filter(|it| !it.is_empty()).map(word).collect()
}

/// Whether a table is named with its database: three parts where a relation stands.
fn names_database(tokens: &[Token<'_>]) -> bool {
    let introduces = [
        "from",
        "join",
        "into",
        "update",
        "table",
        "only",
        "exists",
        "references",
        "view",
        "sequence",
        "index",
        "truncate",
        "copy",
    ];
    (1..tokens.len()).any(|at| {
        introduces.iter().any(|it| tokens[at - 1].is_word(it))
            && !is_before_column(&tokens[..at])
            && Cursor::new(&tokens[at..]).name(identifier).len() == 3
    })
}

/// `DISTINCT FROM`, `trim(both FROM` and `extract(year FROM` stand before columns.
fn is_before_column(tokens: &[Token<'_>]) -> bool {
    let word = |back: usize| tokens.len().checked_sub(back).map(|it| &tokens[it]);
    let is = |back, words: &[&str]| {
        word(back).is_some_and(|it| words.iter().any(|word| it.is_word(word)))
    };
    is(2, &["distinct", "both", "leading", "trailing"]) || is(4, &["extract"])
}
