//! PostgreSQL scripts to statements, cut where psql cuts them.
//!
//! `token` → `split`. What psql does with its own commands is not decided here: they come out as
//! pieces of their own kind.

use super::token::{Lexer, tokens};
use crate::script::{Piece, PieceKind, SplitError};
use crate::token::{Lines, Scanner, Token, TokenKind};

/// Cuts a script into statements, psql's commands and the rows of `COPY … FROM stdin`.
///
/// # Errors
/// If a literal, comment, quoted name, parenthesis or `BEGIN ATOMIC` body does not end.
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
        splitter.take(&token)?;
    }
    splitter.finish()
}

struct Splitter<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    lines: Lines<'a>,
    open: Open<'a>,
    pieces: Vec<Piece>,
}

/// The statement that is being read.
#[derive(Debug, Default)]
struct Open<'a> {
    /// Its first token, comments included.
    start: Option<usize>,
    /// Its first token that is no comment, and the end of the last one.
    significant: Option<(usize, usize)>,
    /// A part of it is already out, as a fragment.
    in_fragments: bool,
    /// Where the open parentheses stand.
    parens: Vec<usize>,
    /// Where the open `BEGIN ATOMIC` and the `CASE`s in it stand.
    begins: Vec<usize>,
    /// Its first words, enough to know its kind.
    head: Vec<&'a str>,
    previous: &'a str,
    copies_from_stdin: bool,
}

/// So many words tell `CREATE OR REPLACE FUNCTION` and `SET SESSION standard_conforming_strings`.
const HEAD_WORDS: usize = 5;

impl<'a> Splitter<'a> {
    fn take(&mut self, token: &Token<'a>) -> Result<(), SplitError> {
        if token.is_symbol('\\') {
            return self.take_backslash(token);
        }
        if token.is_symbol(';') && self.open.parens.is_empty() && self.open.begins.is_empty() {
            return self.end_statement();
        }
        self.open.add(token);
        Ok(())
    }

    /// psql reads the rows of a `COPY` from the next line on, wherever in its line it ended.
    fn end_statement(&mut self) -> Result<(), SplitError> {
        let copy_data = self.open.copies_from_stdin.then(|| self.take_rows());
        let open = std::mem::take(&mut self.open);
        if open.significant.is_none() && !open.in_fragments {
            return Ok(());
        }
        if open.is_word(0, "set") {
            self.follow_string_setting(&open)?;
        }
        let (first, _) = open.significant.unwrap_or((self.lexer.scanner().at(), 0));
        let line = self.lines.line(first);
        let sql = self.text_of(&open);
        self.pieces.push(Piece { kind: PieceKind::Statement, sql, line, copy_data });
        Ok(())
    }

    /// The text of a statement, without the rows of a `COPY` that ended on its first line.
    fn text_of(&self, open: &Open<'a>) -> String {
        let (Some(start), Some((_, end))) = (open.start, open.significant) else {
            return String::new();
        };
        let text = |from, to| self.source.get(from..to).unwrap_or_default();
        match self.lexer.skipped.filter(|(from, to)| start < *from && *to < end) {
            Some((from, to)) => format!("{}{}", text(start, from), text(to, end)),
            None => text(start, end).to_owned(),
        }
    }

    /// Takes the rows after this line, up to `\.` or, as psql does, the end of the file.
    fn take_rows(&mut self) -> String {
        let mut scan = self.lexer.scanner().clone();
        let line_start = match self.lexer.rows {
            Some((_, end)) => end,
            None => {
                scan.skip_line();
                scan.skip(1);
                scan.at()
            }
        };
        scan.jump(line_start);
        let (rows, end) = rows_from(&mut scan);
        let from = self.lexer.rows.map_or(line_start, |(from, _)| from);
        self.lexer.rows = Some((from, end));
        rows
    }

    /// `SET standard_conforming_strings` changes how the rest of the file is to be read.
    fn follow_string_setting(&mut self, open: &Open<'a>) -> Result<(), SplitError> {
        let text = self.text_of(open);
        let tokens = tokens(&text)?;
        if tokens.iter().any(|it| it.is_word("standard_conforming_strings")) {
            let value = tokens.last().map_or("", |it| it.text).trim_matches('\'').to_lowercase();
            self.lexer.plain_escapes = matches!(value.as_str(), "off" | "false" | "no" | "0");
        }
        Ok(())
    }

    fn take_backslash(&mut self, token: &Token<'a>) -> Result<(), SplitError> {
        match self.lexer.scanner().byte(0) {
            b';' => {
                self.lexer.scanner().skip(1);
                self.end_statement()
            }
            b':' => {
                self.lexer.scanner().skip(1);
                Ok(())
            }
            _ => {
                self.take_command(token);
                Ok(())
            }
        }
    }

    fn take_command(&mut self, token: &Token<'a>) {
        self.interrupt();
        let line = self.lines.line(token.start);
        let sql = skip_command(self.lexer.scanner(), token.start);
        let name = sql.split_whitespace().next().unwrap_or_default().to_owned();
        let copy_data = copies_from_stdin(&name, &sql).then(|| self.take_rows());
        if ends_statement(&name) {
            self.open = Open::default();
        }
        self.pieces.push(Piece { kind: PieceKind::Command, sql, line, copy_data });
    }

    /// Puts what is open of a statement out as a fragment; its parentheses stay open.
    fn interrupt(&mut self) {
        if let Some((first, _)) = self.open.significant {
            let (line, sql) = (self.lines.line(first), self.text_of(&self.open));
            self.pieces.push(Piece { kind: PieceKind::Fragment, sql, line, copy_data: None });
            self.open.in_fragments = true;
        }
        (self.open.start, self.open.significant) = (None, None);
    }

    /// psql sends what is left at the end of a file although no semicolon ends it.
    fn finish(mut self) -> Result<Vec<Piece>, SplitError> {
        let unclosed = |at: usize, what| Err(Scanner::new(self.source).unfinished(at, what));
        if let Some(at) = self.open.begins.first() {
            return unclosed(*at, "`BEGIN ATOMIC` body");
        }
        if let Some(at) = self.open.parens.first() {
            return unclosed(*at, "parenthesis");
        }
        self.end_statement()?;
        Ok(self.pieces)
    }
}

impl<'a> Open<'a> {
    fn add(&mut self, token: &Token<'a>) {
        self.start.get_or_insert(token.start);
        match token.kind {
            TokenKind::Comment => return,
            TokenKind::Word => self.add_word(token),
            TokenKind::Symbol if token.text == "(" => self.parens.push(token.start),
            TokenKind::Symbol if token.text == ")" => {
                self.parens.pop();
            }
            TokenKind::Symbol | TokenKind::Quoted | TokenKind::Text | TokenKind::Number => {}
        }
        let (first, _) = self.significant.unwrap_or((token.start, 0));
        self.significant = Some((first, token.end()));
        self.previous = token.text;
    }

    fn add_word(&mut self, token: &Token<'a>) {
        if self.head.len() < HEAD_WORDS {
            self.head.push(token.text);
        }
        if self.parens.is_empty() && self.is_word(0, "copy") && token.is_word("stdin") {
            self.copies_from_stdin |= self.previous.eq_ignore_ascii_case("from");
        }
        if self.parens.is_empty() && self.creates_function() {
            self.follow_body(token);
        }
    }

    /// Bodies written in SQL hold semicolons; `CASE` ends with `END` too. As the name of a function or
    /// a column these words mean nothing.
    fn follow_body(&mut self, token: &Token<'a>) {
        let is_name = self.previous == "." || self.previous.eq_ignore_ascii_case("as");
        let is_in_body = !self.begins.is_empty();
        if token.is_word("atomic") && self.previous.eq_ignore_ascii_case("begin")
            || token.is_word("case") && is_in_body && !is_name
        {
            self.begins.push(token.start);
        } else if token.is_word("end") && !is_name {
            self.begins.pop();
        }
    }

    fn creates_function(&self) -> bool {
        let kind = if self.is_word(1, "or") && self.is_word(2, "replace") { 3 } else { 1 };
        self.is_word(0, "create")
            && (self.is_word(kind, "function") || self.is_word(kind, "procedure"))
    }

    fn is_word(&self, index: usize, word: &str) -> bool {
        self.head.get(index).is_some_and(|it| it.eq_ignore_ascii_case(word))
    }
}

fn rows_from(scan: &mut Scanner<'_>) -> (String, usize) {
    let start = scan.at();
    while !scan.is_done() {
        let line_start = scan.at();
        scan.skip_line();
        let line = scan.since(line_start).trim_end_matches('\r');
        scan.skip(1);
        if line == "\\." {
            let mut rows = scan.clone();
            rows.jump(line_start);
            return (rows.since(start).to_owned(), scan.at());
        }
    }
    (scan.since(start).to_owned(), scan.at())
}

/// Goes over a command of psql and its arguments, which end with the line, at `\\` or where another
/// command begins. `start` is the place of its backslash.
fn skip_command(scan: &mut Scanner<'_>, start: usize) -> String {
    scan.skip_while(|it| !it.is_ascii_whitespace() && it != b'\\');
    if takes_whole_line(scan.since(start)) {
        scan.skip_line();
        return scan.since(start).trim_end().to_owned();
    }
    let mut quote = None;
    while !matches!(scan.byte(0), 0 | b'\n') {
        let byte = scan.byte(0);
        match quote {
            Some(b'\'') if byte == b'\\' && scan.byte(1) != b'\n' => scan.skip(1),
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"' | b'`') => quote = Some(byte),
            None if byte == b'|' && scan.since(start).split_whitespace().count() == 1 => {
                scan.skip_line();
                break;
            }
            None if byte == b'\\' => break,
            None => {}
        }
        scan.skip_char();
    }
    let text = scan.since(start).trim_end().to_owned();
    if scan.byte(0) == b'\\' && scan.byte(1) == b'\\' {
        scan.skip(2);
    }
    text
}

fn takes_whole_line(name: &str) -> bool {
    matches!(name, "\\!" | "\\copy" | "\\h" | "\\help" | "\\ef" | "\\ev" | "\\sf" | "\\sv")
}

/// After these psql has sent, or thrown away, what it had read of a statement.
fn ends_statement(name: &str) -> bool {
    matches!(name, "\\r" | "\\reset" | "\\crosstabview" | "\\watch" | "\\q" | "\\quit")
        || matches!(name, "\\g" | "\\gx" | "\\gset" | "\\gexec" | "\\gdesc")
}

fn copies_from_stdin(name: &str, command: &str) -> bool {
    name == "\\copy"
        && tokens(command.trim_start_matches('\\')).is_ok_and(|tokens| {
            let mut depth = 0_usize;
            tokens.windows(2).any(|pair| {
                depth = match pair[0].text {
                    "(" => depth + 1,
                    ")" => depth.saturating_sub(1),
                    _ => depth,
                };
                depth == 0 && pair[0].is_word("from") && pair[1].is_word("stdin")
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line per piece: its line, `…` for a fragment, the text, and the rows if there are any.
    fn show(script: &str) -> Vec<String> {
        let pieces = split(script).unwrap_or_else(|it| panic!("{it}: {script}"));
        let show = |it: &Piece| {
            let rows = it.copy_data.as_ref().map(|it| format!(" <{it:?}>")).unwrap_or_default();
            let more = if it.kind == PieceKind::Fragment { " …" } else { "" };
            format!("{}: {}{more}{rows}", it.line, it.sql)
        };
        pieces.iter().map(show).collect()
    }

    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        assert_eq!(show(script), expected);
    }

    #[track_caller]
    fn check_error(script: &str, expected: &str) {
        assert_eq!(split(script).unwrap_err().to_string(), expected);
    }

    #[test]
    fn statements_end_at_semicolons_and_at_the_end_of_the_file() {
        check(
            "select 1;\n\n select 2 ;;\nselect\n3",
            &["1: select 1", "3: select 2", "4: select\n3"],
        );
        check("", &[]);
        check(" ; ; -- nothing\n", &[]);
    }

    #[test]
    fn comments_before_a_statement_stay_and_its_line_is_that_of_its_first_word() {
        check(
            "-- a; b\n/* c; /* d; */ e; */\nselect 1; -- f",
            &["3: -- a; b\n/* c; /* d; */ e; */\nselect 1"],
        );
    }

    #[test]
    fn semicolons_in_literals_names_and_dollar_quotes_end_nothing() {
        check("select 'a;''b;', \"c;\"\"d;\";x", &["1: select 'a;''b;', \"c;\"\"d;\"", "1: x"]);
        check("select $$a;$x$b;$$, $x$c;$$;$x$;x", &["1: select $$a;$x$b;$$, $x$c;$$;$x$", "1: x"]);
        check(
            "select U&'\\0041;', b'1;', X'f;', n'a;', u&\"n;\";x",
            &["1: select U&'\\0041;', b'1;', X'f;', n'a;', u&\"n;\"", "1: x"],
        );
        check("select a$1$, $1;x$b$;y", &["1: select a$1$, $1", "1: x$b$", "1: y"]);
    }

    #[test]
    fn backslashes_escape_quotes_in_e_strings_only() {
        check(
            r"select E'it\'s;'; select 'a\'; x",
            &[r"1: select E'it\'s;'", r"1: select 'a\'", "1: x"],
        );
        check("select E'a'\n 'b\\';c';x", &["1: select E'a'\n 'b\\';c'", "2: x"]);
    }

    #[test]
    fn backslashes_escape_quotes_everywhere_after_standard_conforming_strings_is_off() {
        check(
            "SET standard_conforming_strings = off;\nselect 'it\\'s;';\nSET standard_conforming_strings TO 'on';select '\\';x",
            &[
                "1: SET standard_conforming_strings = off",
                "2: select 'it\\'s;'",
                "3: SET standard_conforming_strings TO 'on'",
                "3: select '\\'",
                "3: x",
            ],
        );
    }

    #[test]
    fn semicolons_in_parentheses_end_nothing() {
        check(
            "create rule r as on insert to t do also (select 1; select 2); x",
            &["1: create rule r as on insert to t do also (select 1; select 2)", "1: x"],
        );
        check("select 1); x", &["1: select 1)", "1: x"]);
    }

    #[test]
    fn sql_bodies_of_functions_end_with_their_own_end() {
        let function = "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end";
        check(&format!("{function}; x"), &[&format!("1: {function}"), "1: x"]);
        check(
            "create procedure p() begin atomic insert into t values (1); end;x",
            &["1: create procedure p() begin atomic insert into t values (1); end", "1: x"],
        );
        check("begin; select 1; end; x", &["1: begin", "1: select 1", "1: end", "1: x"]);
        let names = "create function s.begin() returns int language sql return 1";
        check(&format!("{names}; x"), &[&format!("1: {names}"), "1: x"]);
        let names = "create function f() returns int begin atomic select 1 as end; select t.case from t; end";
        check(&format!("{names}; x"), &[&format!("1: {names}"), "1: x"]);
    }

    #[test]
    fn rows_of_a_copy_belong_to_it() {
        check(
            "copy t (a, b) from stdin;\n1\tx;\n2\t\\N\n\\.\nselect 1;",
            &["1: copy t (a, b) from stdin <\"1\\tx;\\n2\\t\\\\N\\n\">", "5: select 1"],
        );
        check(
            "COPY t FROM STDIN WITH (FORMAT csv);\r\n1,'\r\n\\.\r\nselect 1;\r\n",
            &["1: COPY t FROM STDIN WITH (FORMAT csv) <\"1,'\\r\\n\">", "4: select 1"],
        );
        check("copy t from stdin;\n\\.\n", &["1: copy t from stdin <\"\">"]);
        check("copy t from stdin;\n1", &["1: copy t from stdin <\"1\">"]);
        check(
            "copy t from 'stdin'; copy (select 1 from stdin) to stdout; x",
            &["1: copy t from 'stdin'", "1: copy (select 1 from stdin) to stdout", "1: x"],
        );
    }

    #[test]
    fn rows_begin_on_the_next_line_also_when_more_follows_on_this_one() {
        check(
            "copy t from stdin; copy u from stdin; select 1 -- c\n1\n\\.\n2\n\\.\n + 2;",
            &[
                "1: copy t from stdin <\"1\\n\">",
                "1: copy u from stdin <\"2\\n\">",
                "1: select 1 -- c\n + 2",
            ],
        );
    }

    #[test]
    fn commands_of_psql_are_pieces_of_their_own() {
        check(
            "\\connect app\nselect 1;\n-- c\n\\i 'a b.sql'\n",
            &["1: \\connect app", "2: select 1", "4: \\i 'a b.sql'"],
        );
        check(
            "\\restrict x;y\nselect 1;\r\n\\unrestrict x;y\r\n",
            &["1: \\restrict x;y", "2: select 1", "3: \\unrestrict x;y"],
        );
        check(
            "\\set a '\\\\' b\n\\pset x\\echo y \\\\ select 1;",
            &["1: \\set a '\\\\' b", "2: \\pset x", "2: \\echo y", "2: select 1"],
        );
        check("\\! echo \\ '\nselect 1;", &["1: \\! echo \\ '", "2: select 1"]);
        check("\\echo don't\nselect 1;", &["1: \\echo don't", "2: select 1"]);
    }

    #[test]
    fn a_command_may_interrupt_or_end_a_statement() {
        check("select 1 \\gexec\nselect 2;", &["1: select 1 …", "1: \\gexec", "2: select 2"]);
        check(
            "select (\n\\if :x\n1;\n\\endif\n); x",
            &["1: select ( …", "2: \\if :x", "3: 1; …", "4: \\endif", "5: )", "5: x"],
        );
        check("select 1\n\\echo a\n;x", &["1: select 1 …", "2: \\echo a", "3: ", "3: x"]);
        check("select 1\\; select 2;", &["1: select 1", "1: select 2"]);
    }

    #[test]
    fn rows_of_a_copy_by_psql_belong_to_it() {
        check(
            "\\copy t from stdin csv\n1;\n\\.\nx",
            &["1: \\copy t from stdin csv <\"1;\\n\">", "4: x"],
        );
        check("\\copy t from 'stdin'\nx", &["1: \\copy t from 'stdin'", "2: x"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_statement() {
        check("\u{feff}select 'é';\nx", &["1: select 'é'", "2: x"]);
    }

    #[test]
    fn what_does_not_end_is_refused_with_its_first_line() {
        check_error("x;\nselect 'a;\n\n", "the text literal does not end (opened on line 2)");
        check_error("x;\n\nselect $a$ $$ ;", "the text in $a$ does not end (opened on line 3)");
        check_error("/* /* */\nx", "the comment does not end (opened on line 1)");
        check_error("select \"a", "the quoted name does not end (opened on line 1)");
        check_error(
            "x;\ncreate table t (\na int;\nx;",
            "the parenthesis does not end (opened on line 2)",
        );
        check_error(
            "create function f() begin atomic\nselect 1;",
            "the `BEGIN ATOMIC` body does not end (opened on line 1)",
        );
    }

    const PARTS: [&str; 16] = [
        "a",
        "'b;'",
        "E'c\\';'",
        "$$d;$$",
        "$e$;$$;$e$",
        "\"f;\"",
        "/* g; /* h */ ; */",
        "-- i;'\n",
        "(j;k)",
        "U&'l;'",
        "m$n",
        "1.5e3",
        "::",
        "'o'';'",
        "\n",
        "é",
    ];

    /// A generator of numbers that are the same in every run.
    fn next(seed: &mut u64) -> usize {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap()
    }

    #[test]
    fn statements_made_of_any_parts_come_back_whole_and_in_order() {
        let mut seed = 1;
        for _ in 0..2000 {
            let statement = |seed: &mut u64| {
                let parts: Vec<_> =
                    (0..1 + next(seed) % 6).map(|_| PARTS[next(seed) % PARTS.len()]).collect();
                format!("select {} z", parts.join(" "))
            };
            let statements: Vec<_> =
                (0..next(&mut seed) % 5).map(|_| statement(&mut seed)).collect();
            let script = statements.iter().map(|it| format!("{it};\n")).collect::<String>();
            let pieces: Vec<_> = split(&script).unwrap().into_iter().map(|it| it.sql).collect();
            assert_eq!(pieces, statements);
        }
    }
}
