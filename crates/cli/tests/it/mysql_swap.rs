//! A restored copy takes live's place on MySQL and MariaDB, where no database gets another name.

use std::process::{Command, Stdio};
use std::sync::Arc;

use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers, with_trigger_heads};
use raingauge_testkit::{Result, Run};

use crate::crash::is_full;
use crate::mysql_backup::Shop;
use crate::run::verdict;
use crate::tripwire::Paused;

/// Keys to itself and back and forth, a view of a view, two triggers of one event, and an event that would run.
const MORE: &str = "CREATE TABLE notes (id int PRIMARY KEY, about int, up int, body text, FULLTEXT KEY words (body),
  FOREIGN KEY (up) REFERENCES notes (id), CONSTRAINT about_book FOREIGN KEY (about) REFERENCES books (id) ON DELETE CASCADE, CHECK (up < 1000));
ALTER TABLE authors ADD COLUMN first_book int, ADD CONSTRAINT began_with FOREIGN KEY (first_book) REFERENCES books (id);
CREATE TABLE old (id int, v int) ENGINE=MyISAM;
INSERT INTO old VALUES (1, 1), (1, 1); UPDATE authors SET first_book = 1 WHERE id = 1; INSERT INTO notes VALUES (1, 1, NULL, 'some words'), (2, 2, 1, NULL);
CREATE VIEW cheapest AS SELECT id FROM cheap WHERE title <> '';
CREATE FUNCTION usual() RETURNS int DETERMINISTIC NO SQL RETURN 3;
CREATE TRIGGER priced BEFORE INSERT ON books FOR EACH ROW SET NEW.price = coalesce(NEW.price, usual());
CREATE TRIGGER after_note AFTER UPDATE ON notes FOR EACH ROW INSERT INTO old VALUES (NEW.id, 0);
CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE COMMENT 'it''s' DO DELETE FROM old WHERE id = 0;";

const SEQUENCE: &str = "CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 5;
CREATE TABLE tickets (id int PRIMARY KEY DEFAULT nextval(numbers), v int); INSERT INTO tickets (v) VALUES (1), (2);";

const HISTORY: &str = "CREATE TABLE prices (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING; INSERT INTO prices VALUES (1, 1);";

/// What users did after the backup: rows new, edited and deleted, and programs new, changed and gone.
const SINCE: &str = "INSERT INTO books (title) VALUES ('since'); UPDATE books SET price = 9 WHERE title = 'Two; -- \\\\'; DELETE FROM authors WHERE name = '';
CREATE TABLE new_one (id int PRIMARY KEY); INSERT INTO new_one VALUES (1);
CREATE TRIGGER newer BEFORE INSERT ON new_one FOR EACH ROW SET NEW.id = NEW.id + 1;
DROP TRIGGER priced; CREATE OR REPLACE VIEW cheap AS SELECT id, title, price FROM books WHERE price < 7; CREATE VIEW of_new AS SELECT id FROM new_one;
DROP FUNCTION one; CREATE FUNCTION one() RETURNS int DETERMINISTIC NO SQL RETURN 2; CREATE FUNCTION two() RETURNS int DETERMINISTIC NO SQL RETURN 2;
DROP PROCEDURE buy; ALTER EVENT yearly COMMENT 'other'; CREATE EVENT often ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO SET @a = 1;";

/// A lived-in database with a backup, a copy restored from it, and what users did since.
struct Rolled {
    shop: Shop,
    copy: MySqlDatabase,
    backup: String,
    /// Live and the copy as the server's own program writes them.
    before: [String; 2],
}

impl Rolled {
    fn new(shop: Shop, since: &str) -> Result<Self> {
        shop.database.sql(MORE)?;
        if shop.database.server.vendor == Vendor::MariaDb {
            shop.database.sql(SEQUENCE)?;
            // The dump program of 10.6 cannot write it.
            if shop.database.server.release.series != "10.6" {
                shop.database.sql(HISTORY)?;
            }
        }
        shop.run(&["backup", "--verify", "none"], 0)?;
        let [backup] = shop.backups().try_into().expect("there is one");
        let copy = shop.missing()?;
        shop.run(&["restore", &backup, "--to", &shop.url(&copy)], 0)?;
        shop.database.sql(since)?;
        let before = [text(&shop, &shop.database)?, text(&shop, &copy)?];
        assert_ne!(before[0], before[1]);
        Ok(Self { shop, copy, backup, before })
    }

    fn swap(&self, more: &[&str], code: i32) -> Result<Run> {
        let url = self.shop.url(&self.copy);
        let swap = [&["restore", &self.backup, "--to", &url, "--swap"], more].concat();
        self.shop.run(&swap, code)
    }

    fn killed_at(&self, boundary: &str) -> Result<Run> {
        let url = self.shop.url(&self.copy);
        let swap = ["restore", &self.backup, "--to", &url, "--swap", "--confirm"];
        Run::of(self.shop.command(&swap).env("RAINGAUGE_CRASH_AT", boundary))
    }

    /// The databases under whose names live was kept.
    fn kept(&self) -> Result<Vec<MySqlDatabase>> {
        let server = &self.shop.database.server;
        let like = self.shop.database.name.replace('_', "\\_");
        let sql = format!(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{like}\\_before\\_%'"
        );
        let names = server.sql("mysql", &sql)?;
        let database = |it: &str| MySqlDatabase { server: Arc::clone(server), name: it.to_owned() };
        Ok(names.lines().map(database).collect())
    }

    fn is_there(&self, database: &MySqlDatabase) -> Result<bool> {
        let sql = format!(
            "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '{}'",
            database.name
        );
        Ok(self.shop.database.sql(&sql)?.trim() == "1")
    }

    #[track_caller]
    fn is_untouched(&self) -> Result {
        assert_eq!(differs(&self.before[0], &text(&self.shop, &self.shop.database)?), None, "live");
        assert_eq!(differs(&self.before[1], &text(&self.shop, &self.copy)?), None, "the copy");
        assert_eq!(self.kept()?.len(), 0, "nothing is kept");
        Ok(())
    }

    /// The copy is live, and all that live had is in the database that keeps it, where no event runs.
    #[track_caller]
    fn is_swapped(&self) -> Result<MySqlDatabase> {
        let live = text(&self.shop, &self.shop.database)?;
        assert_eq!(differs(&self.before[1], &live), None, "live");
        let kept = self.kept()?.pop().expect("live is kept");
        let all = text(&self.shop, &kept)?;
        assert_eq!(differs(&asleep(&self.before[0]), &asleep(&all)), None, "what is kept");
        let running = "SELECT count(*) FROM information_schema.events WHERE event_schema = database() AND status = 'ENABLED'";
        assert_eq!(kept.sql(running)?.trim(), "0");
        assert!(!self.is_there(&self.copy)?, "its tables are live's now");
        Ok(kept)
    }
}

/// Everything in a database as the server's own program writes it.
fn text(shop: &Shop, database: &MySqlDatabase) -> Result<String> {
    Ok(with_trigger_heads(&shop.text(database)?))
}

/// The first line in which two texts differ.
fn differs(from: &str, to: &str) -> Option<(String, String)> {
    let ends = || std::iter::once("the end");
    let mut lines = from.lines().chain(ends()).zip(to.lines().chain(ends()));
    lines.find(|it| it.0 != it.1).map(|it| (it.0.to_owned(), it.1.to_owned()))
}

/// Without whether events run.
fn asleep(text: &str) -> String {
    text.replace(" DISABLE ", " ENABLE ")
}

/// A copy takes live's place, counted first, with everything of live kept.
pub(crate) fn takes_live_s_place(server: &Arc<MySql>) -> Result {
    let rolled = Rolled::new(Shop::on(server)?, SINCE)?;
    let (live, name) = (&rolled.shop.database, &rolled.shop.database.name);
    let reader = format!("`r{}`@'%'", live.name);
    live.sql(&format!(
        "CREATE USER {reader} IDENTIFIED BY 'pw-5531'; GRANT SELECT ON `{name}`.`books` TO {reader}; \
         GRANT EXECUTE ON FUNCTION `{name}`.`two` TO {reader}; REVOKE EXECUTE ON FUNCTION `{name}`.`two` FROM {reader}"
    ))?;
    let grants = live.sql(&format!("SHOW GRANTS FOR {reader}"))?;
    let shown = rolled.swap(&[], 1)?;
    let counts = |table: &str| -> Vec<_> {
        let line = shown.stdout.lines().find(|it| it.trim_start().starts_with(table));
        line.unwrap_or_default().split_whitespace().skip(1).collect()
    };
    let counted = [counts("books "), counts("authors "), counts("new_one ")];
    assert_eq!(counted, [["2", "1"], ["0", "1"], ["1", "0"]], "{shown}");
    assert!(shown.stdout.contains("warning[rows-since-backup] 3 rows"), "{shown}");
    rolled.is_untouched()?;

    let swapped = rolled.swap(&["--confirm"], 0)?;
    assert_eq!(verdict(&swapped), "restore: clean", "{swapped}");
    let kept = rolled.is_swapped()?;
    assert!(swapped.stdout.contains(&format!("keep live as {}", kept.name)), "{swapped}");
    assert_eq!(live.sql(&format!("SHOW GRANTS FOR {reader}"))?, grants, "rights go with the name");
    live.sql(&format!("DROP USER {reader}"))?;
    // Triggers, keys, counters and sequences work on both sides, each with its own tables.
    live.sql("INSERT INTO books (title, price) VALUES ('  next ', NULL)")?;
    assert_eq!(
        live.sql("SELECT id, title, price FROM books WHERE title = 'next'")?,
        "42\tnext\t3.00\n"
    );
    kept.sql("INSERT INTO new_one VALUES (7)")?;
    assert_eq!(kept.sql("SELECT max(id) FROM new_one")?, "8\n");
    assert_eq!(live.sql("SELECT count(*) FROM cheapest")?, "3\n");
    if server.vendor == Vendor::MariaDb {
        for it in [live, &kept] {
            it.sql("INSERT INTO tickets (v) VALUES (3)")?;
            assert!(!it.sql("SHOW CREATE TABLE tickets")?.contains(&rolled.copy.name));
        }
    }
    assert!(live.sql("UPDATE notes SET about = 77").is_err(), "its keys are those of live");
    Ok(())
}

#[test]
fn t63_a_copy_takes_live_s_place_on_mysql_with_all_its_programs() -> Result {
    for server in servers() {
        takes_live_s_place(&server)?;
    }
    Ok(())
}

/// Everything before the copy's tables appear in live.
const BEFORE: [&str; 9] = [
    "swap/begun",
    "swap/rehearsed",
    "swap/programs-stopped",
    "swap/live-renamed",
    "swap/live-bare",
    "swap/live-kept",
    "swap/live-counted",
    "swap/copy-moved",
    "swap/copy-ready",
];

const AFTER: [&str; 4] =
    ["swap/renamed", "swap/programs-made", "swap/kept-whole", "swap/copy-gone"];

/// Where a swap is killed, and then its way back.
const BACK: [(&str, &str); 4] = [
    ("swap/live-kept", "swap/live-on-its-way"),
    ("swap/copy-moved", "swap/copy-back"),
    ("swap/live-bare", "swap/live-on-its-way"),
    ("swap/copy-ready", "swap/live-back"),
];

/// All of them with `RAINGAUGE_FULL`, else every other one, those that the other vendor leaves out.
fn sampled<T: Copy>(all: &[T], server: &MySql) -> Vec<T> {
    let first = usize::from(server.vendor == Vendor::MySql);
    let is_taken = |n: usize| is_full() || n % 2 == first;
    all.iter().enumerate().filter(|it| is_taken(it.0)).map(|it| *it.1).collect()
}

/// Killed between any two steps, the next attempt makes everything as it was, or finishes.
fn is_taken_back_or_finished(server: &Arc<MySql>) -> Result {
    let rolled = Rolled::new(Shop::on(server)?, SINCE)?;
    for boundary in sampled(&BEFORE, server) {
        let killed = rolled.killed_at(boundary)?;
        assert!(killed.code != 0, "{boundary}: {killed}");
        let next = rolled.swap(&[], 1)?;
        let is_back = next.stdout.contains("take back a swap that was cut off");
        assert_eq!(is_back, boundary != "swap/begun", "{boundary}: {next}");
        rolled.is_untouched()?;
    }
    for (boundary, back) in sampled(&BACK, server) {
        rolled.killed_at(boundary)?;
        let refused = rolled.shop.run(&["migrate", "--confirm"], 1)?;
        assert!(refused.stderr.contains("error[run-interrupted]"), "{refused}");
        let killed = rolled.killed_at(back)?;
        assert!(killed.code != 0, "{boundary} {back}: {killed}");
        rolled.swap(&[], 1)?;
        rolled.is_untouched()?;
    }
    // Whatever somebody puts where live was, nothing is put over it.
    rolled.killed_at("swap/live-kept")?;
    rolled.shop.database.sql("CREATE TABLE books (id int)")?;
    let stuck = rolled.swap(&[], 3)?;
    assert!(stuck.stderr.contains("error[swap-failed]"), "{stuck}");
    assert!(stuck.stderr.contains("already exists"), "{stuck}");
    rolled.shop.database.sql("DROP TABLE books")?;
    rolled.swap(&[], 1)?;
    rolled.is_untouched()?;
    for boundary in sampled(&AFTER, server) {
        let rolled = Rolled::new(Shop::on(server)?, SINCE)?;
        let killed = rolled.killed_at(boundary)?;
        assert!(killed.code != 0, "{boundary}: {killed}");
        let next = rolled.swap(&[], 0)?;
        assert!(next.stdout.contains("finish a swap that was cut off"), "{boundary}: {next}");
        rolled.is_swapped()?;
    }
    Ok(())
}

#[test]
fn a_swap_on_mariadb_that_was_killed_is_taken_back_or_finished() -> Result {
    let is_it = |it: &Arc<MySql>| it.vendor == Vendor::MariaDb;
    servers().iter().filter(|it| is_it(it)).try_for_each(is_taken_back_or_finished)
}

#[test]
fn a_swap_on_mysql_that_was_killed_is_taken_back_or_finished() -> Result {
    let is_it = |it: &Arc<MySql>| it.vendor == Vendor::MySql;
    servers().iter().filter(|it| is_it(it)).try_for_each(is_taken_back_or_finished)
}

#[test]
fn rows_that_come_between_the_count_and_the_swap_on_mysql_undo_it() -> Result {
    for shop in Shop::all()? {
        let mut rolled = Rolled::new(shop, SINCE)?;
        let url = rolled.shop.url(&rolled.copy);
        let swap = ["restore", &rolled.backup, "--to", &url, "--swap", "--confirm"];
        let client = crate::mysql_backup::client(rolled.shop.database.server.release);
        let client = client.iter().flatten().map(String::as_str);
        let swap: Vec<_> = swap.into_iter().chain(client).collect();
        let paused = Paused::with(&rolled.shop.project, &swap, "swap/rehearsed")?;
        rolled.shop.database.sql("INSERT INTO notes VALUES (3, NULL, NULL, 'late')")?;
        let (code, said) = paused.said()?;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("error[plan-stale]"), "{said}");
        rolled.before[0] = text(&rolled.shop, &rolled.shop.database)?;
        assert!(rolled.before[0].contains("'late'"), "nothing is lost");
        rolled.is_untouched()?;
        rolled.swap(&["--confirm"], 0)?;
        rolled.is_swapped()?;
    }
    Ok(())
}

#[test]
fn nothing_is_swapped_on_mysql_under_somebodys_connection_or_lock() -> Result {
    for shop in Shop::all()? {
        let rolled = Rolled::new(shop, SINCE)?;
        let server = &rolled.shop.database.server;
        let name = &rolled.shop.database.name;
        let read = format!("BEGIN; SELECT count(*) FROM `{name}`.books; SELECT sleep(60)");
        for (database, said) in [(name.as_str(), "connection "), ("mysql", "stayed locked for 5 s")]
        {
            let mut other = Command::new("mariadb");
            let socket = format!("--socket={}", server.folder.join("socket").display());
            other.args(["--no-defaults", "--user=root", &socket, database, "--execute", &read]);
            other.stdin(Stdio::null()).stdout(Stdio::null());
            let mut other = other.spawn()?;
            let sleeps = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%'";
            while server.sql("mysql", sleeps)?.trim() == "0" {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            let refused = rolled.swap(&["--confirm"], 1)?;
            assert!(refused.stderr.contains("error[target-in-use]"), "{refused}");
            assert!(refused.stderr.contains(said), "{refused}");
            other.kill()?;
            other.wait()?;
            let ids = "SELECT concat('KILL ', id) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%'";
            let _ = server.sql("mysql", &server.sql("mysql", ids)?);
            rolled.is_untouched()?;
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_carried_on_mysql_is_said_before_and_counted_all_the_same() -> Result {
    for shop in Shop::all()? {
        let rolled = Rolled::new(shop, SINCE)?;
        let (live, server) = (&rolled.shop.database, &rolled.shop.database.server);
        let name = &live.name;
        let other = server.database("other")?;
        let account = format!("part{name}");
        other.sql(&format!("CREATE TABLE kid (id int PRIMARY KEY, b int, CONSTRAINT into_live FOREIGN KEY (b) REFERENCES `{name}`.books (id))"))?;
        let refused = rolled.swap(&["--confirm"], 1)?;
        assert!(refused.stdout.contains("error[swap-impossible]"), "{refused}");
        assert!(refused.stdout.contains("`into_live`"), "{refused}");
        assert!(refused.stdout.contains("warning[rows-since-backup] 3 rows"), "{refused}");
        assert!(
            refused.stdout.contains("give the applications the address of the copy"),
            "{refused}"
        );
        rolled.is_untouched()?;
        other.sql("DROP TABLE kid")?;

        // An account that may do everything here but in nobody's name, and one that lacks a right.
        let makes = format!(
            "CREATE USER `{account}`@'%' IDENTIFIED BY 'pw-5531'; GRANT ALL ON `{}`.* TO `{account}`@'%'; GRANT ALL ON `{name}%`.* TO `{account}`@'%'; \
             GRANT PROCESS ON *.* TO `{account}`@'%'; GRANT SELECT ON `mysql`.* TO `{account}`@'%'",
            rolled.copy.name
        );
        server.sql("mysql", &makes)?;
        if server.vendor == Vendor::MySql {
            server.sql("mysql", &format!("GRANT SHOW_ROUTINE ON *.* TO `{account}`@'%'"))?;
        }
        let to = server.url_as(&account, "pw-5531", &rolled.copy.name);
        let url = server.url_as(&account, "pw-5531", name);
        let swap = ["restore", &rolled.backup, "--to", &to, "--swap", "--url", &url, "--confirm"];
        let refused = rolled.shop.run(&swap, 1)?;
        assert!(refused.stderr.contains("error[swap-impossible]"), "{refused}");
        assert!(refused.stderr.contains("in the name of"), "{refused}");
        rolled.is_untouched()?;
        server.sql("mysql", &format!("REVOKE DROP ON `{name}%`.* FROM `{account}`@'%'"))?;
        let refused = rolled.shop.run(&swap, 1)?;
        let said = refused.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("has no DROP on all of `{name}`")), "{refused}");
        assert!(said.contains("\\_before\\_%`.* TO"), "where live would be kept: {refused}");
        assert!(refused.stdout.contains("GRANT DROP ON"), "{refused}");
        rolled.is_untouched()?;
        server.sql("mysql", &format!("DROP USER `{account}`@'%'"))?;

        let itself = ["restore", &rolled.backup, "--to", &rolled.shop.url(live), "--swap"];
        let refused = rolled.shop.run(&itself, 1)?;
        assert!(refused.stderr.contains("error[swap-elsewhere]"), "{refused}");
        rolled.copy.sql("UPDATE books SET title = 'tampered' WHERE id = 1")?;
        let refused = rolled.swap(&["--confirm"], 2)?;
        assert!(refused.stderr.contains("error[restore-differs]"), "{refused}");
    }
    Ok(())
}
