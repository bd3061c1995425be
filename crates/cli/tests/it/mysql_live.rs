//! MySQL and MariaDB as they are: how they are reached, and what is said of them.

use raingauge_testkit::mysql::{ACCOUNT, MySqlDatabase, servers};
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Project, Result, Run, judge};

use crate::mysql::project;
use crate::run::{binary, run, verdict};

/// What every server takes that Drizzle 0.x and 1.0 write: no `serial`, whose statement MariaDB refuses.
pub(crate) const SHOP: &str = r#"export const authors = mysqlTable("authors", {
  id: int("id").autoincrement().primaryKey(),
  name: varchar("name", { length: 200 }).notNull(),
  kind: mysqlEnum("kind", ["human", "other"]).default("human").notNull(),
  born: datetime("born"),
}, (t) => [uniqueIndex("authors_name").on(t.name)]);
export const books = mysqlTable("books", {
  id: int("id").autoincrement().primaryKey(),
  author: int("author").references(() => authors.id, { onDelete: "cascade" }),
  title: varchar("title", { length: 300 }).notNull(),
  price: decimal("price", { precision: 10, scale: 2 }).default("0.00"),
  //
}, (t) => [index("books_author").on(t.author, t.title), check("positive", sql`${t.price} >= 0`)]);
"#;

/// What comes in a second migration.
pub(crate) fn grown() -> String {
    let loan = "loan: boolean(\"loan\").default(false).notNull(),\n  //";
    let tags = r#"export const tags = mysqlTable("tags", { book: int("book").references(() => books.id), word: varchar("word", { length: 40 }) }, (t) => [primaryKey({ columns: [t.book, t.word] })]);
export const cheap = mysqlView("cheap").as((qb) => qb.select().from(books).where(sql`price < 5`));
"#;
    format!("{}{tags}", SHOP.replace("//", loan))
}

/// A ledger with a row, and two tables with what Drizzle has no words for.
const FILLED: &str = "CREATE TABLE __drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 1);
CREATE TABLE authors (id int AUTO_INCREMENT PRIMARY KEY, name varchar(200) NOT NULL, KEY by_name (name(10)));
CREATE TABLE books (id int PRIMARY KEY, author int, FOREIGN KEY (author) REFERENCES authors (id));
CREATE TRIGGER later BEFORE INSERT ON books FOR EACH ROW SET NEW.author = NEW.author;";

/// A project whose configuration has these credentials.
fn configured(credentials: &str) -> Result<Project> {
    let project = project(0, SHOP)?;
    let config = project.read("drizzle.config.ts")?;
    let credentials = format!("dbCredentials: {credentials}, schema:");
    project.write("drizzle.config.ts", &config.replace("schema:", &credentials))?;
    Ok(project)
}

/// No test may print what opens the server, whatever was asked.
#[track_caller]
fn check_silent(run: &Run, secrets: &[&str]) {
    for secret in secrets {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run}");
    }
}

fn rows_of(database: &MySqlDatabase) -> Result<String> {
    database.sql("CHECKSUM TABLE authors, books, __drizzle_migrations")
}

#[test]
fn the_database_is_found_by_every_form_of_address_and_nothing_is_written() -> Result {
    for server in servers() {
        let database = server.database("live")?;
        database.sql(FILLED)?;
        let before = rows_of(&database)?;
        let (name, port) = (&database.name, server.port);
        let url = server.url(name);
        let parts = format!(
            "{{ host: '127.0.0.1', port: {port}, user: '{ACCOUNT}', password: '{PASSWORD}', database: '{name}' }}"
        );
        let folder = tempfile::tempdir()?;
        let live = |url: &str| binary().run(folder.path(), &["analyze", "--live", "--url", url]);
        let mut told = vec![
            live(&url)?,
            live(&url.replace("mysql://", "mariadb://"))?,
            run(&configured(&format!("{{ url: '{url}' }}"))?, &["analyze", "--live"], 0)?,
            run(&configured(&parts)?, &["analyze", "--live"], 0)?,
        ];
        let unencrypted = parts.replace(" }", ", ssl: false }");
        told.push(run(&configured(&unencrypted)?, &["analyze", "--live"], 0)?);
        for run in &told {
            assert_eq!(verdict(run), "analyze: clean", "{run}");
            assert_eq!(run.stdout, told[0].stdout);
            check_silent(run, &[PASSWORD]);
        }
        let json = ["analyze", "--live", "--format", "json", "--url", &url];
        let document = binary().run(folder.path(), &json)?.success()?.json()?;
        let objects =
            document["sections"]["objects"].as_array().expect("there is a section").clone();
        let number = |kind: &str| {
            let row = objects.iter().find(|it| it["kind"] == kind).expect("the kind is told");
            (row["number"].clone(), row["in Drizzle's words"].clone())
        };
        // The ledger is not one of them.
        assert_eq!(number("table"), ("2".into(), "2".into()));
        assert_eq!(number("trigger"), ("1".into(), "0".into()));
        assert_eq!(rows_of(&database)?, before);
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "something was written");
    }
    Ok(())
}

#[test]
fn who_is_not_let_in_is_told_why_and_the_password_is_not_shown() -> Result {
    let secret = "teapot-7319-walrus";
    for server in servers() {
        let database = server.database("denied")?;
        let name = &database.name;
        let account = format!("guest_{}", std::process::id());
        server.sql("mysql", &format!("CREATE USER {account}@'%' IDENTIFIED BY '{secret}'"))?;
        let folder = tempfile::tempdir()?;
        let cases = [
            (server.url_as(ACCOUNT, secret, name), "mysql-login-failed"),
            (server.url_as(&account, secret, name), "mysql-database-denied"),
            (server.url("nowhere"), "mysql-database-missing"),
            (format!("mysql://{ACCOUNT}:{secret}@127.0.0.1:1/{name}"), "mysql-unreachable"),
            (server.url(""), "mysql-database-missing"),
            (format!("mysql://{ACCOUNT}:{secret}@127.0.0.1:x/{name}"), "url-invalid"),
        ];
        for (url, code) in cases {
            let told = binary().run(folder.path(), &["analyze", "--live", "--url", &url])?;
            assert_eq!(told.code, 2, "{told}");
            assert!(told.stderr.contains(&format!("error[{code}]")), "{url}: {told}");
            check_silent(&told, &[secret, PASSWORD]);
        }
        server.sql("mysql", &format!("DROP USER {account}@'%'"))?;
    }
    Ok(())
}

#[test]
fn what_the_account_may_not_see_is_unknown() -> Result {
    for server in servers() {
        let database = server.database("partly")?;
        database.sql(FILLED)?;
        let (name, account) = (&database.name, format!("reader_{}", std::process::id()));
        server.sql(
            "mysql",
            &format!(
                "CREATE USER {account}@'%' IDENTIFIED BY 'x'; GRANT SELECT ON `{name}`.authors TO {account}@'%'"
            ),
        )?;
        let folder = tempfile::tempdir()?;
        let url = server.url_as(&account, "x", name);
        let told = binary().run(folder.path(), &["analyze", "--live", "--url", &url])?;
        assert_eq!((told.code, verdict(&told)), (1, "analyze: unknown"), "{told}");
        assert!(told.stdout.contains("error[unseen]"), "{told}");
        server.sql("mysql", &format!("DROP USER {account}@'%'"))?;
    }
    Ok(())
}

/// What the server makes of the default of the only column, of a table without a row.
fn default_of(database: &MySqlDatabase) -> Result<String> {
    Ok(database.sql("INSERT INTO paths VALUES (); SELECT hex(path) FROM paths")?.trim().to_owned())
}

#[test]
fn a_backslash_in_a_default_is_told_where_0_x_makes_another_text_of_it() -> Result {
    let declared = |default: &str| {
        format!(
            "export const paths = mysqlTable(\"paths\", {{ path: varchar(\"path\", {{ length: 20 }}).default({default}) }});\n"
        )
    };
    let (text, sql) = (r#""a\\b""#, r"sql`'a\\\\b'`");
    // Both servers read a text alike.
    for server in servers().into_iter().take(1) {
        // `a`, a backspace or a backslash, `b`.
        for (generation, default, hex) in
            [(0, text, "6108"), (0, sql, "615C62"), (1, text, "615C62")]
        {
            let (ours, theirs) = (server.database("ours")?, server.database("theirs")?);
            let project = project(generation, &declared(default))?;
            if generation == 0 {
                project.install_mysql_0()?;
            }
            let written = run(&project, &["generate", "--name", "first"], 0)?;
            let is_told = written.stdout.contains("warning[default-misread] column paths.path");
            assert_eq!(is_told, hex == "6108", "{generation} {default}: {written}");
            assert!(!is_told || written.stdout.contains(&format!(".default({sql})")), "{written}");
            run(&project, &["migrate", "--url", &server.url(&ours.name)], 0)?;
            judge::mysql::migrate(&project, judge::Migrator::Programmatic, &theirs)?.success()?;
            assert_eq!(
                (default_of(&ours)?, default_of(&theirs)?),
                (hex.to_owned(), hex.to_owned())
            );
            let again = judge::generate(&project)?;
            assert!(again.found_nothing(), "{:?}\n{}", again.files, again.run);
        }
    }
    Ok(())
}
