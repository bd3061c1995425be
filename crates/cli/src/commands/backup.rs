//! `raingauge backup`.

use raingauge_engine::backup::Retention;
use raingauge_engine::commands::BackupRequest;
use raingauge_engine::report::Report;
use raingauge_engine::{Error, Result, commands};

use crate::arguments::{BackupAction, BackupArgs, CreateArgs, Verify};
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &BackupArgs) -> Result<Report> {
    match &args.action {
        None => create(ui, context, &args.create),
        Some(BackupAction::Create(args)) => create(ui, context, args),
        Some(BackupAction::List { store }) => {
            commands::backup_list(&context.setting, store.as_deref())
        }
        Some(BackupAction::Verify { backup, identity }) => {
            commands::backup_verify(&context.with_identities(&identity.identity), backup, ui)
        }
    }
}

fn create(ui: &mut Ui, context: &Context, args: &CreateArgs) -> Result<Report> {
    let verify = args.verify == Verify::Restore;
    let retention = Retention { keep_last: args.keep_last, keep_days: args.keep_days };
    if !verify && !retention.keeps_everything() {
        return Err(Error::new(
            "arguments-invalid",
            "a backup that is not verified takes nobody's place; nothing was done",
        )
        .next("leave out `--verify none`, or `--keep-last` and `--keep-days`"));
    }
    let mut setting = context.with_identities(&args.identity.identity);
    setting.keeping.encrypt_to.clone_from(&args.encrypt_to);
    setting.keeping.to.clone_from(&args.to);
    commands::backup_create(&setting, &BackupRequest { verify, retention }, ui)
}
