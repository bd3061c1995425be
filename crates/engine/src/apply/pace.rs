//! How long a migration waits for others, and how long others may wait for it.
//!
//! A statement that waits for a lock makes everybody wait who comes after it. So it waits shortly, gives
//! up, lets them pass, and tries again, each time a little later and never in step with another runner.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use crate::Error;

/// The code of an error after which trying again helps.
pub(super) const LOCKED: &str = "lock-timeout";

/// How long to wait, and how long to make others wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// For another runner, and for locks that other sessions hold.
    pub wait: Duration,
    /// For a lock at a time.
    pub lock_timeout: Duration,
    /// For a statement; without it, what the server or the role says.
    pub statement_timeout: Option<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(30),
            lock_timeout: Duration::from_millis(500),
            statement_timeout: None,
        }
    }
}

impl Pace {
    /// The settings as statements; `set` is `SET` or `SET LOCAL`.
    pub(super) fn settings(&self, set: &str) -> String {
        // To the server, 0 is forever.
        let millis = |it: Duration| it.as_millis().max(1);
        let lock = format!("{set} lock_timeout = {}", millis(self.lock_timeout));
        match self.statement_timeout {
            Some(it) => format!("{lock}; {set} statement_timeout = {}", millis(it)),
            None => lock,
        }
    }

    /// The settings of a session of MySQL, which counts in seconds.
    pub(super) fn settings_of_mysql(&self) -> String {
        let seconds = self.lock_timeout.as_millis().div_ceil(1000).max(1);
        format!(
            "SET SESSION lock_wait_timeout = {seconds}, SESSION innodb_lock_wait_timeout = {seconds}"
        )
    }

    /// Attempts until one does not fail for a lock, or until the time is over.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts { until: Instant::now() + self.wait, n: 0 }
    }
}

/// Attempts at something that a lock may stop.
#[derive(Debug)]
pub(super) struct Attempts {
    until: Instant,
    n: u32,
}

impl Attempts {
    /// How long to wait before the next attempt, if the error is one that may pass in time.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        let pause = pause(self.n, RandomState::new().build_hasher().finish());
        self.n += 1;
        (error.code == LOCKED && Instant::now() + pause < self.until).then_some(pause)
    }
}

/// From a tenth of a second on, twice as long each time, never longer than three seconds; of that, some
/// part between the half and all of it.
fn pause(n: u32, chance: u64) -> Duration {
    let most = (100_u64 << n.min(6)).min(3000);
    Duration::from_millis(most / 2 + chance % (most / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_differ_and_stay_short() {
        assert_eq!([0, 1, 9].map(|it| pause(it, 0).as_millis()), [50, 100, 1500]);
        assert_eq!([0, 1, 9].map(|it| pause(it, u64::MAX).as_millis() < 3000), [true; 3]);
        assert_ne!(pause(3, 17), pause(3, 18));
    }

    #[test]
    fn only_a_lock_is_worth_another_attempt() {
        let mut attempts = Pace::default().attempts();
        assert!(attempts.after(&Error::new("migration-failed", "")).is_none());
        assert!(attempts.after(&Error::new(LOCKED, "")).is_some());
        let mut none = Pace { wait: Duration::ZERO, ..Pace::default() }.attempts();
        assert!(none.after(&Error::new(LOCKED, "")).is_none());
    }

    #[test]
    fn no_setting_ever_means_forever() {
        let pace = Pace { lock_timeout: Duration::ZERO, ..Pace::default() };
        assert_eq!(pace.settings("SET LOCAL"), "SET LOCAL lock_timeout = 1");
        let of_mysql = "SET SESSION lock_wait_timeout = 1, SESSION innodb_lock_wait_timeout = 1";
        assert_eq!(pace.settings_of_mysql(), of_mysql);
        assert_eq!(Pace::default().settings_of_mysql(), of_mysql);
        let pace = Pace { statement_timeout: Some(Duration::from_secs(2)), ..Pace::default() };
        assert_eq!(pace.settings("SET"), "SET lock_timeout = 500; SET statement_timeout = 2000");
    }
}
