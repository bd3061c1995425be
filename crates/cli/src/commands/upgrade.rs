//! `raingauge upgrade`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::UpgradeArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &UpgradeArgs) -> Result<Report> {
    let given = given(args.confirm.confirm.as_deref());
    let advisor = &mut Advisor { ui, context };
    match args.undo {
        true => commands::upgrade_undo(&context.setting, &given, advisor),
        false => commands::upgrade(&context.setting, &given, args.confirm.resume, advisor),
    }
}
