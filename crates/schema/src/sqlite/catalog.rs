//! Rows of `sqlite_schema` → catalog.
//!
//! SQLite keeps its catalog as the text of the CREATE statements, and much of it (checks, collations,
//! conflict clauses, constraint names, AUTOINCREMENT) is nowhere else, so the texts are parsed with
//! `sqlite3-parser`, whose grammar is SQLite's own. A text that it cannot parse stays whole, as the
//! attribute `definition`: still compared, just not in parts.
//!
//! Constraints that SQLite does not need names for are identified by what they say
//! (`unique(isbn)`), because Drizzle names some that init.sql leaves unnamed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlite3_parser::ast::{
    Cmd, ColumnConstraint, ColumnDefinition, CreateTableBody, DeferSubclause, ForeignKeyClause,
    IndexedColumn, NamedTableConstraint, RefAct, RefArg, ResolveType, SortOrder, SortedColumn,
    Stmt, TabFlags, TableConstraint,
};
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator};

use super::grammar::{canonical, canonical_expression, canonical_type, unquote};
use crate::catalog::{Catalog, Kind, Object, ObjectId};

/// The only query: type, name, table name, text, and the table's type from `pragma_table_list`.
pub const QUERY: &str = "\
    SELECT s.type, s.name, s.tbl_name, s.sql, l.type \
    FROM main.sqlite_schema AS s \
    LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name \
    WHERE s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    ORDER BY s.type, s.name";

/// One row of [`QUERY`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaRow {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    pub name: String,
    pub table: String,
    /// Absent for indexes that a constraint made.
    pub sql: Option<String>,
    /// `shadow` for the tables that belong to a virtual table.
    pub table_type: Option<String>,
}

/// Makes the catalog out of the rows of [`QUERY`]. `is_ledger` names the tables to leave out.
pub fn assemble(rows: Vec<SchemaRow>, is_ledger: impl Fn(&str) -> bool) -> Catalog {
    Series::default().assemble(rows, is_ledger)
}

/// Makes the catalogs of one database, one after the other. What a text says depends on nothing but the text, so
/// that each is parsed once.
#[derive(Debug, Default)]
pub struct Series {
    known: BTreeMap<SchemaRow, Vec<Arc<Object>>>,
}

impl Series {
    /// As [`assemble`].
    pub fn assemble(&mut self, rows: Vec<SchemaRow>, is_ledger: impl Fn(&str) -> bool) -> Catalog {
        let mut objects = Vec::new();
        for row in rows.into_iter().filter(|it| !is_ledger(&it.table)) {
            // A shadow table is made by its virtual table, and an index without text by its constraint.
            if row.table_type.as_deref() == Some("shadow") {
                continue;
            }
            if let Some(known) = self.known.get(&row) {
                objects.extend(known.iter().cloned());
            } else if let Some(sql) = &row.sql {
                let read: Vec<_> = read_statement(&row, sql).into_iter().map(Arc::new).collect();
                objects.extend(read.iter().cloned());
                self.known.insert(row, read);
            }
        }
        resolve_implied_targets(&mut objects);
        Catalog::of_shared(objects)
    }
}

fn read_statement(row: &SchemaRow, sql: &str) -> Vec<Object> {
    let bump = Bump::new();
    let mut parser = Parser::new(&bump, sql.as_bytes());
    let Ok(Some(Cmd::Stmt(statement))) = parser.next() else { return vec![whole(row, sql)] };
    if let Stmt::CreateTable {
        body: CreateTableBody::ColumnsAndConstraints { columns, constraints, flags },
        ..
    } = statement
    {
        let reader = TableReader { name: &row.name, objects: Vec::new() };
        return reader.read(&columns, constraints.unwrap_or_default(), flags);
    }
    if let Stmt::CreateIndex { unique, columns, where_clause, .. } = statement {
        let condition = where_clause.map(|it| canonical_expression(&it.to_string(), &row.table));
        let object = Object::new(Kind::Index, [&row.table, &row.name])
            .with("unique", unique.to_string())
            .with("columns", sorted_columns(columns, &row.table))
            .with_some("where", condition);
        return vec![object];
    }
    vec![whole(row, sql)]
}

/// A view, a trigger, a virtual table, or a text that nobody could parse.
fn whole(row: &SchemaRow, sql: &str) -> Object {
    let (kind, path) = match row.kind.as_str() {
        "view" => (Kind::View, vec![row.name.clone()]),
        "trigger" => (Kind::Trigger, vec![row.table.clone(), row.name.clone()]),
        "index" => (Kind::Index, vec![row.table.clone(), row.name.clone()]),
        "table" => (Kind::Table, vec![row.name.clone()]),
        _ => (Kind::Other, vec![row.name.clone()]),
    };
    Object::new(kind, path)
        .with_some("virtual", (row.table_type.as_deref() == Some("virtual")).then_some("true"))
        .with("definition", canonical(sql))
}

struct TableReader<'a> {
    name: &'a str,
    objects: Vec<Object>,
}

impl TableReader<'_> {
    fn read(
        mut self,
        columns: &[ColumnDefinition<'_>],
        constraints: &[NamedTableConstraint<'_>],
        flags: TabFlags,
    ) -> Vec<Object> {
        let table = Object::new(Kind::Table, [self.name])
            .with("without rowid", flags.contains(TabFlags::WithoutRowid).to_string())
            .with("strict", flags.contains(TabFlags::Strict).to_string());
        self.objects.push(table);
        for (index, column) in columns.iter().enumerate() {
            self.column(index, column);
        }
        for constraint in constraints {
            self.table_constraint(constraint);
        }
        self.mark_rowid_alias(flags);
        self.objects
    }

    fn column(&mut self, index: usize, column: &ColumnDefinition<'_>) {
        let name = unquote(column.col_name.0);
        let mut object = Object::new(Kind::Column, [self.name, &name])
            .with("position", (index + 1).to_string())
            .with("type", column.col_type.as_ref().map(canonical_type).unwrap_or_default())
            .with("not null", "false");
        for named in column.constraints {
            let label = named.name.as_ref().map(|it| unquote(it.0));
            object = self.column_constraint(object, &name, label, &named.constraint);
        }
        self.objects.push(object);
    }

    fn column_constraint(
        &mut self,
        object: Object,
        column: &str,
        label: Option<String>,
        constraint: &ColumnConstraint<'_>,
    ) -> Object {
        match constraint {
            ColumnConstraint::PrimaryKey { order, conflict_clause, auto_increment } => {
                let columns = sorted(quoted(column), *order);
                self.primary_key(columns, *auto_increment, *conflict_clause, label);
            }
            ColumnConstraint::NotNull { nullable: false, conflict_clause } => {
                return object
                    .with("not null", "true")
                    .with_some("not null conflict", conflict_clause.map(conflict));
            }
            ColumnConstraint::Unique(clause) => self.unique(quoted(column), *clause, label),
            ColumnConstraint::Check(expression) => self.check(&expression.to_string(), None, label),
            ColumnConstraint::Default(expression) => {
                return object
                    .with("default", canonical_expression(&expression.to_string(), self.name));
            }
            ColumnConstraint::Collate { collation_name } => {
                return object.with("collation", unquote(collation_name.0).to_lowercase());
            }
            ColumnConstraint::ForeignKey { clause, defer_clause } => {
                self.foreign_key(vec![column.to_owned()], clause, defer_clause.as_ref(), label);
            }
            ColumnConstraint::Generated { expr, typ } => {
                let kind =
                    typ.as_ref().map_or_else(|| "virtual".to_owned(), |it| it.0.to_lowercase());
                return object
                    .with("generated", canonical_expression(&expr.to_string(), self.name))
                    .with("generated kind", kind);
            }
            ColumnConstraint::NotNull { nullable: true, .. } | ColumnConstraint::Defer(_) => {}
        }
        object
    }

    fn table_constraint(&mut self, named: &NamedTableConstraint<'_>) {
        let label = named.name.as_ref().map(|it| unquote(it.0));
        match &named.constraint {
            TableConstraint::PrimaryKey { columns, auto_increment, conflict_clause } => {
                let columns = sorted_columns(columns, self.name);
                self.primary_key(columns, *auto_increment, *conflict_clause, label);
            }
            TableConstraint::Unique { columns, conflict_clause } => {
                self.unique(sorted_columns(columns, self.name), *conflict_clause, label);
            }
            TableConstraint::Check(expression, clause) => {
                self.check(&expression.to_string(), *clause, label);
            }
            TableConstraint::ForeignKey { columns, clause, defer_clause } => {
                self.foreign_key(column_names(columns), clause, defer_clause.as_ref(), label);
            }
        }
    }

    fn primary_key(
        &mut self,
        columns: String,
        autoincrement: bool,
        clause: Option<ResolveType>,
        label: Option<String>,
    ) {
        let object = Object::new(Kind::PrimaryKey, [self.name, "primary key"])
            .with("columns", columns)
            .with("autoincrement", autoincrement.to_string())
            .with_some("conflict", clause.map(conflict))
            .with_some("name", label);
        self.objects.push(object);
    }

    fn unique(&mut self, columns: String, clause: Option<ResolveType>, label: Option<String>) {
        let object = Object::new(Kind::Unique, [self.name, &format!("unique({columns})")])
            .with("columns", columns)
            .with_some("conflict", clause.map(conflict))
            .with_some("name", label);
        self.objects.push(object);
    }

    fn check(&mut self, expression: &str, clause: Option<ResolveType>, label: Option<String>) {
        let expression = canonical_expression(expression, self.name);
        let name = label.unwrap_or_else(|| format!("check({expression})"));
        let object = Object::new(Kind::Check, [self.name, &name])
            .with("expression", expression)
            .with_some("conflict", clause.map(conflict));
        self.objects.push(object);
    }

    fn foreign_key(
        &mut self,
        columns: Vec<String>,
        clause: &ForeignKeyClause<'_>,
        defer: Option<&DeferSubclause>,
        label: Option<String>,
    ) {
        let target = unquote(clause.tbl_name.0);
        let name = format!("{} -> {target}", columns.join(", "));
        let mut object = Object::new(Kind::ForeignKey, [self.name, &name])
            .with("columns", columns.join(", "))
            .with("references", target)
            .with("on update", "no action")
            .with("on delete", "no action")
            .with_some("references columns", clause.columns.map(|it| column_names(it).join(", ")))
            .with_some("deferrable", defer.map(|it| format!("{it:?}")))
            .with_some("name", label);
        for argument in clause.args {
            object = match argument {
                RefArg::OnDelete(action) => object.with("on delete", action_word(*action)),
                RefArg::OnUpdate(action) => object.with("on update", action_word(*action)),
                RefArg::OnInsert(action) => object.with("on insert", action_word(*action)),
                RefArg::Match(name) => object.with("match", unquote(name.0).to_lowercase()),
            };
        }
        self.objects.push(object);
    }

    /// An INTEGER PRIMARY KEY *is* the rowid: it is never NULL, whether it says so or not.
    fn mark_rowid_alias(&mut self, flags: TabFlags) {
        let Some(key) = self.objects.iter_mut().find(|it| it.id.kind == Kind::PrimaryKey) else {
            return;
        };
        let columns = key.get("columns").unwrap_or_default().to_owned();
        let alias = self.objects.iter_mut().find(|it| {
            it.id.kind == Kind::Column
                && quoted(it.id.name()) == columns
                && it.get("type") == Some("integer")
        });
        if let Some(column) = alias.filter(|_| !flags.contains(TabFlags::WithoutRowid)) {
            column.attributes.insert("not null".to_owned(), "true".to_owned());
            column.attributes.insert("rowid".to_owned(), "true".to_owned());
        }
    }
}

/// A reference without columns means the target's primary key; say so, to compare it with one that
/// names the columns.
fn resolve_implied_targets(objects: &mut [Arc<Object>]) {
    let keys: Vec<(String, String)> = objects
        .iter()
        .filter(|it| it.id.kind == Kind::PrimaryKey)
        .filter_map(|it| Some((it.id.path.first()?.to_lowercase(), it.get("columns")?.to_owned())))
        .collect();
    for object in objects.iter_mut().filter(|it| it.id.kind == Kind::ForeignKey) {
        if object.get("references columns").is_some() {
            continue;
        }
        let target = object.get("references").unwrap_or_default().to_lowercase();
        if let Some((_, columns)) = keys.iter().find(|it| it.0 == target) {
            let attributes = &mut Arc::make_mut(object).attributes;
            attributes.insert("references columns".to_owned(), columns.clone());
        }
    }
}

/// The tables of a catalog, for reading their rows.
pub fn table_names(catalog: &Catalog) -> Vec<ObjectId> {
    catalog.of_kind(Kind::Table).map(|it| it.id.clone()).collect()
}

fn sorted_columns(columns: &[SortedColumn<'_>], table: &str) -> String {
    let each = columns
        .iter()
        .map(|it| sorted(canonical_expression(&it.expr.to_string(), table), it.order));
    each.collect::<Vec<_>>().join(", ")
}

fn sorted(column: String, order: Option<SortOrder>) -> String {
    match order {
        Some(SortOrder::Desc) => format!("{column} desc"),
        Some(SortOrder::Asc) | None => column,
    }
}

/// A column name as `canonical_expression` spells it.
fn quoted(name: &str) -> String {
    canonical_expression(&format!("\"{}\"", name.replace('"', "\"\"")), "")
}

fn column_names(columns: &[IndexedColumn<'_>]) -> Vec<String> {
    columns.iter().map(|it| quoted(&unquote(it.col_name.0))).collect()
}

fn conflict(clause: ResolveType) -> String {
    format!("{clause:?}").to_lowercase()
}

fn action_word(action: RefAct) -> &'static str {
    match action {
        RefAct::SetNull => "set null",
        RefAct::SetDefault => "set default",
        RefAct::Cascade => "cascade",
        RefAct::Restrict => "restrict",
        RefAct::NoAction => "no action",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Catalog {
        let rows: Vec<_> = sql
            .split(";;")
            .map(|sql| {
                let words: Vec<_> = sql.split_whitespace().collect();
                let kind = words[1].to_lowercase().replace("unique", "index");
                let name =
                    words[2 + usize::from(words[1] == "unique")].trim_matches('`').to_owned();
                let table =
                    words.iter().position(|it| *it == "on").map_or(&*name, |at| words[at + 1]);
                SchemaRow {
                    kind,
                    table: table.to_owned(),
                    name: name.clone(),
                    sql: Some(sql.trim().into()),
                    table_type: None,
                }
            })
            .collect();
        assemble(rows, |table| table == "ledger")
    }

    #[track_caller]
    fn check_equal(from: &str, to: &str) {
        let (from, to) = (read(from), read(to));
        let objects = |it: &Catalog| it.objects().map(|it| format!("{it:?}")).collect::<Vec<_>>();
        assert_eq!(objects(&from), objects(&to));
    }

    #[test]
    fn quotes_case_and_spacing_do_not_matter() {
        check_equal(
            "create table books (id INTEGER PRIMARY KEY, title TEXT NOT NULL DEFAULT 'x', stock int check (stock>=0))",
            "CREATE TABLE `books` (\n`id` integer PRIMARY KEY NOT NULL, `title` text DEFAULT 'x' NOT NULL, `stock` INT, CHECK(\"books\".\"stock\" >= 0))",
        );
    }

    #[test]
    fn an_implied_target_column_is_the_primary_key() {
        check_equal(
            "create table a (id integer primary key);;create table b (a integer references a)",
            "create table a (id integer primary key);;create table b (a integer, foreign key (a) references a(id) on update no action on delete no action)",
        );
    }

    #[test]
    fn each_clause_changes_exactly_its_object() {
        let base = "create table t (id integer primary key, a text, b text)";
        for (changed, id) in [
            (
                "create table t (id integer primary key autoincrement, a text, b text)",
                "primary key t.primary key",
            ),
            (
                "create table t (id integer primary key, a text collate nocase, b text)",
                "column t.a",
            ),
            (
                "create table t (id integer primary key, a text not null on conflict ignore, b text)",
                "column t.a",
            ),
            ("create table t (id integer primary key, a text, b text default (1+1))", "column t.b"),
            (
                "create table t (id integer primary key, a text, b text generated always as (a) stored)",
                "column t.b",
            ),
            ("create table t (id integer primary key, a text, b text) strict", "table t"),
        ] {
            let (from, to) = (read(base), read(changed));
            let comparison = crate::compare(crate::Pair { from: &from, to: &to });
            let differs: Vec<_> = comparison.differs.iter().map(|it| it.id.to_string()).collect();
            assert_eq!(differs, [id], "{changed}");
            assert_eq!(comparison.n_differences(), 1, "{changed}");
        }
    }

    #[test]
    fn t27_desc_collate_partial_and_expression_indexes_are_told_apart() {
        let variants = [
            "create index i on t (a)",
            "create index i on t (a desc)",
            "create index i on t (a collate nocase)",
            "create index i on t (a) where a is not null",
            "create index i on t (lower(a))",
            "create unique index i on t (a)",
        ];
        let prints: std::collections::BTreeSet<_> =
            variants.iter().map(|it| read(it).fingerprint()).collect();
        assert_eq!(prints.len(), variants.len());
    }

    #[test]
    fn the_ledger_is_not_part_of_the_catalog() {
        assert!(read("create table ledger (id serial primary key, hash text not null, created_at numeric)").is_empty());
    }

    #[test]
    fn a_text_that_cannot_be_parsed_is_still_compared() {
        let (from, to) = (read("create table t"), read("create table t frob"));
        assert_ne!(from.fingerprint(), to.fingerprint());
    }
}
