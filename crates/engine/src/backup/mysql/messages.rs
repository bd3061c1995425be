//! What `mysqldump` and the client say, sorted into harmless, known and unknown.
//!
//! An exit code of 0 is not enough: whatever is not known to be harmless fails, and so does a dump that does
//! not end as a whole one does.

use super::super::postgres::Finished;
use crate::{Error, Result};

/// Fails unless the dump is complete.
pub(super) fn check_dump(finished: &Finished, is_complete: bool) -> Result<()> {
    let said = worrying(&finished.said);
    if finished.status.success() && said.is_empty() && is_complete {
        return Ok(());
    }
    let all = if said.is_empty() { finished.status.to_string() } else { said.join("\n") };
    Err(dump_error(&all))
}

/// The error of a program that ended, or did not go on, before it read anything.
pub(super) fn never_began(said: &str) -> Error {
    let worrying = worrying(said).join("\n");
    dump_error(if worrying.is_empty() { "it did not begin" } else { &worrying })
}

fn dump_error(all: &str) -> Error {
    let has = |words: &[&str]| words.iter().any(|it| all.contains(it));
    // What `mysqldump` 9 asks for besides: without it, it gives up, whether there are masked columns or not.
    let is_masking = has(&["masking polic"]);
    let it = if is_masking && has(&["denied"]) {
        Error::refusal("rows-unseen", "the dump program may not read which columns are masked").next(
                "give the account what `mysqldump` 9 and later asks for: `GRANT SELECT ON performance_schema.* TO …`",
            )
    } else if has(&[
        "Access denied",
        "command denied",
        "insufficient privileges",
        "(1044)",
        "(1142)",
    ]) {
        Error::refusal("rows-unseen", "the dump program may not read everything").next(
            "connect with an account that has SELECT, SHOW VIEW, TRIGGER and EVENT on the database",
        )
    } else if has(&["(1412)", "Table definition has changed", "(1146)"]) {
        Error::new("schema-changed-meanwhile", "the structure changed while it was dumped")
            .next("wait until the other migration has ended, then run it again")
    } else if has(&["(1205)", "Lock wait timeout"]) {
        Error::new("table-locked", "a table stayed locked, so it was not dumped")
            .next("run it again when the other transaction has ended")
    } else {
        Error::new("dump-failed", "the dump program failed; nothing was kept")
    };
    it.caused_by(all.to_owned())
}

/// Fails unless everything was restored.
pub(super) fn check_restore(finished: &Finished) -> Result<()> {
    let said = worrying(&finished.said);
    if finished.status.success() && said.is_empty() {
        return Ok(());
    }
    let all = if said.is_empty() { finished.status.to_string() } else { said.join("\n") };
    let has = |words: &[&str]| words.iter().any(|it| all.contains(it));
    let denied =
        ["Access denied", "command denied", "ERROR 1227", "ERROR 1044", "ERROR 1142", "ERROR 1419"];
    if has(&denied) {
        return Err(Error::new("restore-not-allowed", "the account may not restore everything")
            .caused_by(all)
            .next("restore as an administrator: programs that run in the name of others need it; for a proof, name such a server with `--scratch <url>`"));
    }
    if has(&["Unknown command '\\-'"]) {
        return Err(Error::new("restore-failed", "the client is too old for this dump")
            .caused_by(all)
            .next("install the current `mariadb-client`, or name it with `--pg-client <folder>`"));
    }
    Err(Error::new("restore-failed", "the client failed").caused_by(all))
}

/// All lines that are not known to be harmless. What the program does stands behind `-- `.
fn worrying(said: &str) -> Vec<&str> {
    let harmless = [
        "-- ",
        // A server that shares its counters of transactions; they are left out on purpose.
        "Warning: A partial dump from a server that has GTIDs",
    ];
    let worries =
        |it: &&str| !it.trim().is_empty() && !harmless.iter().any(|word| it.starts_with(word));
    said.lines().filter(worries).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn finished(exit_code: i32, said: &str) -> Finished {
        Finished { status: ExitStatus::from_raw(exit_code << 8), said: said.to_owned() }
    }

    #[track_caller]
    fn dump(exit_code: i32, said: &str, is_complete: bool, expected: &str) {
        let outcome = check_dump(&finished(exit_code, said), is_complete);
        assert_eq!(outcome.err().map_or("ok", |it| it.code), expected);
    }

    #[test]
    fn t55_a_dump_is_whole_or_fails() {
        dump(0, "-- Connecting to localhost...\n-- Retrieving rows...\n", true, "ok");
        dump(0, "-- Connecting to localhost...\n", false, "dump-failed");
        dump(0, "mysqldump: something new\n", true, "dump-failed");
        dump(2, "", true, "dump-failed");
        let denied = "mysqldump: Couldn't execute 'show events': Access denied for user 'u'@'%' to database 'd' (1044)";
        dump(2, denied, false, "rows-unseen");
        let masked = "mysqldump: Error: 'SELECT command denied to user 'u'@'%' for table 'column_masking_policy'' when trying to dump masking policies";
        dump(2, masked, false, "rows-unseen");
        let advice = check_dump(&finished(2, masked), false).unwrap_err().next.concat();
        assert!(advice.contains("SELECT ON performance_schema.*"), "{advice}");
        let changed = "mysqldump: Error 1412: Table definition has changed, please retry transaction when dumping table `t` at row: 0";
        dump(3, changed, false, "schema-changed-meanwhile");
    }

    #[test]
    fn t59_messages_of_a_restore_are_classified_and_an_unknown_one_fails() {
        let check = |exit_code, said: &str| {
            check_restore(&finished(exit_code, said)).err().map_or("ok", |it| it.code)
        };
        assert_eq!(check(0, ""), "ok");
        assert_eq!(check(0, "mysql: [Warning] something new"), "restore-failed");
        assert_eq!(check(1, ""), "restore-failed");
        let denied = "ERROR 1227 (42000) at line 7: Access denied; you need SUPER";
        assert_eq!(check(1, denied), "restore-not-allowed");
    }
}
