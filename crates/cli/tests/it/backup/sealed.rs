//! Encrypted backups from the command line, and programs called `age` that do not do what they should.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use raingauge_testkit::{Example, Result, Run};

use super::{Weather, list};

/// Makes a key of age below the project, and returns its public part.
fn key(weather: &Weather, name: &str) -> Result<String> {
    let file = weather.project.path(name);
    Run::of(Command::new("age-keygen").arg("-o").arg(&file))?.success()?;
    let text = std::fs::read_to_string(file)?;
    let public = text.lines().find_map(|it| it.strip_prefix("# public key: "));
    Ok(public.unwrap_or_default().to_owned())
}

fn newest(weather: &Weather) -> PathBuf {
    list(&weather.folder()).into_iter().max().unwrap_or_default()
}

fn adoption_rests_on_an_encrypted_backup(example: Example) -> Result {
    let weather = Weather::new(example)?;
    let public = key(&weather, "key.txt")?;
    let policy = format!("[backup]\nencrypt_to = [\"{public}\"]\n");
    std::fs::write(weather.project.path("raingauge.toml"), policy)?;
    // The earlier backup is of another structure by now, so a new one is taken, as the policy says.
    let run = weather.run(&["reconcile", "--confirm"])?;
    assert_eq!(run.code, 0, "{run}");
    let backup = newest(&weather);
    assert!(backup.join("backup.tar.age").exists() && !backup.join("catalog.json").exists());
    let name = backup.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let taken = weather.run(&["backup", "create"])?;
    assert!(taken.stdout.contains("info[backup-decryption-unproven]"), "{taken}");
    let shown = weather.run(&["backup", "list"])?;
    assert!(shown.stdout.contains("never decrypted"), "{shown}");

    let refused = weather.run(&["backup", "verify", &name])?;
    assert!(refused.code == 2 && refused.stderr.contains("error[backup-encrypted]"), "{refused}");
    assert!(refused.stderr.contains(&public), "{refused}");
    let identity = ["--identity", "key.txt"];
    let verified = weather.run(&[&["backup", "verify", name.as_str()], &identity[..]].concat())?;
    assert_eq!(verified.code, 0, "{verified}");

    // The policy may name the key too.
    std::fs::write(
        weather.project.path("raingauge.toml"),
        "[backup]\nidentities = [\"key.txt\"]\n",
    )?;
    let rows = weather.project.database.rows("books")?;
    let asked = ["restore", &name, "--tables", "books", "--confirm"];
    let restored = weather.run(&asked)?;
    assert_eq!(restored.code, 0, "{restored}");
    let stamp = name.split('Z').next().unwrap_or_default().to_lowercase();
    let copy = match example {
        Example::BookstorePostgres => format!("\"restored_{stamp}z\".books"),
        Example::BookstoreSqlite => format!("\"restored_{stamp}Z_books\"").replace("Z_", "z_"),
    };
    assert_eq!(weather.project.database.rows(&copy)?, rows);
    weather.nothing_is_left_behind()
}

#[test]
fn adoption_rests_on_an_encrypted_backup_on_postgres() -> Result {
    adoption_rests_on_an_encrypted_backup(Example::BookstorePostgres)
}

#[test]
fn adoption_rests_on_an_encrypted_backup_on_sqlite() -> Result {
    adoption_rests_on_an_encrypted_backup(Example::BookstoreSqlite)
}

/// Takes an encrypted backup with another `age`, which only encrypts in its own way, and returns the error.
#[track_caller]
fn encrypted_by(weather: &Weather, script: &str, arguments: &[&str]) -> Result<String> {
    let folder = weather.project.path("programs");
    std::fs::create_dir_all(&folder)?;
    let other = folder.join("age");
    let script =
        format!("#!/bin/sh\nif [ \"$1\" = --encrypt ]; then {script}; else exec age \"$@\"; fi\n");
    std::fs::write(&other, script.replace(" age ", " /usr/bin/age "))?;
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755))?;
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let raingauge = weather.raingauge().env("PATH", &path);
    let before = list(&weather.folder());
    let run = Run::of(&mut weather.command(&raingauge, &[&["backup"], arguments].concat()))?;
    assert!(run.code == 1 || run.code == 2, "{script}: {run}");
    assert_eq!(list(&weather.folder()), before, "{script}: no backup got its name");
    weather.nothing_is_left_behind()?;
    Ok(run.stderr)
}

#[test]
fn what_age_has_not_encrypted_rightly_is_no_backup() -> Result {
    let weather = Weather::new(Example::BookstoreSqlite)?;
    let public = key(&weather, "key.txt")?;
    let blind = ["--encrypt-to", public.as_str()];
    let seeing = ["--encrypt-to", public.as_str(), "--identity", "key.txt"];
    let said = encrypted_by(&weather, "cat", &blind)?;
    assert!(said.contains("error[backup-not-verified]"), "{said}");
    let said = encrypted_by(&weather, "age \"$@\" | head -c -1", &blind)?;
    assert!(said.contains("error[backup-not-verified]"), "{said}");
    for script in ["head -c 3 | age \"$@\"", "age \"$@\"; exit 3"] {
        let said = encrypted_by(&weather, script, &blind)?;
        assert!(said.contains("error[age-failed]"), "{script}: {said}");
    }
    // Another content of the same length: only whoever decrypts it sees that.
    let said = encrypted_by(&weather, "tr e a | age \"$@\"", &seeing)?;
    assert!(said.contains("error[backup-not-verified]"), "{said}");
    let nowhere = weather.raingauge().env("PATH", "/nonexistent");
    let run = Run::of(&mut weather.command(&nowhere, &[&["backup"], &blind[..]].concat()))?;
    assert!(run.code == 2 && run.stderr.contains("error[age-missing]"), "{run}");
    weather.nothing_is_left_behind()
}

#[test]
fn a_secret_key_in_place_of_a_public_one_is_refused_and_never_printed() -> Result {
    let weather = Weather::new(Example::BookstoreSqlite)?;
    key(&weather, "key.txt")?;
    let secret = std::fs::read_to_string(weather.project.path("key.txt"))?;
    let secret = secret.lines().last().unwrap_or_default();
    for wrong in [secret, "key.txt"] {
        let run = weather.run(&["backup", "--encrypt-to", wrong])?;
        assert!(run.code == 2 && run.stderr.contains("error[recipient-invalid]"), "{run}");
        assert!(
            !run.to_string().replace(&format!("--encrypt-to {secret}"), "").contains(secret),
            "{run}"
        );
    }
    weather.nothing_is_left_behind()
}
