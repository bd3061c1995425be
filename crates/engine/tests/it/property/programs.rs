//! Random functions, views, triggers, policies and rules: what refers to other things.

use raingauge_schema::{Kind, ObjectId};

use super::chance::{lit, q};
use super::world::{Function, Shape, Sort, Table, World};

impl World<'_> {
    pub(super) fn add_programs(&mut self) {
        for _ in 0..self.chance.between(1, 3) {
            self.add_view();
        }
        for _ in 0..self.chance.between(2, 4) {
            self.add_function();
        }
        self.add_aggregate();
        for _ in 0..self.chance.between(0, 3) {
            self.add_trigger();
        }
        for _ in 0..self.chance.between(0, 3) {
            self.add_policy();
        }
        if self.chance.one_in(3) {
            self.add_rule();
        }
    }

    /// A view on a table, on another view or on a function.
    fn add_view(&mut self) {
        let (schema, name) = self.place();
        let sql = format!("{}.{}", q(&schema), q(&name));
        let alias = q(&self.chance.name());
        let query = self.query(&alias);
        let is_materialized = self.chance.one_in(3);
        let (kind, options) = if is_materialized {
            (Kind::MaterializedView, self.chance.maybe(3, " with (fillfactor = 80)"))
        } else {
            (Kind::View, self.chance.maybe(3, " with (security_barrier = true)"))
        };
        let word = kind.word();
        if !self.make(&format!("create {word} {sql}{options} as {query}")) {
            return;
        }
        let id = ObjectId::new(kind, [schema.as_str(), name.as_str()]);
        self.add_thing(
            id.clone(),
            format!("{word} {sql}"),
            Some(("select", format!("table {sql}"))),
        );
        self.views.push(id);
        if is_materialized && self.chance.one_in(2) {
            let name = q(&self.chance.name());
            self.make(&format!("create index {name} on {sql} ({alias})"));
        }
    }

    fn query(&mut self, alias: &str) -> String {
        let text = lit(&self.chance.text());
        let view = self.chance.pick_any(&self.views.clone()).filter(|_| self.chance.one_in(2));
        if let Some(view) = view {
            let from = format!("{}.{}", q(&view.path[0]), q(&view.path[1]));
            return format!(
                "select v.*, {text}::text as {alias} from {from} v where {text} <> 'a'"
            );
        }
        let function =
            self.chance.pick_any(&self.functions.clone()).filter(|_| self.chance.one_in(3));
        let value = match function {
            Some(function) if function.address.ends_with("(integer)") => {
                format!("{}(1)", function.address.trim_end_matches("(integer)"))
            }
            Some(_) | None => "count(*)".to_owned(),
        };
        match self.chance.pick_any(&self.tables.clone()) {
            Some(table) => format!("select {value} as {alias} from {} t", table.sql()),
            None => format!("select {text}::text as {alias}"),
        }
    }

    fn add_function(&mut self) {
        let (schema, name) = self.place();
        let sql = format!("{}.{}", q(&schema), q(&name));
        let options = self.chance.pick(&[
            "",
            " immutable",
            " stable strict",
            " security definer set search_path to pg_catalog, \"$user\"",
            " parallel safe cost 7 leakproof",
        ]);
        let other = self.chance.pick_any(&self.tables.clone()).map(|it| it.sql());
        let from =
            other.map(|it| format!(" from (select count(*) from {it}) x")).unwrap_or_default();
        let (signature, arguments, rest) = match self.chance.below(5) {
            0 => (
                "(integer)",
                "integer",
                format!("returns integer language sql{options} as $b$ select $1 + {{}} -- ; $b$"),
            ),
            1 => (
                "(a integer default 3, b text default 'it''s')",
                "integer, text",
                format!(
                    "returns text language plpgsql{options} as $b$\nbegin\n  -- $$ ; \n  return b || {{}};\nend\n$b$"
                ),
            ),
            2 => (
                "(integer)",
                "integer",
                format!(
                    "returns bigint language sql{options}\nbegin atomic\n select $1::bigint + {{}}{from};\nend"
                ),
            ),
            3 => (
                "(n integer)",
                "integer",
                format!(
                    "returns table (x integer, y text) language sql{options} as 'select n, ''{{}}'''"
                ),
            ),
            _ => (
                "(variadic xs text[])",
                "text[]",
                format!(
                    "returns setof text language sql{options} rows 5 as $b$ select unnest(xs) limit {{}} $b$"
                ),
            ),
        };
        let definition = format!("create or replace function {sql}{signature} {rest}");
        if self.make(&definition.replace("{}", "1")) {
            let path = [schema, format!("{name}({arguments})")];
            let id = ObjectId::new(Kind::Function, path);
            let address = format!("{sql}({arguments})");
            let target = format!("function {address}");
            self.add_thing(id.clone(), target.clone(), Some(("execute", target)));
            self.functions.push(Function { id, definition, address });
        }
        if self.chance.one_in(4) {
            let (schema, name) = self.place();
            let sql = format!("{}.{}", q(&schema), q(&name));
            self.make(&format!("create procedure {sql}(inout a integer, b text) language plpgsql as $$ begin a := 1; commit; end $$"));
        }
    }

    fn add_aggregate(&mut self) {
        if self.chance.one_in(4) {
            let (schema, name) = self.place();
            let sql = format!("{}.{}", q(&schema), q(&name));
            if self.make(&format!(
                "create aggregate {sql} (integer) (sfunc = int4pl, stype = integer, initcond = '0')"
            )) {
                let id = ObjectId::new(Kind::Aggregate, [schema, format!("{name}(integer)")]);
                self.add_thing(id, format!("aggregate {sql} (integer)"), None);
            }
        }
    }

    fn some_table(&mut self) -> Option<Table> {
        self.chance.pick_any(&self.tables.clone())
    }

    fn add_trigger(&mut self) {
        let Some(table) = self.some_table() else { return };
        let (schema, name) = self.place();
        let function = format!("{}.{}", q(&schema), q(&name));
        self.make(&format!("create function {function}() returns trigger language plpgsql as $$ begin return new; end $$"));
        let name = self.chance.name();
        let column = table.columns.first().map(|it| q(&it.name)).unwrap_or_default();
        let condition = self.chance.maybe(3, &format!(" when (new.{column} is not null)"));
        let (kind, event) = match self.chance.below(4) {
            0 => (
                "",
                format!("before update of {column} on {} for each row{condition}", table.sql()),
            ),
            1 => ("", format!("after insert or delete on {} for each statement", table.sql())),
            2 => (
                "constraint ",
                format!(
                    "after insert on {} deferrable initially deferred for each row{condition}",
                    table.sql()
                ),
            ),
            _ => (
                "",
                format!(
                    "after update on {} referencing old table as \"o\" new table as n for each statement",
                    table.sql()
                ),
            ),
        };
        let arguments = self.chance.pick(&["", "'a', 'it''s'"]);
        if !self.make(&format!(
            "create {kind}trigger {} {event} execute function {function}({arguments})",
            q(&name)
        )) {
            return;
        }
        let state = self.chance.pick(&["", "disable", "enable always", "enable replica"]);
        if !state.is_empty() {
            self.make(&format!("alter table {} {state} trigger {}", table.sql(), q(&name)));
        } else if table.shape == Shape::Alone {
            let id = table.inside(Kind::Trigger, &name);
            self.add_thing(id, format!("trigger {} on {}", q(&name), table.sql()), None);
            self.triggers.push((table, name));
        }
    }

    fn add_policy(&mut self) {
        let Some(table) = self.some_table() else { return };
        let name = self.chance.name();
        let column = table.of_sort(Sort::Text).first().map_or("'x'".to_owned(), |it| q(&it.name));
        let kind = self.chance.pick(&["", " as restrictive"]);
        let command = self.chance.pick(&["all", "select", "insert", "update", "delete"]);
        let to = self.chance.pick(&["public", "reader", "reader, writer", "current_user"]);
        let using =
            if command == "insert" { String::new() } else { format!(" using ({column} = 'a')") };
        let check = if ["select", "delete"].contains(&command) {
            String::new()
        } else {
            format!(" with check ({column} <> 'b')")
        };
        let sql = format!(
            "create policy {} on {}{kind} for {command} to {to}{using}{check}",
            q(&name),
            table.sql()
        );
        if self.make(&sql) {
            let id = table.inside(Kind::Policy, &name);
            self.add_thing(id, format!("policy {} on {}", q(&name), table.sql()), None);
            if !using.is_empty() {
                self.policies.push((table.clone(), name));
            }
        }
        if self.chance.one_in(2) {
            let how = self.chance.pick(&["enable", "force"]);
            self.make(&format!("alter table {} {how} row level security", table.sql()));
        }
    }

    fn add_rule(&mut self) {
        let Some(table) = self.some_table() else { return };
        let name = q(&self.chance.name());
        let what = self.chance.pick(&["do instead nothing", "do also notify \"some one\""]);
        self.make(&format!("create rule {name} as on delete to {} {what}", table.sql()));
    }
}
