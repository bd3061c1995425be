//! Who keeps a connection of MySQL or MariaDB waiting.
//!
//! The server says it where its `performance_schema` is on, and for locks of rows in any case. Where it does not,
//! the connections are named whose transactions are open: a lock of a table's structure lasts as long.

use crate::connect::MySqlSession;

/// In the order of how sure they are; a table that a server has not is no answer.
const ASKED: [(&str, &str); 4] = [
    // Locks of structures.
    (
        "",
        "SELECT DISTINCT t.processlist_id FROM performance_schema.threads me \
         JOIN performance_schema.metadata_locks w ON w.owner_thread_id = me.thread_id AND w.lock_status = 'PENDING' \
         JOIN performance_schema.metadata_locks h ON h.lock_status = 'GRANTED' AND h.object_type = w.object_type \
            AND h.object_schema = w.object_schema AND h.object_name = w.object_name \
            AND h.owner_thread_id <> w.owner_thread_id \
         JOIN performance_schema.threads t ON t.thread_id = h.owner_thread_id \
         WHERE me.processlist_id = ? AND t.processlist_id IS NOT NULL",
    ),
    // Locks of rows: MySQL, MariaDB.
    (
        "",
        "SELECT DISTINCT b.trx_mysql_thread_id FROM performance_schema.data_lock_waits w \
         JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_engine_transaction_id \
         JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id \
         WHERE r.trx_mysql_thread_id = ?",
    ),
    (
        "",
        "SELECT DISTINCT b.trx_mysql_thread_id FROM information_schema.innodb_lock_waits w \
         JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id \
         JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id \
         WHERE r.trx_mysql_thread_id = ?",
    ),
    (
        "perhaps ",
        "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id NOT IN (0, ?) \
         ORDER BY trx_started LIMIT 3",
    ),
];

/// What `SHOW PROCESSLIST` says of a connection that waits.
const WAITS: [&str; 2] = ["metadata lock", "lock"];

/// How much of a statement is shown.
const MAX: usize = 100;

/// One line for each of them.
pub(super) fn blockers(session: &mut MySqlSession, id: &str) -> Vec<String> {
    let all = session.rows("SHOW FULL PROCESSLIST").unwrap_or_default();
    let of =
        |id: &str| all.iter().find(|it| it.first().is_some_and(|it| it.as_deref() == Some(id)));
    let is_waiting = |row: &Vec<Option<String>>| {
        let state = row.get(6).cloned().flatten().unwrap_or_default().to_lowercase();
        WAITS.iter().any(|it| state.contains(it))
    };
    for (how, sql) in ASKED {
        // Whoever does not wait is in nobody's way, whoever else has something open.
        if !how.is_empty() && !of(id).is_some_and(is_waiting) {
            continue;
        }
        let found = session.rows(&sql.replace('?', id)).unwrap_or_default();
        let found: Vec<_> = found.into_iter().flatten().flatten().collect();
        if !found.is_empty() {
            return found.iter().map(|it| format!("{how}{}", shown(it, of(it)))).collect();
        }
    }
    Vec::new()
}

fn shown(id: &str, row: Option<&Vec<Option<String>>>) -> String {
    let value = |at: usize| row.and_then(|it| it.get(at)?.clone()).filter(|it| !it.is_empty());
    let user = value(1).map_or(String::new(), |it| format!(" of `{it}`"));
    let doing = match (value(4), value(5)) {
        (Some(command), Some(time)) => format!(", {} for {time} s", command.to_lowercase()),
        _ => String::new(),
    };
    let words = |it: String| it.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = value(7).map_or(String::new(), |it| {
        format!(": {}", words(it).chars().take(MAX).collect::<String>())
    });
    format!("connection {id}{user}{doing}{text}")
}
