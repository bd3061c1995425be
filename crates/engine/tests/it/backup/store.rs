//! Backups in an object store: a real server of S3's language, and servers that do not do what they should.

use jiff::SignedDuration;
use raingauge_engine::backup::*;
use raingauge_engine::progress::Silent;
use raingauge_testkit::S3;
use raingauge_testkit::s3::SECRET;

use super::sqlite::{Shop, scratch, target, verify_again};
use super::*;

const PLACE: &str = "s3://backups/shop/live";
const NAME: &str = "20260102T030405Z-shop";

fn store(server: &S3) -> Store {
    let env = server.env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Store::open(PLACE, &env).unwrap()
}

fn put(store: &Store, backup: &Backup) -> raingauge_engine::Result<Stored> {
    store.put(backup, &mut Silent)
}

#[test]
fn a_backup_in_a_store_restores_to_everything_that_live_has() {
    let server = S3::start().unwrap();
    let (store, shop) = (store(&server), Shop::new());
    // Names that an address has to escape.
    std::fs::write(shop.path("drizzle/0001 ü+%25 & more.sql"), "select 2").unwrap();
    let backup = shop.take().backup;
    let stored = put(&store, &backup).unwrap();
    assert_eq!(stored.address, format!("{PLACE}/{NAME}"));
    let stock = store.list().unwrap();
    assert_eq!(stock.backups.len(), 1);
    assert_eq!(stock.backups[0].manifest, *backup.manifest());

    let before = snapshot(backup.path());
    std::fs::remove_dir_all(shop.dir()).unwrap();
    let fetched = store.fetch(NAME, &mut Silent).unwrap();
    assert_eq!(snapshot(fetched.backup().path()), before);
    let to = target(shop.path("restored.sqlite"));
    restore(fetched.backup(), &Destination { to: &to, client: None }, &mut Silent).unwrap();
    let state = Shop::state(shop.path("restored.sqlite"));
    assert_eq!(shop.live_state().differences(&state), Vec::<String>::new());
    assert!(matches!(verify_again(fetched.backup()).unwrap(), Outcome::Verified(_)));
    let here = fetched.backup().path().to_owned();
    drop(fetched);
    assert!(!here.exists(), "what was fetched goes");

    assert_eq!(put(&store, &shop.take().backup).unwrap().name, format!("{NAME}-2"));
    assert_eq!(store.fetch("20200101T000000Z-no", &mut Silent).unwrap_err().code, "backup-missing");
}

#[test]
fn large_files_go_up_in_parts() {
    let server = S3::start().unwrap();
    let parts = 5 << 20;
    let store = store(&server).with_parts_of(parts);
    let shop = Shop::with("create table t as select randomblob(11000000) as b");
    let backup = shop.take().backup;
    let file = backup.path().join("database.sqlite");
    assert!(2 * parts < std::fs::metadata(&file).unwrap().len());
    put(&store, &backup).unwrap();
    let there = server.file(&format!("shop/live/{NAME}/database.sqlite"));
    assert!(std::fs::read(there).unwrap() == std::fs::read(file).unwrap());
    store.fetch(NAME, &mut Silent).unwrap().backup().check().unwrap();
}

#[test]
fn an_encrypted_backup_in_a_store_is_opened_by_its_key() {
    let server = S3::start().unwrap();
    let store = store(&server);
    let (shop, key) = sealed::sealed_shop();
    put(&store, &shop.take().backup).unwrap();
    let fetched = store.fetch(NAME, &mut Silent).unwrap();
    let readable = unseal(fetched, &[key], &mut Silent).unwrap();
    assert_eq!(readable.backup().manifest().contents.n_rows(), 7);
}

/// Puts a backup into a store with a fault, expects an error, and that no backup is there afterwards.
#[track_caller]
fn fails(fault: &str, code: &str) -> S3 {
    let server = S3::start_with(fault).unwrap();
    let (store, shop) = (store(&server).with_parts_of(5 << 20), Shop::new());
    let backup = shop.take().backup;
    let error = put(&store, &backup).unwrap_err();
    assert_eq!(error.code, code, "{fault}: {error:?}");
    let printed = format!("{error:?} {error}");
    assert!(!printed.contains("X-Amz") && !printed.contains("Signature="), "{printed}");
    backup.check().unwrap();
    server
}

#[test]
fn a_store_that_does_not_keep_what_it_gets_holds_no_backup() {
    let on = |method: &str, path: &str, what: &str| {
        format!(
            "async (ctx, next) => {{ if (ctx.method === '{method}' && ctx.path.endsWith('{path}')) \
             {{ {what} }} else await next(); }}"
        )
    };
    let lost = "ctx.status = 200; ctx.req.resume();";
    let refused = "ctx.status = 403; ctx.body = '<Error><Code>AccessDenied</Code></Error>'; ctx.req.resume();";
    for path in ["database.sqlite", "SHA256SUMS", "manifest.json"] {
        let server = fails(&on("PUT", path, lost), "backup-damaged");
        assert_eq!(server.keys().unwrap(), [""; 0], "{path}: nothing is left");
        let server = fails(&on("PUT", path, refused), "store-failed");
        assert_eq!(server.keys().unwrap(), [""; 0], "{path}: nothing is left");
    }
    // What comes back is cut off, or another byte.
    let cut = "await next(); ctx.body = 'short'; ctx.length = 5;";
    let server = fails(&on("GET", "catalog.json", cut), "backup-damaged");
    assert_eq!(server.keys().unwrap(), [""; 0]);
    // The manifest last of all: until then nobody takes it for a backup.
    let order = "async (ctx, next) => { if (ctx.method === 'PUT') (global.puts ??= []).push(ctx.path); \
        if (ctx.path.endsWith('manifest.json') && global.puts.length < 6) { ctx.status = 400 } else await next(); }";
    let server = S3::start_with(order).unwrap();
    put(&store(&server), &Shop::new().take().backup).unwrap();
}

#[test]
fn a_server_that_is_busy_for_a_while_is_asked_again() {
    let busy = "async (ctx, next) => { const seen = (global.seen ??= {}); const key = ctx.method + ctx.path; \
        seen[key] = (seen[key] ?? 0) + 1; \
        if (seen[key] === 1) { ctx.status = 503; ctx.req.resume(); } else await next(); }";
    let server = S3::start_with(busy).unwrap();
    let (store, shop) = (store(&server), Shop::new());
    put(&store, &shop.take().backup).unwrap();
    store.fetch(NAME, &mut Silent).unwrap();
}

#[test]
fn whatever_is_changed_in_a_store_is_noticed() {
    let server = S3::start().unwrap();
    let (store, shop) = (store(&server), Shop::new());
    let backup = shop.take().backup;
    put(&store, &backup).unwrap();
    for (path, bytes) in snapshot(backup.path()) {
        let file = server.file(&format!("shop/live/{NAME}/{path}"));
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        let error = store.fetch(NAME, &mut Silent).unwrap_err();
        let expected = ["backup-damaged", "backup-unreadable"];
        assert!(expected.contains(&error.code), "{path}: {error:?}");
        std::fs::write(&file, bytes).unwrap();
    }
    store.fetch(NAME, &mut Silent).unwrap();
    std::fs::remove_file(server.file(&format!("shop/live/{NAME}/catalog.json"))).unwrap();
    assert_eq!(store.fetch(NAME, &mut Silent).unwrap_err().code, "backup-damaged");
    std::fs::remove_file(server.file(&format!("shop/live/{NAME}/manifest.json"))).unwrap();
    assert_eq!(store.fetch(NAME, &mut Silent).unwrap_err().code, "backup-missing");
    let stock = store.list().unwrap();
    assert!(stock.backups.is_empty());
    assert_eq!(stock.unreadable[0].1.code, "backup-incomplete");
}

#[test]
fn a_wrong_key_a_missing_bucket_and_a_missing_server_are_told_apart() {
    let server = S3::start().unwrap();
    let shop = Shop::new();
    let backup = shop.take().backup;
    let open = |place: &str, name: &str, value: &str| {
        let mut env: BTreeMap<_, _> =
            server.env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        env.insert(name.to_owned(), value.to_owned());
        Store::open(place, &env)
    };
    let put = |store: Store| store.put(&backup, &mut Silent).unwrap_err();
    let wrong = put(open(PLACE, "AWS_SECRET_ACCESS_KEY", "wrong-secret").unwrap());
    assert!(wrong.causes()[0].contains("SignatureDoesNotMatch"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("wrong-secret"));
    let bucket = put(open("s3://other/place", "X", "").unwrap());
    assert!(bucket.causes()[0].contains("NoSuchBucket"), "{bucket:?}");
    let nobody = open(PLACE, "AWS_ENDPOINT_URL", "http://127.0.0.1:1").unwrap();
    assert_eq!(put(nobody).code, "store-failed");
    let none = open(PLACE, "AWS_ACCESS_KEY_ID", "").unwrap_err();
    assert_eq!(none.code, "store-credentials-missing");
    for place in ["s3://", "s3:///x", "s3://b/../x", "s3://b//x", "ftp://b/x", "/tmp"] {
        assert_eq!(open(place, "X", "").unwrap_err().code, "store-invalid", "{place}");
    }
    assert!(!format!("{:?}", store(&server)).contains(SECRET));
}

/// Puts backups of so many days ago, and returns the names.
fn aged(store: &Store, shop: &Shop, days: &[i64], verify: bool) -> Vec<String> {
    let put = |days: &i64| {
        let at = now() - SignedDuration::from_hours(24 * days);
        let (mut scratch, dir) = (scratch(), shop.dir());
        let request = Request {
            live: &shop.live,
            dir: &dir,
            migrations: None,
            client: None,
            keys: &Keys::default(),
            any_space: false,
            at,
        };
        let proof = if verify { Proof::Restore(&mut scratch) } else { Proof::None };
        put(store, &take(&request, proof, &mut Silent).unwrap().backup).unwrap().name
    };
    days.iter().map(put).collect()
}

#[test]
fn t58_the_last_verified_backup_of_a_store_never_goes() {
    let server = S3::start().unwrap();
    let (store, shop, other) = (store(&server), Shop::new(), Shop::new());
    let names = aged(&store, &shop, &[400, 300, 200], true);
    let foreign = aged(&store, &other, &[900], true);
    let source = |shop: &Shop| shop.take().backup.manifest().source.clone();
    let source = source(&shop);
    let left = || store.list().unwrap().backups.into_iter().map(|it| it.name).collect::<Vec<_>>();
    let young = Retention { keep_last: None, keep_days: Some(1) };
    // The one that was just put there is too old for the rule itself, and stays.
    let gone = store.prune(&source, &names[2], young, now()).unwrap();
    assert_eq!(gone, [&names[1], &names[0]].map(|it| format!("{PLACE}/{it}")));
    assert_eq!(left(), [&foreign[0], &names[2]].map(String::as_str));
    store.fetch(&names[2], &mut Silent).unwrap();
    let unproven = aged(&store, &shop, &[0], false);
    assert_eq!(store.prune(&source, &unproven[0], young, now()).unwrap(), [""; 0]);
    assert_eq!(store.prune(&source, "nothing", young, now()).unwrap(), [""; 0]);
    assert_eq!(left().len(), 3);
    assert_eq!(server.keys().unwrap().iter().filter(|it| it.contains(&names[0])).count(), 0);
}

#[test]
fn what_was_cut_off_long_ago_goes_and_what_is_on_its_way_stays() {
    let server = S3::start().unwrap();
    let (store, shop) = (store(&server), Shop::new());
    let names = aged(&store, &shop, &[1], true);
    std::fs::remove_file(server.file(&format!("shop/live/{}/manifest.json", names[0]))).unwrap();
    let newest = put(&store, &shop.take().backup).unwrap();
    let keep = Retention { keep_last: Some(5), keep_days: None };
    let source = &newest.manifest.source;
    let prune = |now| store.prune(source, &newest.name, keep, now).unwrap();
    let today = jiff::Timestamp::now();
    assert_eq!(prune(today), [""; 0]);
    let later = today + SignedDuration::from_hours(25);
    assert_eq!(prune(later), [format!("{PLACE}/{}", names[0])]);
    assert_eq!(store.list().unwrap().unreadable.len(), 0);
    store.fetch(&newest.name, &mut Silent).unwrap();
}
