//! What is said about an object from outside: its comment and who may do what with it.

use crate::catalog::{Kind, Object};
use crate::postgres::grammar::{quote_ident, quote_literal};

/// The path that a catalog wrote with dots, as `ObjectId::dotted` does.
pub(super) fn undotted(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut letters, mut is_quoted) = (text.chars().peekable(), false);
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
    }
    parts.push(part);
    parts
}

/// What stands after `COMMENT ON`, and after `DROP` where nothing else has to be said: `TABLE "public"."books"`, `TRIGGER "t" ON "public"."books"`.
pub(super) fn address(kind: Kind, path: &[String]) -> Option<String> {
    let quoted =
        |path: &[String]| path.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".");
    let (name, parent) = path.split_last()?;
    Some(match kind {
        Kind::Trigger | Kind::Rule | Kind::Policy => {
            let word = kind.word().to_uppercase();
            format!("{word} {} ON {}", quote_ident(name), quoted(parent))
        }
        Kind::PrimaryKey
        | Kind::Unique
        | Kind::ForeignKey
        | Kind::Check
        | Kind::Exclusion
        | Kind::NotNull => format!("CONSTRAINT {} ON {}", quote_ident(name), quoted(parent)),
        Kind::Index => format!("INDEX {}.{}", quote_ident(path.first()?), quote_ident(name)),
        Kind::Function | Kind::Procedure | Kind::Aggregate => {
            let (routine, arguments) = name.strip_suffix(')')?.rsplit_once('(')?;
            let is_star = kind == Kind::Aggregate && arguments.is_empty();
            let arguments = if is_star { "*" } else { arguments };
            let word = kind.word().to_uppercase();
            format!("{word} {}.{}({arguments})", quoted(parent), quote_ident(routine))
        }
        Kind::Enum | Kind::CompositeType | Kind::RangeType | Kind::BaseType => {
            format!("TYPE {}", quoted(path))
        }
        Kind::Cast => {
            let (from, to) = name.split_once(" as ")?;
            format!("CAST ({from} AS {to})")
        }
        Kind::Operator => {
            let (sign, operands) = name.split_once('(')?;
            format!("OPERATOR {}.{sign}({operands}", quoted(parent))
        }
        Kind::OperatorClass | Kind::OperatorFamily => {
            let (name, method) = name.rsplit_once(" using ")?;
            let (word, schema) = (kind.word().to_uppercase(), quoted(parent));
            format!("{word} {schema}.{} USING {}", quote_ident(name), quote_ident(method))
        }
        Kind::Transform => {
            let (kind, language) = name.rsplit_once(" for ")?;
            format!("TRANSFORM FOR {kind} LANGUAGE {}", quote_ident(language))
        }
        Kind::UserMapping => {
            let user = if name == "public" { "PUBLIC".to_owned() } else { quote_ident(name) };
            format!("USER MAPPING FOR {user} SERVER {}", quoted(parent))
        }
        Kind::Comment
        | Kind::Grant
        | Kind::DefaultPrivilege
        | Kind::SecurityLabel
        | Kind::Database
        | Kind::Event
        | Kind::Parameter
        | Kind::Other => return None,
        Kind::ForeignServer => format!("SERVER {}", quoted(path)),
        Kind::Extension
        | Kind::Schema
        | Kind::Role
        | Kind::Language
        | Kind::AccessMethod
        | Kind::Domain
        | Kind::Collation
        | Kind::Conversion
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration
        | Kind::Sequence
        | Kind::Table
        | Kind::Column
        | Kind::Statistics
        | Kind::View
        | Kind::MaterializedView
        | Kind::EventTrigger
        | Kind::ForeignDataWrapper
        | Kind::ForeignTable
        | Kind::Publication
        | Kind::Subscription => format!("{} {}", kind.word().to_uppercase(), quoted(path)),
    })
}

/// The kind and the path of what a comment or a grant is about.
fn subject(object: &Object) -> Option<(Kind, &[String])> {
    let (word, path) = object.id.path.split_first()?;
    let kind = Kind::ALL.into_iter().find(|it| it.word() == word)?;
    Some((kind, path))
}

/// The statement that sets a comment, or takes it away where there is to be none. The first of several
/// that works is it: a constraint may be one of a domain.
pub fn comment(object: &Object, text: Option<&str>) -> Vec<String> {
    let Some((kind, path)) = subject(object) else { return Vec::new() };
    let Some(address) = address(kind, path) else { return Vec::new() };
    let text = text.map_or("NULL".to_owned(), quote_literal);
    let mut all = vec![format!("COMMENT ON {address} IS {text};")];
    if kind == Kind::Check {
        all.push(format!("COMMENT ON {} IS {text};", address.replacen(" ON ", " ON DOMAIN ", 1)));
    }
    all
}

/// The statements that give a grantee what `to` says, and nothing else; without `to`, what everybody has by
/// himself. `None` where others than the owner granted, which nobody can do in their name.
pub fn grants(grant: &Object, to: Option<&Object>) -> Option<Vec<String>> {
    let (kind, path) = subject(grant)?;
    let (grantee, path) = path.split_last()?;
    let (on, column) = target(kind, path)?;
    let role = match grantee.as_str() {
        "public" => "PUBLIC".to_owned(),
        "(owner)" => "CURRENT_USER".to_owned(),
        other => quote_ident(other),
    };
    let column = column.map(|it| format!(" ({})", quote_ident(it))).unwrap_or_default();
    let mut statements = vec![format!("REVOKE ALL{column} ON {on} FROM {role};")];
    let Some(to) = to else {
        let usual = match (grantee.as_str(), kind) {
            ("(owner)", _) => Some("ALL"),
            ("public", Kind::Function | Kind::Procedure | Kind::Aggregate) => Some("EXECUTE"),
            ("public", Kind::Enum | Kind::Domain | Kind::CompositeType | Kind::RangeType) => {
                Some("USAGE")
            }
            _ => None,
        };
        statements.extend(usual.map(|it| format!("GRANT {it} ON {on} TO {role};")));
        return Some(statements);
    };
    if to.attributes.keys().any(|it| it != "privileges") {
        return None;
    }
    let said = to.get("privileges").unwrap_or("none");
    let all: Vec<_> = said.split(", ").filter(|it| *it != "none").collect();
    let (with, plain): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.ends_with('*'));
    for (privileges, option) in [(plain, ""), (with, " WITH GRANT OPTION")] {
        let list: Vec<_> = privileges
            .iter()
            .map(|it| format!("{}{column}", it.trim_end_matches('*').to_uppercase()))
            .collect();
        if !list.is_empty() {
            statements.push(format!("GRANT {} ON {on} TO {role}{option};", list.join(", ")));
        }
    }
    Some(statements)
}

/// What stands after `ON` in a grant, and the column that it is for.
#[expect(clippy::wildcard_enum_match_arm, reason = "most kinds are called as in a comment")]
fn target(kind: Kind, path: &[String]) -> Option<(String, Option<&str>)> {
    let quoted =
        |path: &[String]| path.iter().map(|it| quote_ident(it)).collect::<Vec<_>>().join(".");
    Some(match kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable => {
            (format!("TABLE {}", quoted(path)), None)
        }
        Kind::Column => {
            let (column, table) = path.split_last()?;
            (format!("TABLE {}", quoted(table)), Some(column))
        }
        // An aggregate is a function to a grant.
        Kind::Aggregate => {
            (address(kind, path)?.replacen("AGGREGATE ", "FUNCTION ", 1).replace("(*)", "()"), None)
        }
        Kind::Domain => (format!("TYPE {}", quoted(path)), None),
        Kind::ForeignDataWrapper => (format!("FOREIGN DATA WRAPPER {}", quoted(path)), None),
        Kind::ForeignServer => (format!("FOREIGN SERVER {}", quoted(path)), None),
        kind => (address(kind, path)?, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_dots_is_read_back_as_it_was_written() {
        for path in [&["public", "books"][..], &["a.b", "it\"s", ""], &["x y", "Größe"]] {
            let id = crate::ObjectId::new(Kind::Table, path.iter().copied());
            assert_eq!(undotted(&id.dotted()), path);
        }
    }

    #[track_caller]
    fn check(path: &str, to: Option<&str>, expected: &[&str]) {
        let grant = Object::new(Kind::Grant, path.split('/'));
        let to = to.map(|it| grant.clone().with("privileges", it));
        assert_eq!(grants(&grant, to.as_ref()).unwrap(), expected);
    }

    #[test]
    fn a_grant_is_what_the_catalog_says_and_no_more() {
        check(
            "table/public/t/app",
            Some("insert, select*"),
            &[
                "REVOKE ALL ON TABLE \"public\".\"t\" FROM \"app\";",
                "GRANT INSERT ON TABLE \"public\".\"t\" TO \"app\";",
                "GRANT SELECT ON TABLE \"public\".\"t\" TO \"app\" WITH GRANT OPTION;",
            ],
        );
        check(
            "column/public/t/c/public",
            Some("select"),
            &[
                "REVOKE ALL (\"c\") ON TABLE \"public\".\"t\" FROM PUBLIC;",
                "GRANT SELECT (\"c\") ON TABLE \"public\".\"t\" TO PUBLIC;",
            ],
        );
    }

    #[test]
    fn what_everybody_has_comes_back_where_nothing_is_said() {
        let sql = "ON FUNCTION \"public\".\"f\"(integer)";
        check(
            "function/public/f(integer)/public",
            None,
            &[
                &format!("REVOKE ALL {sql} FROM PUBLIC;"),
                &format!("GRANT EXECUTE {sql} TO PUBLIC;"),
            ],
        );
    }

    #[test]
    fn a_comment_of_a_check_may_be_one_of_a_domain() {
        let object = Object::new(Kind::Comment, ["check", "public", "price", "positive"]);
        let all = comment(&object, None);
        assert_eq!(
            all[1],
            "COMMENT ON CONSTRAINT \"positive\" ON DOMAIN \"public\".\"price\" IS NULL;"
        );
    }
}
