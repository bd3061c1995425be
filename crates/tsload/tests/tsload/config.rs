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

#[test]
fn versions_come_from_the_installed_packages() {
    let package = ("node_modules/drizzle-orm/package.json", r#"{ "version": "0.45.4" }"#);
    let json = ("drizzle.config.json", r#"{ "dialect": "sqlite" }"#);
    let fixture = Fixture::without_packages(&[package, json]);
    let versions = fixture.project().versions(&fixture.config().unwrap());
    assert_eq!((versions.drizzle_orm.as_deref(), versions.drizzle_kit), (Some("0.45.4"), None));
}
