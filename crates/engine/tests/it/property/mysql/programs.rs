//! Views, routines, triggers and events of a random database, made under settings of their own.

use raingauge_schema::{Kind, ObjectId};

use super::world::{World, lit, q};

/// What a session may have said before it makes a program, which keeps it. Not `NO_BACKSLASH_ESCAPES`: under it the
/// servers print comments that they do not read again, and such a baseline is refused.
const SETTINGS: [&str; 5] = [
    "set sql_mode = 'ANSI_QUOTES'",
    "set sql_mode = 'STRICT_TRANS_TABLES'",
    "set sql_mode = 'PIPES_AS_CONCAT'",
    "set names utf8mb4 collate utf8mb4_unicode_ci",
    "set time_zone = '+05:30'",
];

impl World<'_> {
    pub(super) fn add_programs(&mut self) {
        // What is made under another character set is in ASCII: nothing else can be said again under it.
        if self.chance.one_in(3) {
            self.make("set names latin1");
            self.make("create function `made in latin1` () returns text no sql return 'it''s'");
            self.make("set names utf8mb4");
        }
        for _ in 0..self.chance.between(1, 8) {
            if self.chance.one_in(5) {
                let settings = self.chance.pick(&SETTINGS);
                self.make(settings);
            }
            match self.chance.below(5) {
                0 => self.add_view(),
                1 => self.add_function(),
                2 => self.add_procedure(),
                3 => self.add_trigger(),
                _ => self.add_event(),
            }
            self.make("set names utf8mb4");
            self.make("set sql_mode = default, time_zone = default");
        }
    }

    fn add_view(&mut self) {
        let Some((source, column)) = self.chance.pick_any(&self.readable.clone()) else { return };
        let (name, label) = (self.name(), self.name());
        let (from, c) = (q(&source), q(&column));
        let query = self.chance.pick(&[
            format!("select {c} as {} from {from} where {c} is not null", q(&label)),
            format!(
                "select {c} as {}, 'it''s; -- x' as t from {from} group by {c} having count(*) > 1",
                q(&label)
            ),
            format!(
                "select a.{c} as {} from {from} a left join {from} b on a.{c} = b.{c}",
                q(&label)
            ),
            format!("with w as (select {c} as x from {from}) select x as {} from w", q(&label)),
            format!("select 1 as {} union all select 2", q(&label)),
        ]);
        let head = self.chance.pick(&[
            "",
            "algorithm = merge ",
            "algorithm = temptable ",
            "sql security invoker ",
            "definer = nobody@localhost ",
        ]);
        let check = self.chance.pick(&["", "", " with check option", " with local check option"]);
        if self.make(&format!("create {head}view {} as {query}{check}", q(&name))) {
            self.readable.push((name.clone(), label));
            self.views.push(name);
        }
    }

    fn add_function(&mut self) {
        let name = self.name();
        let rest = self.characteristics();
        let body = self.chance.pick(&[
            "return x + 1".to_owned(),
            format!("begin declare y int default 2; -- it's\n if x > y then return 'a;b' = {}; end if; return y; end", lit("c")),
        ]);
        let sql = format!(
            "create function {} (x int, y varchar(9)) returns int deterministic {rest} {body}",
            q(&name)
        );
        if self.make(&sql) {
            self.routines.push(ObjectId::new(Kind::Function, [name]));
        }
    }

    fn add_procedure(&mut self) {
        let name = self.name();
        let rest = self.characteristics();
        let text = lit(&self.chance.text());
        let body = self.chance.pick(&[
            format!("select {text}"),
            format!("begin\n  /* it's; */ declare done int default 0;\n  while done < 3 do set done = done + 1; end while;\n  set n = {text};\nend"),
        ]);
        if self.make(&format!("create procedure {} (in a int, out n text) {rest} {body}", q(&name)))
        {
            self.routines.push(ObjectId::new(Kind::Procedure, [name]));
        }
    }

    fn characteristics(&mut self) -> String {
        let words = ["", "no sql", "reads sql data", "modifies sql data"];
        let mut rest = self.chance.pick(&words).to_owned();
        rest += &self.chance.maybe(3, " sql security invoker");
        if self.chance.one_in(3) {
            rest.extend([" comment ", &lit(&self.chance.text())]);
        }
        rest
    }

    fn add_trigger(&mut self) {
        let Some(table) = self.chance.pick_any(&self.tables.clone()) else { return };
        let name = self.name();
        let timing = self.chance.pick(&["before", "after"]);
        let event = self.chance.pick(&["insert", "update", "delete"]);
        let others: Vec<_> = self.triggers.iter().filter(|it| it.0.name == table.name).collect();
        let order = match self.chance.pick_any(&others) {
            Some((_, other)) => self.chance.pick(&[
                String::new(),
                format!("follows {} ", q(other)),
                format!("precedes {} ", q(other)),
            ]),
            None => String::new(),
        };
        let body = self
            .chance
            .pick(&["set @n = 1", "begin set @a = 'x;y'; if @a = '' then set @b = 2; end if; end"]);
        let sql = format!(
            "create trigger {} {timing} {event} on {} for each row {order}{body}",
            q(&name),
            q(&table.name)
        );
        if self.make(&sql) {
            self.triggers.push((table, name));
        }
    }

    fn add_event(&mut self) {
        let name = self.name();
        let schedule = self.chance.pick(&[
            "every 1 day starts '2037-01-01 00:00:00'",
            "every '1:30' hour_minute starts '2037-01-01 00:00:00' ends '2037-06-01 00:00:00'",
            "at '2037-01-01 00:00:00'",
        ]);
        let rest =
            self.chance.pick(&["", " on completion preserve", " on completion preserve disable"]);
        let comment = match self.chance.one_in(3) {
            true => format!(" comment {}", lit(&self.chance.text())),
            false => String::new(),
        };
        let sql = format!(
            "create event {} on schedule {schedule}{rest}{comment} do set @x = 'a;b'",
            q(&name)
        );
        if self.make(&sql) {
            self.events.push(name);
        }
    }
}
