//! Which roles a statement of a dump speaks of, and whose a structure is.
//!
//! A rebuilt database belongs to whoever rebuilds it, on a machine that may not have live's roles.

use std::collections::BTreeSet;

use raingauge_schema::postgres::grammar::{quote_ident, quote_literal};
use raingauge_schema::postgres::token::tokens;
use raingauge_schema::token::{Cursor, Token, TokenKind};

use crate::dump::{Dump, Dumped};

/// The dump of the same structure when everything belongs to whoever builds it: nothing is given away,
/// and what its owner may do with an object is said of the current user.
#[must_use]
pub fn without_owners(mut dump: Dump) -> Dump {
    dump.statements.retain(|it| new_owner(&it.sql).is_none());
    for statement in &mut dump.statements {
        rename_owner(statement);
    }
    dump
}

/// Schema `public` is not made by the script that a dump is, so it belongs to the same role again.
fn rename_owner(statement: &mut Dumped) {
    if statement.entry.kind != "ACL" || statement.entry.name == "SCHEMA public" {
        return;
    }
    let Ok(tokens) = tokens(&statement.sql) else { return };
    let Some(role) = grantee(&tokens) else { return };
    if role.identifier() == statement.entry.owner {
        let place = role.start..role.end();
        statement.sql.replace_range(place, "CURRENT_USER");
    }
}

/// Who becomes the owner by this statement.
fn new_owner(sql: &str) -> Option<String> {
    if !sql.starts_with("ALTER ") || !sql.contains(" OWNER TO ") {
        return None;
    }
    let tokens = tokens(sql).ok()?;
    match tokens.as_slice() {
        [.., owner, to, role] if owner.is_word("owner") && to.is_word("to") => role.identifier(),
        _ => None,
    }
}

/// The role that a GRANT, REVOKE or ALTER DEFAULT PRIVILEGES is for.
fn grantee<'a, 'b>(tokens: &'b [Token<'a>]) -> Option<&'b Token<'a>> {
    let role = match tokens {
        [.., role, with, grant, option]
            if with.is_word("with") && grant.is_word("grant") && option.is_word("option") =>
        {
            role
        }
        [.., role] => role,
        [] => return None,
    };
    Some(role)
}

/// The roles without which a statement has no meaning and is left out on a machine that lacks them:
/// who is granted something, by whom, whose defaults these are, who becomes the owner. `None` for a
/// statement that is run everywhere.
pub(super) fn guarding(sql: &str, grantor: Option<&str>) -> Option<BTreeSet<String>> {
    if let Some(owner) = new_owner(sql) {
        return Some([owner].into());
    }
    let is = |it: &str| sql.starts_with(it);
    if !is("GRANT ") && !is("REVOKE ") && !is("ALTER DEFAULT PRIVILEGES ") {
        return None;
    }
    let tokens = tokens(sql).ok()?;
    let everybody = ["PUBLIC", "CURRENT_USER"];
    let mut roles: BTreeSet<String> = grantee(&tokens)
        .filter(|it| it.kind == TokenKind::Quoted || !everybody.contains(&it.text))
        .and_then(Token::identifier)
        .into_iter()
        .collect();
    roles.extend(grantor.map(str::to_owned));
    let mut it = Cursor::new(&tokens);
    if it.eat("alter default privileges for role") {
        roles.extend(it.bump().and_then(Token::identifier));
    }
    Some(roles)
}

/// The roles that have to exist for a statement to run at all: those of a policy or a user mapping.
pub(super) fn required(sql: &str) -> Vec<String> {
    let Ok(tokens) = tokens(sql) else { return Vec::new() };
    let mut it = Cursor::new(&tokens);
    if it.eat("create user mapping for") {
        let role = it.bump().filter(|it| !it.is_word("public")).and_then(Token::identifier);
        return role.into_iter().collect();
    }
    if !sql.starts_with("CREATE POLICY ") {
        return Vec::new();
    }
    // CREATE POLICY name ON table [FOR command] TO role, … [USING …]
    let list = tokens.iter().skip_while(|it| !it.is_word("to")).skip(1);
    let list = list.take_while(|it| !it.is_word("using") && !it.is_word("with"));
    list.filter_map(Token::identifier).collect()
}

/// A statement for the roles of a guard: it is left out where one of them does not exist.
pub(super) fn guarded(sql: &str, roles: &BTreeSet<String>, grantor: Option<&str>) -> String {
    if roles.is_empty() {
        return sql.to_owned();
    }
    let names: Vec<_> = roles.iter().map(|it| quote_literal(it)).collect();
    let condition = match names.as_slice() {
        [name] => format!("EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {name})"),
        names => format!(
            "{} = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles WHERE rolname IN ({}))",
            names.len(),
            names.join(", ")
        ),
    };
    // As its grantor, so that the privilege hangs on the right branch.
    let (before, after) = match grantor {
        Some(role) => (
            format!("SET LOCAL ROLE {};\n\t\t", quote_ident(role)),
            "\n\t\tPERFORM pg_catalog.set_config('role', raingauge_role, true);",
        ),
        None => (String::new(), ""),
    };
    let declare = match grantor {
        Some(_) => "DECLARE\n\traingauge_role text := pg_catalog.current_setting('role');\n",
        None => "",
    };
    let tag = free_tag(sql);
    format!(
        "DO {tag}\n{declare}BEGIN\n\tIF {condition} THEN\n\t\t{before}{sql};{after}\n\tEND IF;\nEND\n{tag}"
    )
}

/// A dollar quote that the statement does not contain.
fn free_tag(sql: &str) -> String {
    let mut tag = "$raingauge$".to_owned();
    while sql.contains(&tag) {
        tag.insert(tag.len() - 1, '_');
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::Entry;

    #[track_caller]
    fn check_guard(sql: &str, expected: Option<&[&str]>) {
        let roles = guarding(sql, None);
        let roles = roles.map(|it| it.into_iter().collect::<Vec<_>>());
        assert_eq!(roles, expected.map(|it| it.iter().map(|it| (*it).to_owned()).collect()));
    }

    #[test]
    fn a_grant_is_for_the_role_at_its_end() {
        check_guard("GRANT SELECT ON TABLE public.t TO app", Some(&["app"]));
        check_guard(
            "GRANT SELECT ON TABLE public.\"x TO y\" TO \"a \"\"b\" WITH GRANT OPTION",
            Some(&["a \"b"]),
        );
        check_guard("REVOKE ALL ON SCHEMA public FROM PUBLIC", Some(&[]));
        check_guard("GRANT ALL ON TABLE public.t TO \"PUBLIC\"", Some(&["PUBLIC"]));
        check_guard(
            "ALTER DEFAULT PRIVILEGES FOR ROLE boss IN SCHEMA public REVOKE ALL ON TABLES FROM app",
            Some(&["app", "boss"]),
        );
        check_guard("ALTER TABLE public.t OWNER TO app", Some(&["app"]));
        check_guard("COMMENT ON TABLE public.t IS ' OWNER TO app'", None);
        check_guard("ALTER TABLE public.t ALTER COLUMN a SET DEFAULT 'x OWNER TO app'", None);
    }

    #[test]
    fn policies_and_user_mappings_need_their_roles() {
        assert_eq!(
            required("CREATE POLICY p ON public.t FOR SELECT TO app, \"An Other\" USING (true)"),
            ["app", "An Other"]
        );
        assert_eq!(required("CREATE POLICY p ON public.t USING ((a IS NOT NULL))"), [""; 0]);
        assert_eq!(required("CREATE USER MAPPING FOR app SERVER s"), ["app"]);
        assert_eq!(required("CREATE USER MAPPING FOR PUBLIC SERVER s"), [""; 0]);
    }

    #[test]
    fn what_an_owner_may_do_is_said_of_the_current_user() {
        let acl = |sql: &str| Dumped {
            sql: sql.to_owned(),
            entry: Entry {
                kind: "ACL".to_owned(),
                owner: Some("boss".to_owned()),
                ..Entry::default()
            },
        };
        let dump = Dump {
            statements: vec![
                acl("ALTER TABLE public.t OWNER TO boss"),
                acl("REVOKE ALL ON TABLE public.t FROM boss"),
                acl("GRANT SELECT ON TABLE public.t TO \"boss\" WITH GRANT OPTION"),
                acl("GRANT SELECT ON TABLE public.t TO bos"),
            ],
        };
        let texts: Vec<_> = without_owners(dump).statements.into_iter().map(|it| it.sql).collect();
        assert_eq!(
            texts,
            [
                "REVOKE ALL ON TABLE public.t FROM CURRENT_USER",
                "GRANT SELECT ON TABLE public.t TO CURRENT_USER WITH GRANT OPTION",
                "GRANT SELECT ON TABLE public.t TO bos",
            ]
        );
    }

    #[test]
    fn the_quote_of_a_guard_is_not_in_its_statement() {
        let sql = "GRANT SELECT ON TABLE public.\"$raingauge$\" TO app";
        let guarded = guarded(sql, &["app".to_owned()].into(), None);
        assert!(guarded.starts_with("DO $raingauge_$\n") && guarded.ends_with("\n$raingauge_$"));
    }
}
