//! `raingauge analyze`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::AnalyzeArgs;
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &AnalyzeArgs) -> Result<Report> {
    if args.live {
        return commands::analyze_live(&context.setting, ui);
    }
    commands::analyze(&context.setting, ui)
}
