//! A random database: what is in it, and the statements that made it.
//!
//! Every statement is tried at once. One that the server refuses is forgotten, so that the generators
//! may be bold; what they count on is only what is there.

use raingauge_engine::connect::Session;
use raingauge_schema::{Kind, ObjectId};

use super::chance::{Chance, lit, q};

/// What sort of values a column has, for expressions about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Int,
    Text,
    Time,
    Range,
    Json,
    Array,
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    pub(crate) not_null: bool,
    /// Neither default nor identity nor generated.
    pub(crate) plain: bool,
}

/// What other tables a table belongs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Alone,
    Partitioned,
    /// A partition, a child, or a table with children.
    Related,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) columns: Vec<Column>,
    /// The integer column that a primary key or unique constraint is on alone, for foreign keys.
    pub(crate) key: Option<String>,
}

impl Table {
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", q(&self.schema), q(&self.name))
    }

    /// The identity of something inside the table.
    pub(crate) fn inside(&self, kind: Kind, name: &str) -> ObjectId {
        ObjectId::new(kind, [self.schema.as_str(), self.name.as_str(), name])
    }

    pub(crate) fn id(&self) -> ObjectId {
        ObjectId::new(Kind::Table, [self.schema.as_str(), self.name.as_str()])
    }

    pub(crate) fn of_sort(&self, sort: Sort) -> Vec<Column> {
        self.columns.iter().filter(|it| it.sort == sort).cloned().collect()
    }
}

/// Something that can be commented, and perhaps granted.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) id: ObjectId,
    /// As it stands after `COMMENT ON`.
    pub(crate) address: String,
    /// A privilege, and what stands after `ON` in a grant.
    pub(crate) privilege: Option<(&'static str, String)>,
    pub(crate) comment: bool,
    pub(crate) granted: bool,
}

/// A function whose body says a number.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) id: ObjectId,
    /// Everything before the body; `{}` stands for the body.
    pub(crate) definition: String,
    /// Name and argument types as SQL.
    pub(crate) address: String,
}

pub(crate) struct World<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) chance: Chance,
    pub(crate) made: Vec<String>,
    pub(crate) n_refused: usize,
    pub(crate) schemas: Vec<String>,
    /// Type as SQL, its sort, and a default that fits.
    pub(crate) types: Vec<(String, Sort, String)>,
    pub(crate) enums: Vec<ObjectId>,
    pub(crate) domains: Vec<ObjectId>,
    pub(crate) sequences: Vec<ObjectId>,
    pub(crate) tables: Vec<Table>,
    pub(crate) views: Vec<ObjectId>,
    pub(crate) functions: Vec<Function>,
    pub(crate) triggers: Vec<(Table, String)>,
    pub(crate) policies: Vec<(Table, String)>,
    /// Indexes that belong to no constraint, of tables that are alone.
    pub(crate) indexes: Vec<(Table, String)>,
    pub(crate) checks: Vec<(Table, String)>,
    pub(crate) foreign_keys: Vec<(Table, String)>,
    pub(crate) things: Vec<Thing>,
}

impl<'a> World<'a> {
    /// Makes a random database in an empty one.
    pub(crate) fn build(session: &'a mut Session, seed: u64) -> Self {
        let mut world = Self {
            session,
            chance: Chance::new(seed),
            made: Vec::new(),
            n_refused: 0,
            schemas: vec!["public".to_owned()],
            types: Vec::new(),
            enums: Vec::new(),
            domains: Vec::new(),
            sequences: Vec::new(),
            tables: Vec::new(),
            views: Vec::new(),
            functions: Vec::new(),
            triggers: Vec::new(),
            policies: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            things: Vec::new(),
        };
        world.add_schemas();
        world.add_types();
        world.add_tables();
        world.add_programs();
        world.add_trimmings();
        world
    }

    /// Runs a statement; whether the server took it.
    pub(crate) fn make(&mut self, sql: &str) -> bool {
        let taken = self.session.run(sql).is_ok();
        if taken {
            self.made.push(sql.to_owned());
        } else {
            self.n_refused += 1;
        }
        taken
    }

    /// A schema, and a name for something new in it.
    pub(crate) fn place(&mut self) -> (String, String) {
        let schema = self.chance.pick(&self.schemas.clone());
        (schema, self.chance.name())
    }

    pub(crate) fn add_thing(
        &mut self,
        id: ObjectId,
        address: String,
        privilege: Option<(&'static str, String)>,
    ) {
        self.things.push(Thing { id, address, privilege, comment: false, granted: false });
    }

    fn add_schemas(&mut self) {
        for _ in 0..self.chance.between(0, 2) {
            let name = self.chance.name();
            if self.make(&format!("create schema {}", q(&name))) {
                let address = format!("schema {}", q(&name));
                let id = ObjectId::new(Kind::Schema, [name.as_str()]);
                self.add_thing(id, address.clone(), Some(("usage", address)));
                self.schemas.push(name);
            }
        }
    }

    fn add_types(&mut self) {
        for _ in 0..self.chance.between(1, 4) {
            let (schema, name) = self.place();
            let sql = format!("{}.{}", q(&schema), q(&name));
            let path = [schema.as_str(), name.as_str()];
            let usage = Some(("usage", format!("type {sql}")));
            match self.chance.below(4) {
                0 => {
                    let labels = [self.chance.text(), format!("{} b", self.chance.name())];
                    let list = labels.iter().map(|it| lit(it)).collect::<Vec<_>>().join(", ");
                    if self.make(&format!("create type {sql} as enum ({list})")) {
                        let id = ObjectId::new(Kind::Enum, path);
                        self.enums.push(id.clone());
                        self.types.push((sql.clone(), Sort::Other, lit(&labels[0])));
                        self.types.push((format!("{sql}[]"), Sort::Array, "'{}'".to_owned()));
                        self.add_thing(id, format!("type {sql}"), usage);
                    }
                }
                1 => {
                    let check = self.chance.name();
                    let rest = self.chance.pick(&["", " not null", " default 7"]);
                    let sql_of = format!(
                        "create domain {sql} as integer{rest} constraint {} check (value > 0)",
                        q(&check)
                    );
                    if self.make(&sql_of) {
                        let id = ObjectId::new(Kind::Domain, path);
                        self.domains.push(id.clone());
                        self.types.push((sql.clone(), Sort::Other, "1".to_owned()));
                        self.add_thing(id, format!("domain {sql}"), usage);
                    }
                }
                2 => {
                    let (a, b) = (self.chance.name(), self.chance.name());
                    let text = format!(
                        "create type {sql} as ({} integer, {} text collate \"C\")",
                        q(&a),
                        q(&b)
                    );
                    if self.make(&text) {
                        self.types.push((sql.clone(), Sort::Other, "null".to_owned()));
                        let id = ObjectId::new(Kind::CompositeType, path);
                        self.add_thing(id, format!("type {sql}"), usage);
                    }
                }
                _ => {
                    // The server would cut the multirange's name inside a letter.
                    let multirange = match 63 - "_multirange".len() < path[1].len() {
                        true => format!(", multirange_type_name = {}", q(&self.chance.name())),
                        false => String::new(),
                    };
                    let text =
                        format!("create type {sql} as range (subtype = numeric{multirange})");
                    if self.make(&text) {
                        self.types.push((sql.clone(), Sort::Range, "'empty'".to_owned()));
                        let id = ObjectId::new(Kind::RangeType, path);
                        self.add_thing(id, format!("type {sql}"), usage);
                    }
                }
            }
        }
        self.add_sequences();
    }

    fn add_sequences(&mut self) {
        for _ in 0..self.chance.between(0, 2) {
            let (schema, name) = self.place();
            let sql = format!("{}.{}", q(&schema), q(&name));
            let options = self.chance.pick(&[
                "",
                " as smallint",
                " increment -3 minvalue -100 maxvalue 50 start 7",
                " cache 5 cycle",
            ]);
            if self.make(&format!("create sequence {sql}{options}")) {
                let id = ObjectId::new(Kind::Sequence, [schema.as_str(), name.as_str()]);
                self.sequences.push(id.clone());
                let address = format!("sequence {sql}");
                self.add_thing(id, address.clone(), Some(("usage", address)));
            }
        }
    }
}
