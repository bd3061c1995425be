//! `require` of ES modules, which the transpiler of Drizzle Kit makes ordinary.

use crate::project::{Fixture, table_names};

const NAME: (&str, &str) = (
    "name.ts",
    "import { pgTable } from 'drizzle-orm/pg-core';\nexport const name = typeof pgTable;",
);

#[test]
fn an_es_module_can_be_required() {
    let schema = "import { pgTable } from 'drizzle-orm/pg-core';
import { again } from './legacy.cjs';
const { name } = require('./name');
export const a = pgTable(name + again, {});
";
    let legacy = ("legacy.cjs", "exports.again = require('./name.ts').name;");
    let fixture = Fixture::postgres(schema, &[NAME, legacy]);
    assert_eq!(table_names(&fixture.postgres_schema()), ["functionfunction"]);
}

#[track_caller]
fn check_refused(schema: &str, others: &[(&str, &str)]) {
    let fixture = Fixture::postgres(schema, others);
    let error = fixture.error();
    assert!(error.to_string().contains("is an ES module and cannot be required here"), "{error}");
}

/// The engine would abort the process.
#[test]
fn a_cycle_through_require_is_refused() {
    let back = [("b.ts", "import { x } from './schema';\nexport const y = () => x;")];
    check_refused("export const x = 1;\nconst b = require('./b');", &back);
    let through = [
        ("c.cjs", "exports.d = () => 1;\nexports.e = require('./d.ts').e;"),
        ("d.ts", "import { e } from './c.cjs';\nexport { e };"),
    ];
    check_refused("import { e } from './c.cjs';\nexport const f = e;", &through);
}

#[test]
fn a_requiring_file_of_which_everything_is_imported_is_refused() {
    let legacy = ("legacy.cjs", "exports.name = require('./name.ts').name;");
    check_refused("import * as all from './legacy.cjs';\nexport const a = all;", &[NAME, legacy]);
}
