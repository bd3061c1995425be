//! Programs that do the same work, run in turn so that a drifting machine is fair to all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use raingauge_testkit::Result;
use serde::{Deserialize, Serialize};

use super::measure::{End, Gauge, Run};

/// One program that takes part.
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) command: Command,
    /// Whether it prints so much that its output goes nowhere.
    pub(super) mute: bool,
    /// Slow ones run fewer times.
    pub(super) runs: usize,
    /// Whether it runs once more before it counts.
    pub(super) warm: bool,
    /// A folder that becomes a copy of another before each run.
    fresh: Option<Fresh>,
}

/// What a run begins with, and where.
struct Fresh {
    from: PathBuf,
    to: PathBuf,
}

impl Contender {
    /// A program that runs this many times, after one that does not count.
    pub(super) fn new(name: impl Into<String>, command: Command, runs: usize) -> Self {
        Self { name: name.into(), command, mute: false, runs, warm: true, fresh: None }
    }

    /// The same, for a program that prints much.
    pub(super) fn mute(self) -> Self {
        Self { mute: true, ..self }
    }

    /// The same, where each run begins with a copy of `from` at `to`; making it is not measured.
    pub(super) fn beginning_with(self, from: &Path, to: &Path) -> Self {
        Self { fresh: Some(Fresh { from: from.to_owned(), to: to.to_owned() }), ..self }
    }

    fn run(&self, gauge: &Gauge) -> Result<Run> {
        if let Some(Fresh { from, to }) = &self.fresh {
            if to.exists() {
                fs::remove_dir_all(to)?;
            }
            copy_folder(from, to)?;
        }
        gauge.run(&self.command, self.mute)
    }

    /// The same, for a program that is too slow to be run for nothing.
    pub(super) fn cold(self) -> Self {
        Self { warm: false, ..self }
    }
}

/// What was measured at one size.
#[derive(Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) size: String,
    pub(super) contenders: Vec<Series>,
}

/// All runs of one program.
#[derive(Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) runs: Vec<Run>,
}

impl Series {
    /// Least, median and greatest of a figure; nothing if a run was not good.
    pub(super) fn spread(&self, figure: impl Fn(&Run) -> f64) -> Option<[f64; 3]> {
        if self.runs.iter().any(|it| it.end != End::Good) {
            return None;
        }
        let mut all: Vec<f64> = self.runs.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        Some([*all.first()?, median(&all)?, *all.last()?])
    }

    /// The median of the ratios of runs that stood beside each other.
    pub(super) fn ratio(&self, to: &Self, figure: impl Fn(&Run) -> f64) -> Option<f64> {
        let good = |it: &&Run| it.end == End::Good;
        let pairs = self.runs.iter().filter(good).zip(to.runs.iter().filter(good));
        let mut ratios: Vec<f64> = pairs.map(|(a, b)| figure(a) / figure(b)).collect();
        ratios.sort_by(f64::total_cmp);
        median(&ratios)
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy_folder(&path, &copy)?,
            false => drop(fs::copy(&path, copy)?),
        }
    }
    Ok(())
}

fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) =
        (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// Runs all contenders in turn, each second round in the opposite order. Who fails or is too slow runs
/// no more.
pub(super) fn run(size: &str, contenders: &[Contender], gauge: &Gauge) -> Result<Outcome> {
    let mut series: Vec<Series> =
        contenders.iter().map(|it| Series { name: it.name.clone(), runs: Vec::new() }).collect();
    let rounds = contenders.iter().map(|it| it.runs).max().unwrap_or(0);
    let since = Instant::now();
    for it in contenders.iter().filter(|it| it.warm) {
        it.run(gauge)?;
    }
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let (it, series) = (&contenders[at], &mut series[at]);
            let is_out = series.runs.iter().any(|run| run.end != End::Good);
            if round < it.runs && !is_out {
                series.runs.push(it.run(gauge)?);
            }
        }
    }
    println!("{size}: {rounds} rounds in {:.0} s", since.elapsed().as_secs_f64());
    Ok(Outcome { size: size.to_owned(), contenders: series })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(walls: &[f64]) -> Series {
        let run =
            |wall: &f64| Run { wall: *wall, cpu: 0.0, server_cpu: 0.0, peak: 0, end: End::Good };
        Series { name: String::new(), runs: walls.iter().map(run).collect() }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(series(&[4.0, 1.0, 2.0, 9.0]).spread(|it| it.wall), Some([1.0, 3.0, 9.0]));
        assert_eq!(series(&[]).spread(|it| it.wall), None);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let (fast, slow) = (series(&[1.0, 10.0, 3.0]), series(&[2.0, 20.0, 6.0]));
        assert_eq!(fast.ratio(&slow, |it| it.wall), Some(0.5));
    }

    #[test]
    fn a_run_that_failed_leaves_no_numbers() {
        let mut failed = series(&[1.0, 2.0]);
        failed.runs[1].end = End::TooLong(300);
        assert_eq!(failed.spread(|it| it.wall), None);
    }
}
