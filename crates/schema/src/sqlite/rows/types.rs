//! The types of rows, as drizzle-kit 1.0 validates them (`src/dialects/sqlite/ddl.ts`).

use crate::drizzle::entities::Form::{Flag, Object, Objects, OneOf, Or, Text, Texts};
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
    EntityType { name: "pks", fields: KEY, key: OF_TABLE, links: &[IN_TABLE, ON_COLUMNS] },
    EntityType { name: "uniques", fields: KEY, key: OF_TABLE, links: &[IN_TABLE, ON_COLUMNS] },
    EntityType {
        name: "checks",
        fields: &[("table", Text), ("name", Text), ("value", Text)],
        key: OF_TABLE,
        links: &[IN_TABLE],
    },
    EntityType {
        name: "views",
        fields: &[
            ("name", Text),
            ("definition", OPTIONAL_TEXT),
            ("isExisting", Flag),
            ("error", OPTIONAL_TEXT),
        ],
        key: &["name"],
        links: &[],
    },
];

const COLUMN: Fields = &[
    ("table", Text),
    ("name", Text),
    ("type", Text),
    ("notNull", Flag),
    ("autoincrement", Or(&Flag)),
    ("default", OPTIONAL_TEXT),
    ("generated", Object(&[("type", OneOf(&["stored", "virtual"])), ("as", Text)])),
];

const INDEX: Fields = &[
    ("table", Text),
    ("name", Text),
    ("columns", Objects(&[("value", Text), ("isExpression", Flag)])),
    ("isUnique", Flag),
    ("where", OPTIONAL_TEXT),
    ("origin", OneOf(&["manual", "auto"])),
];

const FOREIGN_KEY: Fields = &[
    ("table", Text),
    ("name", Text),
    ("columns", Texts),
    ("tableTo", Text),
    ("columnsTo", Texts),
    ("onUpdate", Text),
    ("onDelete", Text),
    ("nameExplicit", Flag),
];

const KEY: Fields = &[("table", Text), ("name", Text), ("columns", Texts), ("nameExplicit", Flag)];
