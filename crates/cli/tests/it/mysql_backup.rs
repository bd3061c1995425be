//! `raingauge backup` and `restore` on MySQL and MariaDB. What bad weather does to them is in `backup`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use raingauge_testkit::mysql::{MySql, MySqlDatabase, Release, Vendor, servers};
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::s3::SECRET;
use raingauge_testkit::{Project, Result, Run, S3};

use crate::mysql_live::SHOP;
use crate::run::{binary, verdict};

/// A database that people have lived in, with what `mysqldump` leaves out unless it is told, and what it cannot write.
const LIVED: &str = "CREATE TABLE authors (id int AUTO_INCREMENT PRIMARY KEY, name varchar(200) NOT NULL, kind enum('human','other') NOT NULL DEFAULT 'human', photo blob);
INSERT INTO authors (name, photo) VALUES ('Zoë\n🐘', x'00ff0d0a1a5c27'), ('it''s', NULL), ('', '');
CREATE TABLE books (id int AUTO_INCREMENT PRIMARY KEY, author int, title varchar(300) NOT NULL, price decimal(10,2) DEFAULT 0, weight float,
  loud varchar(300) AS (upper(title)) VIRTUAL, KEY by_author (author), CONSTRAINT written_by FOREIGN KEY (author) REFERENCES authors (id));
INSERT INTO books (author, title, price, weight) VALUES (1, 'One', 1.10, 16777217 / 3), (1, 'One', 1.10, 0.1), (NULL, 'Two; -- \\\\', NULL, NULL);
INSERT INTO books (id, title) VALUES (41, 'gone'); DELETE FROM books WHERE id = 41;
CREATE VIEW cheap AS SELECT id, title FROM books WHERE price < 5;
DELIMITER //
CREATE FUNCTION one() RETURNS int DETERMINISTIC NO SQL RETURN 1 //
CREATE PROCEDURE buy(IN n int) BEGIN INSERT INTO books (title) VALUES (n); END //
CREATE TRIGGER trimmed BEFORE INSERT ON books FOR EACH ROW BEGIN SET NEW.title = trim(NEW.title); END //
CREATE EVENT cleaning ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DISABLE DO BEGIN DELETE FROM books WHERE id = 0; END //
DELIMITER ;";

/// A project whose configuration names a lived-in database.
pub(crate) fn project(database: &MySqlDatabase) -> Result<Project> {
    database.sql(LIVED)?;
    let project = crate::mysql::project(0, SHOP)?;
    let config = project.read("drizzle.config.ts")?;
    let url = database.server.url(&database.name);
    let credentials = format!("dbCredentials: {{ url: '{url}' }}, schema:");
    project.write("drizzle.config.ts", &config.replace("schema:", &credentials))?;
    Ok(project)
}

/// What names the programs of a release on the command line, if they are not on the search path.
pub(crate) fn client(release: Release) -> Option<[String; 2]> {
    let folder = release.client_folder().ok().flatten()?;
    Some(["--pg-client".to_owned(), folder.display().to_string()])
}

/// A project with its database.
pub(crate) struct Shop {
    pub(crate) project: Project,
    pub(crate) database: MySqlDatabase,
}

impl Shop {
    /// One on each server that can be had here.
    pub(crate) fn all() -> Result<Vec<Self>> {
        servers().iter().map(Self::on).collect()
    }

    pub(crate) fn on(server: &Arc<MySql>) -> Result<Self> {
        let database = server.database("shop")?;
        Ok(Self { project: project(&database)?, database })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let client = client(self.database.server.release);
        let more = client.iter().flatten().map(String::as_str);
        let arguments: Vec<_> = arguments.iter().copied().chain(more).collect();
        binary().command(&self.project.root, &arguments)
    }

    /// Runs a command, expects its exit code, and that what opens the server is nowhere in what it says.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], code: i32) -> Result<Run> {
        let run = Run::of(&mut self.command(arguments))?;
        assert_eq!(run.code, code, "{:?}: {run}", self.database.server.vendor);
        assert!(!run.stdout.contains(PASSWORD) && !run.stderr.contains(PASSWORD), "{run}");
        Ok(run)
    }

    /// The same with scratch on the server that is there already.
    #[track_caller]
    fn run_there(&self, arguments: &[&str], code: i32) -> Result<Run> {
        let scratch = self.database.server.url("mysql");
        self.run(&[arguments, &["--scratch", &scratch]].concat(), code)
    }

    /// The names of the backups, oldest first.
    pub(crate) fn backups(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.project.path(".raingauge/backups"));
        let entries = entries.into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn url(&self, database: &MySqlDatabase) -> String {
        self.database.server.url(&database.name)
    }

    /// An empty database of the same server.
    fn empty(&self) -> Result<MySqlDatabase> {
        let copy = self.database.server.database("copy")?;
        copy.sql("ALTER DATABASE COLLATE utf8mb4_bin")?;
        Ok(copy)
    }

    /// A name for a database that is dropped with the value, if somebody makes it.
    pub(crate) fn missing(&self) -> Result<MySqlDatabase> {
        let copy = self.empty()?;
        copy.sql(&format!("DROP DATABASE `{}`", copy.name))?;
        Ok(copy)
    }

    /// Everything in a database as the server's own program writes it, the name left out.
    pub(crate) fn text(&self, database: &MySqlDatabase) -> Result<String> {
        let folder = database.server.release.client_folder()?.unwrap_or_else(|| "/usr/bin".into());
        let mut dump = Command::new(folder.join(database.server.release.dump_program()));
        dump.args(["--no-defaults", "--user=root", "--skip-comments", "--skip-extended-insert"]);
        dump.args(["--routines", "--events", "--triggers", "--hex-blob", "--no-tablespaces"]);
        dump.arg(format!("--socket={}", database.server.folder.join("socket").display()));
        let text = Run::of(dump.arg(&database.name))?.success()?.stdout;
        Ok(text.replace(&database.name, "NAME"))
    }
}

/// Whether a file below a folder holds some text.
fn is_in_a_file(folder: &Path, text: &str) -> Result<bool> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let is_here = match path.is_dir() {
            true => is_in_a_file(&path, text)?,
            false => std::fs::read(&path)?.windows(text.len()).any(|it| it == text.as_bytes()),
        };
        if is_here {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs a command and looks at the command lines of the programs that it starts: whether one has the password.
fn watched(mut command: Command, root: &Path) -> Result<(i32, Option<String>)> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    // What tells them from those of the tests that run at the same time.
    let home = format!("HOME={}", root.display());
    let read = |folder: &Path, name| {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    // Its own line has the address that was typed, and so have its children for the moment before they are others.
    let own = command.get_program().to_string_lossy().into_owned();
    let (mut shown, mut has_dumped) = (None, false);
    loop {
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let line = read(&entry.path(), "cmdline");
            let is_ours = read(&entry.path(), "environ").split('\0').any(|it| it == home);
            if !is_ours || line.starts_with(&own) {
                continue;
            }
            has_dumped |= line.contains("--defaults-file=");
            shown = shown.or(Some(line).filter(|it| it.contains(PASSWORD)));
        }
        if let Some(status) = child.try_wait()? {
            assert!(has_dumped, "the programs were seen");
            return Ok((status.code().unwrap_or(-1), shown));
        }
    }
}

/// Takes a backup, verifies it, and restores it into a new database.
pub(crate) fn comes_back(server: &Arc<MySql>) -> Result {
    let shop = Shop::on(server)?;
    let before = shop.text(&shop.database)?;
    let taken = shop.run(&["backup"], 0)?;
    assert_eq!(verdict(&taken), "backup: clean", "{taken}");
    assert!(taken.stdout.contains("take and verify backup"), "{taken}");
    assert!(taken.stdout.contains("expected time"), "{taken}");
    let [name] = shop.backups().try_into().expect("there is one");
    let listed = shop.run(&["backup", "list"], 0)?;
    let line = listed.stdout.lines().find(|it| it.contains(&name)).unwrap_or_default();
    // A long name leaves no room for columns.
    assert!(line.contains(" yes ") || listed.stdout.contains("verified: yes"), "{listed}");
    let verified = shop.run_there(&["backup", "verify", &name], 0)?;
    assert!(verified.stdout.contains("everything is equal"), "{verified}");

    let copy = shop.missing()?;
    let url = shop.url(&copy);
    let restore = ["restore", name.as_str(), "--to", &url];
    let restored = shop.run(&restore, 0)?;
    assert!(restored.stdout.contains("restore 2 tables with 6 rows"), "{restored}");
    assert_eq!(shop.text(&copy)?, before);
    copy.sql("CREATE TABLE mine (a int)")?;
    let refused = shop.run(&restore, 1)?;
    assert!(refused.stderr.contains("error[target-not-empty]"), "{refused}");
    assert!(shop.text(&copy)?.contains("`mine`"));

    // Live is as it was, and the newer of two backups takes the place of the older one.
    assert_eq!(shop.text(&shop.database)?, before);
    let scratch = shop.database.server.url("mysql");
    let command = shop.command(&["backup", "--keep-last", "1", "--scratch", &scratch]);
    let (code, shown) = watched(command, &shop.project.root)?;
    assert_eq!((code, shown), (0, None), "the password stood on a command line");
    let [newer] = shop.backups().try_into().expect("there is one");
    assert_ne!(newer, name);
    assert!(!is_in_a_file(&shop.project.path(".raingauge"), PASSWORD)?);
    Ok(())
}

#[test]
fn t55_a_backup_of_mysql_is_restored_and_compared_before_it_is_one() -> Result {
    for server in servers() {
        comes_back(&server)?;
    }
    Ok(())
}

/// Takes a backup, and restores it with nothing but the client.
pub(crate) fn is_restored_by_its_script(server: &Arc<MySql>) -> Result {
    let shop = Shop::on(server)?;
    let unproven = shop.run(&["backup", "--verify", "none"], 0)?;
    assert!(unproven.stdout.contains("warning[backup-unverified]"), "{unproven}");
    let [name] = shop.backups().try_into().expect("there is one");
    let copy = shop.empty()?;
    let folder = shop.project.path(&format!(".raingauge/backups/{name}"));
    let script = || {
        let mut script = Command::new("/bin/sh");
        script.arg(folder.join("restore.sh")).arg(shop.url(&copy)).env_clear();
        script.env("PATH", "/usr/bin:/bin");
        if let Some([_, client]) = client(copy.server.release) {
            script.env("MYSQLBIN", client);
        }
        Run::of(&mut script)
    };
    let done = script()?.success()?;
    assert!(done.stdout.contains("restored 2 tables"), "{done}");
    assert_eq!(shop.text(&copy)?, shop.text(&shop.database)?);
    let refused = script()?;
    assert!(refused.code == 1 && refused.stderr.contains("not empty"), "{refused}");
    std::fs::write(folder.join("database.sql"), "-- Dump completed\n")?;
    let damaged = script()?;
    assert!(damaged.code == 1 && damaged.stderr.contains("damaged"), "{damaged}");
    let verified = shop.run_there(&["backup", "verify", &name], 1)?;
    assert!(verified.stderr.contains("error[backup-damaged]"), "{verified}");
    Ok(())
}

#[test]
fn a_backup_of_mysql_is_restored_by_its_script_alone() -> Result {
    for server in servers() {
        is_restored_by_its_script(&server)?;
    }
    Ok(())
}

/// A program of the right name that says that it is another version.
fn of_version(folder: &Path, said: &str) -> Result {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder)?;
    for name in ["mariadb-dump", "mysqldump", "mariadb", "mysql"] {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{name}  Ver {said}'\n"))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[test]
fn t56_a_program_of_the_wrong_flavour_or_version_is_refused_first() -> Result {
    for shop in Shop::all()? {
        let programs = shop.project.path("programs");
        let (other, older) = match shop.database.server.vendor {
            Vendor::MariaDb => ("9.7.0 for Linux on x86_64", "10.19 Distrib 10.3.1-MariaDB, for x"),
            Vendor::MySql => ("10.19 Distrib 10.11.1-MariaDB, for x", "8.0.11 for Linux on x86_64"),
        };
        for (said, code) in [(other, "mysql-client-missing"), (older, "mysql-client-too-old")] {
            of_version(&programs, said)?;
            let programs = programs.display().to_string();
            let arguments = ["backup", "--pg-client", &programs];
            let run = binary().run(&shop.project.root, &arguments)?;
            assert_eq!(run.code, 2, "{run}");
            assert!(run.stderr.contains(&format!("error[{code}]")), "{said}: {run}");
            assert!(run.stderr.contains("install version"), "{run}");
            assert_eq!(shop.backups(), [""; 0]);
        }
    }
    Ok(())
}

/// What an account needs on the database, one by one, and on the server besides.
const RIGHTS: [&str; 5] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "EXECUTE"];

#[test]
fn t55_a_right_that_is_missing_is_named_and_nothing_is_left_out_silently() -> Result {
    for shop in Shop::all()? {
        let (server, name) = (&shop.database.server, &shop.database.name);
        let account = format!("part_{name}");
        let besides = match server.vendor {
            Vendor::MariaDb => ["SELECT ON mysql.*"].as_slice(),
            Vendor::MySql => &["SELECT ON performance_schema.*", "SHOW_ROUTINE ON *.*"],
        };
        let whole: Vec<_> = RIGHTS.iter().map(|it| format!("{it} ON `{name}`.*")).collect();
        let all = || whole.iter().map(String::as_str).chain(besides.iter().copied());
        let url = server.url_as(&account, "pw-5531", name);
        let backup = |without: Option<&str>, code: i32| -> Result<Run> {
            let grant = |it: &str| format!("GRANT {it} TO `{account}`@'%';");
            let grants: String = all().filter(|it| Some(*it) != without).map(grant).collect();
            let recreate = format!(
                "DROP USER IF EXISTS `{account}`@'%'; CREATE USER `{account}`@'%' IDENTIFIED BY 'pw-5531'; {grants}"
            );
            server.sql("mysql", &recreate)?;
            let run = shop.run(&["backup", "--verify", "none", "--url", &url], code);
            run.inspect(|it| assert!(!it.to_string().replace(&url, "").contains("pw-5531"), "{it}"))
        };
        for without in all() {
            // The routines' own right is enough for MySQL, and `EXECUTE` is then needed for nothing.
            let is_needed = !(server.vendor == Vendor::MySql && without.starts_with("EXECUTE"));
            let refused = backup(Some(without), i32::from(is_needed))?;
            let right = match without {
                // What shows the definition of a routine, too.
                "SELECT ON mysql.*" | "SHOW_ROUTINE ON *.*" => "GRANT ALTER ROUTINE ON",
                other => other.split(" ON ").next().unwrap_or_default(),
            };
            assert!(!is_needed || refused.stderr.contains(right), "{without}: {refused}");
            let is_besides = without.contains("performance_schema");
            let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(!is_besides || said.contains(without), "{without}: {refused}");
            assert_eq!(shop.backups().len(), usize::from(!is_needed), "{without}");
            let _ = std::fs::remove_dir_all(shop.project.path(".raingauge/backups"));
        }
        backup(None, 0)?;
        server.sql("mysql", &format!("DROP USER `{account}`@'%'"))?;
    }
    Ok(())
}

/// Drops what a restore of single tables has made.
fn drop_copies(shop: &Shop, stamp: &str) -> Result {
    for name in copies(shop, stamp)? {
        shop.database.server.sql("mysql", &format!("DROP DATABASE `{name}`"))?;
    }
    Ok(())
}

fn copies(shop: &Shop, stamp: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'restored\\_{stamp}%' ORDER BY 1"
    );
    Ok(shop.database.sql(&sql)?.lines().map(str::to_owned).collect())
}

#[test]
fn single_tables_are_restored_beside_those_of_live() -> Result {
    for shop in Shop::all()? {
        shop.run(&["backup", "--verify", "none"], 0)?;
        let [name] = shop.backups().try_into().expect("there is one");
        let stamp = name.split('Z').next().unwrap_or_default().to_lowercase();
        drop_copies(&shop, &stamp)?;
        let rows = "SELECT *, cast(weight AS double) FROM books ORDER BY id";
        let before = shop.database.sql(rows)?;
        shop.database.sql("UPDATE books SET title = 'overwritten'")?;
        let live = shop.text(&shop.database)?;
        let asked = ["restore", name.as_str(), "--tables", "books"];
        let missing = shop.run(&["restore", &name, "--tables", "cheap"], 2)?;
        assert!(missing.stderr.contains("error[backup-table-missing]"), "{missing}");
        let shown = shop.run(&asked, 1)?;
        assert!(shown.stdout.contains("consent-needed"), "{shown}");
        assert_eq!(copies(&shop, &stamp)?, [""; 0], "nothing before somebody agrees");

        let confirmed = [&asked[..], &["--confirm"]].concat();
        let done = shop.run(&confirmed, 0)?;
        assert_eq!(verdict(&done), "restore: clean", "{done}");
        assert!(done.stdout.contains(&format!("restored_{stamp}z.books")), "{done}");
        shop.run(&confirmed, 0)?;
        let made = copies(&shop, &stamp)?;
        assert_eq!(made, [format!("restored_{stamp}z"), format!("restored_{stamp}z_2")]);
        for it in &made {
            assert_eq!(shop.database.server.sql(it, rows)?, before);
            let others =
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()";
            assert_eq!(shop.database.server.sql(it, others)?.trim(), "1");
        }
        assert_eq!(shop.text(&shop.database)?, live);

        // Rows that are not those of the evidence are not kept.
        let dump = shop.project.path(&format!(".raingauge/backups/{name}/database.sql"));
        let text = std::fs::read_to_string(&dump)?;
        assert!(text.contains("'1.10'"), "{text}");
        std::fs::write(&dump, text.replace("'1.10'", "'1.20'"))?;
        let sums = "sed -i '/ database.sql$/d' SHA256SUMS && sha256sum database.sql >> SHA256SUMS && sort -k2 -o SHA256SUMS SHA256SUMS";
        Command::new("sh").args(["-c", sums]).current_dir(dump.with_file_name("")).status()?;
        let failed = shop.run(&confirmed, 2)?;
        assert!(failed.stderr.contains("error[restore-differs]"), "{failed}");
        assert_eq!(copies(&shop, &stamp)?, made);
        drop_copies(&shop, &stamp)?;
    }
    Ok(())
}

#[test]
fn an_encrypted_backup_of_mysql_comes_back_from_a_store() -> Result {
    const PLACE: &str = "s3://backups/shop";
    let store = S3::start()?;
    for shop in Shop::all()? {
        let before = shop.text(&shop.database)?;
        let key = shop.project.path("key.txt");
        Run::of(Command::new("age-keygen").arg("-o").arg(&key))?.success()?;
        let text = std::fs::read_to_string(&key)?;
        let public = text.lines().find_map(|it| it.strip_prefix("# public key: "));
        let public = public.unwrap_or_default();
        let scratch = shop.database.server.url("mysql");
        let run = |arguments: &[&str]| -> Result<Run> {
            let mut command = shop.command(&[arguments, &["--scratch", &scratch]].concat());
            let run = Run::of(command.envs(store.env()))?.success()?;
            let said = run.to_string();
            assert!(!said.contains(SECRET) && !run.stdout.contains(PASSWORD), "{said}");
            Ok(run)
        };
        run(&["backup", "--encrypt-to", public, "--identity", "key.txt", "--to", PLACE])?;
        let [name] = shop.backups().try_into().expect("there is one");
        // As after a fire.
        std::fs::remove_dir_all(shop.project.path(".raingauge/backups"))?;
        let address = format!("{PLACE}/{name}");
        run(&["backup", "verify", &address, "--identity", "key.txt"])?;
        let copy = shop.missing()?;
        run(&["restore", &address, "--to", &shop.url(&copy), "--identity", "key.txt"])?;
        assert_eq!(shop.text(&copy)?, before);
    }
    Ok(())
}
