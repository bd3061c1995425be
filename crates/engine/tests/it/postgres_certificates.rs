//! A server with a certificate of an authority of its own, as hosters and companies have them: what is
//! checked, what we show, and that `pg_dump` gets in where the session does.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raingauge_engine::connect::{Access, Dsn, Session};
use raingauge_engine::dump::schema_dump;
use raingauge_schema::Dialect;
use raingauge_testkit::postgres::PASSWORD;
use raingauge_testkit::{Postgres, Run};

/// An authority that signs certificates.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let it = Self { folder };
        let made = openssl(&it.request("ca", "/CN=authority").replace("-new ", "-x509 -days 2 "));
        if !made {
            println!("skipped: no openssl to make certificates with");
        }
        made.then_some(it)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments that make a key, and a request that a word turns into a certificate.
    fn request(&self, name: &str, subject: &str) -> String {
        let (key, out) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.crt")));
        format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj {subject} -keyout {} -out {}",
            key.display(),
            out.display()
        )
    }

    /// A key and its certificate, which ends in so many days.
    fn sign(&self, name: &str, subject: &str, alternative: &str, days: i32) -> (PathBuf, PathBuf) {
        let folder = self.folder.path().display();
        assert!(openssl(&self.request(name, subject).replace(&format!("{name}.crt"), "request")));
        fs::write(self.path("extensions"), format!("subjectAltName={alternative}\n")).unwrap();
        assert!(openssl(&format!(
            "x509 -req -in {folder}/request -CA {folder}/ca.crt -CAkey {folder}/ca.key -CAcreateserial \
             -days {days} -extfile {folder}/extensions -out {folder}/{name}.crt"
        )));
        (self.path(&format!("{name}.key")), self.path(&format!("{name}.crt")))
    }
}

fn openssl(arguments: &str) -> bool {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split(' ')).stdin(Stdio::null());
    openssl.output().is_ok_and(|it| it.status.success())
}

/// Gives a server a certificate; new connections get it.
fn install(server: &Postgres, (key, certificate): &(PathBuf, PathBuf), authority: &Authority) {
    let data = server.folder.join("data");
    let owner = fs::metadata(&data).unwrap();
    for (from, to) in [
        (key, "server.key"),
        (certificate, "server.crt"),
        (&authority.path("ca.crt"), "clients.crt"),
    ] {
        let to = data.join(to);
        fs::copy(from, &to).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    for setting in ["ssl = on", "ssl_ca_file = 'clients.crt'"] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {setting}")).unwrap();
    }
    reload(server);
}

fn reload(server: &Postgres) {
    server.sql("postgres", "SELECT pg_reload_conf(), pg_sleep(0.5)").unwrap();
}

/// Puts lines in front of the server's rules of who may log in how.
fn allow(server: &Postgres, rules: &str) {
    let path = server.folder.join("data/pg_hba.conf");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{rules}\n{text}")).unwrap();
    reload(server);
}

fn dsn(server: &Postgres, user: &str, query: &str) -> Dsn {
    let url = format!("{}?{query}", server.url_as(user, PASSWORD, "postgres"));
    Dsn::parse(&url, Dialect::Postgres).unwrap()
}

/// Whether the session is encrypted, or the code of the refusal with all that is said of it.
fn connect(server: &Postgres, user: &str, query: &str) -> Result<String, String> {
    let mut session = Session::open(&dsn(server, user, query), Access::ReadOnly).map_err(|it| {
        format!("{}: {it}: {}: {}", it.code, it.causes().join(": "), it.next.join("; "))
    })?;
    let sql = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()";
    Ok(session.rows(sql).unwrap().concat().into_iter().flatten().collect())
}

#[track_caller]
fn refused(server: &Postgres, user: &str, query: &str, words: &str) {
    let said = connect(server, user, query).unwrap_err();
    assert!(said.starts_with("postgres-tls: ") && said.contains(words), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    let is_asked = !said.contains("nothing was asked");
    assert!(!is_asked || said.contains(&server.port.to_string()), "{said}");
}

fn named(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

#[test]
fn a_certificate_is_checked_for_its_signer_its_name_and_its_dates() {
    let (Ok(server), Some(authority)) = (Postgres::start(), Authority::new()) else { return };
    let other = Authority::new().unwrap();
    let yes = Ok("t".to_owned());
    let root = named("sslrootcert", &authority.path("ca.crt"));
    let stranger = named("sslrootcert", &other.path("ca.crt"));

    install(&server, &authority.sign("good", "/CN=db", "IP:127.0.0.1", 2), &authority);
    for mode in ["verify-full", "verify-ca", "require", "prefer"] {
        assert_eq!(connect(&server, "postgres", &format!("sslmode={mode}&{root}")), yes, "{mode}");
    }
    for mode in ["verify-full", "verify-ca", "require"] {
        refused(&server, "postgres", &format!("sslmode={mode}&{stranger}"), "sslrootcert=FILE");
    }
    refused(&server, "postgres", "sslmode=verify-full", "sslrootcert=FILE");
    refused(&server, "postgres", "sslrootcert=system", "sslrootcert=FILE");
    assert_eq!(
        connect(&server, "postgres", "sslmode=require&ssl_min_protocol_version=TLSv1.3"),
        yes
    );

    install(
        &server,
        &authority.sign("other", "/CN=127.0.0.1", "DNS:elsewhere.example", 2),
        &authority,
    );
    refused(&server, "postgres", &format!("sslmode=verify-full&{root}"), "another host's");
    assert_eq!(connect(&server, "postgres", &format!("sslmode=verify-ca&{root}")), yes);

    install(&server, &authority.sign("old", "/CN=db", "IP:127.0.0.1", -1), &authority);
    for mode in ["verify-full", "verify-ca"] {
        refused(&server, "postgres", &format!("sslmode={mode}&{root}"), "has expired");
    }
    assert_eq!(connect(&server, "postgres", "sslmode=require"), yes);
}

#[test]
fn a_certificate_of_ours_opens_what_wants_one_for_the_session_and_for_pg_dump() {
    let (Ok(server), Some(authority)) = (Postgres::start(), Authority::new()) else { return };
    install(&server, &authority.sign("good", "/CN=db", "IP:127.0.0.1", 2), &authority);
    server.sql("postgres", "CREATE ROLE carla LOGIN; CREATE TABLE seen (a int)").unwrap();
    server.sql("postgres", "GRANT SELECT ON seen TO carla").unwrap();
    allow(&server, "hostssl all carla 127.0.0.1/32 cert");
    let root = format!("sslmode=verify-full&{}", named("sslrootcert", &authority.path("ca.crt")));
    let shown = |(key, certificate): &(PathBuf, PathBuf)| {
        format!("{root}&{}&{}", named("sslcert", certificate), named("sslkey", key))
    };

    let own = authority.sign("carla", "/CN=carla", "DNS:carla", 2);
    assert_eq!(connect(&server, "carla", &shown(&own)), Ok("t".to_owned()));
    let dsn = dsn(&server, "carla", &shown(&own));
    let mut session = Session::open(&dsn, Access::ReadOnly).unwrap();
    let dump = schema_dump(&mut session, &dsn, &[], None).unwrap();
    assert!(dump.text().contains("CREATE TABLE public.seen"), "{dump:?}");

    refused(&server, "carla", &root, "sslcert=FILE");
    refused(&server, "carla", &format!("{root}&{}", named("sslcert", &own.1)), "sslkey");
    let strangers = Authority::new().unwrap();
    refused(
        &server,
        "carla",
        &shown(&strangers.sign("carla", "/CN=carla", "DNS:carla", 2)),
        "sslcert",
    );
    fs::set_permissions(&own.0, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&server, "carla", &shown(&own), "chmod 600");
}

#[test]
fn a_login_is_bound_to_the_channel_where_that_is_required() {
    let (Ok(server), Some(authority)) = (Postgres::start(), Authority::new()) else { return };
    install(&server, &authority.sign("good", "/CN=db", "IP:127.0.0.1", 2), &authority);
    server.sql("postgres", "CREATE ROLE tom LOGIN").unwrap();
    allow(&server, "hostssl all tom 127.0.0.1/32 trust\nhostnossl all tom 127.0.0.1/32 reject");
    let required = "sslmode=require&channel_binding=require";
    assert_eq!(connect(&server, "postgres", required), Ok("t".to_owned()));
    refused(&server, "postgres", "sslmode=disable&channel_binding=require", "sslmode=require");
    let said = connect(&server, "tom", required).unwrap_err();
    assert!(said.starts_with("postgres-login-failed: "), "{said}");
    // Who only prefers one way takes the other where `pg_hba.conf` wants it.
    for mode in ["allow", "prefer", "require"] {
        assert_eq!(connect(&server, "tom", &format!("sslmode={mode}")), Ok("t".to_owned()));
    }
    let said = connect(&server, "tom", "sslmode=disable").unwrap_err();
    assert!(said.starts_with("postgres-login-failed: "), "{said}");
    allow(&server, "hostnossl all tom 127.0.0.1/32 trust\nhostssl all tom 127.0.0.1/32 reject");
    assert_eq!(connect(&server, "tom", "sslmode=prefer"), Ok("f".to_owned()));
    assert_eq!(connect(&server, "tom", "sslmode=allow"), Ok("f".to_owned()));
    assert!(connect(&server, "tom", "sslmode=require").is_err());
}

#[test]
fn the_same_modes_let_libpq_in() {
    let (Ok(server), Some(authority)) = (Postgres::start(), Authority::new()) else { return };
    install(&server, &authority.sign("other", "/CN=db", "DNS:elsewhere.example", 2), &authority);
    let root = named("sslrootcert", &authority.path("ca.crt"));
    for query in [
        "sslmode=disable".to_owned(),
        "sslmode=require".to_owned(),
        format!("sslmode=require&{root}"),
        format!("sslmode=verify-ca&{root}"),
        format!("sslmode=verify-full&{root}"),
        "sslmode=require&channel_binding=require".to_owned(),
    ] {
        let mut psql = server.client("psql");
        let url = format!("{}?{query}", server.url("postgres"));
        let libpq = Run::of(psql.args(["-X", "-d", &url, "-c", "select 1"])).unwrap().success();
        let ours = connect(&server, "postgres", &query);
        assert_eq!(libpq.is_ok(), ours.is_ok(), "{query}: {libpq:?} {ours:?}");
    }
}
