//! What the dump program writes, line by line: most of it passes as it is.
//!
//! Some does not. The name of the database goes out of `ALTER DATABASE`, with which the program surrounds
//! programs of another collation, and out of defaults that take the next value of a sequence: a restore
//! beside live would change live, and go on doing so. MariaDB prints the reference system of a column nowhere, so it is
//! put in; `mysqldump` does not say that a column which may be NULL has no default, so that follows the table. And the rows
//! of some tables are written by us. A line of data never spans two: line ends in values
//! are escaped.

use std::io::{self, BufRead, Write};

use raingauge_schema::mysql::grammar::quote_ident;

use crate::Error;
use crate::digest::mysql::row::Table;

/// How much of a line is looked at.
pub(super) const HEAD: u64 = 4096;

/// With what a dump ends that is whole: `-- Dump completed`, with the date where it is not switched off.
const END: &[u8] = b"-- Dump completed";

/// Why lines could not be copied.
pub(super) enum Failure {
    /// The program's end of the pipe.
    Read,
    Write(io::Error),
    Rows(Error),
}

/// What is known of the database whose dump it is.
pub(super) struct Knowledge<'a> {
    pub(super) database: &'a str,
    /// Tables whose rows we write.
    pub(super) ours: &'a [Table],
    /// Reference systems of columns, where the server does not print them: table, column, number.
    pub(super) systems: Vec<[String; 3]>,
    /// What completes a table that was just made: its name, and the statement.
    pub(super) completions: Vec<(String, String)>,
}

/// Copies lines.
pub(super) struct Lines<'a> {
    /// `ALTER DATABASE` with live's name.
    alter: String,
    /// How a default begins that takes its value from a sequence of live.
    sequence: String,
    /// By how a table and one of its columns begin: what is put behind the column's type.
    systems: Vec<(String, String, String)>,
    /// By the line that opens the data of a table: the statement that comes before it.
    completions: Vec<(String, String)>,
    /// The line that began the table which is being made.
    making: Option<Vec<u8>>,
    /// Tables whose rows we write, each with the line that opens its data.
    ours: Vec<(String, &'a Table)>,
    /// The table whose data is being read, if it is one of ours.
    inside: Option<&'a Table>,
    has_rows: bool,
    last: Vec<u8>,
}

enum Fate {
    Keep,
    Drop,
    /// The head is another one.
    Say(Vec<u8>),
}

impl<'a> Lines<'a> {
    pub(super) fn new(knowledge: &Knowledge<'a>) -> Self {
        let database = quote_ident(knowledge.database);
        let opening = |quoted: &str| format!("/*!40000 ALTER TABLE {quoted} DISABLE KEYS */;\n");
        let completion =
            |it: &(String, String)| (opening(&quote_ident(&it.0)), format!("{};\n", it.1));
        let system = |[table, column, number]: &[String; 3]| {
            let (table, column) = (quote_ident(table), quote_ident(column));
            let option = format!(" REF_SYSTEM_ID={number}");
            (format!("CREATE TABLE {table} ("), format!("  {column} "), option)
        };
        Self {
            alter: format!("ALTER DATABASE {database} CHARACTER SET "),
            sequence: format!(" DEFAULT nextval({database}."),
            systems: knowledge.systems.iter().map(system).collect(),
            completions: knowledge.completions.iter().map(completion).collect(),
            making: None,
            ours: knowledge.ours.iter().map(|it| (opening(&it.quoted()), it)).collect(),
            inside: None,
            has_rows: false,
            last: Vec::new(),
        }
    }

    /// Whether the last line said that the dump is whole.
    pub(super) fn is_complete(&self) -> bool {
        self.last.starts_with(END)
    }

    /// Copies everything; `rows` writes the rows of one of our tables.
    pub(super) fn copy<W: Write>(
        &mut self,
        mut from: impl BufRead,
        to: &mut W,
        mut rows: impl FnMut(&Table, &mut W) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut head = Vec::new();
        loop {
            head.clear();
            let n = io::Read::take(&mut from, HEAD).read_until(b'\n', &mut head);
            if n.map_err(|_| Failure::Read)? == 0 {
                return Ok(());
            }
            let is_whole = head.ends_with(b"\n");
            if !head.trim_ascii().is_empty() {
                self.last.clone_from(&head);
            }
            let fate = self.fate(&head);
            match &fate {
                Fate::Keep => to.write_all(&head).map_err(Failure::Write)?,
                Fate::Say(other) => to.write_all(other).map_err(Failure::Write)?,
                Fate::Drop => {
                    if let Some(table) = self.inside.filter(|_| !self.has_rows) {
                        rows(table, to)?;
                        self.has_rows = true;
                    }
                }
            }
            if !is_whole {
                let is_kept = !matches!(fate, Fate::Drop);
                copy_rest(&mut from, is_kept.then_some(&mut *to))?;
            }
        }
    }

    fn fate(&mut self, head: &[u8]) -> Fate {
        if head.starts_with(b"/*!40000 ALTER TABLE ") {
            self.inside = None;
        }
        if self.inside.is_some() && (head.starts_with(b"INSERT ") || head.starts_with(b"(")) {
            return Fate::Drop;
        }
        if let Some(&(_, table)) = self.ours.iter().find(|it| it.0.as_bytes() == head) {
            (self.inside, self.has_rows) = (Some(table), false);
        }
        if let Some((_, statement)) = self.completions.iter().find(|it| it.0.as_bytes() == head) {
            return Fate::Say([statement.as_bytes(), head].concat());
        }
        if let Some(rest) = head.strip_prefix(self.alter.as_bytes()) {
            return Fate::Say([b"ALTER DATABASE CHARACTER SET ".as_slice(), rest].concat());
        }
        if head.starts_with(b"CREATE TABLE ") {
            self.making = Some(head.to_vec());
        } else if head.starts_with(b")") {
            self.making = None;
        }
        self.column(head).map_or(Fate::Keep, Fate::Say)
    }

    /// The line of a column, if it has to be another one.
    fn column(&self, head: &[u8]) -> Option<Vec<u8>> {
        let making = self.making.as_ref().filter(|_| head.starts_with(b"  `"))?;
        let is_it = |it: &&(String, String, String)| {
            making.starts_with(it.0.as_bytes()) && head.starts_with(it.1.as_bytes())
        };
        if let Some((_, column, option)) = self.systems.iter().find(is_it) {
            let (name, rest) = head.split_at(column.len());
            let end = rest.iter().position(|it| b" ,\n".contains(it)).unwrap_or(rest.len());
            let (kind, rest) = rest.split_at(end);
            return Some([name, kind, option.as_bytes(), rest].concat());
        }
        let sequence = self.sequence.as_bytes();
        let at = head.windows(sequence.len()).position(|it| it == sequence)?;
        let (before, rest) = head.split_at(at);
        let (_, after) = rest.split_at(sequence.len());
        Some([before, b" DEFAULT nextval(", after].concat())
    }
}

/// Passes by what is left of a line.
pub(super) fn copy_rest(
    from: &mut impl BufRead,
    mut to: Option<&mut impl Write>,
) -> Result<(), Failure> {
    loop {
        let bytes = from.fill_buf().map_err(|_| Failure::Read)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let end = bytes.iter().position(|it| *it == b'\n').map(|it| it + 1);
        let (now, _) = bytes.split_at(end.unwrap_or(bytes.len()));
        let n = now.len();
        if let Some(to) = &mut to {
            to.write_all(now).map_err(Failure::Write)?;
        }
        from.consume(n);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table::of(vec![Some(name.to_owned()), Some("BASE TABLE".to_owned())])
    }

    #[track_caller]
    fn check(from: &str, expected: &str, is_complete: bool) {
        let ours = [table("a`b")];
        let systems = vec![["a`b", "p", "4326"].map(str::to_owned)];
        let bare = "ALTER TABLE `d``e` ALTER COLUMN `c` DROP DEFAULT".to_owned();
        let completions = vec![("d`e".to_owned(), bare)];
        let mut lines =
            Lines::new(&Knowledge { database: "live", ours: &ours, systems, completions });
        let mut to = Vec::new();
        let small = io::BufReader::with_capacity(7, from.as_bytes());
        let copied =
            lines.copy(small, &mut to, |_, to| to.write_all(b"OURS\n").map_err(Failure::Write));
        assert!(copied.is_ok());
        assert_eq!(String::from_utf8(to).unwrap(), expected);
        assert_eq!(lines.is_complete(), is_complete);
    }

    #[test]
    fn other_lines_pass_however_long_they_are() {
        let long = "x".repeat(10_000);
        let text = format!("a\n\nINSERT INTO `t` VALUES ('{long}');\n-- Dump completed\n");
        check(&text, &text, true);
        check("a\n-- Dump completed\nINSERT", "a\n-- Dump completed\nINSERT", false);
        check("", "", false);
    }

    #[test]
    fn a_dump_never_changes_the_database_that_it_was_taken_of() {
        check(
            "ALTER DATABASE `live` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ;\n",
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ;\n",
            false,
        );
    }

    #[test]
    fn a_restored_table_does_not_count_with_lives_sequence_and_keeps_its_reference_system() {
        check(
            "CREATE TABLE `a``b` (\n  `id` bigint(20) DEFAULT nextval(`live`.`s`),\n  `p` point NOT NULL,\n  `q` point,\n);\n  `p` point\n",
            "CREATE TABLE `a``b` (\n  `id` bigint(20) DEFAULT nextval(`s`),\n  `p` point REF_SYSTEM_ID=4326 NOT NULL,\n  `q` point,\n);\n  `p` point\n",
            false,
        );
        check(
            "CREATE TABLE `c` (\n  `p` point,\n);\n",
            "CREATE TABLE `c` (\n  `p` point,\n);\n",
            false,
        );
    }

    #[test]
    fn what_completes_a_table_comes_before_its_rows() {
        check(
            "/*!40000 ALTER TABLE `d` DISABLE KEYS */;\n/*!40000 ALTER TABLE `d``e` DISABLE KEYS */;\nINSERT\n",
            "/*!40000 ALTER TABLE `d` DISABLE KEYS */;\nALTER TABLE `d``e` ALTER COLUMN `c` DROP DEFAULT;\n\
             /*!40000 ALTER TABLE `d``e` DISABLE KEYS */;\nINSERT\n",
            false,
        );
    }

    #[test]
    fn the_rows_of_our_tables_are_ours_and_only_those() {
        let long = "7,".repeat(5_000);
        check(
            &format!(
                "/*!40000 ALTER TABLE `a``b` DISABLE KEYS */;\nINSERT INTO `a``b` VALUES ({long}),\n(2),\n(3);\n\
                 /*!40000 ALTER TABLE `a``b` ENABLE KEYS */;\n/*!40000 ALTER TABLE `c` DISABLE KEYS */;\n\
                 INSERT INTO `c` VALUES (1),\n(2);\nINSERT INTO `a``b` VALUES (1);\n"
            ),
            "/*!40000 ALTER TABLE `a``b` DISABLE KEYS */;\nOURS\n/*!40000 ALTER TABLE `a``b` ENABLE KEYS */;\n\
             /*!40000 ALTER TABLE `c` DISABLE KEYS */;\nINSERT INTO `c` VALUES (1),\n(2);\n\
             INSERT INTO `a``b` VALUES (1);\n",
            false,
        );
    }
}
