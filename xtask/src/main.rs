//! Tasks of the repository: `cargo xtask demo`, `test`, `ci`, `tidy`, `oracle`, `bench`. One file per task.

#![expect(clippy::print_stdout, reason = "telling what it does is half of what a task does")]

mod bench;
mod ci;
mod demo;
mod install;
mod mysql;
mod oracle;
mod process;
mod servers;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the repository
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Bench(bench::BenchArgs),
    /// Measure one run for `bench`
    #[command(hide = true)]
    Measure(bench::measure::MeasureArgs),
    Demo(demo::DemoArgs),
    Oracle(oracle::OracleArgs),
    Test(test::TestArgs),
    /// Check everything that a change has to pass: format, lints, docs, tidy, tests
    Ci,
    /// Check what no other tool checks: crate edges, file heads and sizes, names, codes
    Tidy,
    /// Install what the tests need, and run nothing
    Install,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Measure(arguments) => bench::measure::run(&arguments),
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Oracle(arguments) => oracle::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Install => install::run(true),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.to_string() != process::ALREADY_SAID {
                println!("xtask: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}
