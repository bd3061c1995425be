//! `raingauge status`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::StatusArgs;
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, _args: &StatusArgs) -> Result<Report> {
    commands::status(&context.setting, ui)
}
