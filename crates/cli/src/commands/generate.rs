//! `raingauge generate`.

use raingauge_engine::Result;
use raingauge_engine::commands::{self, GenerateRequest};
use raingauge_engine::report::Report;

use crate::arguments::GenerateArgs;
use crate::context::Context;
use crate::counsel::Advisor;
use crate::ui::Ui;

pub(crate) fn run(ui: &mut Ui, context: &Context, args: &GenerateArgs) -> Result<Report> {
    let request = GenerateRequest {
        renames: args.rename.clone(),
        creates: args.create.clone(),
        hints: args.hints.clone(),
        name: args.name.clone(),
        custom: args.custom,
        safe: args.safe,
    };
    commands::generate(&context.setting, &request, &mut Advisor { ui, context })
}
