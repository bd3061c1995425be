//! The types of rows, as drizzle-kit 1.0 validates them (`src/dialects/postgres/ddl.ts`).

use crate::drizzle::entities::Form::{Flag, Number, Object, Objects, OneOf, Or, Text, Texts};
use crate::drizzle::entities::Source::{Field, Values};
use crate::drizzle::entities::{EntityType, Fields, Form, Link, Source};

const OPTIONAL_TEXT: Form = Or(&Text);
const OPTIONAL_FLAG: Form = Or(&Flag);
const OPTIONAL_NUMBER: Form = Or(&Number);

const NAMED: &[&str] = &["schema", "name"];
const OF_TABLE: &[&str] = &["schema", "table", "name"];

const IN_SCHEMA: Link = Link { to: "schemas", fields: &[("name", Field("schema"))] };
const IN_TABLE: Link =
    Link { to: "tables", fields: &[("schema", Field("schema")), ("name", Field("table"))] };

const fn on_columns(fields: &'static [(&'static str, Source)]) -> Link {
    Link { to: "columns", fields }
}

const ON_COLUMNS: Link = on_columns(&[
    ("schema", Field("schema")),
    ("table", Field("table")),
    ("name", Source::Texts("columns")),
]);

/// In the order in which a file lists them.
pub(super) const TYPES: &[EntityType] = &[
    EntityType { name: "schemas", fields: &[("name", Text)], key: &["name"], links: &[] },
    EntityType {
        name: "tables",
        fields: &[("schema", Text), ("name", Text), ("isRlsEnabled", Flag)],
        key: NAMED,
        links: &[IN_SCHEMA],
    },
    EntityType {
        name: "enums",
        fields: &[("schema", Text), ("name", Text), ("values", Texts)],
        key: NAMED,
        links: &[IN_SCHEMA],
    },
    EntityType {
        name: "columns",
        fields: COLUMN,
        key: OF_TABLE,
        links: &[
            IN_TABLE,
            Link {
                to: "enums",
                fields: &[("schema", Field("typeSchema")), ("name", Field("type"))],
            },
        ],
    },
    EntityType {
        name: "indexes",
        fields: INDEX,
        key: NAMED,
        links: &[
            IN_TABLE,
            on_columns(&[
                ("schema", Field("schema")),
                ("table", Field("table")),
                ("name", Values("columns")),
            ]),
        ],
    },
    EntityType { name: "fks", fields: FOREIGN_KEY, key: OF_TABLE, links: FOREIGN_KEY_LINKS },
    EntityType {
        name: "pks",
        fields: &[
            ("schema", Text),
            ("table", Text),
            ("name", Text),
            ("columns", Texts),
            ("nameExplicit", Flag),
        ],
        key: OF_TABLE,
        links: &[IN_TABLE, ON_COLUMNS],
    },
    EntityType {
        name: "uniques",
        fields: &[
            ("schema", Text),
            ("table", Text),
            ("name", Text),
            ("nameExplicit", Flag),
            ("columns", Texts),
            ("nullsNotDistinct", Flag),
        ],
        key: OF_TABLE,
        links: &[IN_TABLE, ON_COLUMNS],
    },
    EntityType {
        name: "checks",
        fields: &[("schema", Text), ("table", Text), ("name", Text), ("value", Text)],
        key: OF_TABLE,
        links: &[IN_TABLE],
    },
    EntityType { name: "sequences", fields: SEQUENCE, key: NAMED, links: &[IN_SCHEMA] },
    EntityType { name: "roles", fields: ROLE, key: &["name"], links: &[] },
    EntityType {
        name: "privileges",
        fields: PRIVILEGE,
        key: &["schema", "table", "grantor", "grantee", "type"],
        links: &[
            IN_TABLE,
            Link { to: "roles", fields: &[("name", Field("grantee"))] },
            Link { to: "roles", fields: &[("name", Field("grantor"))] },
        ],
    },
    EntityType {
        name: "policies",
        fields: POLICY,
        key: OF_TABLE,
        links: &[IN_TABLE, Link { to: "roles", fields: &[("name", Source::Texts("roles"))] }],
    },
    EntityType { name: "views", fields: VIEW, key: NAMED, links: &[IN_SCHEMA] },
];

const COLUMN: Fields = &[
    ("schema", Text),
    ("table", Text),
    ("name", Text),
    ("type", Text),
    ("typeSchema", OPTIONAL_TEXT),
    ("notNull", Flag),
    ("dimensions", Number),
    ("default", OPTIONAL_TEXT),
    ("generated", Object(&[("type", OneOf(&["stored"])), ("as", Text)])),
    (
        "identity",
        Object(&[
            ("name", Text),
            ("type", OneOf(&["always", "byDefault"])),
            ("increment", OPTIONAL_TEXT),
            ("minValue", OPTIONAL_TEXT),
            ("maxValue", OPTIONAL_TEXT),
            ("startWith", OPTIONAL_TEXT),
            ("cache", OPTIONAL_NUMBER),
            ("cycle", OPTIONAL_FLAG),
        ]),
    ),
];

const INDEX: Fields = &[
    ("schema", Text),
    ("table", Text),
    ("name", Text),
    ("nameExplicit", Flag),
    (
        "columns",
        Objects(&[
            ("value", Text),
            ("isExpression", Flag),
            ("asc", Flag),
            ("nullsFirst", Flag),
            ("opclass", Object(&[("name", Text), ("default", Flag)])),
        ]),
    ),
    ("isUnique", Flag),
    ("where", OPTIONAL_TEXT),
    ("with", Text),
    ("method", Text),
    ("concurrently", Flag),
];

const ACTION: Form = Or(&OneOf(&["NO ACTION", "RESTRICT", "SET NULL", "CASCADE", "SET DEFAULT"]));

const FOREIGN_KEY: Fields = &[
    ("schema", Text),
    ("table", Text),
    ("name", Text),
    ("nameExplicit", Flag),
    ("columns", Texts),
    ("schemaTo", Text),
    ("tableTo", Text),
    ("columnsTo", Texts),
    ("onUpdate", ACTION),
    ("onDelete", ACTION),
];

const FOREIGN_KEY_LINKS: &[Link] = &[
    IN_TABLE,
    ON_COLUMNS,
    Link { to: "tables", fields: &[("schema", Field("schemaTo")), ("name", Field("tableTo"))] },
    on_columns(&[
        ("schema", Field("schemaTo")),
        ("table", Field("tableTo")),
        ("name", Source::Texts("columnsTo")),
    ]),
];

const SEQUENCE: Fields = &[
    ("schema", Text),
    ("name", Text),
    ("incrementBy", OPTIONAL_TEXT),
    ("minValue", OPTIONAL_TEXT),
    ("maxValue", OPTIONAL_TEXT),
    ("startWith", OPTIONAL_TEXT),
    ("cacheSize", OPTIONAL_NUMBER),
    ("cycle", OPTIONAL_FLAG),
];

const ROLE: Fields = &[
    ("name", Text),
    ("superuser", OPTIONAL_FLAG),
    ("createDb", OPTIONAL_FLAG),
    ("createRole", OPTIONAL_FLAG),
    ("inherit", OPTIONAL_FLAG),
    ("canLogin", OPTIONAL_FLAG),
    ("replication", OPTIONAL_FLAG),
    ("bypassRls", OPTIONAL_FLAG),
    ("connLimit", OPTIONAL_NUMBER),
    ("password", OPTIONAL_TEXT),
    ("validUntil", OPTIONAL_TEXT),
];

const PRIVILEGE: Fields = &[
    ("grantor", Text),
    ("grantee", Text),
    ("schema", Text),
    ("table", Text),
    (
        "type",
        OneOf(&[
            "ALL",
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
            "TRIGGER",
        ]),
    ),
    ("isGrantable", Flag),
];

const POLICY: Fields = &[
    ("schema", Text),
    ("table", Text),
    ("name", Text),
    ("as", OneOf(&["PERMISSIVE", "RESTRICTIVE"])),
    ("for", OneOf(&["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"])),
    ("roles", Texts),
    ("using", OPTIONAL_TEXT),
    ("withCheck", OPTIONAL_TEXT),
];

const VIEW: Fields = &[
    ("schema", Text),
    ("name", Text),
    ("definition", OPTIONAL_TEXT),
    ("with", Object(VIEW_OPTIONS)),
    ("withNoData", OPTIONAL_FLAG),
    ("using", OPTIONAL_TEXT),
    ("tablespace", OPTIONAL_TEXT),
    ("materialized", Flag),
];

/// In the order of validation, which is not the one in which `generate` writes them.
const VIEW_OPTIONS: Fields = &[
    ("checkOption", Or(&OneOf(&["local", "cascaded"]))),
    ("securityBarrier", OPTIONAL_FLAG),
    ("securityInvoker", OPTIONAL_FLAG),
    ("fillfactor", OPTIONAL_NUMBER),
    ("toastTupleTarget", OPTIONAL_NUMBER),
    ("parallelWorkers", OPTIONAL_NUMBER),
    ("autovacuumEnabled", OPTIONAL_FLAG),
    ("vacuumIndexCleanup", Or(&OneOf(&["auto", "off", "on"]))),
    ("vacuumTruncate", OPTIONAL_FLAG),
    ("autovacuumVacuumThreshold", OPTIONAL_NUMBER),
    ("autovacuumVacuumScaleFactor", OPTIONAL_NUMBER),
    ("autovacuumVacuumCostDelay", OPTIONAL_NUMBER),
    ("autovacuumVacuumCostLimit", OPTIONAL_NUMBER),
    ("autovacuumFreezeMinAge", OPTIONAL_NUMBER),
    ("autovacuumFreezeMaxAge", OPTIONAL_NUMBER),
    ("autovacuumFreezeTableAge", OPTIONAL_NUMBER),
    ("autovacuumMultixactFreezeMinAge", OPTIONAL_NUMBER),
    ("autovacuumMultixactFreezeMaxAge", OPTIONAL_NUMBER),
    ("autovacuumMultixactFreezeTableAge", OPTIONAL_NUMBER),
    ("logAutovacuumMinDuration", OPTIONAL_NUMBER),
    ("userCatalogTable", OPTIONAL_FLAG),
];

/// In the order in which `generate` writes them.
pub(super) const VIEW_OPTIONS_WRITTEN: &[&str] = &[
    "checkOption",
    "securityBarrier",
    "securityInvoker",
    "autovacuumEnabled",
    "autovacuumFreezeMaxAge",
    "autovacuumFreezeMinAge",
    "autovacuumFreezeTableAge",
    "autovacuumMultixactFreezeMaxAge",
    "autovacuumMultixactFreezeMinAge",
    "autovacuumMultixactFreezeTableAge",
    "autovacuumVacuumCostDelay",
    "autovacuumVacuumCostLimit",
    "autovacuumVacuumScaleFactor",
    "autovacuumVacuumThreshold",
    "fillfactor",
    "logAutovacuumMinDuration",
    "parallelWorkers",
    "toastTupleTarget",
    "userCatalogTable",
    "vacuumIndexCleanup",
    "vacuumTruncate",
];
