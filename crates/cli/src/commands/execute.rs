//! `raingauge execute`.

use raingauge_engine::Result;
use raingauge_engine::commands::{self, Mandate};
use raingauge_engine::report::Report;

use crate::arguments::ExecuteArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &ExecuteArgs) -> Result<Report> {
    let mandate =
        Mandate { given: given(args.confirm.confirm.as_deref()), resume: args.confirm.resume };
    let setting = context.keeping(&args.keep);
    commands::execute(&setting, &mandate, &mut Advisor { ui, context })
}
