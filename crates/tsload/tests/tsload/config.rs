//! Finding and reading `drizzle.config.*`, and the environment that it sees.

use crate::project::Fixture;

const TS: &str = r#"
import "dotenv/config";
import path from "node:path";
import { defineConfig } from "drizzle-kit";
import type { Config } from "drizzle-kit";

enum Casing { Snake = "snake_case" }
const url: string = process.env.DATABASE_URL!;

export default defineConfig({
  dialect: "postgresql",
  schema: ["./a.ts", "./b/*.ts"],
  out: path.posix.join("db", "migrations"),
  casing: Casing.Snake,
  tablesFilter: "app_*",
  breakpoints: false,
  migrations: { table: "ledger", schema: "public", prefix: "timestamp" },
  dbCredentials: { url: new URL("?sslmode=require", url).href, ssl: process.env.PGSSL === "1" },
} satisfies Config);
"#;

/// Stands for the package of that name, which need not be installed for the tests.
const DOTENV: (&str, &str) = ("node_modules/dotenv/config.js", "");

#[test]
fn a_typescript_configuration_is_evaluated_with_the_environment() {
    let fixture = Fixture::without_packages(&[("drizzle.config.ts", TS), DOTENV]);
    fixture.write(".env", "DATABASE_URL=postgres://me:geheim@db.example/app\nPGSSL=1\n");
    let config = fixture.with_env("PGSSL", "0").config().unwrap();
    assert_eq!(config.dialect, "postgresql");
    assert_eq!(config.schema, ["./a.ts", "./b/*.ts"]);
    assert_eq!(config.out, "db/migrations");
    assert_eq!(config.casing.as_deref(), Some("snake_case"));
    assert_eq!(config.tables_filter, ["app_*"]);
    assert_eq!(config.schema_filter, Some(vec!["public".to_owned()]));
    assert!(!config.breakpoints);
    assert_eq!(config.migrations_table.as_deref(), Some("ledger"));
    assert_eq!(config.migrations_schema.as_deref(), Some("public"));
    assert_eq!(config.migrations_prefix.as_deref(), Some("timestamp"));
    let url = "postgres://me:geheim@db.example/app?sslmode=require";
    assert_eq!(config.credentials, serde_json::json!({ "url": url, "ssl": false }));
}

#[test]
fn debug_output_shows_no_credentials() {
    let text = r#"{ "dialect": "sqlite", "dbCredentials": { "url": "geheim" } }"#;
    let fixture = Fixture::without_packages(&[("drizzle.config.json", text)]);
    let config = fixture.config().unwrap();
    assert_eq!(config.credentials["url"], "geheim");
    assert!(!format!("{config:?}").contains("geheim"));
}

#[test]
fn what_is_not_said_takes_the_defaults_of_the_kit() {
    let text = "module.exports = { dialect: 'sqlite' }";
    let config = Fixture::without_packages(&[("drizzle.config.js", text)]).config().unwrap();
    assert_eq!((config.out.as_str(), config.breakpoints), ("drizzle", true));
    assert!(config.schema.is_empty() && config.casing.is_none());
}

#[test]
fn the_typescript_file_wins_over_the_others() {
    let config = |dialect: &str| format!("export default {{ dialect: '{dialect}' }}");
    let (ts, js) = (config("postgresql"), config("sqlite"));
    let fixture =
        Fixture::without_packages(&[("drizzle.config.ts", &ts), ("drizzle.config.js", &js)]);
    assert_eq!(fixture.config().unwrap().dialect, "postgresql");
    let named = fixture.project().config(Some("drizzle.config.js".as_ref())).unwrap();
    assert_eq!(
        (named.dialect.as_str(), named.path.to_str()),
        ("sqlite", Some("drizzle.config.js"))
    );
}

#[test]
fn a_project_without_a_configuration_says_where_it_looked() {
    let error = Fixture::without_packages(&[]).config().unwrap_err();
    assert_eq!(error.code(), "config-missing");
}

#[track_caller]
fn check_invalid(text: &str, expected: &str) {
    let error = Fixture::without_packages(&[("drizzle.config.ts", text)]).config().unwrap_err();
    assert_eq!(error.code(), "config-invalid");
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    check_invalid("export default {}", "`dialect` is missing");
    check_invalid(
        "export default { dialect: 'oracle' }",
        "`dialect` is `oracle`, not one of `postgresql`, `mysql`, `sqlite`, `turso`, `singlestore`, `gel`",
    );
    check_invalid("export default { dialect: 'sqlite', out: 1 }", "`out` is not a text");
    check_invalid(
        "export default { dialect: 'sqlite', casing: 'kebab' }",
        "`casing` is `kebab`, not one of `snake_case`, `camelCase`",
    );
}

#[test]
fn a_configuration_without_schema_files_declares_nothing() {
    let text = "export default { dialect: 'postgresql', schema: './missing.ts' }";
    let fixture = Fixture::without_packages(&[("drizzle.config.ts", text)]);
    assert!(fixture.declared().unwrap().is_none());
}

/// What arrives of `dbCredentials` under the rules of a kit.
fn credentials(kit: &str, dialect: &str, credentials: &str) -> serde_json::Value {
    let package = format!(r#"{{ "version": "{kit}" }}"#);
    let config = format!(
        "import fs from 'node:fs';\nexport default {{ dialect: '{dialect}', dbCredentials: {credentials} }};"
    );
    let fixture = Fixture::without_packages(&[
        ("node_modules/drizzle-kit/package.json", &package),
        ("drizzle.config.ts", &config),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
    ]);
    fixture.config().unwrap().credentials
}

#[test]
fn every_form_of_credentials_arrives() {
    use serde_json::json;
    let parts =
        json!({ "host": "h", "port": "5433", "user": "u", "password": "p", "database": "d" });
    let check = |dialect: &str, given: &str, expected: serde_json::Value| {
        assert_eq!(credentials("0.31.11", dialect, given), expected, "{given}");
    };
    for dialect in ["postgresql", "mysql"] {
        check(dialect, "{ url: 'postgres://h/d' }", json!({ "url": "postgres://h/d" }));
        check(dialect, &parts.to_string(), parts.clone());
    }
    for ssl in ["true", "false", "\"require\"", "\"allow\"", "\"prefer\"", "\"verify-full\""] {
        let given = format!("{{ host: 'h', database: 'd', ssl: {ssl} }}");
        let ssl: serde_json::Value = serde_json::from_str(ssl).unwrap();
        check("postgresql", &given, json!({ "host": "h", "database": "d", "ssl": ssl }));
    }
    check(
        "postgresql",
        "{ host: 'h', database: 'd', ssl: { rejectUnauthorized: false, ca: fs.readFileSync('ca.pem'), checkServerIdentity: () => undefined } }",
        json!({ "host": "h", "database": "d", "ssl": { "rejectUnauthorized": false, "ca": "-----BEGIN CERTIFICATE-----\n" } }),
    );
    check("sqlite", "{ url: 'file:a.db' }", json!({ "url": "file:a.db" }));
    let turso = json!({ "url": "libsql://h", "authToken": "t" });
    check("turso", &turso.to_string(), turso);
    let d1 = json!({ "accountId": "a", "databaseId": "d", "token": "t" });
    check("sqlite", &d1.to_string(), d1);
    let aws = json!({ "database": "d", "secretArn": "s", "resourceArn": "r" });
    check("postgresql", &aws.to_string(), aws);
    check("postgresql", "undefined", serde_json::Value::Null);
}

/// A database that the kit does not look at must not be the one that is changed.
#[test]
fn of_two_contradicting_addresses_the_one_that_the_kit_takes_counts() {
    let both = "{ url: 'postgres://one/d', host: 'two', port: 1, database: 'd' }";
    let of = |kit| credentials(kit, "postgresql", both);
    assert_eq!(of("0.31.11"), serde_json::json!({ "host": "two", "port": 1, "database": "d" }));
    assert_eq!(of("1.0.0-rc.5"), serde_json::json!({ "url": "postgres://one/d" }));
}

#[test]
fn what_is_not_said_depends_on_the_kit() {
    let config = |kit: &str, text: &str| {
        let package = format!(r#"{{ "version": "{kit}" }}"#);
        Fixture::without_packages(&[
            ("node_modules/drizzle-kit/package.json", &package),
            ("drizzle.config.json", text),
        ])
        .config()
    };
    let plain = r#"{ "dialect": "postgresql" }"#;
    assert_eq!(config("0.31.11", plain).unwrap().schema_filter, Some(vec!["public".to_owned()]));
    assert_eq!(config("1.0.0-rc.5", plain).unwrap().schema_filter, None);
    let cockroach = r#"{ "dialect": "cockroach" }"#;
    assert_eq!(config("0.31.11", cockroach).unwrap_err().code(), "config-invalid");
    assert_eq!(config("1.0.0-rc.5", cockroach).unwrap().dialect, "cockroach");
    let all = r#"{ "dialect": "postgresql", "driver": "pglite", "schema": "a.ts", "out": "", "tablesFilter": "x", "schemaFilter": ["a", "b"], "extensionsFilters": ["postgis"], "entities": { "roles": { "provider": "neon", "exclude": ["r"] } }, "migrations": { "table": "t", "schema": "s", "prefix": "supabase" }, "breakpoints": false }"#;
    let all = config("0.31.11", all).unwrap();
    assert_eq!(
        (all.out.as_str(), all.breakpoints, all.driver.as_deref()),
        ("drizzle", false, Some("pglite"))
    );
    assert_eq!(
        (all.tables_filter, all.extensions_filters),
        (vec!["x".to_owned()], vec!["postgis".to_owned()])
    );
    assert_eq!(all.schema_filter, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(all.entities["roles"]["provider"], "neon");
    assert_eq!(
        (all.migrations_table.as_deref(), all.migrations_prefix.as_deref()),
        (Some("t"), Some("supabase"))
    );
    let wrong = r#"{ "dialect": "sqlite", "migrations": { "prefix": "date" } }"#;
    assert_eq!(config("0.31.11", wrong).unwrap_err().code(), "config-invalid");
}

#[test]
fn the_file_of_the_environment_may_be_another() {
    let config = "export default { dialect: 'sqlite', out: process.env.A + process.env.B };";
    let fixture = Fixture::without_packages(&[
        ("drizzle.config.ts", config),
        (".env", "A=wrong\n"),
        ("settings/.env", "A=a\nB=b\n"),
    ]);
    let fixture = fixture.with_env("DOTENV_CONFIG_PATH", "settings/.env").with_env("B", "c");
    assert_eq!(fixture.config().unwrap().out, "ac");
    let fixture = fixture.with_env("DOTENV_CONFIG_OVERRIDE", "true");
    assert_eq!(fixture.config().unwrap().out, "ab");
}

#[test]
fn versions_come_from_the_installed_packages() {
    let package = ("node_modules/drizzle-orm/package.json", r#"{ "version": "0.45.4" }"#);
    let json = ("drizzle.config.json", r#"{ "dialect": "sqlite" }"#);
    let fixture = Fixture::without_packages(&[package, json]);
    let versions = fixture.project().versions(&fixture.config().unwrap());
    assert_eq!((versions.drizzle_orm.as_deref(), versions.drizzle_kit), (Some("0.45.4"), None));
}

#[test]
fn every_form_of_the_file_is_read() {
    let of = |out: &str| format!("{{ dialect: 'sqlite', out: '{out}' }}");
    let esm = |out: &str| format!("export default {};", of(out));
    let common = |out: &str| format!("module.exports = {};", of(out));
    let typed = format!(
        "import type {{ Config }} from 'drizzle-kit';\nexport default {} satisfies Config;",
        of("ts")
    );
    let assigned = format!("import path = require('node:path');\nexport = {};", of("cts"))
        .replace("'cts'", "path.join('cts')");
    let named = "const { defineConfig } = require('drizzle-kit');\nexports.default = defineConfig({ dialect: 'sqlite', out: 'named' });";
    let awaited = format!(
        "const {{ sep }} = await import('node:path');\n{}",
        esm("mts").replace("'mts'", "'mts' + sep.trim().slice(1)")
    );
    let forms = [
        ("drizzle.config.ts", typed.as_str(), "ts"),
        ("drizzle.config.mts", &awaited, "mts"),
        ("drizzle.config.cts", &assigned, "cts"),
        ("drizzle.config.js", &esm("js"), "js"),
        ("drizzle.config.js", named, "named"),
        ("drizzle.config.mjs", &esm("mjs"), "mjs"),
        ("drizzle.config.cjs", &common("cjs"), "cjs"),
        ("drizzle.config.json", "\u{feff}{ \"dialect\": \"sqlite\", \"out\": \"json\" }", "json"),
    ];
    for (name, text, out) in forms {
        for package in [r#"{ "type": "module" }"#, r#"{ "type": "commonjs" }"#, "{}"] {
            // Where `exports` would not be there in Node either.
            if out == "named" && package.contains("module") {
                continue;
            }
            let files = [(name, text), ("package.json", package)];
            let config = Fixture::without_packages(&files).config();
            let config = config.unwrap_or_else(|it| panic!("{name} {package}: {it}"));
            assert_eq!((config.out.as_str(), config.path.to_str()), (out, Some(name)), "{package}");
        }
    }
}
