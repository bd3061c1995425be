//! Ctrl-C and the wish of a service manager: the process ends as it would anyway, after it has removed
//! what it would leave behind.

use nix::sys::signal::{SigSet, Signal, raise};

/// Lets one thread wait for the signals that ask for an end. To be called before there is any other
/// thread; programs that are started get the signals as usual.
pub(crate) fn watch() {
    let mut signals = SigSet::empty();
    // Who started us may want us to ignore one, as a shell does for what runs in the background.
    let wanted = [Signal::SIGINT, Signal::SIGTERM].into_iter().filter(|it| !is_ignored(*it));
    signals.extend(wanted);
    if signals.iter().next().is_none() || signals.thread_block().is_err() {
        return;
    }
    std::thread::spawn(move || {
        let Ok(signal) = signals.wait() else { return };
        raingauge_engine::leftover::clean_up();
        // What its default is: the caller sees what ended us.
        let _ = signals.thread_unblock();
        let _ = raise(signal);
    });
}

/// As the kernel says it in `/proc`; other systems do not, and there nothing is taken for ignored.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as i32 - 1) & 1 == 1
}
