//! What a caller may watch while something runs.

use std::sync::mpsc;
use std::time::Duration;

/// Receives the steps of a long operation as they happen.
///
/// The command line shows them; tests use [`Progress::boundary`] to stop a run between any two steps.
pub trait Progress {
    /// A step begins; `what` is a short phrase for people: `verifying the backup`.
    fn begin(&mut self, what: &str);

    /// The state on disk and in the database is about to change, or has just changed. `name` is
    /// stable: `reconcile/files-staged`.
    fn boundary(&mut self, name: &str);

    /// How far the step is, in bytes; `total` is an estimate, unless the step knows better.
    fn advance(&mut self, _done: u64, _total: u64) {}
}

/// Runs `work` in a thread of its own and tells meanwhile how many bytes are done.
pub(crate) fn watch<T: Send>(
    progress: &mut dyn Progress,
    total: u64,
    mut done: impl FnMut() -> u64,
    work: impl FnOnce() -> T + Send,
) -> T {
    std::thread::scope(|scope| {
        let (working, ended) = mpsc::channel::<()>();
        let thread = scope.spawn(move || {
            // Dropped in whatever way the work ends.
            let _working = working;
            work()
        });
        let mut pause = Duration::from_millis(50);
        while ended.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            progress.advance(done(), total);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How rarely somebody who watches is told.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Watches nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _what: &str) {}

    fn boundary(&mut self, _name: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Vec<(u64, u64)>);

    impl Progress for Told {
        fn begin(&mut self, _what: &str) {}

        fn boundary(&mut self, _name: &str) {}

        fn advance(&mut self, done: u64, total: u64) {
            self.0.push((done, total));
        }
    }

    #[test]
    fn what_is_done_is_told_while_the_work_goes_on() {
        let mut told = Told::default();
        let mut n = 0;
        let work = || {
            std::thread::sleep(Duration::from_millis(250));
            7
        };
        let count = || {
            n += 1;
            n
        };
        assert_eq!(watch(&mut told, 9, count, work), 7);
        assert!(2 <= told.0.len() && told.0.starts_with(&[(1, 9), (2, 9)]), "{:?}", told.0);
    }

    #[test]
    fn a_panic_of_the_work_is_the_callers() {
        let work = || watch(&mut Silent, 0, || 0, || panic!("the work's own words"));
        let panic = std::panic::catch_unwind(work).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the work's own words"));
    }
}
