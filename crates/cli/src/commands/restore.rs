//! `raingauge restore`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::RestoreArgs;
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &RestoreArgs) -> Result<Report> {
    commands::restore(&context.setting, &args.backup, &args.to, ui)
}
