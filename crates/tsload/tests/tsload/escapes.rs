//! Attempts to get out of the sandbox, or to keep it busy: each ends soon, with a place.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use raingauge_tsload::LoadError;
use tempfile::TempDir;

use crate::project::{Fixture, POSTGRES_CONFIG};

/// Loads the schema, which has to fail within the time that it is given and a little more.
#[track_caller]
fn fail(fixture: &Fixture) -> LoadError {
    let start = Instant::now();
    let project = fixture.project().with_time_limit(Duration::from_secs(2));
    let config = project.config(None).unwrap();
    let error = project.declared(&config).map(|_| ()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    error
}

fn project(schema: &str) -> Fixture {
    Fixture::without_packages(&[("drizzle.config.ts", POSTGRES_CONFIG), ("schema.ts", schema)])
}

/// On a machine that is busy the time may end before the engine knows where it is.
#[track_caller]
fn check(schema: &str, code: &str, line: u32) {
    let error = fail(&project(schema));
    assert_eq!(error.code(), code, "{error}");
    let place = error.place().map(|it| it.line);
    assert!(place == Some(line) || (place.is_none() && code == "sandbox-limit"), "{error}");
}

#[test]
fn endless_work_is_stopped_where_it_is_done() {
    let work = "function work(n: number) {\n  let sum = 0;\n  for (;;) { sum += n; }\n}\nwork(1);";
    let error = fail(&project(work));
    // The engine knows in which function it was, not always in which line.
    assert_eq!(error.code(), "sandbox-limit");
    assert!(error.place().is_none_or(|it| (1..=3).contains(&it.line)), "{error}");
    // A regular expression that tries more ways than there is time.
    let error = fail(&project("const text = 'a'.repeat(40) + 'b';\n/^(a+)+$/.test(text);"));
    assert_eq!(error.code(), "sandbox-limit", "{error}");
    check(
        "export const all = [];\nfor (;;) all.push(new Array(1 << 20).fill(1));",
        "sandbox-limit",
        2,
    );
    check("new Array(2 ** 32 - 1).fill(0);", "sandbox-limit", 1);
    check("let text = 'x';\nfor (;;) text += text;", "schema-failed", 2);
    check("const down = (n: number): number => down(n + 1) + 1;\ndown(0);", "schema-failed", 1);
    check("JSON.parse('['.repeat(1e6));", "schema-failed", 1);
}

/// The parser would overflow its stack, which ends the process.
#[test]
fn code_that_is_nested_too_deeply_is_refused() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{", "}"), ("!", ""), ("- ", "")] {
        let schema =
            format!("export const x =\n{}1{}", open.repeat(100_000), close.repeat(100_000));
        let error = fail(&project(&schema));
        assert_eq!((error.code(), error.place().unwrap().line), ("sandbox-limit", 2), "{error}");
    }
    for part in ["+ 1", ".a", " ? 1 : 1", " || 1", " as any"] {
        let code = fail(&project(&format!("export const x = 1{}", part.repeat(60_000)))).code();
        assert!(
            // What is merely long runs, and then there is no drizzle-orm.
            ["sandbox-limit", "schema-failed", "drizzle-orm-missing"].contains(&code),
            "{part}: {code}"
        );
    }
}

#[test]
fn processes_and_native_code_are_refused_by_name() {
    let refused = [
        ("process.exit(1);", 1),
        ("process.kill(1);", 1),
        ("require('child_process').execSync('id');", 1),
        ("import { Worker } from 'node:worker_threads';\nnew Worker('x');", 2),
        ("import net from 'net';\nnet.createConnection(1);", 2),
        ("await fetch('http://127.0.0.1');", 1),
        ("import fs from 'fs';\nfs.writeFileSync('x', 'x');", 2),
        ("import fs from 'fs';\nfs.symlinkSync('/etc', 'x');", 2),
        (
            "import { createRequire } from 'module';\ncreateRequire(import.meta.url)('./addon.node').run();",
            2,
        ),
    ];
    for (schema, line) in refused {
        let fixture = project(schema);
        fixture.write("addon.node", "\u{7f}ELF");
        let error = fail(&fixture);
        let found = error.place().map(|it| it.line);
        assert_eq!((error.code(), found), ("sandbox-refused", Some(line)), "{schema}: {error}");
        assert!(!fixture.path("x").exists());
    }
}

/// A secret beside the project, and every way to it.
#[test]
fn nothing_outside_of_the_project_is_read() {
    let outside = TempDir::new().unwrap();
    let secret = outside.path().canonicalize().unwrap();
    std::fs::create_dir_all(secret.join("node_modules/pkg")).unwrap();
    std::fs::write(secret.join("package.json"), r#"{ "name": "outside" }"#).unwrap();
    for file in ["secret.json", "node_modules/pkg/secret.json"] {
        std::fs::write(secret.join(file), r#"{ "word": "geheim" }"#).unwrap();
    }
    let path = secret.display().to_string();
    let up = format!("{}{path}", "../".repeat(20));
    let ways = [
        format!("import it from '{path}/secret.json';"),
        format!("import it from '{up}/secret.json';"),
        format!("import it from 'file://{path}/secret.json';"),
        "import it from './link/secret.json';".to_owned(),
        "import it from './file.json';".to_owned(),
        format!("import it from 'pkg/{up}/secret.json';"),
        format!("import it from '{path}/node_modules/pkg/secret.json';"),
        "import it from '@out/secret.json';".to_owned(),
        "import it from '#out';".to_owned(),
        format!("const it = require('{path}/secret.json');"),
        format!("const it = (await import('{path}/' + 'secret.json')).default;"),
        format!(
            "import fs from 'fs';\nconst it = JSON.parse(fs.readFileSync('{up}/secret.json', 'utf8'));"
        ),
        format!(
            "import fs from 'fs';\nconst it = JSON.parse(fs.readFileSync(new URL('file://{path}/secret.json'), 'utf8'));"
        ),
        "import fs from 'fs';\nconst it = JSON.parse(fs.readFileSync('link/secret.json', 'utf8'));"
            .to_owned(),
        format!("import fs from 'fs';\nconst it = {{ word: fs.readdirSync('{path}').join() }};"),
        format!(
            "import fs from 'fs';\nconst it = {{ word: fs.readFileSync('{path}/node_modules/pkg/secret.json', 'utf8') }};"
        ),
    ];
    for way in ways {
        let fixture = project(&format!("{way}\nthrow new Error('read: ' + it.word);"));
        symlink(&secret, fixture.path("link")).unwrap();
        symlink(secret.join("secret.json"), fixture.path("file.json")).unwrap();
        fixture.write("node_modules/pkg/index.js", "");
        fixture.write("package.json", r##"{ "imports": { "#out": "./link/secret.json" } }"##);
        let paths =
            format!(r#"{{ "compilerOptions": {{ "paths": {{ "@out/*": ["{path}/*"] }} }} }}"#);
        fixture.write("tsconfig.json", &paths);
        let error = fail(&fixture);
        assert!(!error.to_string().contains("read: "), "{way}\n{error}");
        assert!(!format!("{error:?}").contains("geheim"), "{way}\n{error}");
    }
}

#[test]
fn schema_files_outside_of_the_project_are_refused_with_the_reason() {
    let outside = TempDir::new().unwrap();
    std::fs::write(outside.path().join("schema.ts"), "export const a = 1;").unwrap();
    let path = outside.path().join("schema.ts").canonicalize().unwrap();
    let config =
        format!("export default {{ dialect: 'postgresql', schema: '{}' }};", path.display());
    let error = Fixture::without_packages(&[("drizzle.config.ts", &config)]).error();
    assert_eq!(error.code(), "file-outside");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[test]
fn a_linked_package_is_read_and_its_neighbours_are_not() {
    let outside = TempDir::new().unwrap();
    let folder = outside.path().canonicalize().unwrap();
    std::fs::create_dir_all(folder.join("pkg")).unwrap();
    std::fs::write(folder.join("pkg/package.json"), r#"{ "name": "pkg" }"#).unwrap();
    std::fs::write(folder.join("pkg/index.js"), "exports.name = 'linked';").unwrap();
    std::fs::write(folder.join("secret.js"), "exports.name = 'geheim';").unwrap();
    let throwing = |from: &str| {
        let fixture = project(&format!("import {{ name }} from '{from}';\nthrow new Error(name);"));
        std::fs::create_dir_all(fixture.path("node_modules")).unwrap();
        symlink(folder.join("pkg"), fixture.path("node_modules/pkg")).unwrap();
        fail(&fixture)
    };
    assert!(throwing("pkg").to_string().starts_with("Error: linked"));
    assert_eq!(throwing("pkg/../secret.js").code(), "import-missing");
}

/// It is read first, and by whoever only wants to look.
#[test]
fn the_configuration_is_fenced_in_like_the_schema() {
    let config = |statement: &str| {
        let text = format!("{statement}\nexport default {{ dialect: 'sqlite', out: String(it) }};");
        let fixture = Fixture::without_packages(&[("drizzle.config.ts", &text)]);
        let project = fixture.project().with_time_limit(Duration::from_secs(2));
        (project.config(None).map(|it| it.out), fixture)
    };
    let refused = [
        "import fs from 'node:fs';\nconst it = fs.writeFileSync('written', 'x');",
        "import { execSync } from 'node:child_process';\nconst it = execSync('touch written');",
        "const it = await fetch('http://127.0.0.1:1');",
        "import dns from 'node:dns/promises';\nconst it = await dns.lookup('localhost');",
    ];
    for statement in refused {
        let (result, fixture) = config(statement);
        assert_eq!(result.unwrap_err().code(), "sandbox-refused", "{statement}");
        assert!(!fixture.path("written").exists());
    }
    let (result, _) = config("const it = 1;\nfor (;;) {}");
    assert_eq!(result.unwrap_err().code(), "sandbox-limit");
    let (result, _) = config("const it = [];\nfor (;;) it.push(new Array(1 << 20).fill(1));");
    assert_eq!(result.unwrap_err().code(), "sandbox-limit");
    let (result, _) = config("import fs from 'fs';\nconst it = fs.existsSync('/etc/passwd');");
    assert_eq!(result.unwrap(), "false");
}
