//! Random pairs of databases of MySQL and MariaDB.

use std::sync::Arc;

use raingauge_engine::connect::{Access, Session};
use raingauge_schema::Dialect;
use raingauge_testkit::mysql::{MySql, MySqlDatabase, Vendor, servers};

use super::chance::{Chance, lit};
use super::pairs::{Outcome, led, try_pairs};
use super::seeds;
use crate::mysql_diff::place;

/// A name as SQL. What MySQL takes for no name makes a statement that is refused, and left out.
fn q(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn text(chance: &mut Chance) -> String {
    lit(&chance.text().replace('\\', "\\\\"))
}

/// A table as far as changes have to know it.
#[derive(Clone)]
struct Table {
    name: String,
    columns: Vec<String>,
}

struct World {
    chance: Chance,
    vendor: Vendor,
    tables: Vec<Table>,
    made: Vec<String>,
}

impl World {
    fn of(seed: u64, vendor: Vendor) -> Self {
        let mut world =
            Self { chance: Chance::new(seed), vendor, tables: Vec::new(), made: Vec::new() };
        for at in 0..world.chance.between(1, 5) {
            world.table(at);
        }
        for table in world.tables.clone() {
            for _ in 0..world.chance.between(0, 3) {
                world.part(&table);
            }
        }
        world
    }

    fn name(&mut self) -> String {
        self.chance.name().chars().take(40).collect()
    }

    fn table(&mut self, at: usize) {
        let name = if self.chance.one_in(3) { self.name() } else { format!("t{at}") };
        let id = self.chance.pick(&[
            "id int not null auto_increment primary key",
            "id int not null primary key",
            "id int not null",
            "id bigint unsigned not null primary key comment 'it''s'",
        ]);
        let (mut parts, mut columns) = (vec![id.to_owned()], vec!["id".to_owned()]);
        for n in 0..self.chance.between(0, 6) {
            let column = if self.chance.one_in(4) { self.name() } else { format!("c{n}") };
            parts.push(format!("{} {}", q(&column), self.column()));
            columns.push(column);
        }
        let options = self.options();
        self.made.push(format!("create table {} ({}){options}", q(&name), parts.join(", ")));
        self.tables.push(Table { name, columns });
    }

    /// The type of a column and all that stands behind it.
    fn column(&mut self) -> String {
        let kind = self.chance.pick(&[
            "int",
            "bigint unsigned",
            "varchar(20)",
            "varchar(30) character set latin1",
            "text",
            "decimal(10, 2)",
            "enum('a', 'b''c', 'd;e')",
            "datetime(3)",
            "timestamp null",
            "json",
            "varchar(9) collate utf8mb4_bin",
            "tinyint(1)",
            "double",
            "varbinary(8)",
            "date",
            "bit(4)",
            "int as (id + 1) virtual",
            "varchar(20) as (concat(id, ';')) stored",
            "int unsigned zerofill",
        ]);
        let default = match kind {
            it if it.contains(" as (") => String::new(),
            it if it.starts_with("int") || it.starts_with("big") || it == "double" => {
                self.chance.pick(&["", " default 7", " not null default 3", " not null"]).to_owned()
            }
            it if it.starts_with("varchar") => {
                let text = text(&mut self.chance);
                let short: String = format!(" default 'x''{}'", text.len());
                self.chance.pick(&["", &short, " not null", " not null default ''"]).to_owned()
            }
            "datetime(3)" => self
                .chance
                .pick(&["", " default current_timestamp(3) on update current_timestamp(3)"])
                .to_owned(),
            "decimal(10, 2)" => {
                self.chance.pick(&["", " default 1.50", " not null default -1"]).to_owned()
            }
            _ => String::new(),
        };
        let invisible = self.chance.maybe(9, " invisible");
        let comment = match self.chance.one_in(5) {
            true => format!(" comment {}", text(&mut self.chance)),
            false => String::new(),
        };
        match (kind.contains(" as ("), self.vendor) {
            (true, Vendor::MySql) => format!("{kind}{invisible}{comment}"),
            _ => format!("{kind}{default}{invisible}{comment}"),
        }
    }

    fn options(&mut self) -> String {
        let comment = match self.chance.one_in(4) {
            true => format!(" comment {}", text(&mut self.chance)),
            false => String::new(),
        };
        let option = self.chance.pick(&[
            "",
            "",
            "",
            " engine = myisam",
            " charset latin1",
            " collate utf8mb4_unicode_ci",
            " row_format = compact",
            " stats_persistent = 0",
            " max_rows = 7",
            " partition by hash (id) partitions 2",
        ]);
        format!("{comment}{option}")
    }

    /// An index, a constraint or a program on a table.
    fn part(&mut self, table: &Table) {
        let (t, column, name) = (q(&table.name), q(&self.chance.pick(&table.columns)), self.name());
        let (n, comment) = (q(&name), text(&mut self.chance));
        let other = self.chance.pick(&self.tables);
        let other = q(&other.name);
        let sql = match self.chance.below(15) {
            0 => format!("alter table {t} add key {n} ({column})"),
            1 => format!("alter table {t} add key {n} ({column}(3), id desc) comment {comment}"),
            2 => format!("alter table {t} add unique key {n} (id, {column})"),
            3 => format!("alter table {t} add fulltext key {n} ({column})"),
            4 => {
                format!("alter table {t} add constraint {n} check ({column} is not null or id > 7)")
            }
            5 => format!(
                "alter table {t} add key {n} (id), add constraint {n} foreign key (id) references {other} (id)"
            ),
            6 => format!(
                "alter table {t} add column {n} int, add constraint {n} foreign key ({n}) references {other} (id) on delete set null on update cascade"
            ),
            7 => format!("create view {n} as select {column}, id from {t}"),
            8 => format!("create or replace view v as select count(*) as n from {t}"),
            9 => format!("create view {n} as select n from v where n > 1"),
            10 => format!(
                "create trigger {n} before insert on {t} for each row begin set new.id = 1; set @a = 'it''s;'; end"
            ),
            11 => format!("create trigger {n} after delete on {t} for each row set @n = 1"),
            12 => format!(
                "create procedure {n}(in a int) begin delete from {t} where id = a; select 1; end"
            ),
            13 => format!("create function {n}(a int) returns int deterministic return a + 1"),
            _ => format!(
                "create event {n} on schedule every 1 day starts '2031-01-01 00:00:00' disable comment {comment} do delete from {t}"
            ),
        };
        self.made.push(sql);
    }

    /// A change of something that may be there.
    fn change(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables) else { return };
        if self.chance.one_in(3) {
            return self.part(&table);
        }
        let (t, column, new) =
            (q(&table.name), q(&self.chance.pick(&table.columns)), q(&self.name()));
        let definition = self.column();
        let place = match self.chance.below(3) {
            0 => " first".to_owned(),
            1 => format!(" after {}", q(&self.chance.pick(&table.columns))),
            _ => String::new(),
        };
        let options = self.options();
        let sql = match self.chance.below(9) {
            0 | 1 => format!("alter table {t} add column {new} {definition}{place}"),
            2 => format!("alter table {t} drop column {column}"),
            3 | 4 => format!("alter table {t} modify column {column} {definition}{place}"),
            5 if options.is_empty() => format!("alter table {t} drop primary key"),
            5 => format!("alter table {t}{options}"),
            6 => format!("drop table {t}"),
            7 => format!(
                "create table {new} (a int primary key, b varchar(9) unique, c text, key (c(4)))"
            ),
            _ => format!("alter table {t} change column {column} {new} int"),
        };
        self.made.push(sql);
    }

    /// Runs what was made; what the server refuses is left out.
    fn build(&self, database: &MySqlDatabase) {
        let mut session = Session::open(&place(database).dsn, Access::ReadWrite).unwrap();
        for sql in &self.made {
            let _ = session.run(sql);
        }
    }
}

fn pair(server: &Arc<MySql>, seed: u64) -> Result<Outcome, String> {
    let (from, to) = (server.database("from").unwrap(), server.database("to").unwrap());
    let half = seed / 2;
    World::of(half, server.vendor).build(&from);
    let of = if seed.is_multiple_of(2) { half } else { seed + 7_000 };
    let mut world = World::of(of, server.vendor);
    for _ in 0..8 {
        world.change();
    }
    world.build(&to);
    let outcome = led(&place(&from), &place(&to), Dialect::MySql);
    outcome.map_err(|it| format!("{:?}: {it}\n{}", server.vendor, world.made.join(";\n")))
}

#[test]
fn what_leads_from_one_random_mysql_database_to_another_gives_it() {
    for server in servers() {
        try_pairs(seeds(6, 250), || Some(()), |(), seed| pair(&server, seed));
    }
}
