//! What a PostgreSQL statement may do to data, told from its words.
//!
//! `token` → `split` → `hazard`. What is not known to keep every row is not understood. Dropping what
//! holds no rows (an index, a view, a constraint) keeps them; functions that a query calls are
//! trusted where they are part of an `INSERT`, a column default or a new table, and nowhere else.

mod alter_table;
mod bound;
mod do_block;
mod lock;

use std::collections::BTreeSet;

pub use bound::{BuiltIndex, bound, built_index};
pub use lock::locks;

use super::split::split;
use super::token::{identifier, literal, tokens};
use crate::plan::Hazard;
use crate::script::PieceKind;
use crate::token::{Cursor, Token, TokenKind, has_words, split_at_commas};

/// The hazards of one or more statements, each once, those that delete first. Names in `public` are
/// given without it.
pub fn hazards(sql: &str) -> Vec<Hazard> {
    let Ok(pieces) = split(sql) else { return vec![Hazard::NotUnderstood] };
    let of_piece = |it: &crate::script::Piece| match (it.kind, tokens(&it.sql)) {
        (PieceKind::Statement, Ok(tokens)) => of_statement(&tokens),
        (PieceKind::Fragment | PieceKind::Command, _) | (_, Err(_)) => vec![Hazard::NotUnderstood],
    };
    pieces.iter().flat_map(of_piece).collect::<BTreeSet<_>>().into_iter().collect()
}

fn of_statement(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut it = Cursor::new(tokens);
    let Some(first) = it.bump() else { return Vec::new() };
    match first.text.to_ascii_lowercase().as_str() {
        "create" => of_create(it),
        "alter" => of_alter(it),
        "drop" => of_drop(it),
        "truncate" => of_truncate(it),
        "delete" if it.eat("from") => deletes("delete", &object_after_only(&mut it)),
        "update" => deletes("update", &object_after_only(&mut it)),
        "insert" => of_insert(it),
        "copy" => of_copy(it),
        "with" => of_with(tokens),
        "select" => of_select(it),
        "set" => of_set(it),
        "do" => do_block::of_do(it),
        "comment" | "grant" | "revoke" | "analyze" | "analyse" | "refresh" => Vec::new(),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
            vec![Hazard::NotTransactional]
        }
        "vacuum" => of_vacuum(it),
        "reindex" => of_reindex(tokens),
        "cluster" => vec![Hazard::RewritesTable(object(&mut it))],
        _ => vec![Hazard::NotUnderstood],
    }
}

fn deletes(verb: &str, name: &str) -> Vec<Hazard> {
    match name {
        "" => vec![Hazard::NotUnderstood],
        name => vec![Hazard::DeletesData(format!("{verb}:{name}"))],
    }
}

/// The next name, without `public`.
fn object(it: &mut Cursor<'_, '_>) -> String {
    let parts = it.name(identifier);
    match parts.split_first() {
        Some((first, rest)) if first == "public" && !rest.is_empty() => rest.join("."),
        _ => parts.join("."),
    }
}

fn object_after_only(it: &mut Cursor<'_, '_>) -> String {
    it.eat("only");
    object(it)
}

fn calls<'a, 't>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let is_call = |it: &[Token<'_>]| {
        matches!(it[0].kind, TokenKind::Word | TokenKind::Quoted) && it[1].is_symbol('(')
    };
    tokens.windows(2).filter(move |it| is_call(it)).map(|it| &it[0])
}

fn calls_only(tokens: &[Token<'_>], known: &[&str]) -> bool {
    calls(tokens).all(|it| identifier(it).is_some_and(|it| known.contains(&it.as_str())))
}

fn of_create(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat("or replace");
    let modifiers = [
        "global",
        "local",
        "temporary",
        "temp",
        "unlogged",
        "unique",
        "recursive",
        "materialized",
        "constraint",
        "foreign",
    ];
    while it.eat_any(&modifiers).is_some() {}
    let adds = [
        "table",
        "type",
        "domain",
        "view",
        "schema",
        "sequence",
        "function",
        "procedure",
        "aggregate",
        "trigger",
        "extension",
        "policy",
        "collation",
        "statistics",
        "operator",
        "cast",
        "conversion",
        "text search",
        "publication",
        "server",
    ];
    if it.eat("index") {
        not_transactional_if(it.eat("concurrently"))
    } else if it.eat_any(&adds).is_some() {
        Vec::new()
    } else if it.eat_any(&["database", "tablespace", "subscription"]).is_some() {
        vec![Hazard::NotTransactional, Hazard::NotUnderstood]
    } else {
        vec![Hazard::NotUnderstood]
    }
}

fn not_transactional_if(condition: bool) -> Vec<Hazard> {
    if condition { vec![Hazard::NotTransactional] } else { Vec::new() }
}

fn of_alter(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    if it.eat("table") {
        return alter_table::of_alter_table(it);
    }
    let rest = it.rest();
    let adds_value = it.eat("type") && has_words(rest, "add value");
    let harmless = ["rename to", "rename value", "owner to", "set schema", "attach partition"];
    if adds_value {
        // Since version 12 a transaction may hold it, but none in which the value is used.
        vec![Hazard::NotTransactional]
    } else if it.eat("system") {
        vec![Hazard::NotTransactional, Hazard::NotUnderstood]
    } else if it.eat_any(&["database", "role", "user", "group", "tablespace"]).is_some() {
        vec![Hazard::NotUnderstood]
    } else if harmless.iter().any(|it| has_words(rest, it))
        || it.eat("policy")
        || it.eat("default privileges")
        || it.eat("sequence") && !has_words(rest, "restart")
    {
        Vec::new()
    } else {
        vec![Hazard::NotUnderstood]
    }
}

fn of_drop(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let holds_rows = ["table", "foreign table", "sequence", "extension"];
    let holds_none = [
        "index",
        "view",
        "materialized view",
        "function",
        "procedure",
        "routine",
        "aggregate",
        "trigger",
        "policy",
        "rule",
        "type",
        "domain",
        "collation",
        "statistics",
    ];
    let cascades = it.rest().last().is_some_and(|it| it.is_word("cascade"));
    if it.eat_any(&holds_rows).is_some() {
        dropped(it, "")
    } else if it.eat("schema") {
        dropped(it, ".*")
    } else if let Some(kind) = it.eat_any(&holds_none) {
        let concurrently = not_transactional_if(kind == "index" && it.eat("concurrently"));
        // Nothing can depend on these.
        let is_leaf = ["policy", "trigger"].contains(&kind);
        if cascades && !is_leaf { [dropped(it, ""), concurrently].concat() } else { concurrently }
    } else if it.eat("database") {
        [dropped(it, ".*"), vec![Hazard::NotTransactional]].concat()
    } else if it.eat("owned by") {
        deletes("drop-owned", &object(&mut it))
    } else {
        vec![Hazard::NotUnderstood]
    }
}

fn dropped(mut it: Cursor<'_, '_>, inside: &str) -> Vec<Hazard> {
    it.eat("if exists");
    let name = |tokens: &[Token<'_>]| object(&mut Cursor::new(tokens));
    let names = split_at_commas(it.rest()).into_iter().map(name);
    names.flat_map(|it| deletes("drop", &format!("{it}{inside}"))).collect()
}

/// With `CASCADE` it empties tables that it does not name.
fn of_truncate(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat("table");
    let cascades = it.rest().last().is_some_and(|it| it.is_word("cascade"));
    let name = |tokens: &[Token<'_>]| object_after_only(&mut Cursor::new(tokens));
    let names = split_at_commas(it.rest()).into_iter().map(name);
    let mut found: Vec<_> = names.flat_map(|it| deletes("truncate", &it)).collect();
    found.extend(cascades.then_some(Hazard::NotUnderstood));
    found
}

fn of_insert(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    if !it.eat("into") {
        return vec![Hazard::NotUnderstood];
    }
    let name = object(&mut it);
    if has_words(it.rest(), "do update") {
        return deletes("update", &name);
    }
    if changes_rows(it.rest()) { vec![Hazard::NotUnderstood] } else { Vec::new() }
}

fn changes_rows(tokens: &[Token<'_>]) -> bool {
    ["delete", "update", "merge", "truncate", "drop"].iter().any(|it| has_words(tokens, it))
}

fn of_copy(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let adds = !object(&mut it).is_empty() && has_words(it.rest(), "from stdin");
    if adds { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

/// A query with parts that have names; any of them may change rows.
fn of_with(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let mut found = vec![Hazard::NotUnderstood];
    for start in 0..tokens.len() {
        let mut it = Cursor::new(&tokens[start..]);
        if it.eat("delete from") {
            found.extend(deletes("delete", &object_after_only(&mut it)));
        } else if it.eat("update") && !it.sees("set") {
            found.extend(deletes("update", &object_after_only(&mut it)));
        }
    }
    found
}

/// Only the calls that set a sequence or a setting of the session are known.
fn of_select(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let known = [
        "setval",
        "set_config",
        "max",
        "coalesce",
        "greatest",
        "count",
        "pg_get_serial_sequence",
        "select",
        "from",
        "values",
    ];
    let arguments = it.rest();
    let function = it.name(identifier).pop().unwrap_or_default();
    let known_call = match function.as_str() {
        "setval" => true,
        "set_config" => {
            it.rest().get(1).is_some_and(|it| literal(it).is_some_and(is_known_setting))
        }
        _ => false,
    };
    let is_harmless = known_call && calls_only(arguments, &known) && !changes_rows(arguments);
    if is_harmless { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

/// Settings that `pg_dump` and migrations change for themselves.
fn is_known_setting(name: impl AsRef<str>) -> bool {
    let known = [
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_timeout",
        "client_encoding",
        "standard_conforming_strings",
        "search_path",
        "check_function_bodies",
        "xmloption",
        "client_min_messages",
        "row_security",
        "default_tablespace",
        "default_table_access_method",
        "timezone",
        "datestyle",
    ];
    known.contains(&name.as_ref().to_ascii_lowercase().as_str())
}

fn of_set(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    it.eat_any(&["session", "local"]);
    let known = it.peek().and_then(identifier).is_some_and(is_known_setting);
    if known { Vec::new() } else { vec![Hazard::NotUnderstood] }
}

fn of_vacuum(mut it: Cursor<'_, '_>) -> Vec<Hazard> {
    let rewrites = has_words(it.rest(), "full");
    let mut found = vec![Hazard::NotTransactional];
    if rewrites {
        let name = it.name(identifier).pop().unwrap_or_default();
        found.push(Hazard::RewritesTable(last_name(it.rest(), name)));
    }
    found
}

/// `VACUUM FULL t` and `VACUUM (FULL) t`: the name comes last, if there is one.
fn last_name(rest: &[Token<'_>], only: String) -> String {
    let last = rest.split(|it| it.is_symbol(')')).next_back().unwrap_or_default();
    let start = last.iter().position(|it| !it.is_word("full") && !it.is_word("verbose"));
    let name = start.map(|it| object(&mut Cursor::new(&last[it..]))).unwrap_or_default();
    if name.is_empty() { only } else { name }
}

fn of_reindex(tokens: &[Token<'_>]) -> Vec<Hazard> {
    let alone = ["concurrently", "database", "system", "schema"];
    not_transactional_if(alone.iter().any(|it| has_words(tokens, it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let shown = hazards(sql).into_iter().map(|it| match it {
            Hazard::DeletesData(object) => object,
            Hazard::RewritesTable(table) => format!("rewrites {table}"),
            Hazard::NotTransactional => "alone".to_owned(),
            Hazard::NotUnderstood => "?".to_owned(),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{sql}");
    }

    #[test]
    fn what_only_adds_has_no_hazard() {
        for sql in [
            "CREATE TABLE \"users\" (id serial PRIMARY KEY, a int REFERENCES b ON DELETE cascade ON UPDATE set null);",
            "create unlogged table if not exists t as select 1",
            "-- drop table t;\ncreate unique index i on t (a) where b = 'drop'",
            "create type mood as enum ('a', 'b')",
            "create or replace function f() returns int language sql as $$ delete from t returning 1 $$",
            "create constraint trigger t after delete on t for each row execute function f()",
            "create extension if not exists pg_trgm",
            "create policy p on t for delete using (true)",
            "create materialized view v as select 1",
            "alter table t add column a int default 0 not null, add constraint c check (a > 0), add primary key (a)",
            "alter table only public.t add c varchar(10) default 'x'::character varying(10)",
            "alter table t add a timestamp(3) default now() references s.t(id)",
            "alter table t enable row level security",
            "alter table t alter column a set default gen_random_uuid(), alter b drop not null, alter c set not null",
            "alter table t rename column a to b",
            "alter table t drop constraint c",
            "alter table t attach partition p for values in (1)",
            "alter type mood rename to moods",
            "alter sequence s owned by t.a",
            "alter policy p on t using (false)",
            "drop index if exists i",
            "drop view v",
            "comment on table t is 'delete from t'",
            "grant select on t to app",
            "insert into t (a) select a from u on conflict do nothing",
            "select pg_catalog.setval('s', (select coalesce(max(id), 1) from t), true)",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SET statement_timeout = 0",
            "copy t (a) from stdin",
            "",
        ] {
            check(sql, "");
        }
    }

    #[test]
    fn what_deletes_is_named() {
        check("drop table if exists a, public.b, c.\"D;\" cascade", "drop:a drop:b drop:c.D;");
        check(
            "alter table Orders drop column note, drop if exists \"Text\" cascade",
            "drop:orders.Text drop:orders.note",
        );
        check("alter table a.b drop c", "drop:a.b.c");
        check("alter table t drop constraint c cascade", "drop:t.c");
        check("drop type mood cascade", "drop:mood");
        check("drop schema auth cascade", "drop:auth.*");
        check("drop function f(int, text) cascade", "drop:f");
        check("drop policy \"mine\" on \"books\" cascade", "");
        check("truncate table only a, b restart identity", "truncate:a truncate:b");
        check("truncate a cascade", "truncate:a ?");
        check("delete from only public.orders where id = 1", "delete:orders");
        check("/* a */ update orders set note = null", "update:orders");
        check("insert into a values (1) on conflict (id) do update set b = 1", "update:a");
        check("with gone as (delete from a returning *) update b set c = 1", "delete:a update:b ?");
        check("insert into a with gone as (delete from b returning *) select * from gone", "?");
    }

    #[test]
    fn what_rewrites_the_table_is_named() {
        check("alter table t alter column a set data type text using a::text", "rewrites t");
        check("alter table t alter a type text", "rewrites t");
        check("alter table t add column a uuid default gen_random_uuid()", "rewrites t");
        check("alter table t add column a serial", "rewrites t");
        check("alter table t add a int generated always as (b * 2) stored", "rewrites t");
        check("alter table t set unlogged", "rewrites t");
        check("cluster t using i", "rewrites t");
        check("vacuum (full, analyze) s.t", "rewrites s.t alone");
    }

    #[test]
    fn a_type_that_cuts_values_needs_consent() {
        for to in ["varchar(3)", "numeric(4, 0)", "char(2)", "date", "integer", "int using a::int"]
        {
            check(&format!("alter table t alter a type {to}"), "retype:t.a rewrites t");
        }
        let cut = "alter table t alter \"a\" set data type text using left(a, 2)";
        check(cut, "retype:t.a rewrites t");
    }

    #[test]
    fn what_cannot_be_in_a_transaction_is_said() {
        check("create index concurrently i on t (a)", "alone");
        check("drop index concurrently if exists i", "alone");
        check("alter type mood add value 'c' before 'a'", "alone");
        check("vacuum t", "alone");
        check("begin; create table t (); commit;", "alone");
        check("reindex table concurrently t", "alone");
        check("alter table t detach partition p concurrently", "alone ?");
    }

    #[test]
    fn anything_else_is_not_understood() {
        for sql in [
            "select clean_up()",
            "select setval('s', clean_up())",
            "select set_config('role', 'x', false)",
            "do $$ begin perform clean_up(); end $$",
            "do $$ begin execute 'drop table ' || x; end $$",
            "do language plpython3u $$ x $$",
            "call clean_up()",
            "merge into t using u on true when matched then delete",
            "set role admin",
            "copy t from '/etc/passwd'",
            "create rule r as on insert to t do instead nothing",
            "alter table t disable row level security",
            "create role app",
            "alter database app set a = 1",
            "drop role app",
            "select 'not ended",
            "\\i other.sql",
        ] {
            check(sql, "?");
        }
    }

    #[test]
    fn a_block_that_guards_statements_does_what_they_do() {
        check(
            "DO $$ BEGIN CREATE TYPE a AS ENUM('b'); EXCEPTION WHEN duplicate_object THEN null; END $$;",
            "",
        );
        check(
            "do $do$ begin if exists (select from pg_catalog.pg_roles where rolname = 'app') then grant select on t to app; end if; end $do$",
            "",
        );
        check(
            "do $$ begin if not exists (select 1 from pg_roles) then execute 'grant a on b to c'; raise notice 'x'; else drop table t; end if; end; $$ language plpgsql",
            "drop:t",
        );
        check("do $$ begin if clean_up() then grant a on b to c; end if; end $$", "?");
        check("do $$ declare x int; begin null; end $$", "?");
    }

    #[test]
    fn several_statements_have_the_hazards_of_all() {
        check(
            "drop table a; create table b (); update c set d = 1; update c set e = 1; select f()",
            "drop:a update:c ?",
        );
    }
}
