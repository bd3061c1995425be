//! `raingauge diff` between two sides of MySQL and MariaDB.

use raingauge_testkit::mysql::{MySqlDatabase, servers};
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Project, Result, Run};

use crate::mysql::project;
use crate::mysql_live::SHOP;
use crate::run::{binary, run, verdict};

/// A dump of one database, with all that its dialect of SQL has beyond SQL.
const DUMP: &str = "-- MariaDB dump 10.19
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `shop`;
DROP TABLE IF EXISTS `books`;
CREATE TABLE `books` (
  `id` int NOT NULL AUTO_INCREMENT,
  `author` int DEFAULT NULL,
  `title` varchar(300) NOT NULL DEFAULT 'a;b',
  PRIMARY KEY (`id`),
  KEY `by_title` (`title`(20)),
  CONSTRAINT `of` FOREIGN KEY (`author`) REFERENCES `authors` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE `authors` (`id` int NOT NULL PRIMARY KEY, `name` varchar(20)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `authors` WRITE;
INSERT INTO `authors` VALUES (0,'nobody');
UNLOCK TABLES;
/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER `trim` BEFORE INSERT ON `books` FOR EACH ROW begin
  set new.title = trim(new.title);
  if new.title = '' then set new.title = '?'; end if;
end */;;
DELIMITER ;
DELIMITER //
CREATE PROCEDURE `tidy`() begin delete from `books` where `author` is null; end //
DELIMITER ;
/*!50001 CREATE VIEW `titles` AS select `books`.`title` AS `title` from `books` */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
";

/// Compares in a folder of its own, and expects nothing to be left there and no password to be shown.
fn diff(folder: &std::path::Path, arguments: &[&str]) -> Result<Run> {
    let before = std::fs::read_dir(folder)?.count();
    let run = binary().run(folder, &[&["diff"], arguments].concat())?;
    assert_eq!(std::fs::read_dir(folder)?.count(), before, "something was written");
    assert!(!run.stdout.contains(PASSWORD) && !run.stderr.contains(PASSWORD), "{run}");
    Ok(run)
}

/// What makes the same database in the hands of the driver that made live, without the name of another.
fn made(database: &MySqlDatabase, folder: &std::path::Path) -> Result {
    std::fs::write(folder.join("dump.sql"), DUMP)?;
    let own = DUMP.replace("`shop`", &format!("`{}`", database.name));
    // The client and the driver name the character set of a session in two ways.
    let own = format!("SET NAMES utf8mb4;\n{own}");
    database.sql(&own).map(drop)
}

#[test]
fn a_dump_is_the_database_that_it_was_taken_of_and_one_change_shows_in_one_object() -> Result {
    for server in servers() {
        let (database, folder) = (server.database("dumped")?, tempfile::tempdir()?);
        made(&database, folder.path())?;
        let url = server.url(&database.name);
        let equal = diff(folder.path(), &[&url, "dump.sql"])?;
        assert_eq!(
            (equal.code, verdict(&equal)),
            (0, "diff: clean"),
            "{:?} {equal}",
            server.vendor
        );
        for (change, object) in [
            ("alter table books add column note text", "column books.note"),
            ("alter table books drop key by_title, add key by_title (title(21))", "by_title"),
            ("drop procedure tidy", "tidy"),
            ("drop trigger trim", "trim"),
            ("alter table authors engine = MyISAM", "authors"),
        ] {
            if change.contains("MyISAM") {
                database.sql("alter table books drop foreign key `of`")?;
            }
            database.sql(change)?;
            let told = diff(folder.path(), &[&url, "dump.sql"])?;
            assert_eq!(told.code, 1, "{change}: {told}");
            assert!(told.stdout.contains("error[sides-differ]"), "{told}");
            assert!(told.stdout.contains(object), "{change}: {told}");
        }
        let document = diff(folder.path(), &["--format", "json", &url, "dump.sql"])?.json()?;
        let rows =
            document["sections"]["differences"].as_array().expect("there is a section").len();
        assert!(5 <= rows, "{document}");
        let rows = database.sql("select count(*) from authors")?;
        assert_eq!(rows.trim(), "1");
        let script = diff(folder.path(), &["--sql", &url, "dump.sql"])?;
        assert_eq!(script.code, 1, "{script}");
        assert!(script.stdout.contains("-- deletes data (drop:books.note)"), "{script}");
        // As its user runs it: with the client, which has to be told where a body ends.
        assert!(script.stdout.contains("DELIMITER ;;"), "{script}");
        database.sql(&script.stdout)?;
        let equal = diff(folder.path(), &[&url, "dump.sql"])?;
        assert_eq!((equal.code, verdict(&equal)), (0, "diff: clean"), "{equal}");
        assert_eq!(database.sql("select count(*) from authors")?.trim(), "1");
    }
    Ok(())
}

#[test]
fn two_databases_of_one_server_are_compared() -> Result {
    for server in servers() {
        let (a, b) = (server.database("a")?, server.database("b")?);
        let folder = tempfile::tempdir()?;
        made(&a, folder.path())?;
        made(&b, folder.path())?;
        let (a_url, b_url) = (server.url(&a.name), server.url(&b.name));
        let equal = diff(folder.path(), &[&a_url, &b_url])?;
        assert_eq!(verdict(&equal), "diff: clean", "{equal}");
        b.sql("alter table authors modify name varchar(21)")?;
        let told = diff(folder.path(), &[&a_url, &b_url])?;
        assert!(told.code == 1 && told.stdout.contains("authors.name"), "{told}");
    }
    Ok(())
}

/// A project whose first migration the database has had.
fn migrated(database: &MySqlDatabase, generation: u8) -> Result<Project> {
    let project = project(generation, SHOP)?;
    run(&project, &["generate", "--name", "first"], 0)?;
    let is_first = |it: &String| it.ends_with(".sql");
    let file = project.files()?.into_iter().map(|it| it.0).find(is_first).expect("it was written");
    let text = project.read(&file)?.replace("--> statement-breakpoint", "");
    database.sql(&text)?;
    Ok(project)
}

#[test]
fn a_history_and_a_schema_are_the_database_that_they_make() -> Result {
    for server in servers() {
        for generation in [0, 1] {
            let database = server.database("migrated")?;
            let project = migrated(&database, generation)?;
            let url = server.url(&database.name);
            let schema = "src/db/schema.ts";
            for sides in [
                [&url, "drizzle"],
                [&url, schema],
                ["drizzle", schema],
                ["drizzle.config.ts", &url],
            ] {
                let equal = run(&project, &["diff", sides[0], sides[1]], 0)?;
                assert_eq!(verdict(&equal), "diff: clean", "{sides:?} {equal}");
            }
            database.sql("alter table books modify title varchar(200) not null")?;
            for sides in [[&url, "drizzle"], [&url, schema]] {
                let told = run(&project, &["diff", sides[0], sides[1]], 1)?;
                assert!(told.stdout.contains("books.title"), "{told}");
            }
            let carried = "alter table books comment 'kept'; create index own on books (title(7));
                create trigger t before insert on books for each row set new.title = trim(new.title)";
            database.sql(carried)?;
            let script = run(&project, &["diff", "--sql", &url, schema], 1)?;
            assert!(!script.stdout.contains("TRIGGER"), "{script}");
            database.sql(&script.stdout)?;
            let equal = run(&project, &["diff", &url, schema], 0)?;
            assert_eq!(verdict(&equal), "diff: clean", "{equal}");
            let kept = database.sql("show create table books; show triggers")?;
            assert!(kept.contains("COMMENT='kept'") && kept.contains("trim(new.title)"), "{kept}");
        }
    }
    Ok(())
}

#[test]
fn a_value_that_does_not_fit_stops_the_script_and_stays() -> Result {
    for server in servers() {
        let (a, b) = (server.database("a")?, server.database("b")?);
        let folder = tempfile::tempdir()?;
        a.sql("create table t (a int, b varchar(9)); insert into t values (7, 'too long')")?;
        b.sql("create table t (b varchar(3), a int not null, c int)")?;
        let script = diff(folder.path(), &["--sql", &server.url(&a.name), &server.url(&b.name)])?;
        assert!(script.stdout.contains("-- may cut or round values (retype:t.b)"), "{script}");
        // Whatever the server cuts by itself.
        let failed = a.sql(&format!("set sql_mode = '';\n{}", script.stdout)).unwrap_err();
        assert!(failed.to_string().contains("for column 'b' at row 1"), "{failed}");
        assert_eq!(a.sql("select * from t")?.trim(), "7\ttoo long");
    }
    Ok(())
}

#[test]
fn no_statements_lead_from_one_flavour_to_the_other() -> Result {
    let [one, other] = &servers()[..] else { return Ok(()) };
    let (a, b) = (one.database("a")?, other.database("b")?);
    a.sql("create table t (a int)")?;
    let folder = tempfile::tempdir()?;
    let told = diff(folder.path(), &["--sql", &one.url(&a.name), &other.url(&b.name)])?;
    assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told}");
    assert!(told.stderr.contains("[diff-not-expressed]"), "{told}");
    Ok(())
}

#[test]
fn a_script_that_names_live_is_refused_where_scratch_is_on_its_server() -> Result {
    for server in servers() {
        let (database, folder) = (server.database("named")?, tempfile::tempdir()?);
        made(&database, folder.path())?;
        let name = &database.name;
        let script =
            format!("USE `{name}`;\nDROP TABLE `{name}`.`books`;\nCREATE TABLE t (a int);\n");
        std::fs::write(folder.path().join("named.sql"), script)?;
        let url = server.url(name);
        let refused = diff(folder.path(), &["--scratch", &server.url(""), &url, "named.sql"])?;
        assert_eq!(refused.code, 1, "{refused}");
        assert!(refused.stderr.contains("[side-unbuildable]"), "{refused}");
        assert_eq!(database.sql("select count(*) from books")?.trim(), "0");
    }
    Ok(())
}
