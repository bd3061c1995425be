//! Changes of rows as SQL, in the words of drizzle-kit 1.0.0-rc.5
//! (`src/dialects/postgres/convertor.ts`).
//!
//! The text is the kit's, byte for byte, except where the kit's text fails or does not say what the
//! schema says; `cases/known-differences.md` lists those.

mod column;
mod object;
mod rename;

use super::diff::{Change, Whole};
use super::{Check, ForeignKey, Index, PrimaryKey, Table, Unique};
use crate::pair::Pair;
use crate::plan::{Hazard, Statement};
use crate::postgres::render::closed;

/// The statements of all changes, in order.
pub(super) fn statements(changes: &[Change]) -> Vec<Statement> {
    changes.iter().flat_map(render).collect()
}

fn render(change: &Change) -> Vec<Statement> {
    let sql = match change {
        Change::Rename { rename, is_materialized } => rename::renamed(rename, *is_materialized),
        Change::Move { rename, is_materialized } => rename::moved(rename, *is_materialized),
        Change::CreateTable(it) => return harmless(create_table(it)),
        Change::DropTable { table, policies } => return drop_table(table, policies),
        Change::SetRls(it) => {
            let verb = if it.is_rls_enabled { "ENABLE" } else { "DISABLE" };
            alter_table(&it.schema, &it.name, &format!("{verb} ROW LEVEL SECURITY"))
        }
        Change::AddColumn { column, in_key } => column::add(column, false, *in_key),
        Change::DropColumn(it) => return vec![column::drop(it)],
        Change::ReplaceColumn { column, is_key } => {
            let add = Statement::harmless(column::add(column, *is_key, false));
            return vec![column::drop(column), add];
        }
        Change::AlterColumn(it) => {
            let table = dotted(&it.to.schema, &[&it.to.table]);
            return rewriting(column::alter(it), &table);
        }
        Change::RebuildEnum { to, columns } => {
            let tables = columns.iter().map(|it| dotted(&it.from.schema, &[&it.from.table]));
            let table = tables.collect::<Vec<_>>().join(", ");
            return rewriting(column::rebuild_enum(to, columns), &table);
        }
        Change::DropUnique(it) => drop_constraint((&it.schema, &it.table), &it.name),
        Change::AddUnique(it) => add_unique(it),
        Change::ReplaceUnique(Pair { from, to }) => {
            let drop = drop_constraint((&from.schema, &from.table), &from.name);
            return harmless(vec![drop, add_unique(to)]);
        }
        Change::DropCheck(it) => drop_constraint((&it.schema, &it.table), &it.name),
        Change::AddCheck(it) => alter_table(&it.schema, &it.table, &format!("ADD {}", check(it))),
        Change::ReplaceCheck(it) => {
            let replace = format!("DROP CONSTRAINT {}, ADD {}", quote(&it.name), check(it));
            alter_table(&it.schema, &it.table, &replace)
        }
        Change::DropForeignKey(it) => drop_constraint((&it.schema, &it.table), &it.name),
        Change::AddForeignKey(it) => {
            alter_table(&it.schema, &it.table, &format!("ADD {}", foreign_key(it)))
        }
        Change::ReplaceForeignKey(it) => {
            let replace = format!("DROP CONSTRAINT {}, ADD {}", quote(&it.name), foreign_key(it));
            alter_table(&it.schema, &it.table, &replace)
        }
        Change::DropPrimaryKey(it) => drop_constraint((&it.schema, &it.table), &it.name),
        Change::AddPrimaryKey(it) => add_primary_key(it),
        Change::ReplacePrimaryKey { key, is_gone } => {
            let drop = drop_constraint((&key.schema, &key.table), &key.name);
            let drop = (!is_gone).then_some(drop);
            return harmless(drop.into_iter().chain([add_primary_key(key)]).collect());
        }
        Change::DropIndex(it) => drop_index(it),
        Change::CreateIndex(it) => create_index(it),
        Change::ReplaceIndex(it) => return harmless(vec![drop_index(it), create_index(it)]),
        Change::CreateSchema(_)
        | Change::DropSchema(_)
        | Change::CreateEnum(_)
        | Change::AddEnumValue { .. }
        | Change::DropEnum(_)
        | Change::CreateSequence(_)
        | Change::AlterSequence(_)
        | Change::DropSequence(_)
        | Change::CreateRole(_)
        | Change::AlterRole(_)
        | Change::DropRole(_)
        | Change::CreateView(_)
        | Change::AlterView(_)
        | Change::DropView(_)
        | Change::CreatePolicy(_)
        | Change::ReplacePolicy(_)
        | Change::AlterPolicy(_)
        | Change::DropPolicy(_) => return object::render(change),
    };
    vec![Statement::harmless(sql)]
}

fn harmless(texts: Vec<String>) -> Vec<Statement> {
    texts.into_iter().map(Statement::harmless).collect()
}

/// A new type makes the table be written anew.
fn rewriting(texts: Vec<String>, table: &str) -> Vec<Statement> {
    let hazards = |sql: &str| match sql.contains(" SET DATA TYPE ") {
        true => vec![Hazard::RewritesTable(table.to_owned())],
        false => Vec::new(),
    };
    texts.into_iter().map(|sql| Statement { hazards: hazards(&sql), sql }).collect()
}

/// An identifier. drizzle-kit does not escape quotes inside.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The name, without `public`.
fn qualified(schema: &str, name: &str) -> String {
    match schema {
        "public" => quote(name),
        schema => format!("{}.{}", quote(schema), quote(name)),
    }
}

fn alter_table(schema: &str, table: &str, action: &str) -> String {
    format!("ALTER TABLE {} {action};", qualified(schema, table))
}

fn listed(names: &[String], separator: &str) -> String {
    names.iter().map(|it| quote(it)).collect::<Vec<_>>().join(separator)
}

fn deleting(sql: String, object: &str) -> Statement {
    Statement { sql, hazards: vec![Hazard::DeletesData(format!("drop:{object}"))] }
}

/// A name as `--allow` takes it.
fn dotted(schema: &str, names: &[&str]) -> String {
    let schema = Some(schema).filter(|it| *it != "public");
    schema.into_iter().chain(names.iter().copied()).collect::<Vec<_>>().join(".")
}

fn create_table(it: &Whole) -> Vec<String> {
    let Table { schema, name, is_rls_enabled } = &it.table;
    let default_key = format!("{name}_pkey");
    let mut parts: Vec<_> = it.columns.iter().map(|column| column::create(column, it)).collect();
    let key = it.key.as_ref().filter(|it| it.columns.len() > 1 || it.name != default_key);
    parts.extend(key.map(primary_key));
    parts.extend(it.uniques.iter().filter(|it| it.columns.len() > 1).map(unique));
    parts.extend(it.checks.iter().map(check));
    let body: Vec<_> = parts.iter().map(|it| format!("\t{it}")).collect();
    let create = format!("CREATE TABLE {} (\n{}\n);\n", qualified(schema, name), body.join(",\n"));
    let secured = *is_rls_enabled || it.has_policies;
    let secure = secured.then(|| alter_table(schema, name, "ENABLE ROW LEVEL SECURITY"));
    [create].into_iter().chain(secure).collect()
}

fn drop_table(it: &Table, policies: &[super::Policy]) -> Vec<Statement> {
    let drops = policies.iter().map(|it| Statement::harmless(object::drop_policy(it)));
    let drop = format!("DROP TABLE {};", qualified(&it.schema, &it.name));
    drops.chain([deleting(drop, &dotted(&it.schema, &[&it.name]))]).collect()
}

fn drop_constraint((schema, table): (&str, &str), name: &str) -> String {
    alter_table(schema, table, &format!("DROP CONSTRAINT {}", quote(name)))
}

fn primary_key(it: &PrimaryKey) -> String {
    format!("CONSTRAINT {} PRIMARY KEY({})", quote(&it.name), listed(&it.columns, ","))
}

fn add_primary_key(it: &PrimaryKey) -> String {
    let key = match it.name_explicit {
        true => primary_key(it),
        false => format!("PRIMARY KEY ({})", listed(&it.columns, ",")),
    };
    alter_table(&it.schema, &it.table, &format!("ADD {key}"))
}

fn unique(it: &Unique) -> String {
    let nulls = if it.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!("CONSTRAINT {} UNIQUE{nulls}({})", quote(&it.name), listed(&it.columns, ","))
}

fn add_unique(it: &Unique) -> String {
    alter_table(&it.schema, &it.table, &format!("ADD {}", unique(it)))
}

fn check(it: &Check) -> String {
    format!("CONSTRAINT {} CHECK ({})", quote(&it.name), closed(&it.value))
}

fn foreign_key(it: &ForeignKey) -> String {
    let action = |event: &str, action: &Option<String>| match action.as_deref() {
        None | Some("NO ACTION") => String::new(),
        Some(action) => format!(" ON {event} {action}"),
    };
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({}){}{}",
        quote(&it.name),
        listed(&it.columns, ","),
        qualified(&it.schema_to, &it.table_to),
        listed(&it.columns_to, ","),
        action("DELETE", &it.on_delete),
        action("UPDATE", &it.on_update)
    )
}

fn drop_index(it: &Index) -> String {
    format!("DROP INDEX {};", qualified(&it.schema, &it.name))
}

fn create_index(it: &Index) -> String {
    let kind = if it.is_unique { "UNIQUE INDEX" } else { "INDEX" };
    let concurrently = if it.concurrently { " CONCURRENTLY" } else { "" };
    let columns: Vec<_> = it.columns.iter().map(index_column).collect();
    let using = match it.method.as_str() {
        "btree" => String::new(),
        method => format!(" USING {method}"),
    };
    let with = if it.with.is_empty() { String::new() } else { format!(" WITH ({})", it.with) };
    let condition = it.condition.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
    format!(
        "CREATE {kind}{concurrently} {} ON {}{using} ({}){with}{condition};",
        quote(&it.name),
        qualified(&it.schema, &it.table),
        columns.join(",")
    )
}

fn index_column(it: &super::IndexColumn) -> String {
    let text = if it.is_expression { it.value.clone() } else { quote(&it.value) };
    let opclass = it.opclass.as_ref().filter(|it| !it.default);
    let opclass = opclass.map(|it| format!(" {}", it.name)).unwrap_or_default();
    let direction = if it.asc { "" } else { " DESC" };
    let nulls = match (it.asc, it.nulls_first) {
        (true, false) | (false, true) => "",
        (true, true) => " NULLS FIRST",
        (false, false) => " NULLS LAST",
    };
    format!("{text}{opclass}{direction}{nulls}")
}
