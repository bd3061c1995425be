//! A migration file: how statements are joined into one, and what the migrator makes of it.

use crate::{Dialect, Fingerprint};

/// The text at which the migrator cuts a file, wherever it stands.
pub const BREAKPOINT: &str = "--> statement-breakpoint";

/// What `generate --custom` writes.
pub const CUSTOM_FILE: &str = "-- Custom SQL migration file, put your code below! --";

/// The first line of a file that `drizzle-kit pull` writes; its statements stand in a comment.
const PULLED_LINE: &str = "-- Current sql file was generated after introspecting the database\n";

/// Joins statements into a file as drizzle-kit does; without breakpoints they stand on lines.
pub fn join<'a>(statements: impl IntoIterator<Item = &'a str>, breakpoints: bool) -> String {
    let statements: Vec<_> = statements.into_iter().collect();
    statements.join(if breakpoints { "--> statement-breakpoint\n" } else { "\n" })
}

/// One piece of a file, which the migrator sends as one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The text between two breakpoints, untrimmed.
    pub sql: &'a str,
    /// The line on which the piece begins, counted from 1.
    pub line: usize,
}

/// Cuts a file as the migrator does: at every breakpoint, also inside comments and texts.
pub fn split(file: &str) -> Vec<Chunk<'_>> {
    let mut line = 1;
    let mut chunk = |sql: &'_ str| {
        let begins = line;
        line += sql.matches('\n').count();
        begins
    };
    file.split(BREAKPOINT).map(|sql| Chunk { line: chunk(sql), sql }).collect()
}

/// The hash that the migrator records for a file.
pub fn hash(file: &[u8]) -> Fingerprint {
    Fingerprint::of_bytes(file)
}

/// Something in a file that the migrator stumbles over or silently passes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing to run between two breakpoints, or in the whole file.
    EmptyPiece { line: usize },
    /// Only comments. SQLite refuses it; PostgreSQL and MySQL run nothing and record the migration.
    OnlyComments { line: usize },
    /// A breakpoint inside a block comment cuts the comment in two.
    CutComment { line: usize },
    /// The file that `drizzle-kit pull` wrote, still commented out: a new database gets nothing.
    CommentedBaseline,
    /// The file begins with a byte order mark, which only SQLite passes over.
    ByteOrderMark,
}

/// All that is wrong with a file whatever its statements mean.
pub fn flaws(file: &str, dialect: Dialect) -> Vec<Flaw> {
    let body = file.trim_start_matches('\u{feff}');
    let mut flaws = Vec::new();
    if body.len() != file.len() && dialect != Dialect::Sqlite {
        flaws.push(Flaw::ByteOrderMark);
    }
    if is_commented_baseline(body) {
        flaws.push(Flaw::CommentedBaseline);
        return flaws;
    }
    for Chunk { sql, line } in split(body) {
        match significance(sql, dialect) {
            Significance::Statement => {}
            Significance::Nothing => flaws.push(Flaw::EmptyPiece { line }),
            Significance::Comments => flaws.push(Flaw::OnlyComments { line }),
            Significance::OpenComment => flaws.push(Flaw::CutComment { line }),
        }
    }
    flaws
}

fn is_commented_baseline(file: &str) -> bool {
    let unix = file.replace("\r\n", "\n");
    unix.starts_with(PULLED_LINE)
        && unix.split("\n/*\n").nth(1).is_some_and(|rest| rest.trim_end().ends_with("*/"))
}

/// What a piece begins with once white space and comments are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Significance {
    Statement,
    Nothing,
    Comments,
    OpenComment,
}

fn significance(sql: &str, dialect: Dialect) -> Significance {
    let mut rest = sql.trim_start();
    let mut comments = false;
    loop {
        if rest.is_empty() {
            return if comments { Significance::Comments } else { Significance::Nothing };
        }
        let line = rest.strip_prefix("--");
        let line = line.or_else(|| rest.strip_prefix('#').filter(|_| dialect == Dialect::MySql));
        let runs = dialect == Dialect::MySql && rest.starts_with("/*!");
        let after = if let Some(comment) = line {
            Some(comment.split_once('\n').map_or("", |(_, after)| after))
        } else if let Some(comment) = rest.strip_prefix("/*").filter(|_| !runs) {
            Some(match after_block_comment(comment, dialect) {
                Some(after) => after,
                None => return Significance::OpenComment,
            })
        } else {
            rest.strip_prefix(';')
        };
        let Some(after) = after else { return Significance::Statement };
        comments |= !rest.starts_with(';');
        rest = after.trim_start();
    }
}

/// The text after a block comment, whose opening is already passed. PostgreSQL nests them.
fn after_block_comment(mut rest: &str, dialect: Dialect) -> Option<&str> {
    let mut depth = 1;
    while depth > 0 {
        let close = rest.find("*/")?;
        let open = rest.find("/*").filter(|at| *at < close && dialect == Dialect::Postgres);
        let at = open.unwrap_or(close);
        depth = if open.is_some() { depth + 1 } else { depth - 1 };
        rest = rest.get(at + 2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, dialect: Dialect, expected: &[Flaw]) {
        assert_eq!(flaws(file, dialect), expected, "{file}");
    }

    #[test]
    fn joined_statements_split_back_with_their_lines() {
        let statements = ["CREATE TABLE `a` (\n\t`x` integer\n);\n", "SELECT 1;", "SELECT 2;"];
        let file = join(statements, true);
        assert!(file.ends_with("SELECT 1;--> statement-breakpoint\nSELECT 2;"));
        let lines: Vec<_> = split(&file).iter().map(|it| it.line).collect();
        assert_eq!(lines, [1, 4, 5]);
        assert_eq!(join(["a;", "b;"], false), "a;\nb;");
    }

    #[test]
    fn t10_the_hash_is_that_of_the_bytes_line_endings_included() {
        assert_ne!(hash(b"SELECT 1;\n"), hash(b"SELECT 1;\r\n"));
    }

    #[test]
    fn a_trailing_breakpoint_leaves_an_empty_piece() {
        let file = "SELECT 1;\n--> statement-breakpoint\n";
        check(file, Dialect::Sqlite, &[Flaw::EmptyPiece { line: 2 }]);
        check("", Dialect::Sqlite, &[Flaw::EmptyPiece { line: 1 }]);
    }

    #[test]
    fn the_custom_stub_has_only_comments() {
        check(CUSTOM_FILE, Dialect::Sqlite, &[Flaw::OnlyComments { line: 1 }]);
        check("-- a\n/* b */ ;\n", Dialect::Sqlite, &[Flaw::OnlyComments { line: 1 }]);
        check("-- a\nSELECT 1;", Dialect::Sqlite, &[]);
    }

    #[test]
    fn mysql_has_one_kind_of_comment_more_and_one_less() {
        check("# a\n-- b\n", Dialect::MySql, &[Flaw::OnlyComments { line: 1 }]);
        check("/*!50003 SET @a = 1 */", Dialect::MySql, &[]);
        check("/*!50003 SET @a = 1 */", Dialect::Sqlite, &[Flaw::OnlyComments { line: 1 }]);
    }

    #[test]
    fn a_breakpoint_inside_a_comment_cuts_it() {
        let file = "/* a\n--> statement-breakpoint\nb */\nSELECT 1;";
        check(file, Dialect::Postgres, &[Flaw::CutComment { line: 1 }]);
    }

    #[test]
    fn block_comments_nest_in_postgres_only() {
        let file = "/* a /* b */ */";
        check(file, Dialect::Postgres, &[Flaw::OnlyComments { line: 1 }]);
        check(file, Dialect::Sqlite, &[]);
    }

    #[test]
    fn t09_a_pulled_file_that_is_still_commented_out_is_recognised() {
        let note = "-- If you want to run this migration please uncomment this code before executing migrations\n";
        let sql = "CREATE TABLE \"a\" ();--> statement-breakpoint\nCREATE TABLE \"b\" ();";
        let pulled = format!("{PULLED_LINE}{note}/*\n{sql}\n*/");
        check(&pulled, Dialect::Postgres, &[Flaw::CommentedBaseline]);
        check(&pulled.replace('\n', "\r\n"), Dialect::Postgres, &[Flaw::CommentedBaseline]);
        check(&format!("{PULLED_LINE}{note}\n{sql}\n"), Dialect::Postgres, &[]);
    }

    #[test]
    fn a_byte_order_mark_breaks_all_but_sqlite() {
        check("\u{feff}SELECT 1;", Dialect::Postgres, &[Flaw::ByteOrderMark]);
        check("\u{feff}SELECT 1;", Dialect::MySql, &[Flaw::ByteOrderMark]);
        check("\u{feff}SELECT 1;", Dialect::Sqlite, &[]);
    }
}
