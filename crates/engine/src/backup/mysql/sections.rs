//! Single tables out of a dump: how they are made, without what ties them to others, and their rows.
//!
//! A dump says with a comment at the beginning of a line where a table begins, and nothing else of it begins a line
//! so: line ends in values and comments are escaped, and the texts of programs stand between two `DELIMITER`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read, Write};

use raingauge_schema::mysql::grammar::quote_ident;

use super::lines::{Failure, HEAD, copy_rest};

/// Where in a dump we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// How the session has to be set up.
    Settings,
    /// A table that is wanted.
    Table,
    Other,
}

/// Picks tables out of a dump.
pub(super) struct Sections {
    part: Part,
    /// Whether a program's text is being read.
    is_program: bool,
    /// By the line that begins a table and the one that ends its rows.
    begin: BTreeMap<Vec<u8>, String>,
    end: BTreeMap<Vec<u8>, String>,
    /// The line of a column or key that may turn out to be the last.
    held: Option<Vec<u8>>,
    /// The tables whose last row has been seen.
    whole: BTreeSet<String>,
}

impl Sections {
    pub(super) fn of(tables: &[String]) -> Self {
        let keyed = |line: fn(String) -> String| {
            let key = |it: &String| (line(quote_ident(it)).into_bytes(), it.clone());
            tables.iter().map(key).collect::<BTreeMap<_, _>>()
        };
        Self {
            part: Part::Settings,
            is_program: false,
            begin: keyed(|it| format!("-- Table structure for table {it}\n")),
            end: keyed(|it| format!("/*!40000 ALTER TABLE {it} ENABLE KEYS */;\n")),
            held: None,
            whole: BTreeSet::new(),
        }
    }

    /// Copies the tables and says which were there from their beginning to their last row.
    pub(super) fn copy(
        mut self,
        mut from: impl BufRead,
        to: &mut impl Write,
    ) -> Result<BTreeSet<String>, Failure> {
        let mut head = Vec::new();
        loop {
            head.clear();
            let n = Read::take(&mut from, HEAD).read_until(b'\n', &mut head);
            if n.map_err(|_| Failure::Read)? == 0 {
                return Ok(self.whole);
            }
            let is_whole = head.ends_with(b"\n");
            let is_kept = self.is_kept(&head);
            if is_kept {
                self.put(&head, to).map_err(Failure::Write)?;
            }
            if !is_whole {
                copy_rest(&mut from, is_kept.then_some(&mut *to))?;
            }
        }
    }

    /// Whether a line is part of what is wanted.
    fn is_kept(&mut self, head: &[u8]) -> bool {
        if head.starts_with(b"DELIMITER ") {
            self.is_program = head != b"DELIMITER ;\n";
            return false;
        }
        if self.is_program {
            return false;
        }
        if head.starts_with(b"-- Dumping data for table ") && self.part == Part::Table {
            return false;
        }
        if head.starts_with(b"-- ") && (self.part != Part::Settings || is_section(head)) {
            self.part = if self.begin.contains_key(head) { Part::Table } else { Part::Other };
            return false;
        }
        match self.part {
            Part::Settings => head.starts_with(b"/*"),
            Part::Other => false,
            Part::Table
                if [b"DROP ".as_slice(), b"--", b"\n"].iter().any(|it| head.starts_with(it)) =>
            {
                false
            }
            Part::Table => {
                if let Some(table) = self.end.get(head) {
                    self.whole.insert(table.clone());
                    self.part = Part::Other;
                }
                true
            }
        }
    }

    /// Writes a line, without what a table cannot have alone.
    fn put(&mut self, head: &[u8], to: &mut impl Write) -> io::Result<()> {
        let is_inside = self.part == Part::Table && head.starts_with(b"  ");
        if is_inside && is_foreign_key(head) {
            return Ok(());
        }
        if let Some(mut held) = self.held.take() {
            if head.starts_with(b")") && held.ends_with(b",\n") {
                held.truncate(held.len() - 2);
                held.push(b'\n');
            }
            to.write_all(&held)?;
        }
        if is_inside && head.ends_with(b"\n") {
            self.held = Some(without_sequence(head));
            return Ok(());
        }
        to.write_all(head)
    }
}

/// Whether a comment begins an object.
fn is_section(head: &[u8]) -> bool {
    let words = [" structure for ", "Dumping "];
    words.iter().any(|it| head.windows(it.len()).any(|at| at == it.as_bytes()))
}

fn is_foreign_key(line: &[u8]) -> bool {
    let words = b" FOREIGN KEY (";
    line.starts_with(b"  CONSTRAINT ") && line.windows(words.len()).any(|it| it == words)
}

/// The copy has no sequence that a default could count with.
fn without_sequence(line: &[u8]) -> Vec<u8> {
    let words = b" DEFAULT nextval(";
    let at = line.windows(words.len()).position(|it| it == words);
    let Some((before, rest)) = at.map(|it| line.split_at(it)) else { return line.to_vec() };
    let end = rest.iter().position(|it| *it == b')').map_or(rest.len(), |it| it + 1);
    [before, rest.split_at(end).1].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "-- MariaDB dump 10.19\n--\n-- Host: x    Database: d\n/*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n\n\
        --\n-- Sequence structure for `s`\n--\n\nCREATE SEQUENCE `s`;\n\
        --\n-- Table structure for table `a``b`\n--\n\nDROP TABLE IF EXISTS `a``b`;\n/*!40101 SET x */;\nCREATE TABLE `a``b` (\n  `id` int DEFAULT nextval(`s`),\n  `o` int,\n  CONSTRAINT `f` FOREIGN KEY (`o`) REFERENCES `o` (`id`)\n) ENGINE=InnoDB;\n\
        --\n-- Dumping data for table `a``b`\n--\n\n/*!40000 ALTER TABLE `a``b` DISABLE KEYS */;\nINSERT INTO `a``b` VALUES (1),\n(2);\n/*!40000 ALTER TABLE `a``b` ENABLE KEYS */;\n\
        /*!50003 SET sql_mode = '' */ ;\nDELIMITER ;;\nCREATE TRIGGER t begin\n-- Table structure for table `c`\ninsert into c; end;;\nDELIMITER ;\n\
        --\n-- Table structure for table `c`\n--\nCREATE TABLE `c` (\n  `id` int\n);\n/*!40000 ALTER TABLE `c` DISABLE KEYS */;\nINSERT INTO `c` VALUES (3);\n/*!40000 ALTER TABLE `c` ENABLE KEYS */;\n-- Dump completed\n";

    fn copied(tables: &[&str], dump: &str) -> (String, Vec<String>) {
        let tables: Vec<_> = tables.iter().map(|it| (*it).to_owned()).collect();
        let mut to = Vec::new();
        let small = io::BufReader::with_capacity(7, dump.as_bytes());
        let Ok(whole) = Sections::of(&tables).copy(small, &mut to) else {
            panic!("it is readable")
        };
        (String::from_utf8(to).unwrap(), whole.into_iter().collect())
    }

    #[test]
    fn a_table_comes_alone_and_without_what_ties_it_to_others() {
        let (text, whole) = copied(&["a`b"], DUMP);
        assert_eq!(
            text,
            "/*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n\
             /*!40101 SET x */;\nCREATE TABLE `a``b` (\n  `id` int,\n  `o` int\n) ENGINE=InnoDB;\n\
             /*!40000 ALTER TABLE `a``b` DISABLE KEYS */;\nINSERT INTO `a``b` VALUES (1),\n(2);\n\
             /*!40000 ALTER TABLE `a``b` ENABLE KEYS */;\n"
        );
        assert_eq!(whole, ["a`b"]);
    }

    #[test]
    fn a_programs_text_begins_no_table_and_a_cut_one_is_not_whole() {
        let (text, whole) = copied(&["c"], DUMP);
        assert!(text.contains("VALUES (3)") && !text.contains("insert into c"), "{text}");
        assert_eq!(whole, ["c"]);
        let cut = DUMP.split_once("INSERT INTO `c`").map(|it| it.0).unwrap();
        assert_eq!(copied(&["c"], cut).1, [""; 0]);
        assert_eq!(copied(&["missing"], DUMP).1, [""; 0]);
    }

    #[test]
    fn long_lines_pass_whole() {
        let long = "x".repeat(10_000);
        let dump = DUMP.replace("(3)", &format!("('{long}')"));
        assert!(copied(&["c"], &dump).0.contains(&format!("('{long}');\n")));
        assert!(!copied(&["a`b"], &dump).0.contains("xx"));
    }
}
