//! What live's rows will refuse, counted before anything is written.
//!
//! Scratch has no rows, so a rehearsal there cannot fail on them. The catalogs around each pending migration say
//! which rules are new for tables that live has; a query says how many of live's rows break them. What cannot be
//! counted is left to the migration's own transaction.

use raingauge_schema::compare::ObjectDifference;
use raingauge_schema::steps::statements;
use raingauge_schema::{
    Catalog, Comparison, Dialect, Kind, Object, ObjectId, Pair, compare, mysql,
};

use crate::connect::Session;
use crate::digest::TableName;
use crate::facts::Facts;
use crate::report::Finding;
use crate::site::Site;

use super::risks;

/// The findings about rows that pending migrations do not fit. Reads live and changes nothing.
///
/// Where a migration, or one before it, writes to these tables itself, it may mend them first: then it is a warning.
pub fn rows(site: &mut Site, facts: &Facts, pending: &[usize]) -> Vec<Finding> {
    let dialect = site.dialect();
    let (mut findings, mut writes) = (Vec::new(), Vec::new());
    for at in pending {
        let Some(pair) = risks::rehearsed(&facts.states, *at) else { continue };
        let migration = &site.project.history.migrations[*at];
        if risks::writes_rows(dialect, migration, pair) {
            writes.extend(Write::all(dialect, &migration.sql));
        }
        let tag = migration.entry.tag.clone();
        let is_tried = site.setting.allow.iter().any(|it| is_try_of(it, &tag));
        // A spelled cast says what becomes of a value.
        let casts = migration.sql.to_ascii_lowercase().contains("using");
        for rule in rules(dialect, pair, &facts.live).iter().filter(|it| !(casts && it.is_of_type))
        {
            let Some(n) = count(&mut site.live, &rule.query).filter(|it| 0 < *it) else { continue };
            let may_mend = writes.iter().any(|it| it.may_mend(rule));
            findings.push(finding(dialect, &tag, rule, (n, may_mend || is_tried)));
        }
    }
    findings
}

/// Whether somebody wants a migration tried: by its tag, with or without the prefix that makes it unique.
fn is_try_of(allowed: &str, tag: &str) -> bool {
    let name = allowed.strip_prefix("try:").and_then(|it| tag.strip_suffix(it));
    name.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_'))
}

fn finding(dialect: Dialect, tag: &str, rule: &Rule, (n, may_mend): (u64, bool)) -> Finding {
    let message = format!("{n} {}", rule.what);
    let query = format!("they are counted by: {}", rule.query);
    if may_mend {
        return Finding::warning("rows-may-refuse", tag, format!("{message}, as they are now"))
            .evidence(query);
    }
    let otherwise = match dialect {
        Dialect::MySql => "it stops there",
        Dialect::Postgres | Dialect::Sqlite => "it is rolled back",
    };
    Finding::error("rows-refuse", tag, format!("{message}; nothing was changed"))
        .evidence(query)
        .next("find and repair these rows, then run `raingauge migrate` again")
        .next(format!(
            "if the migration mends them itself: `--allow try:{tag}`, and {otherwise} if not"
        ))
}

pub(crate) fn count(live: &mut Session, query: &str) -> Option<u64> {
    live.rows(query).ok()?.into_iter().flatten().flatten().next()?.parse().ok()
}

/// A statement that writes rows: the names in it, if all that it writes is said in it.
struct Write(Option<Vec<String>>);

impl Write {
    /// Those of a migration file.
    fn all(dialect: Dialect, file: &str) -> Vec<Self> {
        let Some(statements) = statements(dialect, file) else { return vec![Self(None)] };
        let writing = statements.iter().filter(|it| dialect.writes_rows(&it.sql));
        writing.map(|it| Self::of(dialect, &it.sql)).collect()
    }

    fn of(dialect: Dialect, sql: &str) -> Self {
        let tokens = dialect.tokens(sql).unwrap_or_default();
        let says_all = ["insert", "update", "delete"];
        let first = tokens.first().filter(|it| says_all.iter().any(|word| it.is_word(word)));
        Self(first.map(|_| {
            tokens.iter().filter_map(raingauge_schema::token::Token::identifier).collect()
        }))
    }

    fn may_mend(&self, rule: &Rule) -> bool {
        // Unquoted names are stored in small letters.
        let is_there = |it: &String| {
            [it.clone(), it.to_lowercase()].iter().any(|it| {
                ['"', '`'].iter().any(|mark| rule.query.contains(&format!("{mark}{it}{mark}")))
            })
        };
        self.0.as_ref().is_none_or(|names| names.iter().any(is_there))
    }
}

/// A rule that is new for rows that are there.
pub(crate) struct Rule {
    /// What the rule is of.
    pub(crate) id: ObjectId,
    /// What the rows do wrong, after their number.
    pub(crate) what: String,
    pub(crate) query: String,
    /// Whether it is about what fits a type.
    pub(crate) is_of_type: bool,
}

impl Rule {
    fn new(id: &ObjectId, what: String, query: String) -> Self {
        Self { id: id.clone(), what, query, is_of_type: false }
    }
}

/// The rules that are new between two states, for tables that live has.
pub(crate) fn rules(dialect: Dialect, states: Pair<&Catalog>, live: &Catalog) -> Vec<Rule> {
    let change = compare(states);
    let looks = Looks { dialect, states, live };
    let added = added(&change).filter_map(|it| looks.at_added(it));
    let changed = change.differs.iter().flat_map(|it| looks.at_changed(it));
    added.chain(changed).collect()
}

/// What is new under any name; a rule that only gets another name is none.
fn added(change: &Comparison) -> impl Iterator<Item = &Object> {
    let is_renamed = |id: &ObjectId| change.renamed.iter().any(|it| it.to == *id);
    change.only_to.iter().filter(move |it| !is_renamed(&it.id))
}

struct Looks<'a> {
    dialect: Dialect,
    states: Pair<&'a Catalog>,
    live: &'a Catalog,
}

impl Looks<'_> {
    /// The table of an object, as SQL, if it is there before and in live.
    fn table(&self, part: &ObjectId) -> Option<(ObjectId, String)> {
        let (_, path) = part.path.split_last()?;
        let id = ObjectId::new(Kind::Table, path.iter().cloned());
        self.states.from.get(&id)?;
        self.live.get(&id)?;
        Some((id.clone(), self.quoted(&id)))
    }

    fn at_added(&self, object: &Object) -> Option<Rule> {
        let (table, name) = self.table(&object.id)?;
        let shown = &object.id;
        match object.id.kind {
            // MySQL has a value for every type; what is none it refuses by itself.
            Kind::Column if self.dialect == Dialect::MySql => None,
            Kind::Column => {
                let fills_itself = ["default", "generated", "identity", "serial", "rowid"];
                let is_filled = fills_itself.iter().any(|it| object.get(it).is_some());
                (object.get("not null") == Some("true") && !is_filled).then(|| {
                    let what = format!("rows of {table} have no value for the new {shown}, which has no default and may not be NULL");
                    Rule::new(shown, what, format!("SELECT count(*) FROM {name}"))
                })
            }
            Kind::Unique | Kind::PrimaryKey => {
                let columns = self.columns(&table, object.get("columns")?)?;
                let counts_null = object.get("nulls not distinct").is_some();
                Some(self.unique(
                    &name,
                    shown,
                    (&columns.join(", "), columns.as_slice(), counts_null),
                    None,
                ))
            }
            Kind::Index if object.get("unique") == Some("true") => {
                let text = object.get("columns")?;
                let columns = self.columns(&table, text);
                let text = match (self.dialect, &columns) {
                    (Dialect::MySql, Some(columns)) => &columns.join(", "),
                    _ => text,
                };
                let columns = columns.unwrap_or_default();
                let counts_null = object.get("nulls not distinct").is_some();
                Some(self.unique(&name, shown, (text, &columns, counts_null), object.get("where")))
            }
            Kind::Check
                if object.get("not valid").is_none() && object.get("enforced") != Some("false") =>
            {
                let expression = object.get("expression")?;
                let query = format!("SELECT count(*) FROM {name} WHERE NOT ({expression})");
                Some(Rule::new(shown, format!("rows of {table} break the new {shown}"), query))
            }
            Kind::ForeignKey if object.get("not valid").is_none() => {
                self.orphans(object, &table, &name)
            }
            _ => None,
        }
    }

    fn unique(
        &self,
        table: &str,
        shown: &ObjectId,
        (keys, columns, counts_null): (&str, &[String], bool),
        condition: Option<&str>,
    ) -> Rule {
        let filled = columns.iter().filter(|_| !counts_null).map(|it| format!("{it} IS NOT NULL"));
        let all: Vec<_> = filled.chain(condition.map(|it| format!("({it})"))).collect();
        let filter =
            if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
        let what = format!("values are there more than once, against the new {shown}");
        Rule::new(
            shown,
            what,
            format!(
                "SELECT count(*) FROM (SELECT 1 FROM {table}{filter} GROUP BY {keys} HAVING count(*) > 1) AS twice"
            ),
        )
    }

    fn orphans(&self, key: &Object, table: &ObjectId, name: &str) -> Option<Rule> {
        let parent = self.live.of_kind(Kind::Table).find(|it| {
            let dotted = it.id.dotted();
            let is_it = |name: &str| name.trim_matches('`').eq_ignore_ascii_case(&dotted);
            key.get("references").is_some_and(is_it)
        })?;
        let columns = self.columns(table, key.get("columns")?)?;
        let targets = self.columns(&parent.id, key.get("references columns")?)?;
        let pairs = columns.iter().zip(&targets);
        let matches: Vec<_> = pairs.map(|(from, to)| format!("p.{to} = c.{from}")).collect();
        let filled: Vec<_> = columns.iter().map(|it| format!("c.{it} IS NOT NULL")).collect();
        let (parent, shown) = (self.quoted(&parent.id), &key.id);
        let what =
            format!("rows of {table} refer to rows that are not there, against the new {shown}");
        let (filled, matches) = (filled.join(" AND "), matches.join(" AND "));
        Some(Rule::new(
            shown,
            what,
            format!(
                "SELECT count(*) FROM {name} AS c WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {matches})"
            ),
        ))
    }

    /// What a column that stays must not hold any more.
    fn at_changed(&self, difference: &ObjectDifference) -> Vec<Rule> {
        let id = &difference.id;
        let Some((table, name)) = self.table(id).filter(|_| id.kind == Kind::Column) else {
            return Vec::new();
        };
        if self.live.get(id).is_none() {
            return Vec::new();
        }
        let column = self.ident(id.name());
        let becomes = |attribute: &str| {
            let found = difference.attributes.iter().find(|it| it.name == attribute)?;
            found.values.to.as_deref()
        };
        let null = (becomes("not null") == Some("true")).then(|| {
            let what = format!("rows of {table} have NULL in {id}, which may not be NULL any more");
            Rule::new(id, what, format!("SELECT count(*) FROM {name} WHERE {column} IS NULL"))
        });
        let too_large = match self.dialect {
            Dialect::Postgres => becomes("type").and_then(too_large),
            Dialect::MySql => becomes("type").and_then(too_large_for_mysql),
            Dialect::Sqlite => None,
        };
        let misfit = too_large.map(|too_large| Rule {
            id: id.clone(),
            what: format!("values of {id} do not fit its new type"),
            query: format!("SELECT count(*) FROM {name} WHERE {}", too_large.replace('?', &column)),
            is_of_type: true,
        });
        null.into_iter().chain(misfit).collect()
    }

    /// The columns of a list as SQL; `None` if one is an expression, or no column of the table in live.
    fn columns(&self, table: &ObjectId, list: &str) -> Option<Vec<String>> {
        let one = |it: &str| {
            let (it, cut) = match self.dialect {
                Dialect::MySql => prefix(it)?,
                Dialect::Postgres | Dialect::Sqlite => (it, None),
            };
            let name = it.trim().trim_matches(['"', '`']);
            let path = table.path.iter().map(String::as_str).chain([name]);
            self.live.get(&ObjectId::new(Kind::Column, path))?;
            let name = self.ident(name);
            Some(cut.map_or(name.clone(), |n| format!("left({name}, {n})")))
        };
        match self.dialect {
            Dialect::MySql => list.split(',').map(one).collect(),
            Dialect::Postgres | Dialect::Sqlite => list.split(", ").map(one).collect(),
        }
    }

    fn ident(&self, name: &str) -> String {
        match self.dialect {
            Dialect::MySql => mysql::grammar::quote_ident(name),
            Dialect::Postgres | Dialect::Sqlite => TableName::new("", name).quoted(),
        }
    }

    fn quoted(&self, table: &ObjectId) -> String {
        match table.path.as_slice() {
            [schema, name] => TableName::new(schema.as_str(), name.as_str()).quoted(),
            path => self.ident(path.last().map(String::as_str).unwrap_or_default()),
        }
    }
}

/// Which values a type of PostgreSQL refuses; `?` stands for the column. Only of types whose bounds are known.
fn too_large(kind: &str) -> Option<String> {
    let number = |prefix: &str| {
        let length = kind.strip_prefix(prefix)?.strip_prefix('(')?.strip_suffix(')')?;
        length.parse::<u32>().ok()
    };
    if let Some(length) = number("character varying").or_else(|| number("character")) {
        // Spaces at the end are cut without a word.
        return Some(format!("length(rtrim(CAST(? AS text))) > {length}"));
    }
    let bounds = match kind {
        "smallint" => ("-32768", "32767"),
        "integer" => ("-2147483648", "2147483647"),
        _ => return None,
    };
    Some(format!("CAST(? AS numeric) NOT BETWEEN {} AND {}", bounds.0, bounds.1))
}

/// Which values a type of MySQL refuses; `?` stands for the column.
fn too_large_for_mysql(kind: &str) -> Option<String> {
    let (name, rest) = kind.split_once('(').unwrap_or((kind, ""));
    let inside = rest.rsplit_once(')').map_or("", |it| it.0);
    let is_unsigned = kind.contains("unsigned");
    let bits = match name.split(' ').next().unwrap_or_default() {
        // Spaces at the end are cut without a word.
        "varchar" | "char" => {
            let length: u32 = inside.parse().ok()?;
            return Some(format!("char_length(trim(trailing ' ' from ?)) > {length}"));
        }
        "enum" => return Some(format!("cast(? as char) not in ({inside})")),
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        "bigint" => 64,
        _ => return None,
    };
    let (least, most) = match is_unsigned {
        true => (0, (1_i128 << bits) - 1),
        false => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
    };
    Some(format!("? NOT BETWEEN {least} AND {most}"))
}

/// A column in the list of a key of MySQL, without its direction, and how much of it counts. `None` for an expression.
fn prefix(part: &str) -> Option<(&str, Option<u32>)> {
    let part = part.trim();
    let part = part.strip_suffix(" DESC").or(part.strip_suffix(" ASC")).unwrap_or(part);
    match part.strip_suffix(')') {
        None => Some((part, None)),
        Some(rest) => {
            let (name, length) = rest.rsplit_once('(')?;
            Some((name, Some(length.parse().ok()?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_try_of, prefix, too_large, too_large_for_mysql};

    #[test]
    fn the_bounds_of_mysqls_types_are_known_or_left_to_the_engine() {
        let check = |kind: &str, expected: &str| {
            assert_eq!(too_large_for_mysql(kind).as_deref(), Some(expected));
        };
        check("varchar(3)", "char_length(trim(trailing ' ' from ?)) > 3");
        check("tinyint(4)", "? NOT BETWEEN -128 AND 127");
        check("int unsigned", "? NOT BETWEEN 0 AND 4294967295");
        check("enum('a','b(')", "cast(? as char) not in ('a','b(')");
        assert_eq!(too_large_for_mysql("text"), None);
    }

    #[test]
    fn so_much_of_a_column_counts_in_a_key_as_it_says() {
        assert_eq!(prefix(" `a`(10) DESC"), Some(("`a`", Some(10))));
        assert_eq!(prefix("`a`"), Some(("`a`", None)));
        assert_eq!(prefix("(lower(`a`))"), None);
    }

    #[test]
    fn a_try_names_one_migration() {
        for (allowed, expected) in [
            ("try:0002_follow_up", true),
            ("try:follow_up", true),
            ("try:up", true),
            ("try:low_up", false),
            ("try:0001_follow_up", false),
            ("0002_follow_up", false),
        ] {
            assert_eq!(is_try_of(allowed, "0002_follow_up"), expected, "{allowed}");
        }
    }

    #[test]
    fn the_bounds_of_types_are_known_or_left_to_the_engine() {
        assert_eq!(
            too_large("character varying(3)").as_deref(),
            Some("length(rtrim(CAST(? AS text))) > 3")
        );
        assert!(too_large("smallint").is_some_and(|it| it.ends_with("AND 32767")));
        assert_eq!(too_large("text"), None);
        assert_eq!(too_large("numeric(10,2)"), None);
    }
}
