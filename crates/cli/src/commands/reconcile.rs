//! `raingauge reconcile`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::ReconcileArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &ReconcileArgs) -> Result<Report> {
    let given = given(args.confirm.confirm.as_deref());
    let setting = context.keeping(&args.keep);
    commands::reconcile(&setting, &given, args.confirm.resume, &mut Advisor { ui, context })
}
