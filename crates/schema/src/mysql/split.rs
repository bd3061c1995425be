//! MySQL scripts to statements, cut where the `mysql` client cuts them.
//!
//! `token` → `split`. The client's commands come out as pieces of their own kind. One thing the client does
//! not know: the body of a routine is one statement, also without `DELIMITER`, because drivers send it as
//! one.

use super::token::{Lexer, is_mark};
use crate::script::{Piece, PieceKind, SplitError};
use crate::token::{Lines, Scanner, Token, TokenKind};

/// Cuts a script into statements and the client's commands.
///
/// # Errors
/// If a literal, comment, quoted name or the body of a routine does not end.
pub fn split(source: &str) -> Result<Vec<Piece>, SplitError> {
    let mut splitter = Splitter {
        source,
        lexer: Lexer::new(source),
        lines: Lines::new(source),
        open: Open::default(),
        pieces: Vec::new(),
    };
    if source.starts_with('\u{feff}') {
        splitter.lexer.scanner().skip('\u{feff}'.len_utf8());
    }
    while let Some(token) = splitter.lexer.next_token()? {
        splitter.take(&token);
    }
    splitter.finish()
}

struct Splitter<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    lines: Lines<'a>,
    open: Open,
    pieces: Vec<Piece>,
}

/// The statement that is being read.
#[derive(Debug, Default)]
struct Open {
    /// Its first token, comments included.
    start: Option<usize>,
    /// Its first token that is no comment, and the end of the last one.
    significant: Option<(usize, usize)>,
    progress: Progress,
}

/// How far a statement is, as far as its end depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Start,
    /// After `CREATE`: of what is not known yet.
    Create,
    /// Ends at the next delimiter.
    Plain,
    Routine(Body),
}

/// A trigger, procedure, function or event: blocks hold semicolons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Body {
    depth: usize,
    before: Before,
}

/// What stands before a word of a body, as far as it says what the word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    /// A statement may begin here.
    Statement,
    /// `END` names the block that it ends.
    End,
    #[default]
    Other,
}

/// What a statement of a body follows on.
const BEFORE_STATEMENT: [&str; 12] = [
    "begin",
    "then",
    "else",
    "do",
    "loop",
    "repeat",
    "row",
    "deterministic",
    "sql",
    "data",
    "invoker",
    "definer",
];

impl Progress {
    fn after(self, token: &Token<'_>) -> Self {
        let is = |words: &[&str]| words.iter().any(|it| token.is_word(it));
        match self {
            Self::Start if token.is_word("create") => Self::Create,
            Self::Create if is(&["trigger", "procedure", "function", "event", "package"]) => {
                Self::Routine(Body::default())
            }
            Self::Create
                if is(&["table", "index", "view", "database", "schema", "user", "role"]) =>
            {
                Self::Plain
            }
            Self::Create => Self::Create,
            Self::Start | Self::Plain => Self::Plain,
            Self::Routine(body) => Self::Routine(body.after(token)),
        }
    }

    fn ends_with_delimiter(&self) -> bool {
        !matches!(self, Self::Routine(Body { depth: 1.., .. }))
    }
}

impl Body {
    fn after(self, token: &Token<'_>) -> Self {
        let is = |words: &[&str]| words.iter().any(|it| token.is_word(it));
        let opens = match self.before {
            Before::End => false,
            Before::Statement => is(&["begin", "case", "if", "loop", "while", "repeat"]),
            // Elsewhere `if` and `repeat` are functions, and names are free; only `case` also opens inside
            // an expression.
            Before::Other => is(&["begin", "case"]),
        };
        let closes = token.is_word("end");
        let depth = match (opens, closes) {
            (true, _) => self.depth + 1,
            (false, true) => self.depth.saturating_sub(1),
            (false, false) => self.depth,
        };
        let begins_next = is(&BEFORE_STATEMENT)
            || [';', ':'].iter().any(|it| token.is_symbol(*it))
            || self.depth == 0 && (token.is_symbol(')') || token.kind == TokenKind::Text);
        let before = match (closes, begins_next) {
            (true, _) => Before::End,
            (false, true) => Before::Statement,
            (false, false) => Before::Other,
        };
        Self { depth, before }
    }
}

impl<'a> Splitter<'a> {
    fn take(&mut self, token: &Token<'a>) {
        if self.open.significant.is_none() && self.take_command(token) {
            return;
        }
        let ends = token.kind == TokenKind::Symbol && token.text == self.lexer.delimiter();
        if ends && (self.lexer.delimiter() != ";" || self.open.progress.ends_with_delimiter()) {
            return self.end_statement();
        }
        self.open.start.get_or_insert(token.start);
        if token.kind != TokenKind::Comment {
            let (first, _) = self.open.significant.unwrap_or((token.start, 0));
            self.open.significant = Some((first, token.end()));
        }
        if token.kind != TokenKind::Comment && !is_mark(token) {
            self.open.progress = std::mem::take(&mut self.open.progress).after(token);
        }
    }

    /// Takes the whole line if the client takes it for itself.
    fn take_command(&mut self, token: &Token<'a>) -> bool {
        let is_delimiter = token.is_word("delimiter");
        if !is_delimiter && !token.is_word("source") && !token.is_symbol('\\') {
            return false;
        }
        let scanner = self.lexer.scanner();
        scanner.skip_line();
        let sql = scanner.since(token.start).trim_end();
        if is_delimiter && let Some(delimiter) = sql.split_whitespace().nth(1) {
            self.lexer.set_delimiter(delimiter);
        }
        let (sql, line) = (sql.to_owned(), self.lines.line(token.start));
        self.pieces.push(Piece { kind: PieceKind::Command, sql, line, copy_data: None });
        self.open = Open::default();
        true
    }

    fn end_statement(&mut self) {
        let open = std::mem::take(&mut self.open);
        if let (Some(start), Some((first, end))) = (open.start, open.significant) {
            let sql = self.source.get(start..end).unwrap_or_default();
            self.pieces.push(Piece::statement(sql, self.lines.line(first)));
        }
    }

    fn finish(mut self) -> Result<Vec<Piece>, SplitError> {
        if let Some((first, _)) = self.open.significant
            && !self.open.progress.ends_with_delimiter()
        {
            return Err(Scanner::new(self.source).unfinished(first, "body of the routine"));
        }
        self.end_statement();
        Ok(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        let pieces = split(script).unwrap_or_else(|it| panic!("{it}: {script}"));
        let shown: Vec<_> = pieces.iter().map(|it| format!("{}: {}", it.line, it.sql)).collect();
        assert_eq!(shown, expected);
    }

    #[track_caller]
    fn check_error(script: &str, expected: &str) {
        assert_eq!(split(script).unwrap_err().to_string(), expected);
    }

    #[test]
    fn statements_end_at_semicolons_and_at_the_end_of_the_file() {
        check(
            "select 1;\r\n\r\n-- c;\nselect 2 ;;\n# d;\nselect\n3 -- e",
            &["1: select 1", "4: -- c;\nselect 2", "6: # d;\nselect\n3"],
        );
        check(" ; -- nothing", &[]);
    }

    #[test]
    fn semicolons_in_literals_comments_and_names_end_nothing() {
        check(
            r#"select 'a;''b\';', "c;""d\";", `e;``f`, /* g; */ 1;x"#,
            &[r#"1: select 'a;''b\';', "c;""d\";", `e;``f`, /* g; */ 1"#, "1: x"],
        );
        // Two signs, and no comment.
        check("select 1--1;x", &["1: select 1--1", "1: x"]);
    }

    #[test]
    fn a_comment_that_runs_belongs_to_its_statement_to_the_end() {
        check(
            "/*!40101 SET NAMES utf8mb4 */;\ncreate table t (a int) /*!50100 partition by hash(a) */;",
            &[
                "1: /*!40101 SET NAMES utf8mb4 */",
                "2: create table t (a int) /*!50100 partition by hash(a) */",
            ],
        );
    }

    #[test]
    fn the_delimiter_is_whatever_the_client_was_told() {
        let body = "create trigger t before insert on a for each row begin set new.b = 1; end";
        check(
            &format!("DELIMITER $$\n{body}$$\nselect 1;x $$\ndelimiter ;\nselect 2;"),
            &[
                "1: DELIMITER $$",
                &format!("2: {body}"),
                "3: select 1;x",
                "4: delimiter ;",
                "5: select 2",
            ],
        );
        check("delimiter //\nselect 4/2//x", &["1: delimiter //", "2: select 4/2", "2: x"]);
        // As `mysqldump` writes it.
        check(
            "DELIMITER ;;\n/*!50003 create trigger t after insert on a for each row begin x; end */;;\nDELIMITER ;",
            &[
                "1: DELIMITER ;;",
                "2: /*!50003 create trigger t after insert on a for each row begin x; end */",
                "3: DELIMITER ;",
            ],
        );
    }

    #[test]
    fn the_body_of_a_routine_belongs_to_it_without_a_delimiter_too() {
        for body in [
            "create definer=`a`@`%` trigger t before insert on a for each row begin if new.x > 1 then set new.x = if(1, 2, 3); end if; end",
            "create procedure if not exists p(in a int) begin declare b int; while a < 3 do set a = a + 1; end while; end",
            "create function f(a int) returns int deterministic return case a when 1 then 2 end",
            "create procedure p() begin case 1 when 1 then select 1; else select 2; end case; end",
            "create procedure p() l: loop leave l; end loop",
            "create procedure p() begin repeat set @a = repeat('x', 2); until 1 end repeat; end",
            "create event e on schedule every 1 day do begin delete from a; end",
            "create or replace function f() returns int return if(1, 2, 3)",
            "create trigger t before insert on a for each row set new.b = if(1, 2, 3)",
            "create trigger t before insert on a for each row if new.b then set new.c = 1; end if",
        ] {
            check(&format!("{body};\nx"), &[&format!("1: {body}"), "2: x"]);
        }
        check(
            "create table `begin` (a int);end;x",
            &["1: create table `begin` (a int)", "1: end", "1: x"],
        );
        check("begin; x; end; y", &["1: begin", "1: x", "1: end", "1: y"]);
    }

    #[test]
    fn commands_of_the_client_are_pieces_of_their_own() {
        check(
            "source a b.sql\n\\. c.sql\nselect source;",
            &["1: source a b.sql", "2: \\. c.sql", "3: select source"],
        );
    }

    #[test]
    fn what_does_not_end_is_refused_with_its_first_line() {
        check_error("x;\nselect 'a;\n\n", "the text literal does not end (opened on line 2)");
        check_error("x;\n/* a", "the comment does not end (opened on line 2)");
        check_error(
            "\ncreate procedure p() begin x;",
            "the body of the routine does not end (opened on line 2)",
        );
    }
}
