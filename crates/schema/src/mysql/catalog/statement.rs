//! Objects of a catalog → the text of `SHOW CREATE TABLE`, letter for letter.
//!
//! What this says again is understood; a table for which it differs from the server's text is not.

use super::Flavour;
use super::table::{CLAUSE, HIDDEN_LAST, Parts};
use super::text::{literal, quoted_names};
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::mysql::grammar::quote_ident;
use crate::mysql::token::tokens;

/// The statement of a table as its server prints it, without the counter where `catalog` has none.
/// `None` if there is no such table, or if it is not known whose server it is.
pub fn create_table(catalog: &Catalog, table: &ObjectId) -> Option<String> {
    let flavour = super::flavour(catalog)?;
    let table = catalog.get(table)?;
    let (objects, beside) = (parts_of(catalog, table), beside(catalog, &table.id));
    Writer { flavour, objects, beside, leaves_unsaid: false }.create_table()
}

/// The statement that makes the table again as it is, and counts from the beginning. MySQL remembers of each column whether somebody wrote its
/// collation, and prints one that nobody wrote.
pub(super) fn create_table_again(catalog: &Catalog, table: &ObjectId) -> Option<String> {
    let flavour = super::flavour(catalog)?;
    let (objects, beside) = (parts_of(catalog, catalog.get(table)?), beside(catalog, table));
    Writer { flavour, objects, beside, leaves_unsaid: true }.create_table()
}

/// What defines a column, an index, a key or a check, as `ADD` and `MODIFY` of `ALTER TABLE` take it. `None` if it is
/// something else, or in no table of the catalog.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is a line of a table's statement")]
pub fn definition(catalog: &Catalog, part: &Object) -> Option<String> {
    let flavour = super::flavour(catalog)?;
    let table = catalog.get(&ObjectId::new(Kind::Table, part.id.path.first()))?;
    let (objects, beside) = (parts_of(catalog, table), beside(catalog, &table.id));
    let writer = Writer { flavour, objects, beside, leaves_unsaid: true };
    match part.id.kind {
        Kind::Column => Some(writer.column(part, table)),
        Kind::PrimaryKey | Kind::Index => Some(writer.index(part)),
        Kind::ForeignKey => Some(foreign_key(part)),
        Kind::Check => Some(check(part)),
        _ => None,
    }
}

fn parts_of<'a>(catalog: &'a Catalog, table: &'a Object) -> Vec<&'a Object> {
    let comments = catalog.of_kind(Kind::Comment).filter(|it| {
        matches!(it.id.path.first().map(String::as_str), Some("table" | "column" | "index"))
            && it.id.path.get(1) == table.id.path.first()
    });
    [table].into_iter().chain(catalog.inside(&table.id)).chain(comments).collect()
}

/// What is known beside a table and its columns.
fn beside<'a>(catalog: &'a Catalog, table: &ObjectId) -> Vec<&'a Object> {
    let is_about = |it: &&Object| {
        matches!(it.id.kind, Kind::Table | Kind::Column) && it.id.path.first() == table.path.first()
    };
    catalog.surroundings.iter().filter(is_about).collect()
}

/// The statement of what was just read.
pub(super) fn create_table_of(parts: &Parts, flavour: Flavour) -> String {
    let objects = parts.objects.iter().collect();
    let beside = parts.beside.iter().collect();
    let writer = Writer { flavour, objects, beside, leaves_unsaid: false };
    writer.create_table().unwrap_or_default()
}

fn whole_clause(column: &Object) -> Option<String> {
    let (charset, collation) = column.get("charset").zip(column.get("collation"))?;
    Some(format!(" CHARACTER SET {charset} COLLATE {collation}"))
}

/// The clause that the collations of a column and its table explain.
pub(super) fn charset_clause(
    flavour: Flavour,
    column: &Object,
    table: &Object,
    is_unsaid: bool,
) -> String {
    let collation = column.get("collation");
    let Some((collation, whole)) = collation.zip(whole_clause(column)) else {
        return String::new();
    };
    if Some(collation) != table.get("collation") {
        return whole;
    }
    match flavour {
        // Said wherever it is not the one that the character set has by itself.
        Flavour::MySql if !is_unsaid && collation != "utf8mb4_0900_ai_ci" => {
            format!(" COLLATE {collation}")
        }
        Flavour::MySql | Flavour::MariaDb => String::new(),
    }
}

struct Writer<'a> {
    flavour: Flavour,
    objects: Vec<&'a Object>,
    /// What is known beside the table and its columns.
    beside: Vec<&'a Object>,
    /// Whether it is to be made again: a collation that only follows from the table's is left out, and so is the
    /// counter; what the server does not print is said.
    leaves_unsaid: bool,
}

/// How an option is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    /// In a conditional comment of MySQL.
    Since(&'static str),
    Comment,
    Versioning,
    Counter,
    Engines,
}

/// The options of tables, in the order in which the servers print them.
const OPTIONS: [(&str, &str, Style); 32] = [
    ("tablespace", "TABLESPACE", Style::Since("50100")),
    ("autoextend size", "AUTOEXTEND_SIZE", Style::Since("80023")),
    ("engine", "ENGINE", Style::Plain),
    ("", "AUTO_INCREMENT", Style::Counter),
    ("charset", "DEFAULT CHARSET", Style::Plain),
    ("collation", "COLLATE", Style::Plain),
    ("min rows", "MIN_ROWS", Style::Plain),
    ("max rows", "MAX_ROWS", Style::Plain),
    ("avg row length", "AVG_ROW_LENGTH", Style::Plain),
    ("pack keys", "PACK_KEYS", Style::Plain),
    ("stats persistent", "STATS_PERSISTENT", Style::Plain),
    ("stats auto recalc", "STATS_AUTO_RECALC", Style::Plain),
    ("stats sample pages", "STATS_SAMPLE_PAGES", Style::Plain),
    ("checksum", "CHECKSUM", Style::Plain),
    ("page checksum", "PAGE_CHECKSUM", Style::Plain),
    ("delay key write", "DELAY_KEY_WRITE", Style::Plain),
    ("row format", "ROW_FORMAT", Style::Plain),
    ("transactional", "TRANSACTIONAL", Style::Plain),
    ("key block size", "KEY_BLOCK_SIZE", Style::Plain),
    ("compression", "COMPRESSION", Style::Plain),
    ("encryption", "ENCRYPTION", Style::Since("80016")),
    ("insert method", "INSERT_METHOD", Style::Plain),
    ("union", "UNION", Style::Plain),
    ("", "COMMENT", Style::Comment),
    ("system versioning", "", Style::Versioning),
    ("connection", "CONNECTION", Style::Plain),
    ("engine attribute", "ENGINE_ATTRIBUTE", Style::Since("80021")),
    ("secondary engine attribute", "SECONDARY_ENGINE_ATTRIBUTE", Style::Since("80021")),
    ("secondary engine", "SECONDARY_ENGINE", Style::Plain),
    ("", "", Style::Engines),
    ("data directory", "DATA DIRECTORY", Style::Plain),
    ("index directory", "INDEX DIRECTORY", Style::Plain),
];

impl Writer<'_> {
    fn create_table(&self) -> Option<String> {
        let table = *self.of_kind(Kind::Table).first()?;
        let mut lines: Vec<String> = Vec::new();
        let mut columns = self.of_kind(Kind::Column);
        columns.sort_by_key(|it| it.get("position").and_then(|it| it.parse::<u32>().ok()));
        lines.extend(columns.iter().map(|it| self.column(it, table)));
        lines.extend(periods(table, false));
        lines.extend(self.of_kind(Kind::PrimaryKey).iter().map(|it| self.index(it)));
        lines.extend(self.ordered(Kind::Index, "order of keys").iter().map(|it| self.index(it)));
        lines.extend(periods(table, true));
        let foreign_keys = self.ordered(Kind::ForeignKey, "order of foreign keys");
        lines.extend(foreign_keys.iter().map(|it| foreign_key(it)));
        let checks = self.ordered(Kind::Check, "order of checks");
        lines.extend(checks.iter().map(|it| check(it)));
        let partitions = table.get("partitions").map(|it| match self.flavour {
            Flavour::MySql => format!("\n{it}"),
            Flavour::MariaDb => format!("\n {it}"),
        });
        Some(format!(
            "CREATE TABLE {} (\n  {}\n){}{}",
            quote_ident(table.id.name()),
            lines.join(",\n  "),
            self.options(table),
            partitions.unwrap_or_default()
        ))
    }

    fn of_kind(&self, kind: Kind) -> Vec<&Object> {
        self.objects.iter().filter(|it| it.id.kind == kind).copied().collect()
    }

    /// What is known beside the table.
    fn of_table(&self, attribute: &str) -> Option<&str> {
        self.beside.iter().find(|it| it.id.kind == Kind::Table)?.get(attribute)
    }

    /// In the order that stands beside the table, the others behind them.
    fn ordered(&self, kind: Kind, attribute: &str) -> Vec<&Object> {
        let order = self.of_table(attribute).unwrap_or_default();
        let order = tokens(order).unwrap_or_default();
        let order: Vec<_> = order.iter().filter_map(|it| it.identifier()).collect();
        let mut objects = self.of_kind(kind);
        objects.sort_by_key(|it| {
            order.iter().position(|name| name == it.id.name()).unwrap_or(usize::MAX)
        });
        objects
    }

    fn comment(&self, object: &Object) -> Option<&str> {
        let is_about = |it: &&&Object| {
            it.id.path.first().is_some_and(|word| word == object.id.kind.word())
                && it.id.path.get(1..) == Some(object.id.path.as_slice())
        };
        let comments = self.objects.iter().filter(|it| it.id.kind == Kind::Comment);
        comments.filter(|it| is_about(it)).find_map(|it| it.get("text"))
    }

    fn column(&self, column: &Object, table: &Object) -> String {
        let is_unsaid = self.of_table("collation unsaid").is_some();
        let follows = self.leaves_unsaid && column.get("collation") == table.get("collation");
        let clause = match follows {
            true => String::new(),
            false => charset_clause(self.flavour, column, table, is_unsaid),
        };
        let of_column = self.beside.iter().find(|it| it.id == column.id);
        // What somebody wrote in full comes back when it is written again.
        let is_whole = |it: &str| Some(it) == whole_clause(column).as_deref();
        let written = of_column.and_then(|it| it.get(CLAUSE));
        let written = written.filter(|it| !self.leaves_unsaid || is_whole(it));
        let compressed = column.get("compressed").map(|_| " /*M!100301 COMPRESSED*/");
        let clauses = match self.flavour {
            Flavour::MySql => mysql_clauses(column),
            Flavour::MariaDb => {
                mariadb_clauses(column, of_column.is_some_and(|it| it.get(HIDDEN_LAST).is_some()))
            }
        };
        let comment = self.comment(column).map(|it| format!(" COMMENT {}", literal(it)));
        let check = column.get("check").map(|it| format!(" CHECK ({it})"));
        // MariaDB prints the reference system of a column nowhere.
        let is_silent = self.leaves_unsaid && self.flavour == Flavour::MariaDb;
        let srid = column.get("srid").filter(|_| is_silent);
        let srid = srid.map(|it| format!(" REF_SYSTEM_ID={it}"));
        [
            quote_ident(column.id.name()),
            format!(" {}", attribute(column, "type")),
            srid.unwrap_or_default(),
            compressed.unwrap_or_default().to_owned(),
            written.map_or(clause, str::to_owned),
            self.generation(column),
            self.nullability(column),
            clauses,
            comment.unwrap_or_default(),
            engine_attributes(column),
            engine_options(column),
            check.unwrap_or_default(),
        ]
        .concat()
    }

    fn generation(&self, column: &Object) -> String {
        let Some(kind) = column.get("generated kind") else { return String::new() };
        match column.get("generated") {
            Some(expression) => {
                format!(" GENERATED ALWAYS AS ({expression}) {}", kind.to_uppercase())
            }
            None => format!(" GENERATED ALWAYS AS {}", kind.to_uppercase()),
        }
    }

    fn nullability(&self, column: &Object) -> String {
        let is_timestamp = attribute(column, "type").starts_with("timestamp");
        let is_generated = column.get("generated kind").is_some();
        match column.get("not null") == Some("true") {
            true => " NOT NULL".to_owned(),
            false if is_timestamp && !(is_generated && self.flavour == Flavour::MariaDb) => {
                " NULL".to_owned()
            }
            false => String::new(),
        }
    }

    fn index(&self, index: &Object) -> String {
        let name = quote_ident(index.id.name());
        let head = match (index.id.kind, index.get("kind"), index.get("unique")) {
            (Kind::PrimaryKey, _, _) => "PRIMARY KEY".to_owned(),
            (_, Some(kind), _) => format!("{} KEY {name}", kind.to_uppercase()),
            (_, None, Some("true")) => format!("UNIQUE KEY {name}"),
            _ => format!("KEY {name}"),
        };
        let columns = attribute(index, "columns");
        let clauses = [
            index.get("method").map(|it| format!(" USING {}", it.to_uppercase())),
            index.get("key block size").map(|it| format!(" KEY_BLOCK_SIZE={it}")),
            self.comment(index).map(|it| format!(" COMMENT {}", literal(it))),
            index.get("invisible").map(|_| " /*!80000 INVISIBLE */".to_owned()),
            Some(engine_attributes(index)),
            // Both servers leave a blank behind the comment.
            index.get("parser").map(|it| format!(" /*!50100 WITH PARSER {} */ ", quote_ident(it))),
            index.get("ignored").map(|_| " IGNORED".to_owned()),
            Some(engine_options(index)),
        ];
        let clauses: String = clauses.into_iter().flatten().collect();
        format!("{head} ({columns}){clauses}")
    }

    fn options(&self, table: &Object) -> String {
        let mut text = String::new();
        for (name, word, how) in OPTIONS {
            let is_unsaid = self.of_table("collation unsaid").is_some();
            let value = table.get(name).filter(|_| name != "collation" || !is_unsaid);
            let written = match how {
                Style::Plain => value.map(|it| format!(" {word}={it}")),
                Style::Since(_) if name == "tablespace" => {
                    value.map(|it| format!(" /*!50100 {word} {} */", quote_ident(it)))
                }
                Style::Since(version) => value.map(|it| format!(" /*!{version} {word}={it} */")),
                Style::Comment => self.comment(table).map(|it| format!(" COMMENT={}", literal(it))),
                Style::Versioning => value.map(|_| " WITH SYSTEM VERSIONING".to_owned()),
                Style::Counter => {
                    let counter = self.of_table("auto increment").filter(|_| !self.leaves_unsaid);
                    counter.map(|it| format!(" AUTO_INCREMENT={it}"))
                }
                Style::Engines => Some(engine_options(table)),
            };
            text.push_str(&written.unwrap_or_default());
        }
        text
    }
}

/// What a storage engine of MySQL is told.
const ATTRIBUTES: [(&str, &str); 2] = [
    ("engine attribute", "ENGINE_ATTRIBUTE"),
    ("secondary engine attribute", "SECONDARY_ENGINE_ATTRIBUTE"),
];

fn engine_attributes(object: &Object) -> String {
    let attributes = ATTRIBUTES.iter().filter_map(|(name, word)| {
        Some(format!(" /*!80021 {word} {} */", literal(object.get(name)?)))
    });
    attributes.collect()
}

fn mysql_clauses(column: &Object) -> String {
    let upper = |it: &str| it.to_uppercase();
    let clauses = [
        column.get("srid").map(|it| format!(" /*!80003 SRID {it} */")),
        column.get("storage").map(|it| format!(" /*!50606 STORAGE {} */", upper(it))),
        column.get("column format").map(|it| format!(" /*!50606 COLUMN_FORMAT {} */", upper(it))),
        column.get("default").map(|it| format!(" DEFAULT {it}")),
        column.get("on update").map(|it| format!(" ON UPDATE {it}")),
        column.get("auto increment").map(|_| " AUTO_INCREMENT".to_owned()),
        column.get("invisible").map(|_| " /*!80023 INVISIBLE */".to_owned()),
    ];
    clauses.into_iter().flatten().collect()
}

fn mariadb_clauses(column: &Object, is_hidden_last: bool) -> String {
    let hidden = column.get("invisible").map(|_| " INVISIBLE".to_owned());
    let (first, last) = if is_hidden_last { (None, hidden) } else { (hidden, None) };
    let clauses = [
        first,
        column.get("default").map(|it| format!(" DEFAULT {it}")),
        column.get("unversioned").map(|_| " WITHOUT SYSTEM VERSIONING".to_owned()),
        column.get("on update").map(|it| format!(" ON UPDATE {it}")),
        column.get("auto increment").map(|_| " AUTO_INCREMENT".to_owned()),
        last,
    ];
    clauses.into_iter().flatten().collect()
}

fn engine_options(object: &Object) -> String {
    let options = object.attributes.iter().filter_map(|(name, value)| {
        Some(format!(" {}={value}", quote_ident(name.strip_prefix("option ")?)))
    });
    options.collect()
}

/// The period in which a row counts for the server, or those that the application knows.
fn periods(table: &Object, of_system: bool) -> Vec<String> {
    let periods = table.attributes.iter().filter_map(|(name, columns)| {
        let name = name.strip_prefix("period ")?;
        let is_system = name == "system_time";
        let name = if is_system { "SYSTEM_TIME".to_owned() } else { quote_ident(name) };
        (is_system == of_system).then(|| format!("PERIOD FOR {name} ({columns})"))
    });
    periods.collect()
}

fn foreign_key(key: &Object) -> String {
    let names = |attribute_: &str| {
        let tokens = tokens(attribute(key, attribute_)).unwrap_or_default();
        let names: Vec<_> = tokens.iter().filter_map(|it| it.identifier()).collect();
        quoted_names(&names).replace("`,`", "`, `")
    };
    let action = |attribute: &str| {
        let action = key.get(attribute).map(str::to_uppercase);
        action.map(|it| format!(" {} {it}", attribute.to_uppercase())).unwrap_or_default()
    };
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}{}",
        quote_ident(key.id.name()),
        names("columns"),
        attribute(key, "references"),
        names("references columns"),
        action("on delete"),
        action("on update")
    )
}

fn check(check: &Object) -> String {
    let enforced = match check.get("enforced") {
        Some("false") => " /*!80016 NOT ENFORCED */",
        _ => "",
    };
    let (name, expression) = (quote_ident(check.id.name()), attribute(check, "expression"));
    format!("CONSTRAINT {name} CHECK ({expression}){enforced}")
}

fn attribute<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).unwrap_or_default()
}
