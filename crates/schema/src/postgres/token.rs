//! PostgreSQL text to tokens, as the server's and psql's own scanners cut it.
//!
//! `token` → `split` (scripts to statements) and `hazard` (what a statement may do).

use crate::script::SplitError;
use crate::token::{Scanner, Token, TokenKind};

/// Makes tokens one by one.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    scan: Scanner<'a>,
    /// Whether a plain `'…'` has backslash escapes: `standard_conforming_strings = off`.
    pub plain_escapes: bool,
    /// Rows of a `COPY` that begin after the line where the lexer stands: it goes over them there.
    pub rows: Option<(usize, usize)>,
    /// The rows that it went over last.
    pub skipped: Option<(usize, usize)>,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of the text.
    pub fn new(source: &'a str) -> Self {
        Self { scan: Scanner::new(source), plain_escapes: false, rows: None, skipped: None }
    }

    /// Where it stands, for what is no SQL.
    pub fn scanner(&mut self) -> &mut Scanner<'a> {
        &mut self.scan
    }

    /// The next token; comments are tokens too.
    ///
    /// # Errors
    /// If it does not end.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, SplitError> {
        self.skip_space();
        if self.scan.is_done() {
            return Ok(None);
        }
        let start = self.scan.at();
        let kind = self.skip_token()?;
        Ok(Some(Token { kind, text: self.scan.since(start), start }))
    }

    fn skip_space(&mut self) {
        loop {
            self.scan.skip_while(|it| it != b'\n' && is_space(it));
            if self.scan.byte(0) != b'\n' {
                return;
            }
            self.scan.skip(1);
            if let Some((_, end)) = self.rows.filter(|(from, _)| *from <= self.scan.at()) {
                self.skipped = self.rows.take();
                self.scan.jump(end);
            }
        }
    }

    fn skip_token(&mut self) -> Result<TokenKind, SplitError> {
        let scan = &mut self.scan;
        match (scan.byte(0), scan.byte(1)) {
            (b'-', b'-') => {
                scan.skip_line();
                Ok(TokenKind::Comment)
            }
            (b'/', b'*') => scan.skip_block_comment(true).map(|()| TokenKind::Comment),
            (b'\'', _) => self.skip_string(0, self.plain_escapes),
            (b'"', _) => scan.skip_quoted(b'"', false, "quoted name").map(|()| TokenKind::Quoted),
            (b'e' | b'E', b'\'') => self.skip_string(1, true),
            (b'b' | b'B' | b'x' | b'X', b'\'') => self.skip_string(1, false),
            (b'n' | b'N', b'\'') => self.skip_string(1, self.plain_escapes),
            (b'u' | b'U', b'&') if scan.byte(2) == b'\'' => self.skip_string(2, false),
            (b'u' | b'U', b'&') if scan.byte(2) == b'"' => {
                scan.skip(2);
                scan.skip_quoted(b'"', false, "quoted name").map(|()| TokenKind::Quoted)
            }
            (b'$', _) => self.skip_dollar(),
            (it, _) if starts_name(it) => {
                scan.skip_while(|it| starts_name(it) || it.is_ascii_digit() || it == b'$');
                Ok(TokenKind::Word)
            }
            (it, _) if it.is_ascii_digit() => {
                scan.skip_while(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'.');
                Ok(TokenKind::Number)
            }
            _ => {
                scan.skip_char();
                Ok(TokenKind::Symbol)
            }
        }
    }

    /// A literal whose quote comes after a prefix. With escapes its parts may stand on lines of
    /// their own, and the later parts have escapes too although they have no prefix.
    fn skip_string(&mut self, prefix: usize, escapes: bool) -> Result<TokenKind, SplitError> {
        self.scan.skip(prefix);
        self.scan.skip_quoted(b'\'', escapes, "text literal")?;
        while escapes && self.skip_to_continuation() {
            self.scan.skip_quoted(b'\'', escapes, "text literal")?;
        }
        Ok(TokenKind::Text)
    }

    fn skip_to_continuation(&mut self) -> bool {
        let mut ahead = self.scan.clone();
        ahead.skip_while(is_space);
        let continues = ahead.byte(0) == b'\'' && ahead.since(self.scan.at()).contains('\n');
        if continues {
            self.scan = ahead;
        }
        continues
    }

    /// `$tag$ … $tag$`, a parameter such as `$1`, or a lone dollar.
    fn skip_dollar(&mut self) -> Result<TokenKind, SplitError> {
        let start = self.scan.at();
        self.scan.skip(1);
        if self.scan.byte(0).is_ascii_digit() {
            self.scan.skip_while(|it| it.is_ascii_digit());
            return Ok(TokenKind::Number);
        }
        self.scan.skip_while(|it| starts_name(it) || it.is_ascii_digit());
        if self.scan.byte(0) != b'$' {
            self.scan.jump(start + 1);
            return Ok(TokenKind::Symbol);
        }
        self.scan.skip(1);
        let tag = self.scan.since(start);
        match self.scan.rest().find(tag) {
            Some(length) => {
                self.scan.skip(length + tag.len());
                Ok(TokenKind::Text)
            }
            None => Err(self.scan.unfinished(start, &format!("text in {tag}"))),
        }
    }
}

/// All tokens of a text but its comments.
///
/// # Errors
/// If something does not end.
pub fn tokens(source: &str) -> Result<Vec<Token<'_>>, SplitError> {
    tokens_of(Lexer::new(source))
}

/// The same where `standard_conforming_strings` is off.
///
/// # Errors
/// If something does not end.
pub fn tokens_with_escapes(source: &str) -> Result<Vec<Token<'_>>, SplitError> {
    tokens_of(Lexer { plain_escapes: true, ..Lexer::new(source) })
}

fn tokens_of(mut lexer: Lexer<'_>) -> Result<Vec<Token<'_>>, SplitError> {
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        if token.kind != TokenKind::Comment {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// The name that PostgreSQL takes an identifier for: unquoted ones in lower case.
pub fn identifier(token: &Token<'_>) -> Option<String> {
    let name = token.identifier()?;
    Some(if token.kind == TokenKind::Word { name.to_ascii_lowercase() } else { name })
}

/// The value of a literal: without its quotes, prefix and escapes.
pub fn literal(token: &Token<'_>) -> Option<String> {
    if token.kind != TokenKind::Text {
        return None;
    }
    if let Some(tagged) = token.text.strip_prefix('$') {
        let (tag, body) = tagged.split_once('$')?;
        return body.strip_suffix(&format!("${tag}$")).map(str::to_owned);
    }
    let (prefix, quoted) = token.text.split_once('\'')?;
    let value = quoted.strip_suffix('\'').unwrap_or(quoted).replace("''", "'");
    Some(if prefix.eq_ignore_ascii_case("e") { unescape(&value) } else { value })
}

fn unescape(value: &str) -> String {
    let (mut plain, mut chars) = (String::new(), value.chars());
    while let Some(it) = chars.next() {
        match it {
            '\\' => plain.extend(chars.next().map(|it| match it {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            other => plain.push(other),
        }
    }
    plain
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}
