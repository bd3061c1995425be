//! `raingauge validate`.

use raingauge_engine::commands::Scrutiny;
use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::ValidateArgs;
use crate::context::{Context, given};
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &ValidateArgs) -> Result<Report> {
    if args.fix {
        let given = given(args.confirm.as_deref());
        return commands::fix(&context.setting, &given, args.resume, ui);
    }
    let scrutiny = Scrutiny {
        offline: args.offline,
        certificate: args.certificate.clone(),
        judge: args.judge,
    };
    commands::validate(&context.setting, &scrutiny, ui)
}
