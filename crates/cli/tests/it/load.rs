//! `migrate` beside traffic: others are never in its way for good, and it is in nobody's way for long.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use raingauge_testkit::{Database, Example, Failure, Project, Result};

use crate::crash::is_full;
use crate::run::binary;
use crate::steps::{BOOKS, with_pending, write_history};

/// A request as an application makes it: it reads a row and changes one.
const REQUEST: &str = "\\set id random(1, 5000)
SELECT title FROM books WHERE id = :id;
UPDATE books SET title = title || '' WHERE id = :id;
";

/// The traffic of this test: requests in a second, for so many seconds.
fn rate() -> (u32, u32) {
    if is_full() { (700, 40) } else { (60, 12) }
}

/// A transaction of somebody's that reads for a while: whoever waits for it has a queue behind.
const SLOW: &str = "BEGIN; SELECT count(*) FROM books; SELECT pg_sleep(2); COMMIT;\n";

/// How often a statement was seen waiting for what the slow transactions hold, each line one look.
const LOOK: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' \\watch 0.2\n";

fn psql(project: &Project) -> Result<Command> {
    match &project.database {
        Database::Postgres(it) => Ok(it.server.psql(&it.name)),
        Database::Sqlite(_) => Err(Failure::new("not PostgreSQL")),
    }
}

fn pgbench(project: &Project) -> Result<Command> {
    let Database::Postgres(it) = &project.database else {
        return Err(Failure::new("not PostgreSQL"));
    };
    let (rate, seconds) = rate();
    let mut command = it.server.client("pgbench");
    command.args(["--no-vacuum", "--client=8", "--jobs=2", "--log", "--log-prefix=traffic"]);
    command.args([
        format!("--rate={rate}"),
        format!("--time={seconds}"),
        "--file=request.sql".to_owned(),
    ]);
    command.arg(it.server.socket_url(&it.name)).current_dir(&project.root);
    Ok(command)
}

/// Somebody who runs these statements until [`ended`].
fn beside(project: &Project, sql: &str) -> Result<Child> {
    let mut command = psql(project)?;
    command.args(["--no-align", "--tuples-only"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().expect("stdin is piped").write_all(sql.as_bytes())?;
    Ok(child)
}

fn ended(mut child: Child) -> Result<String> {
    child.kill()?;
    let mut said = String::new();
    child.stdout.take().expect("stdout is piped").read_to_string(&mut said)?;
    child.wait()?;
    Ok(said)
}

/// The longest that a request took once it had begun, in milliseconds, and how many there were.
fn longest(project: &Project) -> Result<(u64, u32)> {
    let (mut longest, mut n) = (0, 0);
    for entry in std::fs::read_dir(&project.root)? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("traffic")) {
            continue;
        }
        for line in std::fs::read_to_string(&path)?.lines() {
            // client, number, latency since it should have begun, file, time, microseconds, lag before it began
            let numbers: Vec<u64> = line.split(' ').filter_map(|it| it.parse().ok()).collect();
            let lag = numbers.get(6).copied().unwrap_or(0);
            longest = longest.max(numbers.get(2).copied().unwrap_or(0).saturating_sub(lag) / 1000);
            n += 1;
        }
    }
    Ok((longest, n))
}

#[test]
fn t41_no_request_waits_longer_than_the_lock_timeout_and_a_second() -> Result {
    let first = "ALTER TABLE books ADD COLUMN shelf text;";
    let project = with_pending(Example::BookstorePostgres, first)?;
    let all = [
        ("0000_books", BOOKS),
        ("0001_more", first),
        ("0002_index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS titles ON books (title);"),
        ("0003_notes", "CREATE TABLE notes (id integer, book integer REFERENCES books);"),
        ("0004_default", "ALTER TABLE books ALTER COLUMN shelf SET DEFAULT 'A';"),
    ];
    write_history(&project, &all)?;
    project.database.sql(
        "INSERT INTO books SELECT n, n::text FROM generate_series(1, 5000) n; ANALYZE books",
    )?;
    project.write("request.sql", REQUEST)?;
    let traffic = pgbench(&project)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    std::thread::sleep(Duration::from_secs(2));
    // They go on until it is done, so that it has to get by them however long it takes to begin.
    let slow = beside(&project, &SLOW.repeat(200))?;
    let witness = beside(&project, LOOK)?;
    let migrated = binary().run(&project.root, &["migrate", "--wait", "120"])?;
    ended(slow)?;
    let n_waits = ended(witness)?.lines().filter(|it| matches!(it.trim(), "1" | "2")).count();
    assert_eq!(migrated.code, 0, "{migrated}");
    assert!(0 < n_waits, "nothing was in its way, so that this shows nothing");
    let output = traffic.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let ((longest, n), (rate, seconds)) = (longest(&project)?, rate());
    println!(
        "{n} requests in {seconds} s, the longest took {longest} ms; {n_waits} looks at a wait"
    );
    assert!(longest < 1500, "a request took {longest} ms of {n}: {said}");
    assert!(rate * seconds / 2 < n, "{n} requests: {said}");
    let missed = "this machine is too busy to say anything of 500 requests a second";
    assert!(!is_full() || 500 * seconds <= n, "{n} requests in {seconds} s: {missed}");
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "5000");
    Ok(())
}
