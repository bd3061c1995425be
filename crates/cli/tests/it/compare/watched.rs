//! T29: what Drizzle cannot express is watched after the adoption as well.

use raingauge_testkit::Result;

use super::{adopt, fits_80_columns, project, said};
use crate::run::run;

const LIVE: &str = "
    create function touch() returns trigger language plpgsql as $$
    begin
      new.updated_at := now();
      return new;
    end $$;
    create domain positive as integer constraint positive_check check (value > 0);
    create table t (id serial primary key, updated_at timestamptz, owner text);
    create trigger touch before update on t for each row execute function touch();
    alter table t enable row level security;
    create policy mine on t for select using (owner = current_user);
    create policy everything on t using (true);
    grant select on t to public;
    comment on table t is 'things';
";

const SCHEMA: &str = r#"
export const t = p.pgTable("t", {
  id: p.serial().primaryKey(), updatedAt: p.timestamp("updated_at", { withTimezone: true }), owner: p.text(),
}).enableRLS();
"#;

/// A change by hand, its opposite, and what has to be told of it.
const CHANGES: [(&str, &str, &[&str]); 6] = [
    (
        "create or replace function touch() returns trigger language plpgsql as $$
    begin
      new.updated_at := clock_timestamp();
      return new;
    end $$;",
        "create or replace function touch() returns trigger language plpgsql as $$
    begin
      new.updated_at := now();
      return new;
    end $$;",
        &[
            "function public.touch(): ",
            r"live      |       new.updated_at := clock_timestamp();",
            r"expected  |       new.updated_at := now();",
        ],
    ),
    (
        "alter table t disable trigger touch",
        "alter table t enable trigger touch",
        &["trigger public.t.touch: enabled: live disabled · expected enabled"],
    ),
    (
        "drop policy mine on t",
        "create policy mine on t for select using (owner = current_user)",
        &["policy public.t.mine: missing in live"],
    ),
    (
        "alter policy everything on t using (owner is not null)",
        "alter policy everything on t using (true)",
        &["policy public.t.everything: using: live (owner IS NOT NULL) · expected true"],
    ),
    (
        "grant insert on t to public",
        "revoke insert on t from public",
        &["grant on table public.t to public: privileges: live insert, select · expected select"],
    ),
    (
        "alter domain positive drop constraint positive_check",
        "alter domain positive add constraint positive_check check (value > 0)",
        &["domain public.positive: check positive_check: live (nothing) · expected (VALUE > 0)"],
    ),
];

#[test]
fn t29_a_carried_object_that_changes_is_reported_with_both_values() -> Result {
    let project = project(LIVE, SCHEMA)?;
    adopt(&project)?;
    for (change, _, _) in CHANGES {
        project.database.sql(change)?;
    }
    for command in ["validate", "status", "analyze"] {
        let said = said(&project, &[command], 1)?;
        for text in CHANGES.iter().flat_map(|it| it.2) {
            said.says("drift", "live", &[text]);
        }
        fits_80_columns(&run(&project, &[command], 1)?);
    }
    for (_, undo, _) in CHANGES {
        project.database.sql(undo)?;
    }
    said(&project, &["validate"], 0)?;
    Ok(())
}

#[test]
fn t29_a_changed_body_that_is_to_stay_becomes_a_migration_that_is_only_recorded() -> Result {
    let project = project(LIVE, SCHEMA)?;
    said(&project, &["execute", "--confirm"], 0)?;
    let change = CHANGES[0].0;
    project.database.sql(change)?;
    let said_of_drift = said(&project, &["validate"], 1)?;
    said_of_drift.says("drift", "live", &["generate --custom", "reconcile --confirm"]);
    let mut kit = std::process::Command::new("node");
    kit.current_dir(&project.root).env("DATABASE_URL", project.database.url());
    kit.args(["node_modules/drizzle-kit/bin.cjs", "generate", "--custom", "--name", "touch"]);
    raingauge_testkit::Run::of(&mut kit)?.success()?;
    project.write("drizzle/0001_touch.sql", &format!("{change}\n"))?;
    said(&project, &["reconcile", "--confirm"], 0)?;
    said(&project, &["validate"], 0)?;
    Ok(())
}
