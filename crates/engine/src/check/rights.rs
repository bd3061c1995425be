//! T34: whether the connected role may do what an adoption and the migrations after it will ask.
//!
//! Everything of an adoption may succeed for a role that owns nothing, until the first migration alters
//! a table. So it is asked before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::compare::compare;
use raingauge_schema::drizzle::migration::split;
use raingauge_schema::mysql::catalog;
use raingauge_schema::postgres::grammar::quote_ident;
use raingauge_schema::steps::{Bound, statements};
use raingauge_schema::{Catalog, Dialect, Kind, Object, ObjectId, Pair};

use crate::facts::Facts;
use crate::history::Migration;
use crate::initsql::opening;
use crate::report::Finding;
use crate::rights::{ReadOnly, Rights};

/// How many objects are shown; the rest is counted.
const MAX_SHOWN: usize = 20;

/// How much of a statement is shown.
const MAX_CHARS: usize = 100;

/// What the role lacks to adopt live.
pub fn missing_rights(rights: &Rights, facts: &Facts) -> Vec<Finding> {
    let is_managed = |it: &&Object| {
        let is_kind = match it.id.kind {
            Kind::Table | Kind::Enum | Kind::View | Kind::MaterializedView => true,
            // One that belongs to a column has the owner of its table.
            Kind::Sequence => it.get("owned by").is_none(),
            _ => false,
        };
        is_kind
            && facts.declared.as_ref().is_none_or(|declared| declared.catalog.get(&it.id).is_some())
    };
    let managed = facts.live.objects().filter(is_managed).map(|it| (it, None));
    let why = "is neither the owner of these nor a member of the owner, so every later migration that alters them would fail; nothing was changed";
    let new = facts.declared.iter().flat_map(|it| &it.comparison.only_to);
    let new: Vec<_> = new.filter(|it| it.id.kind == Kind::Table).map(|it| &it.id).collect();
    let found = [
        read_only(rights),
        not_owner(rights, managed.collect(), why),
        not_creatable(rights, facts, &new, "schema.ts declares new ones there"),
        no_ledger(rights),
        lacking(rights),
    ];
    found.into_iter().flatten().collect()
}

/// What the role lacks to apply migrations, which are given with the catalogs before and after each in
/// scratch.
pub fn missing_for(
    rights: &Rights,
    facts: &Facts,
    migrations: &[(&Migration, Pair<&Catalog>)],
) -> Vec<Finding> {
    if migrations.is_empty() {
        return Vec::new();
    }
    let (mut altered, mut new) = (BTreeMap::new(), BTreeSet::new());
    for (migration, rehearsed) in migrations {
        for id in altered_by(*rehearsed) {
            let why = format!("needed by {}", statement_about(migration, &id));
            altered.entry(id).or_insert(why);
        }
        let created = rehearsed.to.objects().filter(|it| rehearsed.from.get(&it.id).is_none());
        new.extend(created.filter(|it| is_place_of_its_own(it.id.kind)).map(|it| it.id.clone()));
    }
    let objects =
        altered.into_iter().filter_map(|(id, why)| Some((facts.live.get(&id)?, Some(why))));
    let why = "is neither the owner of these nor a member of the owner, so pending migrations would fail; nothing was changed";
    let new: Vec<_> = new.iter().collect();
    let found = [
        read_only(rights),
        not_owner(rights, objects.collect(), why),
        not_creatable(rights, facts, &new, "pending migrations create some there"),
        no_ledger(rights),
        lacking(rights),
        lacking_for(rights, migrations),
    ];
    found.into_iter().flatten().collect()
}

/// What only an owner may do is done to these: they are altered or dropped, or something is added to
/// them.
fn altered_by(rehearsed: Pair<&Catalog>) -> BTreeSet<ObjectId> {
    let difference = compare(rehearsed);
    let changed = difference.differs.iter().map(|it| &it.id);
    let gone = difference.only_from.iter().map(|it| &it.id);
    let renamed = difference.renamed.iter().map(|it| &it.from);
    let added = difference.only_to.iter().map(|it| &it.id);
    // A trigger needs a right of its own, which an owner may have given away; a privilege too.
    let is_owners = |it: &&ObjectId| !matches!(it.kind, Kind::Trigger | Kind::Grant);
    let all = changed.chain(gone).chain(renamed).chain(added).filter(is_owners);
    all.filter_map(|it| holder(it, rehearsed.from)).collect()
}

/// The object whose owner decides: the table of a column, index or constraint, else the object itself.
fn holder(id: &ObjectId, catalog: &Catalog) -> Option<ObjectId> {
    if is_place_of_its_own(id.kind) {
        let object = catalog.get(id)?;
        // A sequence of a column goes with its table.
        return (object.get("owned by").is_none()).then(|| id.clone());
    }
    // The path of a comment begins with the kind of what it is on.
    let path = id.path.get(usize::from(id.kind == Kind::Comment)..)?.get(..2)?;
    let kinds = [Kind::Table, Kind::View, Kind::MaterializedView, Kind::ForeignTable];
    let mut ids = kinds.into_iter().map(|kind| ObjectId::new(kind, path.iter().cloned()));
    ids.find(|it| catalog.get(it).is_some())
}

/// Whether a kind of object is in a schema and has an owner of its own.
fn is_place_of_its_own(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Schema
            | Kind::Table
            | Kind::View
            | Kind::MaterializedView
            | Kind::ForeignTable
            | Kind::Sequence
            | Kind::Enum
            | Kind::Domain
            | Kind::CompositeType
            | Kind::RangeType
            | Kind::Function
            | Kind::Procedure
            | Kind::Aggregate
    )
}

/// The first statement of a migration that names the object, on one line.
fn statement_about(migration: &Migration, id: &ObjectId) -> String {
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    let names = |sql: &str| sql.split(|it| !is_part(it)).any(|word| word == id.name());
    let tag = &migration.entry.tag;
    let Some(piece) = split(&migration.sql).into_iter().find(|it| names(it.sql)) else {
        return format!("`{tag}`");
    };
    let line = piece.sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(MAX_CHARS).collect();
    let end = if shown.len() < line.len() { "…" } else { "" };
    format!("`{tag}`: {shown}{end}")
}

/// Of these, the ones that belong to somebody else, each with what asks for its owner.
fn not_owner(
    rights: &Rights,
    objects: Vec<(&Object, Option<String>)>,
    why: &str,
) -> Option<Finding> {
    let foreign: Vec<_> = objects
        .into_iter()
        .filter_map(|(it, needed)| Some((it, it.owner.as_ref()?, needed)))
        .filter(|it| rights.strangers.contains_key(it.1))
        .collect();
    let (_, owner, _) = foreign.first()?;
    let mut finding = Finding::error("not-owner", format!("role {}", rights.role), why)
        .next(format!("connect as `{owner}`, or as a role that is a member of it"));
    let mut next = Vec::new();
    for (object, owner, needed) in foreign.iter().take(MAX_SHOWN) {
        let needed = needed.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        finding = finding.evidence(format!("{} belongs to `{owner}`{needed}", object.id));
        let step = if rights.strangers[*owner] {
            // Membership in a superuser would give away the whole server.
            new_owner(&object.id, &rights.role)
        } else {
            Some(format!("GRANT {} TO {}", quote_ident(owner), quote_ident(&rights.role)))
        };
        next.extend(step.filter(|it| !next.contains(it)));
    }
    let more = foreign.len().saturating_sub(MAX_SHOWN);
    if 0 < more {
        finding = finding.evidence(format!("… and {more} more"));
    }
    Some(next.into_iter().fold(finding, |it, step| it.next(format!("as an administrator: {step}"))))
}

/// The statement that makes a role the owner.
fn new_owner(id: &ObjectId, role: &str) -> Option<String> {
    let word = match id.kind {
        Kind::Table => "TABLE",
        Kind::View => "VIEW",
        Kind::MaterializedView => "MATERIALIZED VIEW",
        Kind::ForeignTable => "FOREIGN TABLE",
        Kind::Sequence => "SEQUENCE",
        Kind::Schema => "SCHEMA",
        Kind::Domain => "DOMAIN",
        Kind::Enum | Kind::CompositeType | Kind::RangeType => "TYPE",
        _ => return None,
    };
    let name: Vec<_> = id.path.iter().map(|it| quote_ident(it)).collect();
    Some(format!("ALTER {word} {} OWNER TO {}", name.join("."), quote_ident(role)))
}

/// New objects need a place.
fn not_creatable(rights: &Rights, facts: &Facts, new: &[&ObjectId], why: &str) -> Option<Finding> {
    let role = quote_ident(&rights.role);
    let in_schemas = new.iter().filter(|it| it.kind != Kind::Schema);
    let schemas: BTreeSet<_> = in_schemas.filter_map(|it| it.path.first()).collect();
    let closed: Vec<_> =
        schemas.into_iter().filter(|it| rights.closed_schemas.contains(*it)).collect();
    let is_missing = |it: &&&ObjectId| it.kind == Kind::Schema && facts.live.get(it).is_none();
    let new_schema = new.iter().find(is_missing).filter(|_| !rights.creates_schemas);
    let mut grants: Vec<_> = closed
        .iter()
        .map(|it| format!("GRANT CREATE ON SCHEMA {} TO {role}", quote_ident(it)))
        .collect();
    let message = match (closed.first(), new_schema) {
        (Some(first), _) => {
            format!("may not create anything in schema `{first}`, but {why}; nothing was changed")
        }
        (None, Some(schema)) => format!(
            "may not create schemas, but a migration creates `{}`; nothing was changed",
            schema.name()
        ),
        (None, None) => return None,
    };
    if new_schema.is_some() {
        let database = quote_ident(&rights.database);
        grants.push(format!("GRANT CREATE ON DATABASE {database} TO {role}"));
    }
    let finding = Finding::error("schema-not-creatable", format!("role {}", rights.role), message);
    Some(grants.iter().fold(finding, |it, grant| it.next(format!("as an administrator: {grant}"))))
}

fn no_ledger(rights: &Rights) -> Option<Finding> {
    let grant = rights.ledger_grant.as_ref()?;
    let finding = Finding::error(
        "ledger-not-writable",
        format!("role {}", rights.role),
        "may not create or write the ledger, which Drizzle's own `migrate` needs as well; nothing was changed",
    );
    Some(finding.next(format!("as an administrator: {grant}")))
}

/// On MySQL nobody owns a table: what an account may do to it is granted.
fn lacking(rights: &Rights) -> Option<Finding> {
    let (lacks, grant) = rights.lacking.as_ref()?;
    let message = format!(
        "may not do all that the ledger and later migrations ask: it lacks {lacks} on all of `{}`; nothing was changed",
        rights.database
    );
    let finding = Finding::error("rights-missing", format!("role {}", rights.role), message);
    Some(finding.next(format!("as an administrator: {grant}")))
}

/// MySQL commits what came before the statement that fails, so that each is asked for its rights first; so is the note of how
/// far a migration got, which is a row of a table that comes and goes.
fn lacking_for(rights: &Rights, migrations: &[(&Migration, Pair<&Catalog>)]) -> Option<Finding> {
    const NOTES: [&str; 4] = ["CREATE", "INSERT", "DELETE", "DROP"];
    if rights.granted.is_empty() {
        return None;
    }
    let mut evidence: BTreeMap<&str, String> = BTreeMap::new();
    for (migration, _) in migrations {
        let Some(statements) = statements(Dialect::MySql, &migration.sql) else { continue };
        let tag = &migration.entry.tag;
        for it in &statements {
            for right in catalog::needed(&it.sql) {
                let why = || format!("`{tag}`, line {}: {}", it.line, opening(&it.sql));
                evidence.entry(right).or_insert_with(why);
            }
        }
        if statements.iter().any(|it| Dialect::MySql.bound(&it.sql) == Bound::Alone) {
            for right in NOTES {
                evidence.entry(right).or_insert_with(|| format!("the note of how far `{tag}` got"));
            }
        }
    }
    let wanted: Vec<_> = evidence.keys().copied().collect();
    let lacks = catalog::held_nowhere(&rights.granted, &rights.database, &wanted);
    // Those that every history needs are told already.
    let told = rights.lacking.as_ref().map_or("", |it| it.0.as_str());
    let lacks: Vec<_> = lacks.into_iter().filter(|it| !told.contains(it)).collect();
    if lacks.is_empty() {
        return None;
    }
    let all = lacks.join(", ");
    let message = format!(
        "may not do all that pending migrations ask: it lacks {all} on `{}`, and what comes before the statement that fails would stay; nothing was changed",
        rights.database
    );
    let finding = Finding::error("rights-missing", format!("role {}", rights.role), message);
    let finding = lacks
        .iter()
        .fold(finding, |it, right| it.evidence(format!("{right}: {}", evidence[right])));
    let grant = catalog::grant(&all, &rights.database, &rights.role);
    Some(finding.next(format!("as an administrator: {grant}")))
}

/// The first write would fail, after files had been written.
fn read_only(rights: &Rights) -> Option<Finding> {
    let (subject, message) = match rights.read_only.as_ref()? {
        ReadOnly::Standby => {
            ("server".to_owned(), "is a standby, which takes no writes; nothing was changed")
        }
        ReadOnly::Setting(_) => (
            format!("role {}", rights.role),
            "gets sessions that only read (`default_transaction_read_only` is on); nothing was changed",
        ),
    };
    let finding = Finding::error("server-read-only", subject, message);
    Some(match rights.read_only.as_ref()? {
        ReadOnly::Standby if rights.role.contains('@') => finding.next("connect to the primary, whose `read_only` is off"),
        ReadOnly::Standby => finding.next("connect to the primary: write all servers into the URL, `postgresql://user@host1,host2/database?target_session_attrs=read-write`"),
        ReadOnly::Setting(Some(off)) => finding.next(format!("if that is not on purpose, as an administrator: {off}")),
        ReadOnly::Setting(None) => finding.next("if that is not on purpose, turn it off in the server's configuration or in `options` of the URL"),
    })
}
