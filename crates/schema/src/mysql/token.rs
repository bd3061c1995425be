//! MySQL text to tokens, as the server cuts it.
//!
//! `token` → `split` (scripts to statements) and `hazard` (what a statement may do). What stands in
//! `/*! … */` runs, so its marks are tokens and its content is SQL.

use crate::script::SplitError;
use crate::token::{Scanner, Token, TokenKind};

/// What begins a comment whose content runs: on some versions, on MariaDB alone.
const RUNS: [&str; 2] = ["/*!", "/*M!"];

/// Makes tokens one by one.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    scan: Scanner<'a>,
    /// What ends a statement; the client's `DELIMITER` changes it.
    delimiter: &'a str,
    /// Where the comment began whose content is being read.
    running: Option<usize>,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of the text.
    pub fn new(source: &'a str) -> Self {
        Self { scan: Scanner::new(source), delimiter: ";", running: None }
    }

    /// Where it stands, for what is no SQL.
    pub fn scanner(&mut self) -> &mut Scanner<'a> {
        &mut self.scan
    }

    /// What ends a statement.
    pub fn delimiter(&self) -> &'a str {
        self.delimiter
    }

    /// Lets something else end a statement. It is one token from then on, also in the middle of a word.
    pub fn set_delimiter(&mut self, delimiter: &'a str) {
        self.delimiter = delimiter;
    }

    /// The next token; comments are tokens too.
    ///
    /// # Errors
    /// If it does not end.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, SplitError> {
        self.scan.skip_while(|it| it.is_ascii_whitespace() || it == 0x0b);
        if self.scan.is_done() {
            return match self.running {
                Some(start) => Err(self.scan.unfinished(start, "comment")),
                None => Ok(None),
            };
        }
        let start = self.scan.at();
        let kind = self.skip_token()?;
        Ok(Some(Token { kind, text: self.scan.since(start), start }))
    }

    fn skip_token(&mut self) -> Result<TokenKind, SplitError> {
        if self.is_at_delimiter() {
            self.scan.skip(self.delimiter.len());
            return Ok(TokenKind::Symbol);
        }
        let scan = &mut self.scan;
        match (scan.byte(0), scan.byte(1)) {
            (b'#', _) => {
                scan.skip_line();
                Ok(TokenKind::Comment)
            }
            // `--x` is two signs before an x.
            (b'-', b'-') if scan.byte(2) <= b' ' => {
                scan.skip_line();
                Ok(TokenKind::Comment)
            }
            (b'/', b'*') => self.skip_comment(),
            (b'*', b'/') if self.running.is_some() => {
                self.running = None;
                scan.skip(2);
                Ok(TokenKind::Symbol)
            }
            (quote @ (b'\'' | b'"'), _) => {
                scan.skip_quoted(quote, true, "text literal").map(|()| TokenKind::Text)
            }
            (b'x' | b'X' | b'b' | b'B' | b'n' | b'N', b'\'') => {
                scan.skip(1);
                scan.skip_quoted(b'\'', true, "literal").map(|()| TokenKind::Text)
            }
            (b'`', _) => scan.skip_quoted(b'`', false, "quoted name").map(|()| TokenKind::Quoted),
            (it, _) if in_name(it) => Ok(self.skip_word()),
            _ => {
                scan.skip_char();
                Ok(TokenKind::Symbol)
            }
        }
    }

    fn is_at_delimiter(&self) -> bool {
        !self.delimiter.is_empty() && self.scan.rest().starts_with(self.delimiter)
    }

    fn skip_comment(&mut self) -> Result<TokenKind, SplitError> {
        let opening = RUNS.iter().find(|it| self.scan.rest().starts_with(**it));
        let Some(opening) = opening.filter(|_| self.running.is_none()) else {
            return self.scan.skip_block_comment(false).map(|()| TokenKind::Comment);
        };
        self.running = Some(self.scan.at());
        self.scan.skip(opening.len());
        // The version from which on it runs.
        self.scan.skip_while(|it| it.is_ascii_digit());
        Ok(TokenKind::Symbol)
    }

    /// A name may begin with a digit, so a word is a number only if its first character says so.
    fn skip_word(&mut self) -> TokenKind {
        let is_number = self.scan.byte(0).is_ascii_digit();
        while !self.scan.is_done() && in_name(self.scan.byte(0)) && !self.is_at_delimiter() {
            self.scan.skip_char();
        }
        if is_number { TokenKind::Number } else { TokenKind::Word }
    }
}

/// All tokens of a text but its comments; what stands in `/*! … */` is there without its marks.
///
/// # Errors
/// If something does not end.
pub fn tokens(source: &str) -> Result<Vec<Token<'_>>, SplitError> {
    let mut lexer = Lexer::new(source);
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        if token.kind != TokenKind::Comment && !is_mark(&token) {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// Whether a token only begins or ends what stands in `/*! … */`.
pub(super) fn is_mark(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Symbol && (token.text == "*/" || token.text.starts_with("/*"))
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let tokens = tokens(sql).unwrap();
        let shown: Vec<_> = tokens.iter().map(|it| it.text).collect();
        assert_eq!(shown.join("·"), expected);
    }

    #[test]
    fn comments_of_all_three_kinds_are_no_tokens() {
        check("a # b\nc -- d\ne /* f */ g --\nh", "a·c·e·g·h");
        check("1--2", "1·-·-·2");
    }

    #[test]
    fn quotes_are_doubled_or_escaped_but_in_names() {
        check(r"'it''s' 'it\'s' x'00'", r"'it''s'·'it\'s'·x'00'");
        check(r#""a""b" "a\"b""#, r#""a""b"·"a\"b""#);
        check(r"`a``b` `a\` c", r"`a``b`·`a\`·c");
    }

    #[test]
    fn what_runs_in_a_comment_is_no_comment() {
        check("/*!50003 drop table */ t /*M!100100 x*/", "drop·table·t·x");
        check("/*+ hint */ a /*!1*/", "a");
    }

    #[test]
    fn a_name_may_begin_with_a_digit_and_hold_a_dollar() {
        let tokens = tokens("1a a$b ä").unwrap();
        let kinds: Vec<_> = tokens.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [TokenKind::Number, TokenKind::Word, TokenKind::Word]);
    }

    #[test]
    fn what_does_not_end_is_refused() {
        for (sql, what) in
            [("a 'b\\'", "text literal"), ("/*! a", "comment"), ("`a", "quoted name")]
        {
            let message = tokens(sql).unwrap_err().to_string();
            assert!(message.starts_with(&format!("the {what} does not end")), "{message}");
        }
    }
}
