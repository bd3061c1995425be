//! A random database and the statements that made it; its tables with all that stands in them.
//!
//! Every statement is tried at once. One that the server refuses is forgotten, so that the generators may be bold.

use raingauge_engine::connect::Session;
use raingauge_schema::{Kind, ObjectId};
use raingauge_testkit::mysql::Vendor;

use super::super::chance::Chance;

/// What sort of values a column has, for expressions about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Int,
    Text,
    LongText,
    Time,
    Json,
    Place,
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) sort: Sort,
    /// Its type, if nothing else is said of it.
    pub(super) plain: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The column that a foreign key can point to.
    pub(super) key: Option<String>,
}

impl Table {
    pub(super) fn of_sort(&self, sort: Sort) -> Vec<Column> {
        self.columns.iter().filter(|it| it.sort == sort).cloned().collect()
    }

    pub(super) fn id(&self) -> ObjectId {
        ObjectId::new(Kind::Table, [self.name.as_str()])
    }

    /// The identity of something inside the table.
    pub(super) fn inside(&self, kind: Kind, name: &str) -> ObjectId {
        ObjectId::new(kind, [self.name.as_str(), name])
    }
}

pub(super) struct World<'a> {
    session: &'a mut Session,
    pub(super) vendor: Vendor,
    pub(super) chance: Chance,
    pub(super) made: Vec<String>,
    pub(super) refused: Vec<String>,
    pub(super) tables: Vec<Table>,
    /// Tables and views, with a column each.
    pub(super) readable: Vec<(String, String)>,
    pub(super) views: Vec<String>,
    pub(super) routines: Vec<ObjectId>,
    pub(super) triggers: Vec<(Table, String)>,
    pub(super) events: Vec<String>,
    pub(super) sequences: Vec<String>,
    pub(super) indexes: Vec<(Table, String)>,
    pub(super) checks: Vec<(Table, String)>,
}

/// Type, sort, defaults. All servers have these.
const TYPES: [(&str, Sort, &[&str]); 30] = [
    ("int", Sort::Int, &["7", "(3 + 4)", "-1"]),
    ("int unsigned", Sort::Int, &["42"]),
    ("bigint", Sort::Int, &["-9223372036854775808", "9"]),
    ("smallint(5) unsigned zerofill", Sort::Int, &["3"]),
    ("tinyint(1)", Sort::Int, &["1", "false"]),
    ("mediumint", Sort::Int, &["0"]),
    ("decimal(10, 2)", Sort::Other, &["1.50", "-0.25"]),
    ("float", Sort::Other, &["0.5", "1e10"]),
    ("double(8, 3)", Sort::Other, &["2"]),
    ("varchar(60)", Sort::Text, &["'plain'", "''", "'it''s'", "'null'", "(concat('a', 'b'))"]),
    ("char(50)", Sort::Text, &["'current_timestamp()'"]),
    ("varchar(60) character set latin1", Sort::Text, &["'a\\\\b'"]),
    ("varchar(60) collate utf8mb4_bin", Sort::Text, &["'%_x'"]),
    ("char(50) character set ascii", Sort::Text, &["'x'"]),
    ("text", Sort::LongText, &["('x')"]),
    ("mediumtext character set latin1 collate latin1_bin", Sort::LongText, &[]),
    ("blob", Sort::Other, &[]),
    ("varbinary(20)", Sort::Other, &["'plain'"]),
    ("binary(4)", Sort::Other, &["'ab'"]),
    ("date", Sort::Time, &["'2020-02-29'"]),
    ("datetime", Sort::Time, &["current_timestamp", "'2020-01-01 01:02:03'"]),
    ("datetime(6)", Sort::Time, &["current_timestamp(6)", "'2020-01-01 01:02:03.000004'"]),
    ("timestamp null", Sort::Time, &["'2020-01-01 12:00:00'"]),
    (
        "timestamp(3) not null default current_timestamp(3) on update current_timestamp(3)",
        Sort::Time,
        &[],
    ),
    ("time(2)", Sort::Other, &["'-10:00:00.25'"]),
    ("year", Sort::Other, &["2020"]),
    ("bit(5)", Sort::Other, &["b'101'"]),
    ("json", Sort::Json, &["(json_array())"]),
    ("point", Sort::Place, &[]),
    ("geometrycollection", Sort::Place, &[]),
];

const MYSQL_TYPES: [(&str, Sort, &[&str]); 3] = [
    ("point not null srid 4326", Sort::Place, &[]),
    ("int column_format fixed", Sort::Int, &[]),
    ("varbinary(9)", Sort::Other, &["x'00ff'"]),
];

const MARIADB_TYPES: [(&str, Sort, &[&str]); 4] = [
    ("uuid", Sort::Other, &["uuid()"]),
    ("inet6", Sort::Other, &["'::1'"]),
    ("varchar(60) compressed", Sort::LongText, &["'x'"]),
    ("tinytext", Sort::LongText, &["'long'"]),
];

const OPTIONS: [&str; 12] = [
    "engine = innodb",
    "engine = myisam",
    "engine = memory",
    "row_format = compact",
    "row_format = dynamic",
    "default charset = latin1",
    "collate = utf8mb4_bin",
    "auto_increment = 1000",
    "stats_persistent = 1 stats_auto_recalc = 0",
    "max_rows = 100 avg_row_length = 10",
    "checksum = 1",
    "pack_keys = 1",
];

const ACTIONS: [&str; 4] = ["cascade", "set null", "restrict", "no action"];

impl<'a> World<'a> {
    /// Makes a random database in an empty one.
    pub(super) fn build(session: &'a mut Session, vendor: Vendor, seed: u64) -> Self {
        let mut world = Self {
            session,
            vendor,
            chance: Chance::new(seed),
            made: Vec::new(),
            refused: Vec::new(),
            tables: Vec::new(),
            readable: Vec::new(),
            views: Vec::new(),
            routines: Vec::new(),
            triggers: Vec::new(),
            events: Vec::new(),
            sequences: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
        };
        let collation =
            world.chance.pick(&["utf8mb4_bin", "utf8mb4_unicode_ci", "latin1_swedish_ci"]);
        world.make(&format!("alter database collate {collation}"));
        world.add_sequences();
        for _ in 0..world.chance.between(2, 5) {
            world.add_table();
        }
        for _ in 0..world.chance.between(0, 4) {
            world.add_foreign_key();
        }
        for _ in 0..world.chance.between(1, 6) {
            world.add_index();
        }
        for _ in 0..world.chance.between(0, 4) {
            world.alter_table();
        }
        world.add_programs();
        world
    }

    /// Runs a statement; whether the server took it.
    pub(super) fn make(&mut self, sql: &str) -> bool {
        match self.session.run(sql) {
            Ok(()) => {
                self.made.push(sql.to_owned());
                true
            }
            Err(error) => {
                self.refused.push(format!("{error}: {sql}"));
                false
            }
        }
    }

    /// A name that nothing else has. In names the servers keep letters of three bytes and no longer ones.
    pub(super) fn name(&mut self) -> String {
        let mut name = self.chance.name();
        while name.chars().any(|it| 0xffff < u32::from(it)) {
            name = self.chance.name();
        }
        name
    }

    pub(super) fn is_mysql(&self) -> bool {
        self.vendor == Vendor::MySql
    }

    fn add_sequences(&mut self) {
        for _ in 0..if self.is_mysql() { 0 } else { self.chance.between(0, 2) } {
            let name = self.name();
            let options = self.chance.pick(&[
                "",
                " increment -3 minvalue -100 maxvalue 50 start 7",
                " cache 5 cycle",
                " start 5 nocache",
            ]);
            if self.make(&format!("create sequence {}{options}", q(&name))) {
                self.sequences.push(name);
            }
        }
    }

    fn add_table(&mut self) {
        let name = self.name();
        let (mut parts, mut columns, mut key) = (Vec::new(), Vec::new(), None);
        if !self.chance.one_in(4) {
            let id = self.name();
            let rest = self.chance.pick(&["", " auto_increment", " comment 'the key'"]);
            parts.push(format!("{} int not null{rest} primary key", q(&id)));
            columns.push(Column { name: id.clone(), sort: Sort::Int, plain: None });
            key = Some(id);
        }
        for _ in 0..self.chance.between(1, 7) {
            let (text, column) = self.column(&columns);
            parts.push(text);
            columns.push(column);
        }
        let table = Table { name, columns, key };
        let checks = self.parts(&table, &mut parts);
        let mut options: Vec<_> =
            (0..self.chance.below(3)).map(|_| self.chance.pick(&OPTIONS)).collect();
        options.dedup();
        let comment = match self.chance.one_in(3) {
            true => format!(" comment = {}", lit(&self.chance.text())),
            false => String::new(),
        };
        let partitions = self.partitions(&table);
        let sql = format!(
            "create table {} ({}) {}{comment}{partitions}",
            q(&table.name),
            parts.join(", "),
            options.join(" ")
        );
        if self.make(&sql) {
            self.checks.extend(checks.into_iter().map(|it| (table.clone(), it)));
            let first = table.columns.first().map(|it| it.name.clone()).unwrap_or_default();
            self.readable.push((table.name.clone(), first));
            self.tables.push(table);
        }
    }

    fn partitions(&mut self, table: &Table) -> String {
        let Some(key) = table.key.as_ref().filter(|_| self.chance.one_in(6)) else {
            return String::new();
        };
        let (key, part) = (q(key), q(&self.name()));
        self.chance.pick(&[
            format!(" partition by hash ({key}) partitions 3"),
            " partition by key () partitions 2".to_owned(),
            format!(" partition by range ({key}) (partition {part} values less than (10) comment 'it''s', partition p1 values less than maxvalue)"),
            format!(" partition by list ({key}) (partition {part} values in (1, 2), partition p1 values in (3))"),
        ])
    }

    /// A column as SQL, which may be made of earlier ones.
    fn column(&mut self, earlier: &[Column]) -> (String, Column) {
        let name = self.name();
        let made_of = self.chance.pick_any(earlier).filter(|_| self.chance.one_in(6));
        if let Some((expression, sort)) = made_of.and_then(|it| self.expression(&it)) {
            let kind = self.chance.pick(&["virtual", "stored"]);
            let of = if sort == Sort::Int { "bigint" } else { "varchar(200)" };
            let text = format!("{} {of} as ({expression}) {kind}{}", q(&name), self.comment());
            return (text, Column { name, sort: Sort::Other, plain: None });
        }
        let mut types: Vec<_> = TYPES.iter().map(|it| (it.0.to_owned(), it.1, it.2)).collect();
        let more = if self.is_mysql() { &MYSQL_TYPES[..] } else { &MARIADB_TYPES };
        types.extend(more.iter().map(|it| (it.0.to_owned(), it.1, it.2)));
        let words = [lit(&self.chance.text()), lit(&format!("{} b", self.name()))].join(", ");
        types.push((format!("enum ({words})"), Sort::Other, &[]));
        types.push(("set ('x', 'y''z')".to_owned(), Sort::Other, &["'x'"]));
        let (sql_type, sort, defaults) = self.chance.pick(&types);
        let mut rest = String::new();
        if !sql_type.contains(" null") && !sql_type.contains("not null") {
            rest += &self.chance.maybe(4, " not null");
        }
        if let Some(default) = self.chance.pick_any(defaults).filter(|_| self.chance.one_in(2)) {
            rest.extend([" default ", default]);
        }
        rest += &self.chance.maybe(8, " invisible");
        rest += &self.comment();
        let plain = rest.is_empty().then(|| sql_type.clone());
        (format!("{} {sql_type}{rest}", q(&name)), Column { name, sort, plain })
    }

    fn comment(&mut self) -> String {
        match self.chance.one_in(5) {
            true => format!(" comment {}", lit(&self.chance.text())),
            false => String::new(),
        }
    }

    /// Something computed from a column. Its texts are ASCII, which every character set has.
    fn expression(&mut self, of: &Column) -> Option<(String, Sort)> {
        let c = q(&of.name);
        Some(match of.sort {
            Sort::Int => (
                self.chance.pick(&[
                    format!("{c} + 1"),
                    format!("case when {c} > 3 then {c} * 2 else -{c} end"),
                    format!("coalesce({c}, 0) % 7"),
                ]),
                Sort::Int,
            ),
            Sort::Text => (
                self.chance.pick(&[
                    format!("concat({c}, ' ''x'' ', 'y')"),
                    format!("substr(upper({c}), 1, 3)"),
                    format!("if({c} like '%;%', 'it\\\\s', {c})"),
                ]),
                Sort::Text,
            ),
            Sort::Json => (format!("json_unquote(json_extract({c}, '$.a'))"), Sort::Text),
            Sort::LongText | Sort::Time | Sort::Place | Sort::Other => return None,
        })
    }

    /// Keys and checks; the names of the checks.
    fn parts(&mut self, table: &Table, parts: &mut Vec<String>) -> Vec<String> {
        let mut checks = Vec::new();
        if let Some(column) =
            self.chance.pick_any(&table.of_sort(Sort::Int)).filter(|_| self.chance.one_in(2))
        {
            let name = self.name();
            let c = q(&column.name);
            let expression = self.chance.pick(&[
                format!("{c} > 0"),
                format!("{c} in (1, 2, 3) or {c} is null"),
                format!("{c} between -5 and 5 and {c} <> 'it''s'"),
            ]);
            let rest =
                if self.is_mysql() { self.chance.maybe(4, " not enforced") } else { String::new() };
            parts.push(format!("constraint {} check ({expression}){rest}", q(&name)));
            checks.push(name);
        }
        if self.chance.one_in(3)
            && let Some(column) = self.chance.pick_any(&table.of_sort(Sort::Text))
        {
            let name = self.name();
            parts.push(format!("unique key {} ({})", q(&name), q(&column.name)));
        }
        checks
    }

    fn add_foreign_key(&mut self) {
        let keyed: Vec<_> = self.tables.iter().filter(|it| it.key.is_some()).cloned().collect();
        let (Some(to), Some(from)) =
            (self.chance.pick_any(&keyed), self.chance.pick_any(&self.tables.clone()))
        else {
            return;
        };
        let (name, column) = (q(&self.name()), q(&self.name()));
        let mut rest = String::new();
        for event in ["delete", "update"] {
            if self.chance.one_in(2) {
                rest.extend([" on ", event, " ", self.chance.pick(&ACTIONS)]);
            }
        }
        let key = q(to.key.as_deref().unwrap_or_default());
        let sql = format!(
            "alter table {} add column {column} int, add constraint {name} foreign key ({column}) references {} ({key}){rest}",
            q(&from.name),
            q(&to.name)
        );
        self.make(&sql);
    }

    fn add_index(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables.clone()) else { return };
        let Some(column) = self.chance.pick_any(&table.columns) else { return };
        let (name, c) = (self.name(), q(&column.name));
        let (kind, what) = match column.sort {
            Sort::Text => self.chance.pick(&[
                ("", format!("({c}(10), {c} desc)")),
                ("", format!("({c} desc)")),
                ("fulltext ", format!("({c})")),
                ("", format!("((lower({c})))")),
                ("unique ", format!("({c}(20)) using btree")),
            ]),
            Sort::LongText => self.chance.pick(&[
                ("", format!("({c}(12))")),
                ("fulltext ", format!("({c})")),
                ("fulltext ", format!("({c}) with parser ngram")),
            ]),
            Sort::Place => ("spatial ", format!("({c})")),
            Sort::Json => ("", format!("((cast({c}->'$.n' as unsigned array)))")),
            Sort::Int | Sort::Time | Sort::Other => self.chance.pick(&[
                ("", format!("({c})")),
                ("", format!("({c} desc)")),
                ("unique ", format!("({c})")),
                ("", format!("(({c} is null), {c})")),
            ]),
        };
        let hidden = if self.is_mysql() { " invisible" } else { " ignored" };
        let rest = self.comment() + &self.chance.maybe(6, hidden);
        if self.make(&format!("create {kind}index {} on {} {what}{rest}", q(&name), q(&table.name)))
        {
            self.indexes.push((table, name));
        }
    }

    fn alter_table(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables.clone()) else { return };
        let Some(column) = self.chance.pick_any(&table.columns) else { return };
        let (c, new) = (q(&column.name), q(&self.name()));
        let more = self.chance.pick(&[
            format!("add column {new} int first"),
            format!("add column {new} varchar(9) after {c}"),
            format!("alter column {c} drop default"),
            "convert to character set utf8mb4".to_owned(),
            "default character set ascii".to_owned(),
            "comment = 'altered'".to_owned(),
            format!("add column {new} int check ({new} > 0)"),
        ]);
        self.make(&format!("alter table {} {more}", q(&table.name)));
    }
}

/// A name as SQL.
pub(super) fn q(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as SQL.
pub(super) fn lit(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
