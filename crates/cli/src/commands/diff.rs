//! `raingauge diff`.

use raingauge_engine::commands::{self, DiffRequest};
use raingauge_engine::report::Report;
use raingauge_engine::{Dialect, Result};

use crate::arguments::{DialectChoice, DiffArgs};
use crate::context::Context;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &DiffArgs) -> Result<Report> {
    let request = DiffRequest {
        from: args.from.clone(),
        to: args.to.clone(),
        dialect: args.dialect.map(|it| match it {
            DialectChoice::Postgresql => Dialect::Postgres,
            DialectChoice::Mysql => Dialect::MySql,
            DialectChoice::Sqlite => Dialect::Sqlite,
        }),
        sql: args.sql,
    };
    let diffed = commands::diff(&context.setting, &request, ui)?;
    if args.sql {
        ui.hand_out(diffed.script.as_deref().unwrap_or_default());
    }
    Ok(diffed.report)
}
