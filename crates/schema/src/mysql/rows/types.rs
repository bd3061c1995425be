//! The types of rows, as drizzle-kit 1.0 validates them (`src/dialects/mysql/ddl.ts`).

use crate::drizzle::entities::Form::{Flag, Number, Object, Objects, OneOf, Or, Text, Texts};
use crate::drizzle::entities::Source::{self, Field, Values};
use crate::drizzle::entities::{EntityType, Fields, Form, Link};

const OPTIONAL_TEXT: Form = Or(&Text);

const OF_TABLE: &[&str] = &["table", "name"];

const IN_TABLE: Link = Link { to: "tables", fields: &[("name", Field("table"))] };

const ON_COLUMNS: Link = Link {
    to: "columns",
    fields: &[("table", Field("table")), ("name", Source::Texts("columns"))],
};

/// In the order in which a file lists them.
pub(super) const TYPES: &[EntityType] = &[
    EntityType { name: "tables", fields: &[("name", Text)], key: &["name"], links: &[] },
    EntityType { name: "columns", fields: COLUMN, key: OF_TABLE, links: &[IN_TABLE] },
    EntityType {
        name: "pks",
        fields: &[("table", Text), ("name", Text), ("columns", Texts)],
        key: OF_TABLE,
        links: &[IN_TABLE, ON_COLUMNS],
    },
    EntityType {
        name: "fks",
        fields: FOREIGN_KEY,
        key: OF_TABLE,
        links: &[
            IN_TABLE,
            ON_COLUMNS,
            Link { to: "tables", fields: &[("name", Field("tableTo"))] },
            Link {
                to: "columns",
                fields: &[("table", Field("tableTo")), ("name", Source::Texts("columnsTo"))],
            },
        ],
    },
    EntityType {
        name: "indexes",
        fields: INDEX,
        key: OF_TABLE,
        links: &[
            IN_TABLE,
            Link {
                to: "columns",
                fields: &[("table", Field("table")), ("name", Values("columns"))],
            },
        ],
    },
    EntityType {
        name: "checks",
        fields: &[("table", Text), ("name", Text), ("value", Text)],
        key: OF_TABLE,
        links: &[IN_TABLE],
    },
    EntityType { name: "views", fields: VIEW, key: &["name"], links: &[] },
];

const COLUMN: Fields = &[
    ("table", Text),
    ("name", Text),
    ("type", Text),
    ("notNull", Flag),
    ("autoIncrement", Flag),
    ("default", OPTIONAL_TEXT),
    ("onUpdateNow", Flag),
    ("onUpdateNowFsp", Or(&Number)),
    ("charSet", OPTIONAL_TEXT),
    ("collation", OPTIONAL_TEXT),
    ("generated", Object(&[("as", Text), ("type", OneOf(&["stored", "virtual"]))])),
];

const ACTION: Form = Or(&OneOf(&["NO ACTION", "RESTRICT", "SET NULL", "CASCADE", "SET DEFAULT"]));

const FOREIGN_KEY: Fields = &[
    ("table", Text),
    ("name", Text),
    ("columns", Texts),
    ("tableTo", Text),
    ("columnsTo", Texts),
    ("onUpdate", ACTION),
    ("onDelete", ACTION),
    ("nameExplicit", Flag),
];

const INDEX: Fields = &[
    ("table", Text),
    ("name", Text),
    ("columns", Objects(&[("value", Text), ("isExpression", Flag)])),
    ("isUnique", Flag),
    ("using", Or(&OneOf(&["btree", "hash"]))),
    ("algorithm", Or(&OneOf(&["default", "inplace", "copy"]))),
    ("lock", Or(&OneOf(&["default", "none", "shared", "exclusive"]))),
    ("nameExplicit", Flag),
];

const VIEW: Fields = &[
    ("name", Text),
    ("definition", Text),
    ("algorithm", OneOf(&["undefined", "merge", "temptable"])),
    ("sqlSecurity", OneOf(&["definer", "invoker"])),
    ("withCheckOption", Or(&OneOf(&["local", "cascaded"]))),
];
