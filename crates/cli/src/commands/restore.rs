//! `raingauge restore`.

use raingauge_engine::commands::{SwapRequest, TablesRequest};
use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::RestoreArgs;
use crate::context::{Context, given};
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &RestoreArgs) -> Result<Report> {
    let RestoreArgs { backup, tables, swap, .. } = args;
    let setting = context.with_identities(&args.identity.identity);
    let given = given(args.confirm.as_deref());
    let advisor = &mut Advisor { ui, context };
    match (&args.to, swap) {
        (None, _) => {
            let request = TablesRequest { backup, tables, given };
            commands::restore_tables(&setting, &request, advisor)
        }
        (Some(copy), true) => {
            let request = SwapRequest { backup, copy, given };
            commands::swap(&setting, &request, advisor)
        }
        (Some(to), false) => commands::restore(&setting, backup, to, advisor),
    }
}
