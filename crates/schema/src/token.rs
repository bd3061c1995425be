//! Tokens of SQL text, and a cursor that reads a statement by its words.
//!
//! The dialects' `token` modules make them; `split` and `hazard` read them. What stands inside a
//! literal, a comment or a quoted name is one token, so no reader takes text for a keyword.

use crate::script::SplitError;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name.
    Quoted,
    /// A literal: `'…'`, `E'…'`, `$$…$$`, `x'…'`.
    Text,
    Number,
    /// One character of an operator or punctuation.
    Symbol,
    Comment,
}

/// One token and where it begins, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    pub start: usize,
}

impl Token<'_> {
    /// Where the token ends, in bytes.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether this is the keyword, in whatever case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is the symbol.
    pub fn is_symbol(&self, symbol: char) -> bool {
        self.kind == TokenKind::Symbol && self.text.starts_with(symbol)
    }

    /// The name that a quoted or unquoted identifier means; unquoted ones as they are spelled.
    pub fn identifier(&self) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text.to_owned()),
            TokenKind::Quoted => Some(unquote(self.text)),
            TokenKind::Text | TokenKind::Number | TokenKind::Symbol | TokenKind::Comment => None,
        }
    }
}

fn unquote(text: &str) -> String {
    let text = text.trim_start_matches(|it: char| it.is_ascii_alphabetic() || it == '&');
    let open = text.chars().next().unwrap_or('"');
    let close = if open == '[' { ']' } else { open };
    let inner = text.strip_prefix(open).unwrap_or(text);
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    if close == ']' {
        return inner.to_owned();
    }
    inner.replace(&format!("{close}{close}"), &close.to_string())
}

/// Reads bytes of a script; the lexers are built on it. Everything that it stops at is ASCII, so it
/// never stops inside a character.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of the text.
    pub fn new(source: &'a str) -> Self {
        Self { source, at: 0 }
    }

    /// Where it stands, in bytes.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes to a place, which has to be between two characters.
    pub fn jump(&mut self, at: usize) {
        self.at = at.min(self.source.len());
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.source.len() <= self.at
    }

    /// The byte so many ahead, 0 after the end.
    pub fn byte(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// The text from there to here.
    pub fn since(&self, start: usize) -> &'a str {
        self.source.get(start..self.at).expect("a token begins and ends between characters")
    }

    /// Goes over bytes as long as they satisfy the condition.
    pub fn skip_while(&mut self, condition: impl Fn(u8) -> bool) {
        while !self.is_done() && condition(self.byte(0)) {
            self.at += 1;
        }
    }

    /// Goes over one character.
    pub fn skip_char(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// Goes over so many bytes.
    pub fn skip(&mut self, n_bytes: usize) {
        self.jump(self.at + n_bytes);
    }

    /// Goes to the end of the line; the line break stays.
    pub fn skip_line(&mut self) {
        self.skip_while(|it| it != b'\n');
    }

    /// Goes over a quoted thing, opening quote included. A doubled closing quote is part of it; so
    /// is a quote after a backslash, if `escapes`.
    ///
    /// # Errors
    /// If the text ends first.
    pub fn skip_quoted(&mut self, close: u8, escapes: bool, what: &str) -> Result<(), SplitError> {
        let start = self.at;
        self.skip(1);
        while !self.is_done() {
            match self.byte(0) {
                b'\\' if escapes => self.skip_escaped(),
                it if it == close && self.byte(1) == close && close != b']' => self.skip(2),
                it if it == close => {
                    self.skip(1);
                    return Ok(());
                }
                _ => self.at += 1,
            }
        }
        Err(self.unfinished(start, what))
    }

    fn skip_escaped(&mut self) {
        self.skip(1);
        self.skip_char();
    }

    /// Goes over a `/* … */`, with others inside it if `nested`.
    ///
    /// # Errors
    /// If the text ends first.
    pub fn skip_block_comment(&mut self, nested: bool) -> Result<(), SplitError> {
        let (start, mut depth) = (self.at, 1);
        self.skip(2);
        while !self.is_done() {
            match (self.byte(0), self.byte(1)) {
                (b'*', b'/') => {
                    self.skip(2);
                    depth -= 1;
                }
                (b'/', b'*') if nested => {
                    self.skip(2);
                    depth += 1;
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.unfinished(start, "comment"))
    }

    /// The error for something that began at `start` and does not end.
    pub fn unfinished(&self, start: usize, what: &str) -> SplitError {
        SplitError {
            message: format!("the {what} does not end"),
            line: line_at(self.source, start),
        }
    }
}

/// The line of a place, counted from 1.
pub fn line_at(source: &str, at: usize) -> usize {
    1 + source.bytes().take(at).filter(|it| *it == b'\n').count()
}

/// Finds the lines of places that come in order, without counting from the top each time.
#[derive(Debug)]
pub struct Lines<'a> {
    source: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Begins at line 1.
    pub fn new(source: &'a str) -> Self {
        Self { source, at: 0, line: 1 }
    }

    /// The line of a place that is not before the last one asked for.
    pub fn line(&mut self, at: usize) -> usize {
        let between = self.source.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += between.iter().filter(|it| **it == b'\n').count();
        self.at = self.at.max(at);
        self.line
    }
}

/// Reads one statement token by token.
#[derive(Clone, Debug)]
pub struct Cursor<'a, 't> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'a, 't> Cursor<'a, 't> {
    /// A cursor at the first of these tokens, which should hold no comments.
    pub fn new(tokens: &'t [Token<'a>]) -> Self {
        Self { tokens, at: 0 }
    }

    /// The next token, which stays.
    pub fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    /// What is left.
    pub fn rest(&self) -> &'t [Token<'a>] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    /// Takes the next token.
    pub fn bump(&mut self) -> Option<&'t Token<'a>> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    /// Whether the keyword is next.
    pub fn sees(&self, word: &str) -> bool {
        self.peek().is_some_and(|it| it.is_word(word))
    }

    /// Takes the keywords if exactly they are next: `if not exists`.
    pub fn eat(&mut self, words: &str) -> bool {
        let start = self.at;
        for word in words.split(' ') {
            if !self.sees(word) {
                self.at = start;
                return false;
            }
            self.at += 1;
        }
        true
    }

    /// Takes one of these keywords if it is next.
    pub fn eat_any(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().find(|it| self.eat(it)).copied()
    }

    /// Takes the symbol if it is next.
    pub fn eat_symbol(&mut self, symbol: char) -> bool {
        let found = self.peek().is_some_and(|it| it.is_symbol(symbol));
        self.at += usize::from(found);
        found
    }

    /// Takes a name with its qualifiers: `a.b.c`. Empty if there is none.
    pub fn name(&mut self, identifier: impl Fn(&Token<'a>) -> Option<String>) -> Vec<String> {
        let mut parts = Vec::new();
        while let Some(part) = self.peek().and_then(&identifier) {
            parts.push(part);
            self.at += 1;
            if !self.eat_symbol('.') {
                break;
            }
        }
        parts
    }
}

/// Whether the keywords stand next to each other anywhere in the tokens.
pub fn has_words(tokens: &[Token<'_>], words: &str) -> bool {
    let words: Vec<_> = words.split(' ').collect();
    tokens
        .windows(words.len())
        .any(|window| window.iter().zip(&words).all(|(token, word)| token.is_word(word)))
}

/// The tokens between the commas that stand in no parentheses.
pub fn split_at_commas<'a, 't>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    tokens
        .split(|it| {
            match it.text {
                "(" | "[" if it.kind == TokenKind::Symbol => depth += 1,
                ")" | "]" if it.kind == TokenKind::Symbol => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && it.is_symbol(',')
        })
        .collect()
}
