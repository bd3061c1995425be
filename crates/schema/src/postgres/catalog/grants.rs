//! Privileges → one object per target and grantee, compared with what the engine gives by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::catalog::{Kind, Object, ObjectId};

/// The word for the owner in paths, since a rebuilt database belongs to somebody else.
const OWNER: &str = "(owner)";

/// Privileges as they are and as they would be by default; `None` where there is none at all.
#[derive(Debug, Deserialize)]
pub(super) struct Privileges(Option<Vec<Privilege>>, Option<Vec<Privilege>>);

/// Grantee, whether that is the owner, grantor, whether that is the owner, privilege, grantable.
#[derive(Clone, Debug, Deserialize)]
struct Privilege(String, bool, String, bool, String, bool);

/// An expression that returns [`Privileges`] as JSON, NULL where nobody changed them.
pub(super) fn query(kind: &str, acl: &str, owner: &str) -> String {
    let (actual, default) =
        (explode(acl, owner), explode(&format!("acldefault('{kind}', {owner})"), owner));
    format!("case when {acl} is not null then json_build_array({actual}, {default}) end")
}

/// An expression that returns [`Privileges`] of what an extension or `initdb` made, compared with what
/// that gave: the row `i` of `pg_init_privs`.
pub(super) fn changed(kind: &str, acl: &str, owner: &str) -> String {
    let list =
        |acl: &str| explode(&format!("coalesce({acl}, acldefault('{kind}', {owner}))"), owner);
    format!("json_build_array({}, {})", list(acl), list("i.initprivs"))
}

fn explode(list: &str, owner: &str) -> String {
    format!(
        "(select json_agg(json_build_array(case x.grantee when 0 then 'public' \
         else pg_get_userbyid(x.grantee) end, x.grantee = {owner}, pg_get_userbyid(x.grantor), \
         x.grantor = {owner}, lower(x.privilege_type collate \"C\"), x.is_grantable)) from aclexplode({list}) x)"
    )
}

/// The grants on `target`: what others than the owner may, and where the owner or everybody may
/// something else than by default. Nobody may anything is said too: `none`.
pub(super) fn of(target: &ObjectId, privileges: &Privileges) -> Vec<Object> {
    let actual = by_grantee(privileges.0.as_deref().unwrap_or_default());
    let default = by_grantee(privileges.1.as_deref().unwrap_or_default());
    let grantees: BTreeSet<&String> = actual.keys().chain(default.keys()).collect();
    let mut grants = Vec::new();
    for grantee in grantees {
        if actual.get(grantee) == default.get(grantee) {
            continue;
        }
        let path = [target.kind.word().to_owned()].into_iter();
        let path = path.chain(target.path.iter().cloned()).chain([grantee.clone()]);
        let mut grant = Object::new(Kind::Grant, path);
        match actual.get(grantee) {
            None => grant = grant.with("privileges", "none"),
            Some(by_grantor) => {
                for (attribute, privileges) in by_grantor {
                    let list: Vec<_> = privileges.iter().map(String::as_str).collect();
                    grant = grant.with(attribute.clone(), list.join(", "));
                }
            }
        }
        grants.push(grant);
    }
    grants
}

/// Grantee → attribute → privileges; the attribute names the grantor unless that is the owner.
fn by_grantee(privileges: &[Privilege]) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut result: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for Privilege(grantee, is_owner, grantor, by_owner, privilege, grantable) in privileges {
        let grantee = if *is_owner { OWNER } else { grantee };
        let attribute = if *by_owner {
            "privileges".to_owned()
        } else {
            format!("privileges granted by {grantor}")
        };
        let star = if *grantable { "*" } else { "" };
        let list = result.entry(grantee.to_owned()).or_default().entry(attribute).or_default();
        list.insert(format!("{privilege}{star}"));
    }
    result
}
