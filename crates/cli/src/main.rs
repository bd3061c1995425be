//! The `raingauge` command: parse → run → print → exit code; nothing else.

mod arguments;
mod commands;
mod context;
mod counsel;
mod interrupt;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use context::Context;
use raingauge_engine::report::Report;
use ui::Ui;

fn main() -> ExitCode {
    interrupt::watch();
    let arguments = Arguments::parse();
    let mut ui = Ui::new(arguments.common.format);
    let name = arguments.command.name();
    match run(&mut ui, &arguments) {
        Ok(report) => {
            ui.report(&report);
            ExitCode::from(report.verdict().exit_code())
        }
        Err(error) => {
            ui.error(name, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(ui: &mut Ui, arguments: &Arguments) -> raingauge_engine::Result<Report> {
    let context = Context::resolve(&arguments.common)?;
    match &arguments.command {
        Command::Analyze(args) => commands::analyze::run(ui, &context, args),
        Command::Backup(args) => commands::backup::run(ui, &context, args),
        Command::Restore(args) => commands::restore::run(ui, &context, args),
        Command::Reconcile(args) => commands::reconcile::run(ui, &context, args),
        Command::Validate(args) => commands::validate::run(ui, &context, args),
        Command::Execute(args) => commands::execute::run(ui, &context, args),
        Command::Status(args) => commands::status::run(ui, &context, args),
        Command::Migrate(args) => commands::migrate::run(ui, &context, args),
        Command::Init(args) => commands::init::run(ui, &context, args),
    }
}
