//! Scripts that only prepare a database: extensions, schemas, roles, default privileges, the database
//! itself. They stay what they are; a history is built on top of them.

use raingauge_schema::postgres::token::tokens;
use raingauge_schema::token::{Cursor, Token, TokenKind, has_words};

use super::Sourced;

/// What a script may create, alter or drop and be one that only prepares.
const KINDS: [&str; 7] =
    ["extension", "schema", "role", "user", "group", "database", "default privileges"];

/// Whether PostgreSQL scripts only prepare a database; `false` when they do nothing at all.
pub fn only_prepares(pieces: &[Sourced]) -> bool {
    let is = |it: &Sourced| it.piece.copy_data.is_none() && prepares(&it.piece.sql);
    !pieces.is_empty() && pieces.iter().all(is)
}

fn prepares(sql: &str) -> bool {
    let Ok(tokens) = tokens(sql) else { return false };
    let mut it = Cursor::new(&tokens);
    if it.eat_any(&["create", "alter", "drop"]).is_some() {
        // A schema may be created with what is in it, and a user mapping is no user.
        return it.eat_any(&KINDS).is_some()
            && !it.sees("mapping")
            && !has_words(it.rest(), "create");
    }
    if it.eat("comment on") {
        return it.eat_any(&KINDS).is_some();
    }
    if it.eat("do") {
        return tokens.iter().filter(|it| it.kind == TokenKind::Text).all(body_prepares);
    }
    if it.eat("select") {
        return has_words(&tokens, "set_config");
    }
    let harmless = ["set", "reset", "begin", "start", "commit", "end", "grant", "revoke", "show"];
    it.eat_any(&harmless).is_some()
}

/// Whether a block creates nothing else either, texts in it that it may run included.
fn body_prepares(body: &Token<'_>) -> bool {
    let text = body.text.to_lowercase();
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    let words: Vec<_> = text.split(|it| !is_part(it)).filter(|it| !it.is_empty()).collect();
    let writes = ["insert", "update", "delete", "copy", "merge", "truncate", "perform"];
    let creates = |it: &[&str]| {
        let kind = it[1];
        it[0] == "create" && !KINDS.contains(&kind)
            || it[0] == "alter" && !KINDS.contains(&kind) && kind != "default"
    };
    !words.iter().any(|it| writes.contains(it)) && !words.windows(2).any(creates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_only_prepare_are_told_from_those_that_build() {
        for sql in [
            "CREATE EXTENSION IF NOT EXISTS pgcrypto",
            "create schema if not exists auth authorization app",
            "CREATE USER app WITH PASSWORD 'x'",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app",
            "GRANT ALL PRIVILEGES ON DATABASE shop TO app",
            "COMMENT ON SCHEMA auth IS 'x'",
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles) THEN CREATE ROLE app LOGIN; END IF; END $$",
            "SELECT set_config('a.b', 'c', false)",
            "ALTER DATABASE shop SET timezone TO 'UTC'",
        ] {
            assert!(prepares(sql), "{sql}");
        }
        for sql in [
            "CREATE TABLE t (a int)",
            "CREATE SCHEMA s CREATE TABLE t (a int)",
            "CREATE USER MAPPING FOR app SERVER s",
            "DO $$ BEGIN CREATE TABLE t (a int); END $$",
            "DO $$ BEGIN EXECUTE 'create type t as enum ()'; CREATE ROLE app; END $$",
            "INSERT INTO t VALUES (1)",
            "SELECT create_everything()",
            "ALTER TABLE t ADD b int",
            "COMMENT ON TABLE t IS 'x'",
        ] {
            assert!(!prepares(sql), "{sql}");
        }
    }
}
