//! What `migrate` does to rows of MySQL and MariaDB that no statement names, what of it can be taken back, and what is asked
//! before.

use std::process::Stdio;
use std::time::{Duration, Instant};

use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use raingauge_testkit::{Project, Result, Run};

use crate::mysql_backup::client;
use crate::mysql_migrate::{migrate, of_migrations, write_history};
use crate::run::binary;
use crate::steps::says;

/// A database whose history begins with `setting`, with `rows`, and `pending` behind it.
struct Scene {
    project: Project,
    database: MySqlDatabase,
    setting: &'static str,
}

impl Scene {
    fn on(database: MySqlDatabase, setting: &'static str, rows: &str) -> Result<Self> {
        let project = of_migrations(&[("0000_all", setting)])?;
        let scene = Self { project, database, setting };
        scene.expect(&[], 0)?;
        scene.database.sql(rows)?;
        Ok(scene)
    }

    fn pending(&self, sql: &str) -> Result {
        write_history(&self.project, &[("0000_all", self.setting), ("0001_more", sql)])
    }

    #[track_caller]
    fn expect(&self, more: &[&str], code: i32) -> Result<Run> {
        let client = client(self.database.server.release);
        let client: Vec<_> = client.iter().flatten().map(String::as_str).collect();
        let run = migrate(&self.project, &self.database, &[more, &client].concat())?;
        assert_eq!(run.code, code, "{:?} {run}", self.database.server.vendor);
        Ok(run)
    }

    fn value(&self, query: &str) -> Result<String> {
        Ok(self.database.sql(query)?.trim_end().to_owned())
    }
}

const NOTES: &str =
    "CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY, `n` int);--> statement-breakpoint
CREATE TABLE `rooms` (`id` int NOT NULL PRIMARY KEY);--> statement-breakpoint
CREATE PROCEDURE `touches`() UPDATE `notes` SET `n` = 0;";
const THREE: &str = "INSERT INTO notes VALUES (1, 1), (2, 2), (3, 3)";

#[test]
fn t47_values_that_nobody_named_are_not_overwritten_on_mysql() -> Result {
    for server in servers() {
        let scene = Scene::on(server.database("values")?, NOTES, THREE)?;
        scene.pending(
            "INSERT INTO `rooms` VALUES (1);--> statement-breakpoint\nCALL `touches`();",
        )?;
        let refused = scene.expect(&[], 1)?;
        says(
            &refused,
            &["error[rows-changed]", "values in the 3 rows of `notes`", "--allow update:notes"],
        );
        let sums = "SELECT (SELECT sum(n) FROM notes), (SELECT count(*) FROM rooms)";
        assert_eq!(scene.value(sums)?, "6\t0");
        scene.expect(&["--allow", "update:notes"], 0)?;
        assert_eq!(scene.value(sums)?, "0\t1");
    }
    Ok(())
}

#[test]
fn t47_references_that_are_set_null_and_what_a_trigger_changes_are_told_on_mysql() -> Result {
    const SETTING: &str = "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY);--> statement-breakpoint
CREATE TABLE `kept` (`id` int NOT NULL PRIMARY KEY, `book` int, CONSTRAINT `of` FOREIGN KEY (`book`) REFERENCES `books` (`id`) ON DELETE SET NULL);--> statement-breakpoint
CREATE TABLE `counts` (`n` int);--> statement-breakpoint
CREATE TRIGGER `counting` AFTER DELETE ON `books` FOR EACH ROW UPDATE `counts` SET `n` = `n` - 1;";
    for server in servers() {
        let rows = "INSERT INTO books VALUES (1), (2); INSERT INTO kept VALUES (1, 1), (2, 2); INSERT INTO counts VALUES (2)";
        let scene = Scene::on(server.database("follows")?, SETTING, rows)?;
        scene.pending("DELETE FROM `books` WHERE `id` = 1;")?;
        let done = scene.expect(&["--allow", "delete:books"], 0)?;
        says(
            &done,
            &[
                "values of `kept` changed with those of another table",
                "values of `counts` changed, set off by a trigger",
            ],
        );
        assert_eq!(scene.value("SELECT count(book), count(*) FROM kept")?, "1\t2");
    }
    Ok(())
}

#[test]
fn rows_that_others_write_meanwhile_raise_no_alarm_on_mysql() -> Result {
    for server in servers() {
        let scene = Scene::on(server.database("others")?, NOTES, THREE)?;
        // Nobody knows what such a statement does, so every table is compared.
        scene.pending("DO sleep(3);")?;
        let url = server.url(&scene.database.name);
        let mut command = binary().command(&scene.project.root, &["migrate", "--url", &url]);
        if let Some([flag, folder]) = client(server.release) {
            command.args([flag, folder]);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let since = Instant::now();
        let sleeping = format!(
            "SELECT count(*) FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'DO sleep%'",
            scene.database.name
        );
        while scene.value(&sleeping)? == "0" && since.elapsed() < Duration::from_secs(200) {
            std::thread::sleep(Duration::from_millis(50));
        }
        scene.database.sql("DELETE FROM notes WHERE id < 3; UPDATE notes SET n = 7")?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{:?} {said}", server.vendor);
        assert_eq!(scene.value("SELECT sum(n) FROM notes")?, "7");
    }
    Ok(())
}

#[test]
fn what_a_called_change_of_the_structure_has_committed_is_not_called_rolled_back() -> Result {
    const SETTING: &str = "CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY, `n` int);--> statement-breakpoint
CREATE TABLE `t` (`id` int);--> statement-breakpoint
CREATE PROCEDURE `commits`() BEGIN UPDATE `notes` SET `n` = 0; DROP TABLE IF EXISTS `nowhere`; END;";
    for server in servers() {
        let scene = Scene::on(server.database("commits")?, SETTING, THREE)?;
        scene.pending("CALL `commits`();")?;
        let stopped = scene.expect(&[], 3)?;
        let said = stopped.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "error[rows-changed]: values in the 3 rows of `notes` have changed",
            "not all was rolled back",
            "what live was before this run is in the verified backup",
            "restore BACKUP --to URL",
        ] {
            assert!(said.contains(part), "{:?}: {part}: {stopped}", server.vendor);
        }
        assert!(!said.contains("the migration was rolled back"), "{stopped}");
        assert_eq!(scene.value("SELECT sum(n) FROM notes")?, "0");
    }
    Ok(())
}

#[test]
fn rows_that_a_change_of_the_structure_takes_are_noticed_and_the_backup_is_named() -> Result {
    const SETTING: &str = "CREATE TABLE `parts` (`id` int NOT NULL) PARTITION BY RANGE (`id`) (PARTITION `p0` VALUES LESS THAN (10), PARTITION `p1` VALUES LESS THAN MAXVALUE);--> statement-breakpoint
CREATE TABLE `other` (`id` int NOT NULL);";
    for vendor in Vendor::ALL {
        // A server of its own: on this one nobody else writes anything.
        let Ok(server) = MySql::start(vendor) else { continue };
        let server = std::sync::Arc::new(server);
        let rows = "INSERT INTO parts VALUES (1), (2), (11)";
        let scene = Scene::on(server.database("exchange")?, SETTING, rows)?;
        scene.pending("ALTER TABLE `parts` EXCHANGE PARTITION `p0` WITH TABLE `other`;")?;
        let stopped = scene.expect(&[], 3)?;
        let said = stopped.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "error[rows-lost]: `parts` had 3 rows and has 1",
            "nothing was rolled back",
            "what live was before this run is in the verified backup",
        ] {
            assert!(said.contains(part), "{vendor:?}: {part}: {stopped}");
        }
        assert_eq!(
            scene.value("SELECT (SELECT count(*) FROM parts), (SELECT count(*) FROM other)")?,
            "1\t2"
        );
        // It is noted: the next run goes on behind it.
        scene.expect(&[], 0)?;
    }
    Ok(())
}

#[test]
fn t34_rights_that_a_later_statement_needs_are_asked_for_before_the_first_one_is_committed()
-> Result {
    const PENDING: &str = "ALTER TABLE `notes` ADD COLUMN `more` int;--> statement-breakpoint
CREATE VIEW `few` AS SELECT `id` FROM `notes`;--> statement-breakpoint
DROP TABLE `rooms`;";
    for server in servers() {
        let scene = Scene::on(server.database("t34")?, NOTES, THREE)?;
        scene.pending(PENDING)?;
        let name = &scene.database.name;
        let account = format!("half_{name}");
        let reads = match server.vendor {
            Vendor::MariaDb => "SELECT ON mysql.*",
            Vendor::MySql => "SHOW_ROUTINE ON *.*",
        };
        let held = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES, SHOW VIEW, TRIGGER, EVENT, EXECUTE";
        server.sql(
            "mysql",
            &format!(
                "CREATE USER {account}@'%' IDENTIFIED BY 'x'; GRANT {held} ON `{name}`.* TO {account}@'%'; GRANT {reads} TO {account}@'%'; \
                 GRANT ALL ON `raingauge\\_scratch\\_%`.* TO {account}@'%'"
            ),
        )?;
        let url = server.url_as(&account, "x", name);
        let arguments = ["migrate", "--url", &url, "--allow", "drop:rooms"];
        let refused = binary().run(&scene.project.root, &arguments)?;
        assert_eq!(refused.code, 1, "{:?} {refused}", server.vendor);
        let said = format!("{} {}", refused.stdout, refused.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "error[rights-missing]",
            "it lacks CREATE VIEW, DROP on",
            "CREATE VIEW: `0001_more`, line 2: CREATE VIEW",
            "DROP: `0001_more`, line 3: DROP TABLE",
            &format!("GRANT CREATE VIEW, DROP ON `{name}`.* TO"),
        ] {
            assert!(said.contains(part), "{:?}: {part}: {refused}", server.vendor);
        }
        assert_eq!(scene.value("SHOW COLUMNS FROM notes LIKE 'more'")?, "");
        server.sql("mysql", &format!("DROP USER {account}@'%'"))?;
    }
    Ok(())
}

#[test]
fn a_table_without_transactions_needs_a_word_and_a_backup_and_what_stays_there_is_said() -> Result {
    const SETTING: &str =
        "CREATE TABLE `visits` (`id` int NOT NULL) ENGINE=MyISAM;--> statement-breakpoint
CREATE TABLE `rooms` (`id` int NOT NULL PRIMARY KEY);";
    const PENDING: &str = "INSERT INTO `visits` VALUES (4);--> statement-breakpoint
INSERT INTO `rooms` VALUES (1);--> statement-breakpoint
INSERT INTO `rooms` SELECT `id` FROM `visits` WHERE `id` < 4;";
    for server in servers() {
        let scene =
            Scene::on(server.database("engines")?, SETTING, "INSERT INTO visits VALUES (1)")?;
        scene.pending(PENDING)?;
        let refused = scene.expect(&[], 1)?;
        says(
            &refused,
            &["error[engine-not-transactional]", "`visits`", "MyISAM", "--allow engine:visits"],
        );
        let counts = "SELECT (SELECT count(*) FROM visits), (SELECT count(*) FROM rooms)";
        assert_eq!(scene.value(counts)?, "1\t0");
        let failed = scene.expect(&["--allow", "engine:visits"], 3)?;
        let said = format!("{} {}", failed.stdout, failed.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "error[migration-failed]",
            "what it did to `visits`, whose engine has no transactions, stays",
            "what live was before this run is in the verified backup",
        ] {
            assert!(said.contains(part), "{:?}: {part}: {failed}", server.vendor);
        }
        assert_eq!(scene.value(counts)?, "2\t0");
        scene.database.sql("DELETE FROM visits")?;
        let done = scene.expect(&["--allow", "engine:visits"], 0)?;
        says(&done, &["take and verify backup"]);
        assert_eq!(scene.value(counts)?, "1\t1");
        // Statements about other tables need no word.
        write_history(
            &scene.project,
            &[
                ("0000_all", SETTING),
                ("0001_more", PENDING),
                ("0002_next", "INSERT INTO `rooms` VALUES (2);"),
            ],
        )?;
        scene.expect(&[], 0)?;
    }
    Ok(())
}

#[test]
fn an_engine_that_keeps_no_rows_needs_a_word() -> Result {
    for server in servers() {
        let scene = Scene::on(server.database("memory")?, NOTES, THREE)?;
        scene.pending("ALTER TABLE `notes` ENGINE=MEMORY;")?;
        let refused = scene.expect(&[], 1)?;
        says(&refused, &["error[engine-not-transactional]", "`notes`", "--allow engine:notes"]);
        assert!(scene.value("SHOW CREATE TABLE notes")?.contains("ENGINE=InnoDB"));
        let done = scene.expect(&["--allow", "engine:notes"], 0)?;
        says(&done, &["take and verify backup"]);
    }
    Ok(())
}

#[test]
fn rows_that_do_not_fit_are_counted_before_anything_is_written_on_mysql() -> Result {
    const SETTING: &str = "CREATE TABLE `books` (`id` int NOT NULL PRIMARY KEY, `title` varchar(20), `isbn` int, `kind` enum('a','b'));--> statement-breakpoint
CREATE TABLE `notes` (`id` int NOT NULL PRIMARY KEY, `book` int);";
    const ROWS: &str = "INSERT INTO books VALUES (1, 'Emma', 300, 'a'), (2, 'Emma', 7, 'b'), (3, NULL, 7, 'b'); \
        INSERT INTO notes VALUES (1, 1), (2, 9), (3, NULL)";
    const PENDING: &str =
        "ALTER TABLE `books` MODIFY COLUMN `title` varchar(3) NOT NULL;--> statement-breakpoint
ALTER TABLE `books` ADD CONSTRAINT `twice` UNIQUE (`title`);--> statement-breakpoint
CREATE UNIQUE INDEX `begins` ON `books` (`isbn` DESC, `title`(2));--> statement-breakpoint
ALTER TABLE `books` ADD CONSTRAINT `small` CHECK (`id` < 3);--> statement-breakpoint
ALTER TABLE `books` MODIFY COLUMN `isbn` tinyint;--> statement-breakpoint
ALTER TABLE `books` MODIFY COLUMN `kind` enum('a');--> statement-breakpoint
ALTER TABLE `books` ADD COLUMN `shelf` varchar(9) NOT NULL;--> statement-breakpoint
ALTER TABLE `notes` ADD CONSTRAINT `of` FOREIGN KEY (`book`) REFERENCES `books` (`id`);";
    const ALLOWED: [&str; 6] = [
        "--allow",
        "retype:books.title",
        "--allow",
        "retype:books.isbn",
        "--allow",
        "retype:books.kind",
    ];
    for server in servers() {
        let scene = Scene::on(server.database("fit")?, SETTING, ROWS)?;
        scene.pending(PENDING)?;
        let before = scene.database.dump(&[])?;
        let refused = scene.expect(&ALLOWED, 1)?;
        says(
            &refused,
            &[
                "error[rows-refuse]",
                "1 rows of table books have NULL in column books.title",
                "2 values of column books.title do not fit its new type",
                "1 values of column books.isbn do not fit its new type",
                "2 values of column books.kind do not fit its new type",
                "1 values are there more than once, against the new index books.twice",
                "1 rows of table books break the new check",
                "1 rows of table notes refer to rows that are not there",
                "`--allow try:0001_more`, and it stops",
            ],
        );
        assert_eq!(scene.database.dump(&[])?, before);
        let url = server.url(&scene.database.name);
        let status = binary().run(&scene.project.root, &["status", "--url", &url])?;
        says(&status, &["error[rows-refuse]", "2 values of column books.kind"]);
        // With rows that fit nothing is in the way, also where a new column has no default.
        scene.database.sql(
            "DELETE FROM notes WHERE id = 2; DELETE FROM books WHERE id > 1; UPDATE books SET title = 'Em ', isbn = 7",
        )?;
        scene.expect(&ALLOWED, 0)?;
        assert_eq!(scene.value("SELECT count(*) FROM books WHERE shelf = ''")?, "1");
    }
    Ok(())
}
