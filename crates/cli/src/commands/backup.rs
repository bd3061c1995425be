//! `raingauge backup`.

use raingauge_engine::report::Report;
use raingauge_engine::{Result, commands};

use crate::arguments::{BackupAction, BackupArgs};
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &BackupArgs) -> Result<Report> {
    match &args.action {
        None | Some(BackupAction::Create) => commands::backup_create(&context.setting, ui),
        Some(BackupAction::List) => commands::backup_list(&context.setting),
        Some(BackupAction::Verify { backup }) => {
            commands::backup_verify(&context.setting, backup, ui)
        }
    }
}
