//! Commits whose answer never came: the server has carried them out, and nobody was told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use raingauge_testkit::{Database, Example, Failure, Project, Result};

use crate::run::run;
use crate::steps::{says, with_pending};

/// What comes after the connection has broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Goes,
    Refuses,
}

/// Passes everything on to a server until the first commit, whose answer it keeps to itself.
fn proxy(server: u16, then: Then) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let is_cut = Arc::new(AtomicBool::new(false));
    spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if then == Then::Refuses && is_cut.load(Ordering::SeqCst) {
                continue;
            }
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
            let is_cut = Arc::clone(&is_cut);
            spawn(move || relay(client, server, &is_cut));
        }
    });
    Ok(port)
}

fn relay(mut client: TcpStream, mut server: TcpStream, is_cut: &AtomicBool) {
    let is_mute = Arc::new(AtomicBool::new(false));
    let (Ok(mut answers), Ok(mut asker)) = (server.try_clone(), client.try_clone()) else { return };
    let mute = Arc::clone(&is_mute);
    spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(n @ 1..) = answers.read(&mut bytes) {
            if !mute.load(Ordering::SeqCst) && asker.write_all(&bytes[..n]).is_err() {
                return;
            }
        }
        let _ = asker.shutdown(Shutdown::Both);
    });
    let mut bytes = [0; 1 << 16];
    while let Ok(n @ 1..) = client.read(&mut bytes) {
        let commits = bytes[..n].windows(7).any(|it| it == b"COMMIT\0");
        let is_first = commits && !is_cut.swap(true, Ordering::SeqCst);
        is_mute.store(is_first, Ordering::SeqCst);
        if server.write_all(&bytes[..n]).is_err() {
            return;
        }
        if is_first {
            sleep(Duration::from_secs(1));
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// A project with one pending row, and the address of its database through a proxy.
fn through(then: Then) -> Result<(Project, String)> {
    let insert = "INSERT INTO books VALUES (1, 'Emma');";
    let project = with_pending(Example::BookstorePostgres, insert)?;
    let Database::Postgres(it) = &project.database else {
        return Err(Failure::new("not PostgreSQL"));
    };
    let port = proxy(it.server.port, then)?;
    let url = project.database.url();
    let url = url.replace(&format!(":{}/", it.server.port), &format!(":{port}/"));
    Ok((project, url))
}

fn is_applied_once(project: &Project) -> Result {
    assert_eq!(project.database.value("SELECT count(*) FROM books")?, "1");
    assert_eq!(project.database.ledger()?.unwrap_or_default().len(), 2);
    Ok(())
}

#[test]
fn t37_a_commit_whose_answer_was_lost_is_looked_up_in_the_ledger() -> Result {
    let (project, url) = through(Then::Goes)?;
    says(&run(&project, &["migrate", "--url", &url], 0)?, &["apply 0001_more"]);
    is_applied_once(&project)
}

#[test]
fn t37_a_commit_that_nobody_can_look_up_is_unknown_and_a_rerun_knows() -> Result {
    let (project, url) = through(Then::Refuses)?;
    let stopped = run(&project, &["migrate", "--url", &url], 3)?;
    says(&stopped, &["outcome-unknown", "perhaps 0001_more", "raingauge migrate"]);
    says(&run(&project, &["migrate"], 0)?, &["nothing is pending"]);
    is_applied_once(&project)
}
