//! `cargo xtask tidy`.
use raingauge_testkit::Result;
pub(crate) fn run() -> Result {
    Ok(())
}
