//! Statements that hold a password, which must not end up in a file of the history.

use raingauge_schema::Kind;
use raingauge_schema::postgres::catalog::holds_secret;
use raingauge_schema::postgres::token::{literal, tokens};
use raingauge_schema::token::{Token, TokenKind};

use crate::report::Finding;

/// The finding that forbids to carry a statement, if it may hold a secret. It never shows it.
pub(super) fn finding(sql: &str) -> Option<Finding> {
    let tokens = tokens(sql).ok()?;
    let subject = match tokens.as_slice() {
        [create, kind, name, ..] if create.is_word("create") && kind.is_word("subscription") => {
            format!("subscription {}", name.identifier()?)
        }
        [create, user, mapping, ..]
            if create.is_word("create") && user.is_word("user") && mapping.is_word("mapping") =>
        {
            secret_option(&tokens, Kind::UserMapping)?;
            let server = tokens.iter().skip_while(|it| !it.is_word("server")).nth(1)?;
            format!("user mapping on {}", server.identifier()?)
        }
        [create, foreign, ..] if create.is_word("create") && is_foreign(foreign) => {
            format!(
                "option `{}` of {}",
                secret_option(&tokens, Kind::ForeignServer)?,
                words(&tokens)
            )
        }
        _ => return None,
    };
    Some(
        Finding::error(
            "secret-in-baseline",
            subject,
            "cannot be carried: its statement holds a secret, and a baseline is committed to version control; nothing was written",
        )
        .next("keep it out of the database that is adopted, or create it where it is needed with a script outside of the history"),
    )
}

fn is_foreign(token: &Token<'_>) -> bool {
    token.is_word("server") || token.is_word("foreign")
}

/// The name of the first option in the statement's lists that may hold a secret.
fn secret_option(tokens: &[Token<'_>], kind: Kind) -> Option<String> {
    tokens.windows(3).find_map(|it| {
        let [opening, name, value] = it else { return None };
        let in_list = opening.is_symbol('(') || opening.is_symbol(',');
        if !in_list || value.kind != TokenKind::Text {
            return None;
        }
        let name = name.identifier()?;
        let value = literal(value).unwrap_or_default();
        holds_secret(kind, &format!("{name}={value}")).then_some(name)
    })
}

/// `server films`, `foreign table public.films`: the statement's words up to the end of its name.
fn words(tokens: &[Token<'_>]) -> String {
    let kinds = ["server", "foreign", "table", "data", "wrapper"];
    let (mut text, mut in_name) = (String::new(), false);
    for token in tokens.iter().skip(1) {
        let is_kind = kinds.iter().any(|it| token.is_word(it));
        if !in_name && is_kind {
            text.push_str(&token.text.to_lowercase());
            text.push(' ');
            continue;
        }
        let joins = token.is_symbol('.') || text.ends_with('.');
        if in_name && !joins {
            break;
        }
        in_name = true;
        text.push_str(token.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, subject: Option<&str>) {
        let found = finding(sql);
        assert_eq!(found.as_ref().map(|it| it.subject.as_str()), subject);
        assert!(!format!("{found:?}").contains("geheim"));
    }

    #[test]
    fn what_may_hold_a_secret_is_named_and_not_shown() {
        check(
            "CREATE SUBSCRIPTION s CONNECTION 'host=h password=geheim' PUBLICATION p",
            Some("subscription s"),
        );
        check(
            "CREATE USER MAPPING FOR app SERVER films OPTIONS (\n    password 'geheim',\n    \"user\" 'bob'\n)",
            Some("user mapping on films"),
        );
        check("CREATE USER MAPPING FOR app SERVER films OPTIONS (\n    \"user\" 'bob'\n)", None);
        check("CREATE USER MAPPING FOR PUBLIC SERVER films", None);
        check(
            "CREATE SERVER films FOREIGN DATA WRAPPER w OPTIONS (\n    host 'h',\n    api_token 'geheim'\n)",
            Some("option `api_token` of server films"),
        );
        check("CREATE SERVER films FOREIGN DATA WRAPPER w OPTIONS (host 'h')", None);
        check(
            "CREATE FOREIGN TABLE public.f (a text) SERVER s OPTIONS (\"secret\" 'geheim')",
            Some("option `secret` of foreign table public.f"),
        );
    }
}
