//! SQLite text to tokens, as SQLite's own tokenizer cuts it.
//!
//! `token` → `split` (scripts to statements) and `hazard` (what a statement may do).

use crate::script::SplitError;
use crate::token::{Scanner, Token, TokenKind};

/// Makes tokens one by one.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    scan: Scanner<'a>,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of the text.
    pub fn new(source: &'a str) -> Self {
        Self { scan: Scanner::new(source) }
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
        self.scan.skip_while(|it| it.is_ascii_whitespace() || it == 0x0b);
        if self.scan.is_done() {
            return Ok(None);
        }
        let start = self.scan.at();
        let kind = self.skip_token()?;
        Ok(Some(Token { kind, text: self.scan.since(start), start }))
    }

    fn skip_token(&mut self) -> Result<TokenKind, SplitError> {
        let scan = &mut self.scan;
        match (scan.byte(0), scan.byte(1)) {
            (b'-', b'-') => {
                scan.skip_line();
                Ok(TokenKind::Comment)
            }
            (b'/', b'*') => scan.skip_block_comment(false).map(|()| TokenKind::Comment),
            (b'\'', _) => scan.skip_quoted(b'\'', false, "text literal").map(|()| TokenKind::Text),
            (b'x' | b'X', b'\'') => {
                scan.skip(1);
                scan.skip_quoted(b'\'', false, "blob literal").map(|()| TokenKind::Text)
            }
            (quote @ (b'"' | b'`'), _) => {
                scan.skip_quoted(quote, false, "quoted name").map(|()| TokenKind::Quoted)
            }
            (b'[', _) => scan.skip_quoted(b']', false, "quoted name").map(|()| TokenKind::Quoted),
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
}

/// All tokens of a text but its comments.
///
/// # Errors
/// If something does not end.
pub fn tokens(source: &str) -> Result<Vec<Token<'_>>, SplitError> {
    let mut lexer = Lexer::new(source);
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        if token.kind != TokenKind::Comment {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}
