//! The folders of an upgrade: names, snapshots, and what would be left over.

use std::collections::BTreeSet;

use raingauge_schema::Catalog;
use raingauge_schema::dialect::AnySnapshot;
use raingauge_schema::drizzle::Generation;
use raingauge_schema::drizzle::folder::{locale_order, millis};
use raingauge_schema::drizzle::journal::{Entry, Journal};
use raingauge_schema::drizzle::layout::{JOURNAL_PATH, folder_tag, paired_snapshots, sql_path};
use raingauge_schema::drizzle::ledger::{Applicable, CreatedAt, LedgerRow};
use raingauge_schema::drizzle::named_ledger::taken_over;
use raingauge_schema::drizzle::snapshot::{ORIGIN, SnapshotError, SnapshotIds};

use super::Move;
use crate::Result;
use crate::adoption::snapshot_id;
use crate::apply::intent::moment;
use crate::facts::{DeclaredSide, Facts};
use crate::findings::with_lines;
use crate::history::History;
use crate::initsql::excerpt;
use crate::meta;
use crate::report::Finding;
use crate::site::Site;

/// Folders have whole seconds in their names.
const SECOND: i64 = 1000;

/// What helps against a chain of snapshots that is broken.
const FIX: &str = "with Drizzle 0.x installed: raingauge validate --fix";

/// The migrations as folders; `None` where a finding says why that is not possible.
pub(super) fn moves(
    site: &Site,
    facts: &Facts,
    findings: &mut Vec<Finding>,
) -> Result<Option<Vec<Move>>> {
    let history = &site.project.history;
    let Some(journal) = &history.journal else { return Ok(None) };
    let n_before = findings.len();
    let names = folders(journal)?;
    findings.extend(ambiguous(history, &names));
    let Some(chain) = chain(site, history, findings) else { return Ok(None) };
    let mut moves: Vec<Move> = Vec::new();
    let last = chain.len().saturating_sub(1);
    let mut previous = AnySnapshot::empty(site.dialect(), Generation::V1);
    for (at, old) in chain.iter().enumerate() {
        let wanted = (at == last).then(|| wanted(facts)).flatten();
        let upgraded = upgraded(old, &previous, wanted.as_ref());
        let migration = &history.migrations[at];
        let (snapshot, state) = match upgraded {
            Ok(upgraded) => upgraded,
            Err(error) => {
                findings.push(told(&migration.entry.tag, &error));
                continue;
            }
        };
        previous = state.clone();
        let (tag, sql) = (migration.entry.tag.clone(), migration.sql.clone());
        moves.push(Move { tag, folder: names[at].clone(), sql, snapshot, state });
    }
    findings.extend(facts.declared.as_ref().and_then(|it| residual(it, &previous)));
    Ok((findings.len() == n_before || moves.len() == names.len()).then_some(moves))
}

fn told(tag: &str, error: &SnapshotError) -> Finding {
    Finding::error(error.code(), tag.to_owned(), error.to_string())
        .next("restore the file from version control")
}

/// The names that `drizzle-kit up` gives. Migrations of one second whose names do not sort as they ran
/// keep the numbers of their tags; `up` refuses them.
fn folders(journal: &Journal) -> Result<Vec<String>> {
    let entries = &journal.entries;
    let second = |it: &Entry| it.when.div_euclid(SECOND);
    let named = |it: &Entry, is_whole: bool| {
        let rest = it.tag.split_once('_').map_or("", |it| it.1);
        Ok(folder_tag(&moment(it.when)?, if is_whole { &it.tag } else { rest }))
    };
    let mut names = Vec::new();
    for group in entries.chunk_by(|a, b| second(a) == second(b)) {
        let usual = group.iter().map(|it| named(it, false)).collect::<Result<Vec<_>>>()?;
        match is_in_order(&usual) {
            true => names.extend(usual),
            false => {
                names.extend(group.iter().map(|it| named(it, true)).collect::<Result<Vec<_>>>()?);
            }
        }
    }
    Ok(names)
}

/// Whether drizzle-kit and the migrator both take them in this order.
fn is_in_order(names: &[String]) -> bool {
    names.windows(2).all(|it| it[0] < it[1] && locale_order(&it[0], &it[1]).is_lt())
}

/// Every other database gets its names from 1.0 itself, by seconds and hashes: whichever rows it has,
/// each of them has to lead to its own migration.
fn ambiguous(history: &History, names: &[String]) -> Vec<Finding> {
    let later: Vec<_> = history
        .migrations
        .iter()
        .zip(names)
        .map(|(it, name)| Applicable {
            when: millis(name).unwrap_or_default(),
            hash: it.hash.clone(),
            name: name.clone(),
        })
        .collect();
    let strays = history.migrations.iter().enumerate().filter(|(at, it)| {
        if 0 < *at && !is_in_order(&names[at - 1..=*at]) {
            return true;
        }
        let row = LedgerRow {
            id: None,
            hash: it.hash.as_str().to_owned(),
            created_at: CreatedAt::Millis(it.entry.when),
            name: None,
        };
        taken_over(&later, &row) != Some(*at)
    });
    strays
        .map(|(_, it)| {
            Finding::error(
                "upgrade-order",
                it.entry.tag.clone(),
                "has a `when` by which 1.0 would run it before another one, or take its ledger rows for those of another one and run it again",
            )
            .evidence(format!("`when`: {}", it.entry.when))
            .next("in meta/_journal.json, set its `when` to a second that no other entry has, after that of the entry before it")
        })
        .collect()
}

/// The snapshots of all migrations, each after the one before it. A history that began with `pull` has
/// the id that means nothing there.
fn chain(site: &Site, history: &History, findings: &mut Vec<Finding>) -> Option<Vec<AnySnapshot>> {
    let n_before = findings.len();
    let mut chain: Vec<AnySnapshot> = Vec::new();
    let mut before: Option<String> = None;
    for migration in &history.migrations {
        let tag = &migration.entry.tag;
        let Some(text) = &migration.snapshot else {
            let message = "has no snapshot, without which 1.0 does not know what it makes";
            findings.push(Finding::error("snapshot-missing", tag.clone(), message).next(FIX));
            continue;
        };
        let snapshot = match AnySnapshot::read(site.dialect(), Generation::V0, text) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                findings.push(told(tag, &error));
                continue;
            }
        };
        let expected = before.as_deref().unwrap_or(ORIGIN);
        let is_first = before.is_none() && snapshot.prev_id().is_empty();
        if snapshot.prev_id() != expected && !is_first {
            let message = "does not follow the snapshot of the migration before it";
            findings.push(Finding::error("snapshot-chain", tag.clone(), message).next(FIX));
        }
        before = Some(snapshot.id().to_owned());
        chain.push(placed(site, &chain, snapshot, &migration.sql));
    }
    (findings.len() == n_before).then_some(chain)
}

/// PostgreSQL's files of 1.0 go by ids alone, so every one has its own and names the one before it.
fn placed(site: &Site, chain: &[AnySnapshot], snapshot: AnySnapshot, sql: &str) -> AnySnapshot {
    if site.dialect() != raingauge_schema::Dialect::Postgres {
        return snapshot;
    }
    let id = match snapshot.id() {
        ORIGIN => snapshot_id("pulled", sql),
        id => id.to_owned(),
    };
    snapshot.with_ids(&SnapshotIds::after(chain.last().map(AnySnapshot::id), id))
}

fn upgraded(
    old: &AnySnapshot,
    previous: &AnySnapshot,
    wanted: Option<&AnySnapshot>,
) -> std::result::Result<(String, AnySnapshot), SnapshotError> {
    let as_up = old.upgraded_after(previous)?;
    match wanted {
        Some(wanted) if !as_up.1.difference_to(wanted).statements.is_empty() => {
            old.respelled_after(previous, wanted)
        }
        Some(_) | None => Ok(as_up),
    }
}

/// What 1.0 says of the part of `schema.ts` that the end of the history has, where catalogs show that both
/// are the same: then 1.0 only spells it otherwise, and the last snapshot takes its spelling.
fn wanted(facts: &Facts) -> Option<AnySnapshot> {
    let declared = facts.declared.as_ref()?;
    let end = end(facts)?;
    let comparison = declared.schema.compare(end, &declared.catalog);
    if comparison.n_differences() != comparison.only_to.len() {
        return None;
    }
    of_1_0(declared, Some(end))
}

/// The catalog after the last migration.
fn end(facts: &Facts) -> Option<&Catalog> {
    facts.states.get(facts.states.n_ran())
}

fn of_1_0(declared: &DeclaredSide, present_in: Option<&Catalog>) -> Option<AnySnapshot> {
    let schema = match present_in {
        Some(catalog) => declared.schema.present_in(catalog, Generation::V0),
        None => declared.schema.clone(),
    };
    let schema = schema.named_by(Generation::V1);
    schema.snapshot(Generation::V1, &SnapshotIds::after(None, "")).ok()
}

/// What the next `generate` of 1.0 finds all the same.
fn residual(declared: &DeclaredSide, last: &AnySnapshot) -> Option<Finding> {
    let difference = last.difference_to(&of_1_0(declared, None)?);
    if difference.statements.is_empty() {
        return None;
    }
    let finding = Finding::warning(
        "upgrade-residual",
        "schema.ts",
        "is not what the history makes, so the next `generate` of 1.0 writes a migration",
    );
    let lines = difference.statements.iter().map(|it| excerpt(&it.sql)).collect();
    Some(with_lines(finding, lines).next("raingauge generate: once the upgrade is done"))
}

/// The files that go, the journal first. What belongs to no migration stays where it is.
pub(super) fn removals(history: &History, findings: &mut Vec<Finding>) -> Result<Vec<String>> {
    let Some(journal) = &history.journal else { return Ok(Vec::new()) };
    let beside = meta::read(&history.folder)?;
    let names: Vec<_> = beside.iter().map(|it| it.name.as_str()).collect();
    let paired = paired_snapshots(&journal.entries, &names).into_iter().flatten();
    let snapshots: Vec<_> = paired.map(|it| format!("meta/{it}")).collect();
    let sql = journal.entries.iter().map(|it| sql_path(Generation::V0, &it.tag));
    let own: BTreeSet<_> = snapshots.iter().cloned().chain([JOURNAL_PATH.to_owned()]).collect();
    let strays = names.iter().map(|it| format!("meta/{it}")).filter(|it| !own.contains(it));
    findings.extend(strays.map(|it| {
        Finding::info("upgrade-left", it, "belongs to no migration; it stays where it is")
    }));
    Ok([JOURNAL_PATH.to_owned()].into_iter().chain(sql).chain(snapshots).collect())
}
