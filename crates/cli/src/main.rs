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
use raingauge_engine::Error;
use raingauge_engine::report::Report;
use raingauge_engine::setting::Runtime;
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
    let mut context = Context::resolve(&arguments.common)?;
    let refusal = match dispatch(ui, &context, arguments) {
        Err(error) if error.code == REFUSED && context.setting.runtime == Runtime::Embedded => {
            error
        }
        result => return result.map(|it| context.repeated(it)),
    };
    // The project's files are read before anything else is done, so the command can begin again.
    if !may_leave_sandbox(ui, &context, arguments.command.name(), &refusal) {
        return Err(refusal);
    }
    context.setting.runtime = Runtime::Auto;
    dispatch(ui, &context, arguments).map(|it| context.repeated(it))
}

/// The code of an error that other programs than the embedded engine may not have.
const REFUSED: &str = "sandbox-refused";

/// Whether someone agrees that the project's files run without bounds: by `--answers`, or when asked.
fn may_leave_sandbox(ui: &mut Ui, context: &Context, command: &str, refusal: &Error) -> bool {
    if let Some(answers) = &context.answers {
        return answers.get("runtime").is_some_and(|it| it == "yes");
    }
    if !ui.can_ask() {
        return false;
    }
    ui.error(command, refusal);
    ui.confirm(
        "Run the configuration and schema.ts with your own Node.js, tsx or bun, where they may do what you may?",
    )
}

fn dispatch(
    ui: &mut Ui,
    context: &Context,
    arguments: &Arguments,
) -> raingauge_engine::Result<Report> {
    match &arguments.command {
        Command::Analyze(args) => commands::analyze::run(ui, context, args),
        Command::Backup(args) => commands::backup::run(ui, context, args),
        Command::Restore(args) => commands::restore::run(ui, context, args),
        Command::Reconcile(args) => commands::reconcile::run(ui, context, args),
        Command::Validate(args) => commands::validate::run(ui, context, args),
        Command::Execute(args) => commands::execute::run(ui, context, args),
        Command::Status(args) => commands::status::run(ui, context, args),
        Command::Migrate(args) => commands::migrate::run(ui, context, args),
        Command::Upgrade(args) => commands::upgrade::run(ui, context, args),
        Command::Generate(args) => commands::generate::run(ui, context, args),
        Command::Diff(args) => commands::diff::run(ui, context, args),
        Command::Init(args) => commands::init::run(ui, context, args),
    }
}
