//! `raingauge restore`.

use raingauge_engine::commands::SwapRequest;
use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::RestoreArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &RestoreArgs) -> Result<Report> {
    if !args.swap {
        return commands::restore(&context.setting, &args.backup, &args.to, ui);
    }
    let given = given(args.confirm.as_deref());
    let request = SwapRequest { backup: &args.backup, copy: &args.to, given };
    commands::swap(&context.setting, &request, &mut Advisor { ui, context })
}
