//! `raingauge migrate`.

use std::time::Duration;

use raingauge_engine::Result;
use raingauge_engine::apply::Pace;
use raingauge_engine::commands::{self, MigrateRequest};
use raingauge_engine::report::Report;

use crate::arguments::MigrateArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &MigrateArgs) -> Result<Report> {
    let request = MigrateRequest {
        given: given(args.confirm.confirm.as_deref()),
        pace: Pace {
            wait: Duration::from_secs(args.wait),
            lock_timeout: Duration::from_millis(args.lock_timeout),
            statement_timeout: args.statement_timeout.map(Duration::from_secs),
        },
        resume: args.confirm.resume,
        backup_age: args.backup_age,
    };
    let advisor = &mut Advisor { ui, context };
    match args.undo {
        true => commands::undo(&context.setting, &request, advisor),
        false => commands::migrate(&context.setting, &request, advisor),
    }
}
