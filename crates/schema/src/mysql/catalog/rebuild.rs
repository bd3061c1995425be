//! A catalog → the statements that build its database anew, each after what it needs.
//!
//! What the server prints of a table and keeps of a program is said again; around it stand the settings under
//! which it was made. They are put back at the end: whoever runs the statements goes on in the same session.

use std::collections::BTreeSet;

use super::create::create;
use super::statement::create_table_again;
use crate::catalog::{Catalog, Kind, Object, ObjectId};
use crate::mysql::grammar::{quote_ident, quote_literal};
use crate::mysql::token::tokens;

/// What a session has, by the name of the variable and by the attribute that says under which it was made.
const SETTINGS: [(&str, &str); 4] = [
    ("sql_mode", "sql mode"),
    ("character_set_client", "client charset"),
    ("collation_connection", "connection collation"),
    ("time_zone", "time zone"),
];

/// In this order; within one kind what is needed comes first.
const PROGRAMS: [Kind; 6] =
    [Kind::Other, Kind::Function, Kind::Procedure, Kind::View, Kind::Trigger, Kind::Event];

/// The statements that build the database of a catalog from nothing, without semicolons. Programs belong to whoever
/// runs them, or with `with_owners` to whom they belong now.
pub fn rebuilding(catalog: &Catalog, with_owners: bool) -> Vec<String> {
    let mut script = Script { catalog, with_owners, ..Script::begun(catalog) };
    for sequence in catalog.of_kind(Kind::Sequence) {
        script.statements.extend(create(catalog, sequence, false));
    }
    script.tables();
    for kind in PROGRAMS {
        script.programs(kind);
    }
    script.end();
    script.statements
}

/// The statements that make these triggers again, under the settings under which they were made.
pub fn triggers_again(catalog: &Catalog, triggers: &[&Object], with_owners: bool) -> Vec<String> {
    let mut script = Script { catalog, with_owners, ..Script::begun(catalog) };
    script.statements.clear();
    for trigger in triggers {
        script.program(trigger);
    }
    script.end();
    script.statements
}

/// The statement that makes a table again, without its counter.
pub fn table_again(catalog: &Catalog, table: &Object) -> Option<String> {
    match table.get("definition") {
        Some(definition) => Some(definition.to_owned()),
        None => create_table_again(catalog, &table.id),
    }
}

/// The statement that takes NULL away as the default of columns of a table that may be NULL, where some have no default
/// at all: no definition of a column says that.
pub fn without_defaults(catalog: &Catalog, table: &Object) -> Option<String> {
    // Of texts and blobs alone the server does not print that their default is NULL.
    let is_silent = |kind: &str| {
        let word = kind.split(['(', ' ']).next().unwrap_or_default();
        word.ends_with("text") || word.ends_with("blob")
    };
    let is_bare = |it: &&Object| {
        it.id.kind == Kind::Column
            && ["default", "generated kind", "auto increment"]
                .iter()
                .all(|name| it.get(name).is_none())
            && it.get("not null") == Some("false")
            && !it.get("type").is_none_or(is_silent)
    };
    let of_mysql = super::flavour(catalog) == Some(super::Flavour::MySql);
    let is_parsed = table.get("definition").is_none();
    let drop = |it: &Object| format!("ALTER COLUMN {} DROP DEFAULT", quote_ident(it.id.name()));
    let drops: Vec<_> = catalog.inside(&table.id).filter(is_bare).map(drop).collect();
    (of_mysql && is_parsed && !drops.is_empty())
        .then(|| format!("ALTER TABLE {} {}", quote_ident(table.id.name()), drops.join(", ")))
}

/// The statements that make a program again in the database of `now`, which may have another collation: between
/// the settings under which it was made and those that the session had before.
pub fn program_again(catalog: &Catalog, program: &Object, now: &Catalog) -> Vec<String> {
    let mut script = Script { catalog, ..Script::begun(now) };
    script.statements.clear();
    script.program(program);
    script.end();
    script.statements
}

/// The statements that make all programs of a catalog again in the database of `now`, for those whose they are, each
/// after what it needs.
pub fn programs_again(programs: &Catalog, now: &Catalog) -> Vec<String> {
    let mut script = Script { catalog: programs, with_owners: true, ..Script::begun(now) };
    script.statements.clear();
    for kind in PROGRAMS {
        script.programs(kind);
    }
    script.end();
    script.statements
}

/// Tables after those that their foreign keys point to.
pub fn tables_in_order(catalog: &Catalog) -> Vec<&Object> {
    parents_first(catalog).0
}

/// Programs whose text names the database: in a database of another name they would still mean this one.
pub fn naming_their_database(catalog: &Catalog) -> Vec<&ObjectId> {
    let Some(database) = catalog.surroundings.iter().find(|it| it.id.kind == Kind::Database) else {
        return Vec::new();
    };
    let name = database.id.name();
    let is_named = |it: &&Object| {
        let text = it.get("definition").unwrap_or_default();
        let tokens = tokens(text).unwrap_or_default();
        let points = tokens.windows(2).filter(|it| it[1].is_symbol('.'));
        points.into_iter().any(|it| it[0].identifier().as_deref() == Some(name))
    };
    let kinds = PROGRAMS.into_iter().flat_map(|it| catalog.of_kind(it));
    kinds.filter(is_named).map(|it| &it.id).collect()
}

struct Script<'a> {
    catalog: &'a Catalog,
    with_owners: bool,
    statements: Vec<String>,
    /// What the session has been told, by the name of the variable.
    told: Vec<(&'static str, String)>,
    /// The collation of the database, and the one that it has now.
    collation: Option<&'a str>,
    collation_now: Option<String>,
}

impl<'a> Script<'a> {
    /// The database first: what is made later takes its character set from it.
    fn begun(catalog: &'a Catalog) -> Self {
        let database = catalog.surroundings.iter().find(|it| it.id.kind == Kind::Database);
        let collation = database.and_then(|it| it.get("collation"));
        let charset = database.and_then(|it| it.get("charset"));
        let statements = charset.zip(collation).map(|(charset, collation)| {
            format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}")
        });
        Self {
            catalog,
            with_owners: false,
            statements: statements.into_iter().collect(),
            told: Vec::new(),
            collation,
            collation_now: collation.map(str::to_owned),
        }
    }

    fn tables(&mut self) {
        let has_odd_dates = |it: &Object| {
            it.get("default").is_some_and(|it| it.starts_with("'0000-") || it.contains("-00"))
        };
        if self.catalog.of_kind(Kind::Column).any(has_odd_dates) {
            self.tell("sql_mode", "NO_ENGINE_SUBSTITUTION");
        }
        let (ordered, is_waiting) = parents_first(self.catalog);
        if is_waiting {
            self.tell("foreign_key_checks", "0");
        }
        for table in ordered {
            self.statements.extend(table_again(self.catalog, table));
            self.statements.extend(without_defaults(self.catalog, table));
        }
        if is_waiting {
            self.statements
                .push("SET foreign_key_checks = @raingauge_foreign_key_checks".to_owned());
            self.told.retain(|it| it.0 != "foreign_key_checks");
        }
    }

    fn programs(&mut self, kind: Kind) {
        let mut objects: Vec<&Object> = self.catalog.of_kind(kind).collect();
        if kind == Kind::View {
            objects = views_in_order(objects);
        } else if kind == Kind::Trigger {
            objects = triggers_in_order(objects);
        } else {
            // The body of a package needs its head.
            objects.sort_by_key(|it| it.id.path.first().is_some_and(|it| it.contains("body")));
        }
        for object in objects {
            self.program(object);
        }
    }

    fn program(&mut self, object: &Object) {
        let Some(sql) = create(self.catalog, object, self.with_owners) else { return };
        for (variable, attribute) in SETTINGS {
            if let Some(value) = object.get(attribute) {
                self.tell(variable, value);
            }
        }
        if let Some(collation) = object.get("database collation") {
            self.collate(collation.to_owned());
        }
        self.statements.push(sql);
    }

    /// Sets a variable, and keeps what it was the first time.
    fn tell(&mut self, variable: &'static str, value: &str) {
        let kept = format!("@raingauge_{variable} = @@{variable}");
        let is_word = value.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        let is_text = matches!(variable, "sql_mode" | "time_zone") || !is_word;
        let spelled = if is_text { quote_literal(value) } else { value.to_owned() };
        match self.told.iter_mut().find(|it| it.0 == variable) {
            Some(told) if told.1 == value => {}
            Some(told) => {
                value.clone_into(&mut told.1);
                self.statements.push(format!("SET {variable} = {spelled}"));
            }
            None => {
                self.told.push((variable, value.to_owned()));
                self.statements.push(format!("SET {kept}, {variable} = {spelled}"));
            }
        }
    }

    /// A program remembers the collation that its database had.
    fn collate(&mut self, collation: String) {
        if self.collation_now.as_ref().is_some_and(|it| *it != collation) {
            self.statements.push(alter_database(&collation));
            self.collation_now = Some(collation);
        }
    }

    fn end(&mut self) {
        if let Some(collation) = self.collation {
            self.collate(collation.to_owned());
        }
        let back = self.told.iter().map(|it| format!("{0} = @raingauge_{0}", it.0));
        let back = back.collect::<Vec<_>>().join(", ");
        if !back.is_empty() {
            self.statements.push(format!("SET {back}"));
        }
    }
}

fn alter_database(collation: &str) -> String {
    let charset = collation.split('_').next().unwrap_or_default();
    format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}")
}

/// Tables after those that their foreign keys point to; and whether a key points forward or nowhere.
fn parents_first(catalog: &Catalog) -> (Vec<&Object>, bool) {
    let mut left: Vec<&Object> = catalog.of_kind(Kind::Table).collect();
    let (mut ordered, mut done) = (Vec::new(), BTreeSet::new());
    let mut is_waiting = false;
    while !left.is_empty() {
        let is_ready = |table: &&Object| {
            let mut keys = catalog.inside(&table.id).filter(|it| it.id.kind == Kind::ForeignKey);
            keys.all(|it| {
                let parent = parent(it);
                parent == table.id.name() || done.contains(&parent)
            })
        };
        let at = left.iter().position(is_ready).unwrap_or_else(|| {
            is_waiting = true;
            0
        });
        let table = left.remove(at);
        done.insert(table.id.name().to_owned());
        ordered.push(table);
    }
    (ordered, is_waiting)
}

fn parent(key: &Object) -> String {
    let tokens = tokens(key.get("references").unwrap_or_default()).unwrap_or_default();
    tokens.last().and_then(|it| it.identifier()).unwrap_or_default()
}

/// Views after those that they read. Names of columns stand behind a point, so a name behind one of these
/// words or marks is a table's.
fn views_in_order(mut left: Vec<&Object>) -> Vec<&Object> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let names: BTreeSet<&str> = left.iter().map(|it| it.id.name()).collect();
        let is_ready = |view: &&Object| {
            let read = sources(view.get("definition").unwrap_or_default());
            read.iter().all(|it| it == view.id.name() || !names.contains(it.as_str()))
        };
        let at = left.iter().position(is_ready).unwrap_or(0);
        ordered.push(left.remove(at));
    }
    ordered
}

fn sources(query: &str) -> Vec<String> {
    let tokens = tokens(query).unwrap_or_default();
    let opens = |at: usize| {
        let before = &tokens[at - 1];
        ["from", "join", "straight_join"].iter().any(|it| before.is_word(it))
            || before.is_symbol('(')
            || before.is_symbol(',')
    };
    let names = (1..tokens.len()).filter(|&at| opens(at));
    names.filter_map(|at| tokens[at].identifier()).collect()
}

/// Triggers of one table and event in the order in which they run.
fn triggers_in_order(objects: Vec<&Object>) -> Vec<&Object> {
    let mut ordered: Vec<&Object> = Vec::new();
    let mut left = objects;
    while !left.is_empty() {
        let is_ready = |it: &&Object| {
            let follows = it.get("follows");
            let is_of = |other: &&&Object| {
                other.id.path.first() == it.id.path.first() && Some(other.id.name()) == follows
            };
            !left.iter().any(|other| is_of(&other))
        };
        let at = left.iter().position(is_ready).unwrap_or(0);
        ordered.push(left.remove(at));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parent: Option<&str>) -> Vec<Object> {
        let key = parent.map(|it| {
            Object::new(Kind::ForeignKey, [name, &format!("{name}_fk")])
                .with("columns", "`p`")
                .with("references", quote_ident(it))
                .with("references columns", "`id`")
        });
        let column = Object::new(Kind::Column, [name, "p"])
            .with("type", "int")
            .with("default", "NULL")
            .with("position", "1");
        [Object::new(Kind::Table, [name]), column].into_iter().chain(key).collect()
    }

    fn catalog(objects: Vec<Object>) -> Catalog {
        let mut catalog = Catalog::new(objects);
        catalog.surroundings = vec![
            Object::new(Kind::Database, ["app"])
                .with("flavour", "MySQL")
                .with("charset", "utf8mb4")
                .with("collation", "utf8mb4_bin"),
        ];
        catalog
    }

    fn heads(catalog: &Catalog) -> Vec<String> {
        let first = |it: &String| it.lines().next().unwrap_or_default().to_owned();
        rebuilding(catalog, false).iter().map(first).collect()
    }

    #[test]
    fn a_default_that_is_none_although_null_may_be_is_taken_away_again() {
        let mut all = table("a", None);
        for (name, sql_type, default) in [
            ("t", "text", None),
            ("n", "int", Some("NULL")),
            ("d", "date", None),
            ("j", "json", None),
        ] {
            let column = Object::new(Kind::Column, ["a", name]).with("type", sql_type);
            let column = column.with("not null", "false").with("position", "2");
            all.push(default.map_or(column.clone(), |it| column.with("default", it)));
        }
        let last = |flavour: &str| {
            let mut catalog = catalog(all.clone());
            catalog.surroundings[0].attributes.insert("flavour", flavour);
            heads(&catalog).pop()
        };
        assert_eq!(
            last("MySQL").unwrap(),
            "ALTER TABLE `a` ALTER COLUMN `d` DROP DEFAULT, ALTER COLUMN `j` DROP DEFAULT"
        );
        assert_eq!(last("MariaDB").unwrap(), "CREATE TABLE `a` (");
    }

    #[test]
    fn parents_come_first_and_only_a_cycle_needs_the_switch() {
        let all = [table("a", Some("b")), table("b", None)].concat();
        let expected = [
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "CREATE TABLE `b` (",
            "CREATE TABLE `a` (",
        ];
        assert_eq!(heads(&catalog(all)), expected);
        let all = [table("a", Some("b")), table("b", Some("a"))].concat();
        let expected = [
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "SET @raingauge_foreign_key_checks = @@foreign_key_checks, foreign_key_checks = 0",
            "CREATE TABLE `a` (",
            "CREATE TABLE `b` (",
            "SET foreign_key_checks = @raingauge_foreign_key_checks",
        ];
        assert_eq!(heads(&catalog(all)), expected);
    }

    #[test]
    fn a_program_is_made_under_its_settings_and_they_are_put_back() {
        let view = |name: &str, query: &str| {
            Object::new(Kind::View, [name])
                .with("algorithm", "undefined")
                .with("security", "definer")
                .with("definition", query)
                .with("client charset", "utf8mb4")
                .with("connection collation", "utf8mb4_general_ci")
        };
        let all =
            vec![view("a", "select 1 from `b` join `t`"), view("b", "select `a`.`a` from `t` `a`")];
        let trigger =
            Object { owner: Some("o@%".to_owned()), ..Object::new(Kind::Trigger, ["t", "tr"]) }
                .with("timing", "before")
                .with("event", "insert")
                .with("definition", "SET NEW.a = 1")
                .with("sql mode", "ANSI_QUOTES")
                .with("database collation", "latin1_swedish_ci");
        let all = [all, vec![trigger]].concat();
        let expected = [
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "SET @raingauge_character_set_client = @@character_set_client, character_set_client = utf8mb4",
            "SET @raingauge_collation_connection = @@collation_connection, collation_connection = utf8mb4_general_ci",
            "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `b` AS select `a`.`a` from `t` `a`",
            "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `a` AS select 1 from `b` join `t`",
            "SET @raingauge_sql_mode = @@sql_mode, sql_mode = 'ANSI_QUOTES'",
            "ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci",
            "CREATE TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1",
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "SET character_set_client = @raingauge_character_set_client, collation_connection = @raingauge_collation_connection, sql_mode = @raingauge_sql_mode",
        ];
        assert_eq!(heads(&catalog(all.clone())), expected);
        let owned = rebuilding(&catalog(all), true);
        assert!(owned.contains(&"CREATE DEFINER=`o`@`%` TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1".to_owned()));
    }
}
