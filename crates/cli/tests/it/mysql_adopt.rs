//! A database of MySQL or MariaDB that an init.sql made, adopted: what is seen, what is written, and what the real
//! drizzle-kit and drizzle-orm make of it.

use std::sync::Arc;

use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};
use raingauge_testkit::{Project, Raingauge, Result, Run, judge};

use crate::crash::is_full;
use crate::mysql::{declare, project};
use crate::mysql_corpus::pairs;
use crate::run::{binary, verdict};

const CONFIG: &str = r#"import { defineConfig } from "drizzle-kit";
export default defineConfig({ dialect: "mysql", schema: "./src/db/schema.ts", out: "./drizzle", dbCredentials: { url: process.env.DATABASE_URL! } });
"#;

/// As `mysqldump` and people write it.
const INIT: &str = r#"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `shop`;

DROP TABLE IF EXISTS `books`;
CREATE TABLE `books` (
  `id` int NOT NULL AUTO_INCREMENT,
  `author_id` int DEFAULT NULL,
  `title` varchar(300) NOT NULL,
  `price` decimal(10,2) DEFAULT '0.00',
  `weight` float DEFAULT NULL,
  `cover` varbinary(20) DEFAULT NULL,
  `updated_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  KEY `books_title` (`title`(20)),
  KEY `books_author` (`author_id`),
  CONSTRAINT `books_author_fk` FOREIGN KEY (`author_id`) REFERENCES `authors` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `authors` (
  `id` int NOT NULL AUTO_INCREMENT,
  `name` varchar(200) NOT NULL,
  `kind` enum('human','other') NOT NULL DEFAULT 'human',
  `mentor` int DEFAULT NULL,
  `born` timestamp NULL DEFAULT NULL,
  `notes` text,
  PRIMARY KEY (`id`),
  UNIQUE KEY `authors_name` (`name`),
  KEY `authors_mentor` (`mentor`),
  CONSTRAINT `authors_mentor_fk` FOREIGN KEY (`mentor`) REFERENCES `authors` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='who wrote it; all of them';
INSERT INTO `authors` VALUES
  (0,'Nobody','other',2,NULL,'a zero that stays one'),
  (1,'Ada','human',2,'2001-02-03 04:05:06','it''s a \\ back'),
  (2,'Bob','human',NULL,NULL,NULL),
  (3,'Zoë','other',1,NULL,'two\r\nlines --> statement-breakpoint');
INSERT INTO `books` (`id`,`author_id`,`title`,`price`,`weight`,`cover`) VALUES
  (1,1,'One',1.50,0.1,x'00FF'),(2,2,'Two',NULL,NULL,NULL);

/*!50003 SET @saved_sql_mode = @@sql_mode */ ;
/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`app`@`%`*/ /*!50003 TRIGGER `books_bi` BEFORE INSERT ON `books` FOR EACH ROW BEGIN
  IF NEW.title <> '' THEN
    SET NEW.title = concat(NEW.title, '!');
  END IF;
END */;;
DELIMITER ;
/*!50003 SET sql_mode = @saved_sql_mode */ ;
create trigger  authors_bu
before update on authors for each row set new.name = trim(new.name);
DELIMITER //
CREATE PROCEDURE raise_prices(IN pct INT)
BEGIN
  UPDATE books SET price = price * (1 + pct / 100);
  SELECT 'done; really';
END//
CREATE FUNCTION n_books(a INT) RETURNS INT DETERMINISTIC READS SQL DATA
BEGIN
  RETURN (SELECT count(*) FROM books WHERE author_id = a);
END//
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM books WHERE title = ''//
DELIMITER ;
CREATE VIEW cheap AS SELECT id, title FROM books WHERE price < 5;
CREATE VIEW authors_with_books AS SELECT a.name, n_books(a.id) AS n FROM authors a JOIN cheap c ON c.id = a.id;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
"#;

/// What happened since.
const LIVED: &str =
    "INSERT INTO authors (name) VALUES ('Cleo'); UPDATE authors SET name = 'Robert' WHERE id = 2;
DELETE FROM books WHERE id = 1; INSERT INTO books (author_id, title) VALUES (4, 'Four');
GRANT SELECT ON cheap TO app@'%';";

/// What live has.
pub(crate) const SCHEMA: &str = r#"export const authors = mysqlTable("authors", {
  id: int("id").autoincrement().primaryKey(),
  name: varchar("name", { length: 200 }).notNull(),
  kind: mysqlEnum("kind", ["human", "other"]).default("human").notNull(),
  mentor: int("mentor"),
  born: timestamp("born"),
  notes: text("notes"),
}, (t) => [uniqueIndex("authors_name").on(t.name), index("authors_mentor").on(t.mentor),
  foreignKey({ name: "authors_mentor_fk", columns: [t.mentor], foreignColumns: [t.id] })]);
export const books = mysqlTable("books", {
  id: int("id").autoincrement().primaryKey(),
  authorId: int("author_id"),
  title: varchar("title", { length: 300 }).notNull(),
  price: decimal("price", { precision: 10, scale: 2 }).default("0.00"),
  weight: float("weight"),
  cover: varbinary("cover", { length: 20 }),
  updatedAt: timestamp("updated_at").defaultNow().onUpdateNow(),
}, (t) => [index("books_author").on(t.authorId),
  foreignKey({ name: "books_author_fk", columns: [t.authorId], foreignColumns: [authors.id] }).onDelete("cascade")]);
"#;

/// What live does not have yet.
pub(crate) const USERS: &str = r#"export const users = mysqlTable("users", { id: int("id").autoincrement().primaryKey(), email: varchar("email", { length: 190 }).notNull() }, (t) => [uniqueIndex("users_email").on(t.email)]);
"#;

const IMPORTS: &str = "import { float, foreignKey, varbinary } from \"drizzle-orm/mysql-core\";\n";

/// A project whose database init.sql made, and that has lived.
pub(crate) fn lived(database: &MySqlDatabase, generation: u8, tables: &str) -> Result<Project> {
    let project = project(generation, "")?;
    if generation == 0 {
        project.install_mysql_0()?;
    }
    project.write("drizzle.config.ts", CONFIG)?;
    project.write("db/init.sql", INIT)?;
    declare(&project, &format!("{IMPORTS}{tables}"))?;
    let url = database.server.url(&database.name);
    project.write(".env", &format!("DATABASE_URL={url}\n"))?;
    // It was called otherwise when init.sql was written.
    let here = INIT.replace("`shop`", &format!("`{}`", database.name));
    database.sql(&here)?;
    database.sql(LIVED)?;
    Ok(project)
}

/// A project whose database is for the test to fill.
pub(crate) fn lived_nothing(
    database: &MySqlDatabase,
    generation: u8,
    tables: &str,
) -> Result<Project> {
    let project = project(generation, "")?;
    if generation == 0 {
        project.install_mysql_0()?;
    }
    project.write("drizzle.config.ts", CONFIG)?;
    declare(&project, &format!("{IMPORTS}{tables}"))?;
    let url = database.server.url(&database.name);
    project.write(".env", &format!("DATABASE_URL={url}\n"))?;
    Ok(project)
}

/// Runs a command with the dump program of the server's flavour.
pub(crate) fn run_with(
    raingauge: &Raingauge,
    project: &Project,
    server: &MySql,
    arguments: &[&str],
) -> Result<Run> {
    let mut all = arguments.to_vec();
    let folder = server.release.client_folder()?.map(|it| it.display().to_string());
    if let Some(folder) = &folder {
        all.extend(["--pg-client", folder]);
    }
    raingauge.run(&project.root, &all)
}

#[track_caller]
pub(crate) fn run(project: &Project, server: &MySql, arguments: &[&str], code: i32) -> Result<Run> {
    let run = run_with(&binary(), project, server, arguments)?;
    assert_eq!(run.code, code, "{:?} {arguments:?}: {run}", server.vendor);
    Ok(run)
}

/// A command that is refused with a finding, and after which everything is as it was.
fn refused(
    project: &Project,
    database: &MySqlDatabase,
    arguments: &[&str],
    code: &str,
) -> Result<Run> {
    let (before, files) = (all_of(database)?, history_of(project)?);
    let run = run(project, &database.server, arguments, 1)?;
    assert!(run.stdout.contains(&format!("error[{code}]")), "{code}: {run}");
    assert_eq!(all_of(database)?, before);
    assert_eq!(history_of(project)?, files, "something was written");
    Ok(run)
}

/// The files of the migrations folder, and of certificates.
fn history_of(project: &Project) -> Result<Vec<String>> {
    let files = project.files()?.into_keys();
    Ok(files.filter(|it| it.starts_with("drizzle/") || it.starts_with("raingauge/")).collect())
}

/// Everything in the database, rows included.
fn all_of(database: &MySqlDatabase) -> Result<String> {
    database.dump(&["--skip-extended-insert"])
}

#[test]
fn all_sides_are_compared_and_nothing_is_written() -> Result {
    for server in servers() {
        let database = server.database("sides")?;
        let project = lived(&database, 0, &format!("{SCHEMA}{USERS}"))?;
        let (before, files) = (all_of(&database)?, project.files()?);
        let told = run(&project, &server, &["analyze"], 1)?;
        assert_eq!(verdict(&told), "analyze: differences", "{told}");
        assert!(told.stdout.contains("error[not-adopted]"), "{told}");
        assert!(told.stdout.contains("next: raingauge execute"), "{told}");
        assert!(!told.stdout.contains("init-sql-other-database"), "{told}");
        for line in [
            "authors  4          3          1       0        1",
            "books    2          1          0       1        1",
            "table users              missing in live",
            "index books.books_title  only in live",
            "trigger books.books_bi",
            "procedure raise_prices",
            "event tidy",
            "view authors_with_books",
        ] {
            assert!(told.stdout.contains(line), "{line}: {told}");
        }
        assert_eq!(all_of(&database)?, before);
        assert_eq!(project.files()?, files, "something was written");
    }
    Ok(())
}

/// Adopts a lived-in database with its pending table, and asks the real kit; then everything is built anew.
pub(crate) fn is_taken_all_the_way(server: &Arc<MySql>, generation: u8) -> Result {
    let database = server.database("adopted")?;
    let project = lived(&database, generation, &format!("{SCHEMA}{USERS}"))?;
    let before = all_of(&database)?;
    run(&project, server, &["execute", "--confirm"], 0)?;
    let ledger = "SELECT count(*), count(created_at) FROM __drizzle_migrations";
    assert_eq!(database.sql(ledger)?.trim(), "3\t3");
    assert_eq!(database.sql("SELECT count(*) FROM users")?.trim(), "0");
    let new = ["users", "__drizzle_migrations"];
    let new = new.map(|it| format!("--ignore-table={}.{it}", database.name));
    let rest = database.dump(&["--skip-extended-insert", &new[0], &new[1]])?;
    assert_eq!(rest, before, "something else was touched");
    let said = judge::mysql::verdict(&project, &database, &["authors", "books"])?;
    assert!(said.is_good(), "{:?} {generation}\n{said}", server.vendor);
    let files = project.files()?;
    let again = run(&project, server, &["execute", "--confirm"], 0)?;
    assert_eq!(verdict(&again), "execute: clean", "{again}");
    assert_eq!(project.files()?, files);
    // What `migrate` builds from nothing is the same.
    let fresh = server.database("anew")?;
    run(&project, server, &["migrate", "--confirm", "--url", &server.url(&fresh.name)], 0)?;
    assert_eq!(fresh.structure()?, database.structure()?);
    Ok(())
}

#[test]
fn execute_takes_a_lived_database_all_the_way_and_the_real_kit_finds_everything_in_order() -> Result
{
    for (server, generation) in pairs() {
        is_taken_all_the_way(&server, generation)?;
    }
    Ok(())
}

#[test]
fn an_adoption_that_dies_is_gone_on_with_and_no_row_is_there_before_the_files() -> Result {
    for server in servers() {
        let database = server.database("killed")?;
        let project = lived(&database, 0, SCHEMA)?;
        run(&project, &server, &["analyze"], 1)?;
        let boundaries = match server.vendor {
            _ if is_full() => &["rows-inserted", "file-3", "committed"][..],
            Vendor::MariaDb => &["rows-inserted"],
            Vendor::MySql => &["committed"],
        };
        for boundary in boundaries {
            let dying = binary().env("RAINGAUGE_CRASH_AT", &format!("reconcile/{boundary}"));
            let died = run_with(&dying, &project, &server, &["reconcile", "--confirm"])?;
            assert_eq!(died.code, -6, "did not die at {boundary}: {died}");
            let rows = database
                .sql("SELECT count(*) FROM __drizzle_migrations")
                .unwrap_or_else(|_| "0".to_owned());
            let expected = if *boundary == "committed" { "2" } else { "0" };
            assert_eq!(rows.trim(), expected, "{:?} after {boundary}", server.vendor);
            // Before anything was changed there is nothing to go on with.
            let resume = ["reconcile", "--confirm", "--resume"];
            let resumed = run_with(&binary(), &project, &server, &resume)?;
            assert_eq!(resumed.code, 0, "{boundary}: {resumed}");
            let clean = run(&project, &server, &["execute", "--confirm"], 0)?;
            assert_eq!(verdict(&clean), "execute: clean", "{boundary}: {clean}");
            database.sql("DROP TABLE __drizzle_migrations")?;
            for folder in ["drizzle", "raingauge"] {
                std::fs::remove_dir_all(project.path(folder))?;
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_not_the_database_that_was_meant_or_cannot_be_seen_is_refused() -> Result {
    for server in servers() {
        let database = server.database("meant")?;
        let project = lived(&database, 0, SCHEMA)?;
        let to = |database: &MySqlDatabase| server.url(&database.name);
        let confirm = |url: &str| -> Vec<String> {
            ["execute", "--confirm", "--url", url].map(str::to_owned).to_vec()
        };
        let check = |other: &MySqlDatabase, url: &str, code: &str| {
            let arguments = confirm(url);
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            refused(&project, other, &arguments, code)
        };
        // T08, T66.
        let empty = server.database("empty")?;
        check(&empty, &to(&empty), "database-empty")?;
        let other = server.database("other")?;
        other.sql("CREATE TABLE orders (id int PRIMARY KEY)")?;
        check(&other, &to(&other), "schema-unrelated")?;
        // T22, T34.
        let (name, account) = (&database.name, format!("half_{}", std::process::id()));
        let reads = match server.vendor {
            Vendor::MariaDb => "SELECT ON mysql.proc",
            Vendor::MySql => "SHOW_ROUTINE ON *.*",
        };
        let sees = "SELECT, INSERT, CREATE, INDEX, REFERENCES, SHOW VIEW, TRIGGER, EVENT, EXECUTE";
        server.sql(
            "mysql",
            &format!(
                "CREATE USER {account}@'%' IDENTIFIED BY 'x'; GRANT SELECT ON `{name}`.authors TO {account}@'%'; \
                 GRANT ALL ON `raingauge\\_scratch\\_%`.* TO {account}@'%'"
            ),
        )?;
        let url = server.url_as(&account, "x", name);
        check(&database, &url, "unseen")?;
        let grants =
            format!("GRANT {sees} ON `{name}`.* TO {account}@'%'; GRANT {reads} TO {account}@'%'");
        server.sql("mysql", &grants)?;
        let told = check(&database, &url, "rights-missing")?;
        assert!(told.stdout.contains("it lacks ALTER"), "{told}");
        server.sql("mysql", &format!("DROP USER {account}@'%'"))?;
        // T07.
        declare(&project, &format!("{IMPORTS}{}", SCHEMA.replace("length: 300", "length: 30")))?;
        check(&database, &to(&database), "schema-differs")?;
    }
    Ok(())
}

#[test]
fn t02_a_row_without_a_time_is_corruption_wherever_the_server_sorts_it() -> Result {
    for server in servers() {
        let database = server.database("null")?;
        let project = lived(&database, 0, SCHEMA)?;
        run(&project, &server, &["execute", "--confirm"], 0)?;
        database.sql("UPDATE __drizzle_migrations SET created_at = NULL WHERE id = 2")?;
        let told = run(&project, &server, &["validate"], 1)?;
        assert!(told.stdout.contains("error[ledger-"), "{told}");
        run(&project, &server, &["reconcile", "--confirm"], 0)?;
        let ledger = "SELECT count(*), count(created_at) FROM __drizzle_migrations";
        assert_eq!(database.sql(ledger)?.trim(), "2\t2", "it was not mended");
        run(&project, &server, &["validate"], 0)?;
    }
    Ok(())
}

#[test]
fn a_database_with_its_own_character_set_and_a_script_with_its_own_name_are_rebuilt() -> Result {
    const NAMED: &str = "CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german1_ci;
        CREATE TABLE shop.words (word varchar(20) NOT NULL, n int, PRIMARY KEY (word));
        INSERT INTO `shop`.`words` VALUES ('Straße', 1), ('née', 2);
        CREATE TABLE shop.log (line text, at datetime(3) DEFAULT CURRENT_TIMESTAMP(3));
        INSERT INTO shop.log (line) VALUES ('first'), ('first'), ('second');
        CREATE PROCEDURE shop.count_words() SELECT count(*) FROM words;";
    let schema = r#"export const words = mysqlTable("words", { word: varchar("word", { length: 20 }).primaryKey(), n: int("n") });
export const log = mysqlTable("log", { line: text("line"), at: datetime("at", { fsp: 3 }).default(sql`CURRENT_TIMESTAMP(3)`) });
"#;
    for server in servers() {
        let database = server.database("latin")?;
        let name = &database.name;
        let project = lived_nothing(&database, 0, schema)?;
        project.write("db/init.sql", NAMED)?;
        let set = "CHARACTER SET latin1 COLLATE latin1_german1_ci";
        server.sql("mysql", &format!("ALTER DATABASE `{name}` {set}"))?;
        server.sql(
            "mysql",
            &NAMED
                .split_once(';')
                .map_or("", |it| it.1)
                .replace("`shop`", name)
                .replace("shop.", &format!("{name}.")),
        )?;
        run(&project, &server, &["execute", "--confirm"], 0)?;
        let said = judge::mysql::verdict(&project, &database, &["words", "log"])?;
        assert!(said.is_good(), "{:?}\n{said}", server.vendor);
    }
    Ok(())
}
