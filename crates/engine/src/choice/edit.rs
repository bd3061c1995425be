//! What `schema.ts` has to say to be what live is: the exact edit, where the file says it plainly.

use std::path::Path;

use raingauge_schema::compare::{AttributeDifference, ObjectDifference};
use raingauge_schema::{Dialect, Kind, Object, ObjectId, Pair};
use raingauge_tsload::written::{self, WrittenColumn};

use super::builder::builder;
use crate::project::Project;

/// The edit that takes live's value for what differs.
pub(super) fn of_difference(project: &Project, it: &ObjectDifference) -> Option<String> {
    match it.id.kind {
        Kind::Column => of_column(project, it),
        Kind::Check => {
            let name = it.id.name();
            let expression = it.attributes.iter().find(|it| it.name == "expression")?;
            let expression = expression.values.from.as_deref()?;
            let place = place_of_name(project, &it.id).map(|it| it.0)?;
            Some(format!("{place}: check(\"{name}\", sql`{expression}`)"))
        }
        Kind::View | Kind::MaterializedView => {
            let query = it.attributes.iter().find(|it| it.name == "definition")?;
            let query = query.values.from.as_deref()?.trim_end_matches(';');
            // SQLite keeps the whole statement.
            let query = query
                .strip_prefix("create view ")
                .map_or(Some(query), |it| Some(it.split_once(" as ")?.1));
            let query = in_template(query?);
            Some(format!("in schema.ts, for this view: .as(sql`{query}`)"))
        }
        Kind::Policy => {
            let (given, gone): (Vec<_>, Vec<_>) =
                it.attributes.iter().partition(|it| it.values.from.is_some());
            let given: Vec<_> = given.into_iter().filter_map(policy_option).collect();
            let gone =
                gone.into_iter().map(|it| format!(" without {}", option_of_policy(&it.name)));
            let gone = gone.collect::<String>();
            Some(format!("in schema.ts, for this policy: {{ {} }}{gone}", given.join(", ")))
        }
        Kind::Sequence => {
            let options: Vec<_> = it.attributes.iter().filter_map(sequence_option).collect();
            Some(format!("in schema.ts, for this sequence: {{ {} }}", options.join(", ")))
        }
        Kind::ForeignKey => {
            let action = |name: &str, option: &str| {
                let found = it.attributes.iter().find(|it| it.name == name)?;
                Some(format!("{option}: \"{}\"", found.values.from.as_deref()?))
            };
            let actions = [action("on delete", "onDelete"), action("on update", "onUpdate")];
            let actions: Vec<_> = actions.into_iter().flatten().collect();
            (!actions.is_empty()).then(|| {
                format!("in schema.ts, for this foreign key: {{ {} }}", actions.join(", "))
            })
        }
        _ => None,
    }
}

/// SQL between the quotes of a template, on one line.
fn in_template(sql: &str) -> String {
    let escaped = sql.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${");
    escaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Live's value as an option of `pgPolicy`.
fn policy_option(it: &AttributeDifference) -> Option<String> {
    let live = it.values.from.as_deref()?;
    let value = match it.name.as_str() {
        "to" => {
            let roles = live.split(", ").map(|it| format!("\"{}\"", it.trim_matches('"')));
            format!("[{}]", roles.collect::<Vec<_>>().join(", "))
        }
        "as" | "for" => format!("\"{live}\""),
        _ => format!("sql`{}`", in_template(live)),
    };
    Some(format!("{}: {value}", option_of_policy(&it.name)))
}

fn option_of_policy(attribute: &str) -> &str {
    if attribute == "with check" { "withCheck" } else { attribute }
}

/// Live's value as an option of `pgSequence`.
fn sequence_option(it: &AttributeDifference) -> Option<String> {
    let option = match it.name.as_str() {
        "start" => "startWith",
        "min" => "minValue",
        "max" => "maxValue",
        "cycle" => {
            return Some(format!("cycle: {}", it.values.from.as_deref() == Some("true")));
        }
        it => it,
    };
    Some(format!("{option}: \"{}\"", it.values.from.as_deref()?))
}

/// The edit that gives live's name.
pub(super) fn of_name(project: &Project, pair: &Pair<ObjectId>) -> Option<String> {
    if let Some((place, literal)) = place_of_name(project, &pair.to) {
        return Some(format!("{place}: \"{}\" in place of {literal}", pair.from.name()));
    }
    let (_, table) = pair.from.path.split_last()?;
    // `.unique()` gives the only column's name to the constraint.
    let column = pair.to.name().strip_prefix(&format!("{}_", table.last()?))?;
    let column = column.strip_suffix("_unique").filter(|_| pair.from.kind == Kind::Unique)?;
    let found = written::column(&project.declared_files, table.last()?, column)?;
    let call = format!(".unique(\"{}\")", pair.from.name());
    let after = found.clone().with("unique", call);
    found.has("unique").then(|| in_place_of(project, &after, &found))
}

/// The declaration of a column that only live has.
pub(super) fn of_undeclared(project: &Project, column: &Object) -> Option<String> {
    let (name, table) = column.id.path.split_last()?;
    let (builder, options) = builder(project.dialect, column.get("type")?)?;
    let plain = ["default", "identity", "serial", "generated"];
    if column.id.kind != Kind::Column || plain.iter().any(|it| column.get(it).is_some()) {
        return None;
    }
    let arguments = if options.is_empty() { String::new() } else { format!(", {options}") };
    let not_null = if column.get("not null") == Some("true") { ".notNull()" } else { "" };
    Some(format!(
        "declare it in schema.ts, in `{}`: {name}: {builder}(\"{name}\"{arguments}){not_null}",
        table.last()?
    ))
}

/// Where the file names it: `src/schema.ts:7`, and the literal there.
pub(super) fn place_of_name(project: &Project, id: &ObjectId) -> Option<(String, String)> {
    let (name, table) = id.path.split_last()?;
    let (path, line, literal) = written::name(&project.declared_files, table.last()?, name)?;
    Some((place(project, &path, line), literal))
}

fn of_column(project: &Project, it: &ObjectDifference) -> Option<String> {
    if let [identity] = it.attributes.as_slice()
        && identity.name == "identity"
    {
        let call = match identity.values.from.as_deref()? {
            "always" => "generatedAlwaysAsIdentity",
            _ => "generatedByDefaultAsIdentity",
        };
        return Some(format!("in schema.ts, for this column: .{call}(…)"));
    }
    let (name, table) = it.id.path.split_last()?;
    let found = written::column(&project.declared_files, table.last()?, name)?;
    let mut after = found.clone();
    for attribute in &it.attributes {
        let live = attribute.values.from.as_deref();
        after = match (attribute.name.as_str(), live) {
            ("not null", Some("true")) => after.with("notNull", ".notNull()".to_owned()),
            ("not null", _) => after.without(&["notNull"]),
            ("default", live) => with_default(after, live),
            ("type", Some(live)) => with_type(project.dialect, after, live)?,
            _ => return None,
        };
    }
    Some(in_place_of(project, &after, &found))
}

fn with_default(column: WrittenColumn, live: Option<&str>) -> WrittenColumn {
    let column = column.without(&["default", "defaultNow", "defaultRandom"]);
    match live {
        Some(it) => column.with("default", format!(".default(sql`{it}`)")),
        None => column,
    }
}

fn with_type(dialect: Dialect, column: WrittenColumn, live: &str) -> Option<WrittenColumn> {
    let (builder, options) = builder(dialect, live)?;
    Some(column.with_type(builder, &options))
}

fn in_place_of(project: &Project, after: &WrittenColumn, before: &WrittenColumn) -> String {
    let place = place(project, &before.path, before.line);
    let is_new = after.builder() != before.builder() && before.is_imported_by_name();
    let import = if is_new { format!(" (and import {})", after.builder()) } else { String::new() };
    let [after, before] = [after, before].map(|it| {
        let text = it.text();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    format!("{place}: {after} in place of {before}{import}")
}

fn place(project: &Project, path: &Path, line: usize) -> String {
    let path = path.strip_prefix(&project.root).unwrap_or(path);
    format!("in {}:{line}", path.display())
}
