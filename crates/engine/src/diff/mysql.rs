//! What is tried on a MySQL or MariaDB database to make it another one.
//!
//! Foreign keys go first and come last. What changes in a table goes into one statement, which the server carries out
//! as a whole or not at all; only where it refuses that, its actions are tried one by one. A program is dropped
//! right before it is made again: meanwhile rows would come and go without its trigger.

use std::collections::{BTreeMap, BTreeSet};

use raingauge_schema::mysql::catalog::{definition, program_again, table_again, tables_in_order};
use raingauge_schema::mysql::grammar::quote_ident;
use raingauge_schema::mysql::render::alteration::{actions, partitioning, sequence};
use raingauge_schema::{Catalog, Kind, Object, ObjectId, Pair};

use super::view::subject;
use super::workshop::{Round, Workshop};

/// Programs without order among them, in the order in which they are made.
const PROGRAMS: [Kind; 5] = [Kind::Other, Kind::Function, Kind::Procedure, Kind::View, Kind::Event];

/// Drops, changes and makes what one look at the differences says.
pub(super) fn gentle(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let target = target(shop, round);
    let catalogs = Pair { from: round.catalogs.from, to: &target };
    let round = &Round { catalogs, difference: round.difference };
    let surplus = round.surplus();
    let of = |kinds: &[Kind]| -> Vec<&Object> {
        surplus.iter().filter(|it| kinds.contains(&it.id.kind)).copied().collect()
    };
    shop.drop_all(&of(&[Kind::Event, Kind::View, Kind::Function, Kind::Procedure, Kind::Other]));
    drop_foreign_keys(shop, &foreign_keys_gone(round));
    shop.drop_all(&of(&[Kind::Table]));
    sequences(shop, round);
    make_tables(shop, round);
    for table in changed(round) {
        change(shop, round, &table);
    }
    add_foreign_keys(shop, round);
    shop.drop_all(&of(&[Kind::Sequence]));
    programs(shop, round);
    triggers(shop, round);
}

/// Takes away what keeps a table from being changed or dropped: the foreign keys on both sides of it, how its
/// rows are parted, and indexes that the server takes for the same when they come back in one statement. The next
/// look finds them missing.
pub(super) fn harsh(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let now = round.catalogs.from;
    let mut tables: BTreeSet<String> =
        changed(round).iter().map(|it| it.name().to_owned()).collect();
    let gone = round.difference.only_from.iter().filter(|it| it.id.kind == Kind::Table);
    tables.extend(gone.map(|it| it.id.name().to_owned()));
    let keys = now.of_kind(Kind::ForeignKey).filter(|it| {
        let parent = it.get("references").unwrap_or_default();
        it.id.path.first().is_some_and(|it| tables.contains(it))
            || tables.iter().any(|it| quote_ident(it) == parent)
    });
    drop_foreign_keys(shop, &keys.collect::<Vec<_>>());
    let indexes = round.differing().map(|it| it.from).filter(|it| it.id.kind == Kind::Index);
    shop.drop_all(&indexes.collect::<Vec<_>>());
    let is_parted_anew = |it: &Pair<&Object>| partitioning(*it).is_some();
    for table in round.differing().filter(|it| it.to.id.kind == Kind::Table).filter(is_parted_anew)
    {
        if table.from.get("partitions").is_some() {
            shop.runs(&format!("{} REMOVE PARTITIONING;", alter(&table.from.id)));
        }
    }
}

/// The second side, with what the first one alone can say of what both have.
fn target(shop: &Workshop<'_>, round: &Round<'_>) -> Catalog {
    let Pair { from: now, to } = round.catalogs;
    let mut target = to.clone();
    for object in round.difference.only_to.iter().filter(|it| to.get(&it.id).is_none()) {
        target.insert(object.clone());
    }
    if shop.order_counts {
        return target;
    }
    let is_gone = |it: &ObjectId| round.difference.only_from.iter().any(|gone| gone.id == *it);
    for comment in now.of_kind(Kind::Comment) {
        let is_there = subject(&comment.id).is_some_and(|it| to.get(&it).is_some());
        if is_there && to.get(&comment.id).is_none() && !is_gone(&comment.id) {
            target.insert(comment.clone());
        }
    }
    // Nobody says which collation a new column has: that of its table.
    for column in &round.difference.only_to {
        let table = column.id.path.first().map(|it| ObjectId::new(Kind::Table, [it]));
        if column.id.kind == Kind::Column && table.is_some_and(|it| now.get(&it).is_some()) {
            let mut column = column.clone();
            for name in ["charset", "collation"] {
                column.attributes.remove(name);
            }
            target.insert(column);
        }
    }
    target
}

fn alter(table: &ObjectId) -> String {
    format!("ALTER TABLE {}", quote_ident(table.name()))
}

/// The tables that both sides have, with something different inside, or about them.
fn changed(round: &Round<'_>) -> Vec<ObjectId> {
    let it = round.difference;
    let only = it.only_from.iter().chain(&it.only_to).map(|it| &it.id);
    let renamed = it.renamed.iter().map(|it| &it.from);
    let ambiguous = it.ambiguous.iter().flat_map(|it| it.from.iter().chain(&it.to));
    let all = only.chain(it.differs.iter().map(|it| &it.id)).chain(renamed).chain(ambiguous);
    let tables: BTreeSet<_> = all.filter_map(table_of).collect();
    let both = |it: &ObjectId| {
        round.catalogs.from.get(it).is_some() && round.catalogs.to.get(it).is_some()
    };
    tables.into_iter().filter(both).collect()
}

/// The table whose statement says something.
fn table_of(id: &ObjectId) -> Option<ObjectId> {
    let name = match id.kind {
        Kind::Table
        | Kind::Column
        | Kind::PrimaryKey
        | Kind::Index
        | Kind::ForeignKey
        | Kind::Check => id.path.first()?,
        Kind::Comment => {
            let kind = id.path.first().map(String::as_str);
            id.path.get(1).filter(|_| matches!(kind, Some("table" | "column" | "index")))?
        }
        _ => return None,
    };
    Some(ObjectId::new(Kind::Table, [name]))
}

/// The foreign keys that the second side has not, or otherwise.
fn foreign_keys_gone<'a>(round: &Round<'a>) -> Vec<&'a Object> {
    let it = round.difference;
    let renamed = it.renamed.iter().map(|it| &it.from);
    let ambiguous = it
        .ambiguous
        .iter()
        .flat_map(|it| &it.from)
        .filter(|id| !it.ambiguous.iter().any(|it| it.to.contains(id)));
    let ids = it.only_from.iter().map(|it| &it.id).chain(it.differs.iter().map(|it| &it.id));
    let ids = ids.chain(renamed).chain(ambiguous);
    let keys = ids.filter(|it| it.kind == Kind::ForeignKey);
    // With a table its keys go by themselves.
    let stays =
        |it: &&Object| table_of(&it.id).is_some_and(|it| round.catalogs.to.get(&it).is_some());
    keys.filter_map(|it| round.catalogs.from.get(it)).filter(stays).collect()
}

/// Drops foreign keys, all of a table at once.
fn drop_foreign_keys(shop: &mut Workshop<'_>, keys: &[&Object]) {
    let drop = |it: &Object| format!("DROP FOREIGN KEY {}", quote_ident(it.id.name()));
    for (table, keys) in by_table(keys) {
        let drops: Vec<_> = keys.iter().map(|it| drop(it)).collect();
        shop.runs(&format!("{} {};", alter(&table), drops.join(", ")));
    }
}

fn by_table<'a>(parts: &[&'a Object]) -> BTreeMap<ObjectId, Vec<&'a Object>> {
    let mut tables: BTreeMap<ObjectId, Vec<&Object>> = BTreeMap::new();
    for part in parts {
        if let Some(table) = table_of(&part.id) {
            tables.entry(table).or_default().push(part);
        }
    }
    tables
}

/// Adds the foreign keys that the first side lacks by now; those of a table at once, or those that can be.
fn add_foreign_keys(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let gone: BTreeSet<_> = foreign_keys_gone(round).iter().map(|it| it.id.clone()).collect();
    let made = std::mem::take(&mut shop.made);
    let lacks = |it: &&Object| {
        let is_there = round.catalogs.from.get(&it.id).is_some() && !gone.contains(&it.id);
        !is_there && !made.contains(&it.id)
    };
    let keys: Vec<_> = round.catalogs.to.of_kind(Kind::ForeignKey).filter(lacks).collect();
    for (table, keys) in by_table(&keys) {
        let adds = keys.iter().filter_map(|it| definition(round.catalogs.to, it));
        let adds: Vec<_> = adds.map(|it| format!("ADD {it}")).collect();
        let alter = alter(&table);
        if !shop.runs(&format!("{alter} {};", adds.join(", "))) && 1 < adds.len() {
            for add in adds {
                shop.runs(&format!("{alter} {add};"));
            }
        }
    }
}

/// Makes the tables that the first side lacks, each after those that it points to; in a circle without the
/// foreign keys, which then come with the others.
fn make_tables(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let to = round.catalogs.to;
    let is_missing = |it: &&Object| {
        let is_new = round.difference.only_to.iter().any(|new| new.id == it.id);
        // What it connects to may stand there with a password.
        is_new && it.get("connection").is_none()
    };
    let mut tables: Vec<_> = tables_in_order(to).into_iter().filter(is_missing).collect();
    let text = |catalog: &Catalog, table: &Object| table_again(catalog, table).map(|it| it + ";");
    loop {
        let n = tables.len();
        tables.retain(|it| {
            let runs = text(to, it).is_some_and(|it| shop.runs(&it));
            if runs {
                let keys = to.inside(&it.id).filter(|it| it.id.kind == Kind::ForeignKey);
                shop.made.extend(keys.map(|it| it.id.clone()));
            }
            !runs
        });
        if tables.len() == n {
            break;
        }
    }
    let bare = to.filtered(|it| it.id.kind != Kind::ForeignKey);
    for table in tables {
        let statement = text(&bare, table).filter(|_| table.get("definition").is_none());
        let _ = statement.map(|it| shop.runs(&it));
    }
}

fn change(shop: &mut Workshop<'_>, round: &Round<'_>, table: &ObjectId) {
    let Pair { from, to } = round.catalogs;
    let whole = |it: &Catalog| it.get(table).is_some_and(|it| it.get("definition").is_some());
    if whole(from) || whole(to) {
        // What is not understood cannot be changed into something else.
        return;
    }
    let alter = alter(table);
    let actions = actions(table, round.catalogs, round.difference, shop.order_counts);
    let together = match actions.as_slice() {
        [] => None,
        [action] => Some(format!("{alter} {action};")),
        all => Some(format!("{alter}\n  {};", all.join(",\n  "))),
    };
    if !together.is_none_or(|it| shop.runs(&it)) && 1 < actions.len() {
        for action in &actions {
            shop.runs(&format!("{alter} {action};"));
        }
    }
    let differs = round.differing().find(|it| it.to.id == *table);
    if let Some(sql) = differs.and_then(partitioning) {
        shop.runs(&format!("{alter} {sql};"));
    }
}

/// Sequences of MariaDB keep how far they have counted.
fn sequences(shop: &mut Workshop<'_>, round: &Round<'_>) {
    for objects in round.differing().filter(|it| it.to.id.kind == Kind::Sequence) {
        if let Some(sql) = sequence(objects) {
            shop.runs(&sql);
        }
    }
    let new = round.difference.only_to.iter().filter(|it| it.id.kind == Kind::Sequence);
    for object in new {
        let statements = program_again(round.catalogs.to, object, round.catalogs.from);
        shop.runs_all(&closed(statements));
    }
}

fn closed(statements: Vec<String>) -> Vec<String> {
    statements.into_iter().map(|it| it + ";").collect()
}

/// Makes views, routines and events, again and again, since a view may read another one.
fn programs(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let differs = program_ids(round);
    let mut left: Vec<&Object> = Vec::new();
    for kind in PROGRAMS {
        let wanted = round.catalogs.to.of_kind(kind).filter(|it| differs.contains(&it.id));
        left.extend(wanted);
    }
    // The body of a package needs its head.
    left.sort_by_key(|it| it.id.path.first().is_some_and(|it| it.contains("body")));
    loop {
        let n = left.len();
        left.retain(|it| !make(shop, round, it));
        if left.len() == n {
            return;
        }
    }
}

/// What is missing or different of programs, and of what is said about events.
fn program_ids(round: &Round<'_>) -> BTreeSet<ObjectId> {
    let it = round.difference;
    let only = it.only_from.iter().chain(&it.only_to).map(|it| &it.id);
    let all = only.chain(it.differs.iter().map(|it| &it.id));
    all.filter_map(|it| if it.kind == Kind::Comment { subject(it) } else { Some(it.clone()) })
        .collect()
}

fn make(shop: &mut Workshop<'_>, round: &Round<'_>, program: &Object) -> bool {
    let Pair { from, to } = round.catalogs;
    let mut again = closed(program_again(to, program, from));
    let old = from.get(&program.id).filter(|it| !shop.dropped.contains(&it.id));
    if program.id.kind == Kind::View {
        // Whoever may read it keeps that right.
        for sql in again.iter_mut().filter(|it| it.starts_with("CREATE ALGORITHM")) {
            sql.insert_str("CREATE ".len(), "OR REPLACE ");
        }
    } else if let Some(removal) = old.and_then(|it| shop.dialect.removal(it)) {
        again.insert(0, removal);
    }
    let n = shop.steps.len();
    let runs = shop.runs_all(&again);
    if !runs && n < shop.steps.len() {
        shop.dropped.insert(program.id.clone());
    }
    runs
}

/// Makes triggers that are missing or different. Those of one table and event run in the order in which they were made,
/// so that all of them are made again where the order is not that of new ones behind the others.
fn triggers(shop: &mut Workshop<'_>, round: &Round<'_>) {
    let Pair { from, to } = round.catalogs;
    let differs = program_ids(round);
    let ids = differs.iter().filter(|it| it.kind == Kind::Trigger);
    let chains: BTreeSet<_> =
        ids.flat_map(|it| [from.get(it), to.get(it)]).flatten().filter_map(chain).collect();
    for of in &chains {
        let is_gone = |it: &&Object| {
            to.get(&ObjectId::new(Kind::Table, [&of.0])).is_some() || to.get(&it.id).is_some()
        };
        let (now, wanted) = (in_order(from, of), in_order(to, of));
        let n_same = now
            .iter()
            .zip(&wanted)
            .take_while(|it| it.0.id == it.1.id && !differs.contains(&it.0.id))
            .count();
        let old = now.get(n_same..).unwrap_or_default().iter().copied().filter(is_gone);
        let mut statements: Vec<_> = old.filter_map(|it| shop.dialect.removal(it)).collect();
        for trigger in wanted.get(n_same..).unwrap_or_default() {
            statements.extend(closed(program_again(to, trigger, from)));
        }
        shop.runs_all(&statements);
    }
}

/// Table, timing and event.
type Chain = (String, String, String);

fn chain(trigger: &Object) -> Option<Chain> {
    let attribute = |name| trigger.get(name).map(str::to_owned);
    Some((trigger.id.path.first()?.clone(), attribute("timing")?, attribute("event")?))
}

/// The triggers of one table and event in the order in which they run.
fn in_order<'a>(catalog: &'a Catalog, of: &Chain) -> Vec<&'a Object> {
    let all = catalog.of_kind(Kind::Trigger).filter(|it| chain(it).as_ref() == Some(of));
    let mut left: Vec<&Object> = all.collect();
    let mut ordered: Vec<&Object> = Vec::new();
    while !left.is_empty() {
        let is_next = |it: &&Object| {
            let before = it.get("follows");
            !left.iter().any(|other| Some(other.id.name()) == before)
        };
        let at = left.iter().position(is_next).unwrap_or(0);
        ordered.push(left.remove(at));
    }
    ordered
}
