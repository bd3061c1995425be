//! What `pg_dump` and `pg_restore` say, sorted into harmless, known and unknown.
//!
//! An exit code of 0 is not enough: whatever is not known to be harmless fails.

use super::postgres::Finished;
use crate::{Error, Result};

/// Fails unless the dump is complete.
pub(super) fn check_dump(finished: &Finished) -> Result<()> {
    let said = worrying(&finished.said);
    if finished.status.success() && said.is_empty() {
        return Ok(());
    }
    let all = said.join("\n");
    if all.contains("row-level security") || all.contains("permission denied") {
        return Err(Error::refusal("rows-unseen", "`pg_dump` may not read everything")
            .caused_by(all)
            .next("back up as the owner of all objects or as a superuser"));
    }
    if all.contains("LOCK TABLE") && all.contains("timeout") {
        return Err(Error::new("table-locked", "a table stayed locked, so it was not dumped")
            .caused_by(all)
            .next("run it again when the other transaction has ended"));
    }
    Err(failed("dump-failed", "`pg_dump` failed; nothing was kept", finished, all))
}

/// Fails unless everything was restored.
pub(super) fn check_restore(finished: &Finished) -> Result<()> {
    let said = worrying(&finished.said);
    if finished.status.success() && said.is_empty() {
        return Ok(());
    }
    let all = said.join("\n");
    let first = said.first().copied().unwrap_or_default();
    if let Some(role) = between(first, "role \"", "\" does not exist") {
        let role = role.replace('"', "\"\"");
        return Err(Error::new("restore-role-missing", format!("the target has no role `{role}`"))
            .caused_by(all)
            .next(format!("on the target: `create role \"{role}\" nologin`")));
    }
    if let Some(extension) = between(first, "extension \"", "\" is not available") {
        let message = format!("the target has no extension `{extension}` to install");
        return Err(Error::new("restore-extension-missing", message)
            .caused_by(all)
            .next("install its package on the server that restores, as on the original"));
    }
    if all.contains("permission denied") || all.contains("must be ") {
        return Err(Error::new("restore-not-allowed", "the role may not restore everything")
            .caused_by(all)
            .next(
                "restore as a superuser; for a proof, name such a server with `--scratch <url>`",
            ));
    }
    if all.contains("unrecognized configuration parameter") {
        let message = "`pg_restore` is of a newer major version than the server, which refuses it";
        return Err(Error::new("restore-failed", message)
            .caused_by(all)
            .next("install the `postgresql-client` package of the server's major version")
            .next("or name its programs with `--pg-client <folder>`"));
    }
    Err(failed("restore-failed", "`pg_restore` failed", finished, all))
}

fn failed(code: &'static str, message: &str, finished: &Finished, said: String) -> Error {
    let said = if said.is_empty() { finished.status.to_string() } else { said };
    Error::new(code, message).caused_by(said)
}

/// All lines that are not known to be harmless. What the server notes while it works (`NOTICE`,
/// `WARNING` and the lines that explain them) has no effect on what is dumped or restored.
fn worrying(said: &str) -> Vec<&str> {
    let notes = ["NOTICE: ", "WARNING: ", "DETAIL: ", "HINT: ", "CONTEXT: "];
    let mut is_note = false;
    let worries = |line: &&str| {
        // A note may go on over indented lines.
        let goes_on = is_note && line.starts_with([' ', '\t']);
        is_note = goes_on || notes.iter().any(|it| line.starts_with(it));
        !is_note && !line.trim().is_empty()
    };
    said.lines().filter(worries).collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[track_caller]
    fn check(exit_code: i32, said: &str, expected: &str) {
        let status = ExitStatus::from_raw(exit_code << 8);
        let result = check_restore(&Finished { status, said: said.to_owned() });
        assert_eq!(result.err().map_or("ok", |it| it.code), expected);
    }

    #[test]
    fn t59_messages_are_classified_and_an_unknown_one_fails() {
        check(0, "", "ok");
        check(
            0,
            "WARNING:  database \"x\" has a collation version mismatch\nDETAIL:  It was\n  made",
            "ok",
        );
        check(0, "pg_restore: warning: something new", "restore-failed");
        check(1, "", "restore-failed");
        check(
            1,
            "pg_restore: error: could not execute query: ERROR:  role \"r1\" does not exist\n",
            "restore-role-missing",
        );
        check(
            1,
            "pg_restore: error: could not execute query: ERROR:  extension \"postgis\" is not available\n",
            "restore-extension-missing",
        );
        check(
            1,
            "pg_restore: error: could not execute query: ERROR:  must be owner of extension plpgsql\n",
            "restore-not-allowed",
        );
    }

    #[test]
    fn t56_a_client_that_is_newer_than_the_server_is_named_as_the_reason() {
        let said = "pg_restore: error: could not execute query: ERROR:  unrecognized configuration \
            parameter \"transaction_timeout\"\nCommand was: SET transaction_timeout = 0;\n";
        let status = ExitStatus::from_raw(1 << 8);
        let error = check_restore(&Finished { status, said: said.to_owned() }).unwrap_err();
        assert_eq!(error.code, "restore-failed");
        assert!(error.message.contains("newer major version"), "{error}");
        assert!(error.next.concat().contains("postgresql-client"), "{:?}", error.next);
    }
}
