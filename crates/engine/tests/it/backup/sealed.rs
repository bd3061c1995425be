//! Encrypted backups: proven like every other, opened by their keys alone, and silent about what they hold.

use std::path::PathBuf;
use std::process::Stdio;

use raingauge_engine::backup::manifest::Decryption;
use raingauge_engine::backup::*;
use raingauge_engine::progress::Silent;

use super::sqlite::{Shop, latest, scratch, target, verify_again};
use super::*;

const NAME: &str = "20260102T030405Z-shop";

/// A key of age in the shop's folder: its file, and its public part.
fn key(shop: &Shop, name: &str) -> (PathBuf, String) {
    let file = shop.path(name);
    let mut keygen = Command::new("age-keygen");
    Run::of(keygen.arg("-o").arg(&file).stdin(Stdio::null())).unwrap().success().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let public = text.lines().find_map(|it| it.strip_prefix("# public key: ")).unwrap();
    (file, public.to_owned())
}

/// A shop whose backups are encrypted, and the file that opens them.
pub(super) fn sealed_shop() -> (Shop, PathBuf) {
    let mut shop = Shop::new();
    let (file, public) = key(&shop, "key.txt");
    shop.keys.recipients = Recipients::parse(&[public], shop.folder.path()).unwrap();
    (shop, file)
}

fn open(backup: &Backup, identities: &[PathBuf]) -> raingauge_engine::Result<Readable> {
    unseal(Backup::open(backup.path()).unwrap().into(), identities, &mut Silent)
}

#[test]
fn an_encrypted_backup_restores_to_everything_that_live_has() {
    let (shop, key) = sealed_shop();
    let taken = shop.take();
    assert!(taken.verified.is_some());
    let files = ["SHA256SUMS", "backup.tar.age", "manifest.json", "restore.sh"];
    assert_eq!(names(taken.backup.path()), files);
    taken.backup.check().unwrap();
    let readable = open(&taken.backup, &[key]).unwrap();
    let inside = readable.backup();
    assert_eq!(inside.manifest().contents.n_rows(), 7);
    assert_eq!(snapshot(&inside.path().join("migrations"))["0000_a.sql"], b"select 1;\r\n");
    let to = target(shop.path("restored.sqlite"));
    restore(inside, &Destination { to: &to, client: None }, &mut Silent).unwrap();
    let state = Shop::state(shop.path("restored.sqlite"));
    assert_eq!(shop.live_state().differences(&state), Vec::<String>::new());
    assert!(matches!(verify_again(inside).unwrap(), Outcome::Verified(_)));
    let place = inside.path().to_owned();
    drop(readable);
    assert!(!place.exists(), "what was decrypted goes");
}

#[test]
fn without_the_key_nobody_learns_what_an_encrypted_backup_holds() {
    let (mut shop, _) = sealed_shop();
    let sealed = shop.take().backup;
    shop.keys = Keys::default();
    let plain = shop.take().backup;
    let inside = plain.manifest();
    let mut secrets =
        vec!["books".to_owned(), "Zwei".to_owned(), "drizzle".to_owned(), "0000_a".to_owned()];
    secrets.extend(inside.contents.tables.values().map(|it| it.digest.to_string()));
    let found = |folder: &Path, secret: &str| {
        let holds = |it: &[u8]| it.windows(secret.len()).any(|it| it == secret.as_bytes());
        snapshot(folder).iter().any(|(path, bytes)| path.contains(secret) || holds(bytes))
    };
    for secret in &secrets {
        assert!(found(plain.path(), secret), "{secret}: the test looks for the wrong thing");
        assert!(!found(sealed.path(), secret), "{secret} is in the clear");
    }
    let outside = sealed.manifest();
    assert_eq!(outside.contents.n_rows(), 0);
    // What the list and the protection of a write need.
    assert_eq!((&outside.fingerprint, &outside.source), (&inside.fingerprint, &inside.source));
}

#[test]
fn only_the_right_key_opens_an_encrypted_backup() {
    let (shop, right) = sealed_shop();
    let (wrong, _) = key(&shop, "wrong.txt");
    let backup = shop.take().backup;
    let error = open(&backup, &[]).unwrap_err();
    assert_eq!(error.code, "backup-encrypted");
    assert!(error.next[0].contains("age1"), "{:?}", error.next);
    assert_eq!(
        open(&backup, std::slice::from_ref(&wrong)).unwrap_err().code,
        "backup-not-decrypted"
    );
    assert_eq!(open(&backup, &[shop.path("none")]).unwrap_err().code, "backup-not-decrypted");
    open(&backup, &[wrong, right]).unwrap();
}

#[test]
fn a_backup_says_whether_it_was_decrypted_again() {
    let (mut shop, key) = sealed_shop();
    let decryption = |it: &Taken| it.backup.manifest().encryption.as_ref().unwrap().decryption;
    assert_eq!(decryption(&shop.take()), Decryption::Unproven);
    shop.keys.identities = vec![key.clone()];
    assert_eq!(decryption(&shop.take()), Decryption::Compared);
    let (other, _) = self::key(&shop, "other.txt");
    shop.keys.identities = vec![other];
    let error = shop.take_with(Proof::None, &mut Silent).unwrap_err();
    assert_eq!(error.code, "backup-not-decrypted");
    assert_eq!(names(&shop.dir()), [NAME, &format!("{NAME}-2")]);
}

#[test]
fn whatever_is_changed_in_an_encrypted_backup_is_noticed() {
    let (shop, key) = sealed_shop();
    let backup = shop.take().backup;
    let identities = [key];
    let before = snapshot(backup.path());
    for (path, bytes) in &before {
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        std::fs::write(backup.path().join(path), damaged).unwrap();
        let error = Backup::open(backup.path()).and_then(|it| it.check()).unwrap_err();
        assert!(["backup-damaged", "backup-unreadable"].contains(&error.code), "{path}: {error}");
        std::fs::write(backup.path().join(path), bytes).unwrap();
    }
    // With hashes that fit, the archive is still authentic or not, and cut off or whole.
    let archive = &before["backup.tar.age"];
    let mut flipped = archive.clone();
    flipped[archive.len() / 2] ^= 1;
    for wrong in [flipped.as_slice(), &archive[..archive.len() - 1], &archive[..archive.len() / 2]]
    {
        std::fs::write(backup.path().join("backup.tar.age"), wrong).unwrap();
        rehash(&backup);
        assert_eq!(open(&backup, &identities).unwrap_err().code, "backup-not-decrypted");
    }
    std::fs::write(backup.path().join("backup.tar.age"), archive).unwrap();
    // The outside is no secret, and what it says has to be what the inside says.
    let other = tamper(&backup, |it| it.verified = None);
    assert_eq!(open(&other, &identities).unwrap_err().code, "backup-damaged");
    // One without its last field is no backup that holds nothing.
    let mut manifest: serde_json::Value = serde_json::from_slice(&before["manifest.json"]).unwrap();
    manifest.as_object_mut().unwrap().remove("encryption");
    std::fs::write(backup.path().join("manifest.json"), manifest.to_string()).unwrap();
    rehash(&backup);
    assert_eq!(Backup::open(backup.path()).unwrap_err().code, "backup-unreadable");
}

#[test]
fn an_encrypted_backup_protects_and_is_kept_like_any_other() {
    let (mut shop, _) = sealed_shop();
    shop.take();
    assert!(latest(&shop, 59).is_some());
    assert!(latest(&shop, 61).is_none());
    let newest = shop.take().backup;
    shop.keys = Keys::default();
    let last_one = Retention { keep_last: Some(1), keep_days: None };
    let removed = prune(&shop.dir(), &newest.manifest().source, last_one, now()).unwrap();
    assert_eq!(removed.len(), 1);
    newest.check().unwrap();
}

/// Changes one file of an unfinished backup as soon as it is proven.
struct ChangeProven<'a>(&'a Shop);

impl Progress for ChangeProven<'_> {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, name: &str) {
        if name == "backup/verified" {
            let dump = self.0.dir().join(format!(".partial-{NAME}/database.sqlite"));
            let mut bytes = std::fs::read(&dump).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(dump, bytes).unwrap();
        }
    }
}

#[test]
fn what_changes_between_proof_and_encryption_is_noticed() {
    let (mut shop, key) = sealed_shop();
    for identities in [Vec::new(), vec![key]] {
        shop.keys.identities = identities;
        let mut scratch = scratch();
        let proof = Proof::Restore(&mut scratch);
        let error = shop.take_with(proof, &mut ChangeProven(&shop)).unwrap_err();
        assert!(error.causes()[0].contains("`database.sqlite` changed"), "{error:?}");
        assert_eq!(names(&shop.dir()), [""; 0]);
    }
}

#[test]
fn a_killed_encryption_leaves_no_half_backup_and_the_next_run_cleans_up() {
    if let Ok(work) = std::env::var(VICTIM) {
        let (boundary, rest) = work.split_once(' ').unwrap();
        let (public, folder) = rest.split_once(' ').unwrap();
        let folder = Path::new(folder);
        let keys = Keys {
            recipients: Recipients::parse(&[public.to_owned()], folder).unwrap(),
            identities: Vec::new(),
        };
        let (live, dir) = (target(folder.join("shop.sqlite")), folder.join(".raingauge/backups"));
        let request = Request {
            live: &live,
            dir: &dir,
            migrations: None,
            client: None,
            keys: &keys,
            any_space: false,
            at: now(),
        };
        let _ = take(&request, Proof::None, &mut DieAt(boundary.to_owned()));
        return;
    }
    let test =
        "backup::sealed::a_killed_encryption_leaves_no_half_backup_and_the_next_run_cleans_up";
    let (shop, _) = sealed_shop();
    let (_, public) = key(&shop, "second.txt");
    for boundary in ["backup/encrypted", "backup/written"] {
        run_victim(test, boundary, &format!("{public} {}", shop.folder.path().display()));
        assert_eq!(names(&shop.dir()), [format!(".partial-{NAME}")], "{boundary}");
        let taken = shop.take();
        assert_eq!(names(&shop.dir()), [NAME], "{boundary}");
        std::fs::remove_dir_all(taken.backup.path()).unwrap();
    }
}

#[test]
fn restore_sh_of_an_encrypted_backup_needs_age_and_the_key() {
    let (shop, key) = sealed_shop();
    let (wrong, _) = self::key(&shop, "wrong.txt");
    let backup = shop.take().backup;
    let temporary = shop.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let run = |target: &str, programs: &[&str], identity: Option<&PathBuf>| {
        let identity = identity.map(|it| ("AGE_IDENTITY", it.to_str().unwrap()));
        let mut env = vec![("TMPDIR", temporary.to_str().unwrap())];
        env.extend(identity);
        let answer = run_restore_sh_with(backup.path(), target, programs, &env);
        assert_eq!(names(&temporary), [""; 0], "what was decrypted goes");
        answer
    };
    let tools = ["age", "tar", "mkdir"];
    let to = shop.path("restored.sqlite");
    let url = format!("file:{}", to.display());
    let (done, said) = run(&url, &["tar", "mkdir"], Some(&key));
    assert!(!done && said.contains("age was not found"), "{said}");
    let (done, said) = run(&url, &tools, None);
    assert!(!done && said.contains("AGE_IDENTITY=FILE"), "{said}");
    let (done, said) = run(&url, &tools, Some(&wrong));
    assert!(!done && said.contains("could not be decrypted") && !to.exists(), "{said}");
    let (done, said) = run(&url, &tools, Some(&key));
    assert!(done, "{said}");
    assert_eq!(shop.live_state().differences(&Shop::state(to)), Vec::<String>::new());
}

#[test]
fn a_key_that_age_refuses_stops_before_anything_is_written() {
    let mut shop = Shop::new();
    let wrong = ["age1qqqq".to_owned()];
    shop.keys.recipients = Recipients::parse(&wrong, shop.folder.path()).unwrap();
    let error = shop.take_with(Proof::None, &mut Silent).unwrap_err();
    assert_eq!(error.code, "recipient-invalid", "{error:?}");
    assert!(!shop.dir().exists());
}
