//! `raingauge init`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::InitArgs;
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, context: &Context, args: &InitArgs) -> Result<Report> {
    commands::init(&context.setting, args.confirm)
}
