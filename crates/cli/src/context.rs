//! Shared options, resolved once: what was typed → what it means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use raingauge_engine::report::Report;
use raingauge_engine::setting::{Keeping, Runtime, ScratchChoice, Setting};
use raingauge_engine::{Error, Result};

use crate::arguments::{Common, Keep, RuntimeChoice};
use raingauge_engine::consent::Given;

/// What every command works with.
pub(crate) struct Context {
    pub(crate) setting: Setting,
    /// Answers by question, if a file of them was given.
    pub(crate) answers: Option<BTreeMap<String, String>>,
}

impl Context {
    /// Resolves the shared options against the current folder and the environment.
    pub(crate) fn resolve(common: &Common) -> Result<Self> {
        let root = std::env::current_dir().map_err(|cause| {
            Error::new("folder-unreadable", "cannot tell the current folder").caused_by(cause)
        })?;
        let setting = Setting {
            root,
            env: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            config: common.config.clone(),
            url: common.url.clone(),
            init_sql: common.init_sql.clone(),
            scratch: match common.scratch.as_deref() {
                None => ScratchChoice::Auto,
                Some("target") => ScratchChoice::Target,
                Some(url) => ScratchChoice::Url(url.to_owned()),
            },
            pg_client: common.pg_client.clone(),
            with_owners: false,
            keeping: Keeping::default(),
            allow: common.allow.clone(),
            runtime: match common.runtime {
                RuntimeChoice::Embedded => Runtime::Embedded,
                RuntimeChoice::Node => Runtime::Node,
                RuntimeChoice::Tsx => Runtime::Tsx,
                RuntimeChoice::Bun => Runtime::Bun,
                RuntimeChoice::Auto => Runtime::Auto,
            },
            now: Timestamp::now(),
        };
        let answers = common.answers.as_ref().map(read_answers).transpose()?;
        Ok(Self { setting, answers })
    }
}

impl Context {
    /// The setting for a command that may write a baseline.
    pub(crate) fn keeping(&self, keep: &Keep) -> Setting {
        Setting { with_owners: keep.with_owners, ..self.setting.clone() }
    }
}

impl Context {
    /// The setting for a command that opens encrypted backups.
    pub(crate) fn with_identities(&self, identities: &[PathBuf]) -> Setting {
        let keeping = Keeping { identities: identities.to_vec(), ..self.setting.keeping.clone() };
        Setting { keeping, ..self.setting.clone() }
    }
}

impl Context {
    /// The report whose next command meets the same database by the same configuration: what was typed for this
    /// command counts for it alone. A password is not repeated.
    pub(crate) fn repeated(&self, mut report: Report) -> Report {
        let Some(next) = report.next.as_mut().filter(|it| it.starts_with("raingauge ")) else {
            return report;
        };
        if let Some(url) = self.setting.url.as_deref().filter(|_| !next.contains(" --url ")) {
            let shown = if may_have_password(url) { &report.target } else { url };
            let shown = if shown.is_empty() { "URL" } else { shown };
            *next = format!("{next} --url {}", in_shell(shown));
        }
        if let Some(config) = self.setting.config.as_deref() {
            *next = format!("{next} --config {}", in_shell(&config.display().to_string()));
        }
        report
    }
}

fn may_have_password(url: &str) -> bool {
    let user = url.split_once("://").and_then(|it| it.1.split_once('@')).map(|it| it.0);
    url.contains("password") || user.is_some_and(|it| it.contains(':'))
}

/// As a shell takes it for one word.
fn in_shell(text: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "._:/@%+=,-".contains(it);
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// What `--confirm` means: absent, bare, or with a plan's hash.
pub(crate) fn given(confirm: Option<&str>) -> Given {
    match confirm {
        None => Given::Nothing,
        Some("") => Given::Shown,
        Some(hash) => Given::Plan(hash.to_owned()),
    }
}

fn read_answers(path: &PathBuf) -> Result<BTreeMap<String, String>> {
    let invalid = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::new("answers-invalid", format!("cannot read the answers in `{}`", path.display()))
            .caused_by(cause)
            .next("it is a JSON object: {\"backup\": \"yes\", \"database\": \"NAME\"}")
    };
    let text = std::fs::read_to_string(path).map_err(|it| invalid(it.into()))?;
    serde_json::from_str(&text).map_err(|it| invalid(it.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated_and_words_stay_words() {
        assert!(may_have_password("postgresql://ada:secret@db/shop"));
        assert!(may_have_password("postgresql://db/shop?password=secret"));
        assert!(!may_have_password("postgresql://ada@db:5433/shop"));
        assert!(!may_have_password("file:data/shop.db"));
        assert_eq!(in_shell("file:data/shop.db"), "file:data/shop.db");
        assert_eq!(in_shell("a b?c'd"), "'a b?c'\\''d'");
    }
}
