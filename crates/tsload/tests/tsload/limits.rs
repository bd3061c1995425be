//! The fence around the project's code: no endless work, no writing, no network, no processes.

use std::time::{Duration, Instant};

use raingauge_tsload::LoadError;

use crate::project::{Fixture, POSTGRES_CONFIG};

#[track_caller]
fn evaluate(schema: &str, seconds: u64) -> (Fixture, LoadError) {
    let files = [("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)];
    let fixture = Fixture::without_packages(&files);
    let project = fixture.project().with_time_limit(Duration::from_secs(seconds));
    let config = project.config(None).unwrap();
    let error = project.declared(&config).unwrap_err();
    (fixture, error)
}

#[track_caller]
fn check_code(schema: &str, code: &str) {
    let (_, error) = evaluate(schema, 10);
    assert_eq!(error.code(), code, "{error}");
}

#[test]
fn an_endless_loop_is_stopped() {
    let start = Instant::now();
    let (_, error) = evaluate("while (true) { try { for (;;) {} } catch {} }", 1);
    assert_eq!(error.code(), "sandbox-limit");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_endless_chain_of_promises_is_stopped() {
    let schema =
        "const again = (): Promise<void> => Promise.resolve().then(again);\nawait again();";
    let (_, error) = evaluate(schema, 1);
    assert_eq!(error.code(), "sandbox-limit");
}

#[test]
fn work_inside_the_engine_that_never_looks_at_the_clock_is_given_up() {
    let schema = "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);";
    let (_, error) = evaluate(schema, 1);
    assert_eq!(error.code(), "sandbox-limit");
}

#[test]
fn runaway_memory_is_stopped() {
    check_code("const all = [];\nfor (;;) all.push(new Array(1 << 20).fill(1));", "sandbox-limit");
    check_code("const all = [];\nfor (;;) all.push(new Uint8Array(1 << 24));", "sandbox-limit");
}

#[test]
fn endless_recursion_is_an_error_in_the_schema() {
    let (_, error) =
        evaluate("const deeper = (n: number): number => deeper(n + 1) + 1;\n\ndeeper(0);", 10);
    assert_eq!(error.code(), "schema-failed");
    assert!(error.to_string().contains("call stack"), "{error}");
}

#[test]
fn waiting_for_nothing_is_an_error() {
    check_code("await new Promise(() => {});", "schema-failed");
}

#[track_caller]
fn check_refused(schema: &str, what: &str) {
    let (fixture, error) = evaluate(schema, 10);
    assert_eq!(error.code(), "sandbox-refused");
    assert!(error.to_string().contains(&format!("`{what}` is not available")), "{error}");
    assert!(!fixture.path("written").exists());
}

#[test]
fn writing_and_other_processes_and_the_network_are_refused() {
    check_refused(
        "import fs from 'node:fs';\nfs.writeFileSync('written', 'x');",
        "fs.writeFileSync",
    );
    check_refused("import { mkdirSync } from 'fs';\nmkdirSync('written');", "fs.mkdirSync");
    check_refused(
        "import * as fs from 'node:fs/promises';\nawait fs.writeFile('written', 'x');",
        "fs/promises.writeFile",
    );
    check_refused("require('fs').appendFileSync('written', 'x');", "fs.appendFileSync");
    check_refused(
        "import { execSync } from 'node:child_process';\nexecSync('touch written');",
        "child_process.execSync",
    );
    check_refused("import net from 'node:net';\nnet.connect(1);", "net.connect");
    check_refused("await fetch('http://localhost');", "fetch");
    check_refused("process.exit(0);", "process.exit");
}

#[track_caller]
fn check_missing(statement: &str) {
    let (_, error) = evaluate(&format!("import fs from 'node:fs';\n{statement}"), 10);
    assert!(error.to_string().contains("ENOENT"), "{error}");
}

#[test]
fn files_outside_of_the_project_do_not_exist() {
    check_missing("fs.readFileSync('/etc/hostname', 'utf8');");
    check_missing("if (!fs.existsSync('/etc/hostname')) throw new Error('ENOENT');");
    check_missing("fs.readdirSync('/etc');");
    check_code("import '/etc/hostname';", "import-missing");
    let (fixture, _) = evaluate("throw 1;", 10);
    std::os::unix::fs::symlink("/etc/hostname", fixture.path("link.json")).unwrap();
    fixture.write("schema.ts", "import host from './link.json';\nthrow new Error(host);");
    assert_eq!(fixture.error().code(), "import-missing");
}
