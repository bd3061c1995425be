//! SQLite scripts to statements, cut where the `sqlite3` shell cuts them.
//!
//! `token` → `split`. The shell's dot commands come out as pieces of their own kind.

use super::token::Lexer;
use crate::script::{Piece, PieceKind, SplitError};
use crate::token::{Lines, Scanner, Token, TokenKind};

/// Cuts a script into statements and the shell's dot commands.
///
/// # Errors
/// If a literal, comment, quoted name or trigger body does not end.
pub fn split(source: &str) -> Result<Vec<Piece>, SplitError> {
    let mut splitter = Splitter {
        source,
        lexer: Lexer::new(source),
        lines: Lines::new(source),
        open: Open::default(),
        pieces: Vec::new(),
    };
    splitter.lexer.scanner().skip(if source.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    });
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

/// How far a statement is, as far as its end depends on it. The body of a trigger holds semicolons;
/// only an `END` between two of them ends it, so the `END` of a `CASE` does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Start,
    Explain,
    Create,
    Plain,
    Trigger,
    TriggerSemicolon,
    TriggerEnd,
}

impl Progress {
    fn after(self, token: &Token<'_>) -> Self {
        match self {
            Self::Start if token.is_word("explain") => Self::Explain,
            Self::Explain if token.is_word("query") || token.is_word("plan") => Self::Explain,
            Self::Start | Self::Explain if token.is_word("create") => Self::Create,
            Self::Create if token.is_word("temp") || token.is_word("temporary") => Self::Create,
            Self::Create if token.is_word("trigger") => Self::Trigger,
            Self::Start | Self::Explain | Self::Create | Self::Plain => Self::Plain,
            Self::TriggerSemicolon if token.is_word("end") => Self::TriggerEnd,
            Self::Trigger | Self::TriggerSemicolon | Self::TriggerEnd => {
                if token.is_symbol(';') {
                    Self::TriggerSemicolon
                } else {
                    Self::Trigger
                }
            }
        }
    }

    fn ends_with_semicolon(self) -> bool {
        !matches!(self, Self::Trigger | Self::TriggerSemicolon)
    }
}

impl<'a> Splitter<'a> {
    fn take(&mut self, token: &Token<'a>) {
        if self.open.significant.is_none() && self.begins_line(token.start) {
            match token.text {
                "." => return self.take_command(token.start),
                "#" => return self.lexer.scanner().skip_line(),
                _ => {}
            }
        }
        if token.is_symbol(';') && self.open.progress.ends_with_semicolon() {
            return self.end_statement();
        }
        self.open.start.get_or_insert(token.start);
        if token.kind != TokenKind::Comment {
            let (first, _) = self.open.significant.unwrap_or((token.start, 0));
            self.open.significant = Some((first, token.end()));
            self.open.progress = self.open.progress.after(token);
        }
    }

    fn begins_line(&self, at: usize) -> bool {
        let before = self.source.get(..at).unwrap_or_default();
        before.is_empty() || before.ends_with('\n') || before == "\u{feff}"
    }

    fn take_command(&mut self, start: usize) {
        self.lexer.scanner().skip_line();
        let sql = self.lexer.scanner().since(start).trim_end().to_owned();
        let line = self.lines.line(start);
        self.pieces.push(Piece { kind: PieceKind::Command, sql, line, copy_data: None });
        self.open = Open::default();
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
            && !self.open.progress.ends_with_semicolon()
        {
            return Err(Scanner::new(self.source).unfinished(first, "trigger body"));
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
            "select 1;\r\n\r\n-- c;\nselect 2 ;;\nselect\n3 -- d",
            &["1: select 1", "4: -- c;\nselect 2", "5: select\n3"],
        );
        check(" ; -- nothing", &[]);
    }

    #[test]
    fn semicolons_in_literals_comments_and_all_four_kinds_of_names_end_nothing() {
        check(
            "select 'a;''b', x'00', \"c;\"\"\", `d;```, [e;\"], /* f; /* */ 1;x",
            &["1: select 'a;''b', x'00', \"c;\"\"\", `d;```, [e;\"], /* f; /* */ 1", "1: x"],
        );
        check("select 'a\\';x", &["1: select 'a\\'", "1: x"]);
    }

    #[test]
    fn the_body_of_a_trigger_belongs_to_it() {
        let trigger = "create temp trigger t after insert on a when new.x > 1 begin\n update a set x = case when 1 then 2 end;\n select 1;\nend";
        check(&format!("{trigger};\nx"), &[&format!("1: {trigger}"), "5: x"]);
        check(trigger, &[&format!("1: {trigger}")]);
        check(
            "explain query plan create trigger t begin x; end; y",
            &["1: explain query plan create trigger t begin x; end", "1: y"],
        );
        check(
            "create table trigger (a); end; x",
            &["1: create table trigger (a)", "1: end", "1: x"],
        );
        check("begin; x; end; y", &["1: begin", "1: x", "1: end", "1: y"]);
    }

    #[test]
    fn dot_commands_are_pieces_of_their_own() {
        check(
            ".bail on\nselect 1;\n-- c\n.read 'a b.sql'\n# note's\nselect\n.5;",
            &["1: .bail on", "2: select 1", "4: .read 'a b.sql'", "6: select\n.5"],
        );
        check(" .5", &["1: .5"]);
    }

    #[test]
    fn what_does_not_end_is_refused_with_its_first_line() {
        check_error("x;\nselect 'a;\n\n", "the text literal does not end (opened on line 2)");
        check_error("x\n/* ;", "the comment does not end (opened on line 2)");
        check_error("select [a;", "the quoted name does not end (opened on line 1)");
        check_error(
            "x;\ncreate trigger t begin select 1;\nselect 2;",
            "the trigger body does not end (opened on line 2)",
        );
    }
}
