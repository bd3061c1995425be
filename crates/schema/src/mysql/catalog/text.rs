//! A cursor over the statements that `SHOW CREATE` prints.

use crate::mysql::grammar::quote_ident;
use crate::mysql::token::tokens;
use crate::script::SplitError;
use crate::token::{Token, TokenKind};

/// A text that is not what the server is known to write; where it stops making sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

impl From<SplitError> for Unreadable {
    fn from(error: SplitError) -> Self {
        Self(error.to_string())
    }
}

/// Reads tokens one after the other.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t, 'a> {
    source: &'a str,
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Cursor<'t, 'a> {
    /// A cursor over some neighbouring tokens of a text.
    pub(super) fn new(source: &'a str, tokens: &'t [Token<'a>]) -> Self {
        Self { source, tokens, at: 0 }
    }

    /// The token so many ahead.
    pub(super) fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.tokens.len() <= self.at
    }

    /// The next token, whatever it is.
    pub(super) fn take(&mut self) -> Result<Token<'a>, Unreadable> {
        let token = self.peek(0).ok_or_else(|| Unreadable("the end".to_owned()))?;
        self.at += 1;
        Ok(token)
    }

    /// Goes over these words if they come next.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let n = words.split(' ').count();
        let comes = words
            .split(' ')
            .enumerate()
            .all(|(ahead, word)| self.peek(ahead).is_some_and(|it| it.is_word(word)));
        self.at += if comes { n } else { 0 };
        comes
    }

    /// Goes over this symbol if it comes next.
    pub(super) fn eat_symbol(&mut self, symbol: char) -> bool {
        let comes = self.peek(0).is_some_and(|it| it.is_symbol(symbol));
        self.at += usize::from(comes);
        comes
    }

    /// The words, which have to come next.
    pub(super) fn expect(&mut self, words: &str) -> Result<(), Unreadable> {
        if self.eat(words) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A name in backticks or a bare one.
    pub(super) fn name(&mut self) -> Result<String, Unreadable> {
        let name = self.peek(0).and_then(|it| it.identifier()).ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(name)
    }

    /// What a literal in quotes means.
    pub(super) fn literal(&mut self) -> Result<String, Unreadable> {
        match self.peek(0) {
            Some(token) if token.kind == TokenKind::Text => {
                self.at += 1;
                Ok(meaning(token.text))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The text between parentheses that come next, as it stands there.
    pub(super) fn group(&mut self) -> Result<&'a str, Unreadable> {
        let open = self.peek(0).filter(|it| it.is_symbol('(')).ok_or_else(|| self.unexpected())?;
        let mut depth = 0_usize;
        loop {
            let token = self.take()?;
            if token.is_symbol('(') {
                depth += 1;
            } else if token.is_symbol(')') {
                depth -= 1;
                if depth == 0 {
                    return Ok(self.source.get(open.end()..token.start).unwrap_or_default());
                }
            }
        }
    }

    /// The text up to the first token outside parentheses for which `stops` holds, or to the end; at
    /// least one token.
    pub(super) fn until(
        &mut self,
        stops: impl Fn(&Token<'_>) -> bool,
    ) -> Result<&'a str, Unreadable> {
        let start = self.peek(0).ok_or_else(|| self.unexpected())?.start;
        let mut end = start;
        while let Some(token) = self.peek(0) {
            if token.is_symbol('(') {
                self.group()?;
                end = self.tokens.get(self.at - 1).map_or(end, Token::end);
                continue;
            }
            if start < end && stops(&token) {
                break;
            }
            self.at += 1;
            end = token.end();
        }
        Ok(self.source.get(start..end).unwrap_or_default())
    }

    /// The whole text from the next token on.
    pub(super) fn rest(&self) -> &'a str {
        let start = self.peek(0).map_or(self.source.len(), |it| it.start);
        self.source.get(start..).unwrap_or_default()
    }

    /// Splits the content of parentheses that come next at its commas.
    pub(super) fn list(&mut self) -> Result<Vec<&'t [Token<'a>]>, Unreadable> {
        let from = self.at + 1;
        self.group()?;
        let inside = self.tokens.get(from..self.at - 1).unwrap_or_default();
        let mut depth = 0_usize;
        let parts = inside.split(|token| {
            if token.is_symbol('(') {
                depth += 1;
            } else if token.is_symbol(')') {
                depth -= 1;
            }
            depth == 0 && token.is_symbol(',')
        });
        Ok(parts.filter(|it| !it.is_empty()).collect())
    }

    /// What to say of the token that comes next, if nobody knows it.
    pub(super) fn unexpected(&self) -> Unreadable {
        Unreadable(self.rest().chars().take(60).collect())
    }
}

/// What a literal in single quotes means.
pub(super) fn meaning(literal: &str) -> String {
    let inner = literal.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    let mut chars = inner.unwrap_or(literal).chars();
    let mut text = String::new();
    while let Some(it) = chars.next() {
        match it {
            '\'' => text.extend(chars.next()),
            '\\' => text.extend(chars.next().map(|it| match it {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            })),
            other => text.push(other),
        }
    }
    text
}

/// A text as `SHOW CREATE` quotes it.
pub(super) fn literal(text: &str) -> String {
    let mut quoted = String::from("'");
    for it in text.chars() {
        match it {
            '\0' => quoted.push_str("\\0"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("''"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// The names in order, in backticks, with a comma between them.
pub(super) fn quoted_names(names: &[String]) -> String {
    names.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(",")
}

/// The text without the name of the database in front of names.
///
/// The server writes `db`.`view` where a name could mean something else. A rebuilt database has another
/// name, so what belongs to this one is written without. Where an alias has the database's name, `db`.`x`
/// can be a column of it; then only what has three parts, or is called, is surely the database's.
pub fn without_database(text: &str, database: &str) -> String {
    let Ok(tokens) = tokens(text) else { return text.to_owned() };
    let is_it = |at: usize| {
        tokens.get(at).is_some_and(|it| it.kind == TokenKind::Quoted)
            && tokens[at].identifier().as_deref() == Some(database)
            && !(0 < at && tokens[at - 1].is_symbol('.'))
    };
    let is_point = |at: usize| tokens.get(at).is_some_and(|it| it.is_symbol('.'));
    let has_alias = (0..tokens.len()).any(|at| is_it(at) && !is_point(at + 1));
    let mut result = String::new();
    let mut from = 0;
    for at in (0..tokens.len()).filter(|&at| is_it(at) && is_point(at + 1)) {
        let is_called = tokens.get(at + 3).is_some_and(|it| it.is_symbol('('));
        if !has_alias || is_point(at + 3) || is_called {
            result.push_str(text.get(from..tokens[at].start).unwrap_or_default());
            from = tokens[at + 1].end();
        }
    }
    result.push_str(text.get(from..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_without(text: &str, expected: &str) {
        assert_eq!(without_database(text, "app"), expected);
    }

    #[test]
    fn the_name_of_the_database_goes_and_other_names_stay() {
        check_without("select `app`.`t`.`a` from `app`.`t`", "select `t`.`a` from `t`");
        check_without("select `t`.`app` from `other`.`app`", "select `t`.`app` from `other`.`app`");
        check_without("'`app`.`t`' = `app`.`f`(1)", "'`app`.`t`' = `f`(1)");
    }

    #[test]
    fn what_may_be_an_alias_keeps_its_name() {
        check_without(
            "select `app`.`a`,`app`.`f`(`app`.`t`.`a`) from `t` `app`",
            "select `app`.`a`,`f`(`t`.`a`) from `t` `app`",
        );
    }

    #[test]
    fn a_literal_survives_its_quotes() {
        for text in ["", "it's", "a\\b", "two\nlines", "\0\r", "ä`\"", "\\'"] {
            assert_eq!(meaning(&literal(text)), text);
        }
    }
}
