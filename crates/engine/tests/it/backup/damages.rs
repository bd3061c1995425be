//! Damages of the files of a finished backup, one by one: `backup verify` and `restore.sh` notice each of them.

use raingauge_testkit::mysql::servers;

use super::*;

/// A way to damage a file: what it is called, and what the file holds then; `None` where it is gone.
type Damage = (String, Option<Vec<u8>>);

/// What can happen to any file.
fn damages(bytes: &[u8]) -> Vec<Damage> {
    let n_flips = if std::env::var_os("RAINGAUGE_FULL").is_some() { 40 } else { 3 };
    let last = bytes.len().saturating_sub(1);
    let flipped = (0..n_flips).filter(|_| !bytes.is_empty()).map(|n| {
        let (at, mut damaged) = (last * n / (n_flips - 1), bytes.to_vec());
        damaged[at] ^= 1 << (n % 8);
        (format!("bit {} at {at}", n % 8), Some(damaged))
    });
    let more = [
        ("a line end more", Some([bytes, b"\n"].concat())),
        ("a byte less", Some(bytes[..last].to_vec())),
        ("emptied", Some(Vec::new())),
        ("gone", None),
    ];
    flipped.chain(more.map(|(what, damaged)| (what.to_owned(), damaged))).collect()
}

/// What `sha256sum -c` passes over, or warns of and goes on.
fn damages_of_sums(text: &str) -> Vec<Damage> {
    let lines: Vec<_> = text.lines().collect();
    let (first, rest) = text.split_once('\n').unwrap();
    let (hash, path) = first.split_once("  ").unwrap();
    let less = (0..lines.len()).map(|at| {
        let others = lines.iter().enumerate().filter(|it| it.0 != at);
        (format!("without line {at}"), others.map(|it| format!("{}\n", it.1)).collect())
    });
    let more = [
        ("an empty line in front", format!("\n{text}")),
        ("a remark", format!("# hashes\n{text}")),
        ("a remark behind", format!("{text}# hashes\n")),
        ("a blank behind", text.trim_end().to_owned() + " \n"),
        ("a line twice", format!("{first}\n{text}")),
        ("another order", format!("{rest}{first}\n")),
        ("other line ends", text.replace('\n', "\r\n")),
        ("another spelling of a path", format!("{hash}  ./{path}\n{rest}")),
        ("another mark of a path", format!("{hash} *{path}\n{rest}")),
        ("capital digits", format!("{}  {path}\n{rest}", hash.to_uppercase())),
        ("cut digits", format!("{}  {path}\n{rest}", hash.split_at(63).0)),
    ];
    let more = more.map(|(what, text)| (what.to_owned(), text));
    less.chain(more).map(|(what, text)| (what, Some(text.into_bytes()))).collect()
}

/// Damages the backup in every way and expects each to be noticed; returns in how many.
#[track_caller]
fn check_damages(backup: &Backup, target: &str, programs: &[&str]) -> usize {
    let mut accepted = Vec::new();
    let mut n_damages = 0;
    let mut check = |what: String, asks_script: bool| {
        n_damages += 1;
        let checked = Backup::open(backup.path()).and_then(|it| it.check());
        if !checked.is_err_and(|it| ["backup-damaged", "backup-unreadable"].contains(&it.code)) {
            accepted.push(format!("raingauge: {what}"));
        }
        if asks_script {
            let (done, said) = run_restore_sh(backup.path(), target, programs);
            if done || !said.contains("damaged") {
                accepted.push(format!("restore.sh: {what}: {said}"));
            }
        }
    };
    for (path, bytes) in snapshot(backup.path()) {
        let file = backup.path().join(&path);
        let mut all = damages(&bytes);
        if path == "SHA256SUMS" {
            all.extend(damages_of_sums(str::from_utf8(&bytes).unwrap()));
        }
        for (what, damaged) in all.into_iter().filter(|it| it.1.as_ref() != Some(&bytes)) {
            match damaged {
                Some(damaged) => std::fs::write(&file, damaged).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            // Nothing can check itself when it is what is damaged.
            check(format!("{path}: {what}"), path != "restore.sh");
        }
        std::fs::write(&file, bytes).unwrap();
    }
    for path in [".hidden", "grants.sql.orig"] {
        let file = backup.path().join(path);
        std::fs::write(&file, "").unwrap();
        check(format!("{path} besides"), true);
        std::fs::remove_file(&file).unwrap();
    }
    assert_eq!(accepted, Vec::<String>::new(), "of {n_damages}");
    backup.check().unwrap();
    n_damages
}

/// In the full run there are enough of them to count.
#[track_caller]
fn are_enough(n_damages: usize) {
    let least = if std::env::var_os("RAINGAUGE_FULL").is_some() { 200 } else { 40 };
    println!("{n_damages} damages, all noticed");
    assert!(least <= n_damages, "only {n_damages} damages");
}

#[test]
fn t51_every_damage_to_a_file_of_mysqls_backup_is_noticed_by_us_and_by_its_script() {
    for server in servers() {
        let shop = mysql::Shop::new(&server);
        let backup = shop.take().unwrap().backup;
        let copy = server.database("copy").unwrap();
        are_enough(check_damages(&backup, &server.url(&copy.name), &[]));
        assert_eq!(copy.sql("show tables").unwrap(), "", "something was restored");
    }
}

#[test]
fn t51_every_damage_to_a_file_of_postgresqls_backup_is_noticed_by_us_and_by_its_script() {
    let shop = postgres::Shop::new();
    are_enough(check_damages(&shop.take().backup, "postgresql://nobody@nowhere/copy", &[]));
}

#[test]
fn t51_every_damage_to_a_file_of_sqlites_backup_is_noticed_by_us_and_by_its_script() {
    let shop = sqlite::Shop::new();
    let copy = shop.path("copy");
    are_enough(check_damages(&shop.take().backup, &copy.display().to_string(), &[]));
    assert!(!copy.exists(), "something was restored");
}
