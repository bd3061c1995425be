//! The order of tables, which must be the one in which Drizzle Kit writes them.

use std::fmt::Write as _;

use crate::project::{Fixture, table_names};

fn tables(names: &[&str]) -> String {
    let mut text = "import { integer, pgTable } from 'drizzle-orm/pg-core';\n".to_owned();
    for name in names {
        let (export, table) = name.split_once('=').unwrap_or((name, name));
        writeln!(text, "export const {export} = pgTable('{table}', {{ id: integer() }});").unwrap();
    }
    text
}

/// As drizzle-kit 0.31.11 writes it for the same files.
#[test]
fn own_exports_come_sorted_before_those_of_each_star() {
    let schema = tables(&["zed", "Alpha=alpha"])
        + "export * from './c';\nexport { mm } from './d';\nexport * from './b';\n"
        + "export default pgTable('by_default', { id: integer() });\nexport type T = string;\n";
    let (b, c, d) = (tables(&["bb", "ab"]), tables(&["yy", "cc", "bb=c_bb"]), tables(&["mm"]));
    let fixture = Fixture::postgres(&schema, &[("b.ts", &b), ("c.ts", &c), ("d.ts", &d)]);
    let expected = ["alpha", "by_default", "mm", "zed", "c_bb", "cc", "yy", "ab"];
    assert_eq!(table_names(&fixture.postgres_schema()), expected);
}

#[test]
fn files_come_in_the_order_of_the_patterns_and_each_table_once() {
    let config = "export default { dialect: 'postgresql', schema: ['./db/{z,a}.ts', './db', './d?/**/*.ts'] };";
    let (a, z) = (tables(&["of_a"]), "export * from './a';\n".to_owned() + &tables(&["of_z"]));
    let deep = tables(&["deep"]);
    let files = [
        ("drizzle.config.ts", config),
        ("db/a.ts", &a),
        ("db/z.ts", &z),
        ("db/sub/deep.ts", &deep),
    ];
    let fixture = Fixture::new(&files);
    assert_eq!(table_names(&fixture.postgres_schema()), ["of_a", "of_z", "deep"]);
    let declared = fixture.declared().unwrap().unwrap();
    let names: Vec<_> =
        declared.files.iter().map(|it| it.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["a.ts", "z.ts", "deep.ts"]);
}

#[test]
fn sources_tell_where_a_table_is_declared() {
    let fixture = Fixture::postgres(&tables(&["a", "b"]), &[]);
    let declared = fixture.declared().unwrap().unwrap();
    assert_eq!(declared.sources["table public.a"].line, 2);
    assert_eq!(declared.sources["table public.b"].line, 3);
}

#[test]
fn what_a_second_file_exports_again_counts_once() {
    let config = "export default { dialect: 'postgresql', schema: './db' };";
    let a = "import { sql } from 'drizzle-orm';\nimport { integer, pgTable, pgView } from 'drizzle-orm/pg-core';\nexport const t = pgTable('t', { id: integer() });\nexport const v = pgView('v', {}).as(sql`select 1`);\n";
    let files =
        [("drizzle.config.ts", config), ("db/a.ts", a), ("db/index.ts", "export * from './a';")];
    let fixture = Fixture::new(&files);
    let schema = fixture.postgres_schema();
    assert_eq!((schema.tables.len(), schema.views.len()), (1, 1));
}
