//! What people say about renames: on the command line, or in the hints file of drizzle-kit 1.0.

use std::fmt;

use serde_json::Value;

use super::{NameKind, Path, Question, spelled};
use crate::drizzle::snapshot::{JsonError, parse_json};

/// What was said about renames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    pub(super) all: Vec<Hint>,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// These are one thing.
    Rename { kind: Option<NameKind>, from: Name, to: Name },
    /// This is new, whatever goes.
    Create { kind: Option<NameKind>, entity: Name },
    /// A consent to lose data, which only `drizzle-kit push` asks for.
    Confirm,
}

/// A name as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// With dots between its parts, `public` left out or not.
    Text(String),
    /// Part by part; always with a schema, also for SQLite.
    Path(Path),
}

/// Why something is no hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HintsError {
    #[error("`{0}` is not of the form `old:new`, or `kind:old:new`")]
    Rename(String),
    #[error("`{0}` is not a name, or `kind:name`")]
    Create(String),
    #[error("the hints are no list")]
    NoList,
    #[error("hint {0}: {1}")]
    Hint(usize, String),
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl Hints {
    /// Takes `old:new`, or `kind:old:new`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn rename(&mut self, said: &str) -> Result<(), HintsError> {
        let parts: Vec<_> = said.split(':').collect();
        let (kind, from, to) = match parts[..] {
            [from, to] => (None, from, to),
            [kind, from, to] => (NameKind::of_hint(kind), from, to),
            _ => (None, "", ""),
        };
        let lacks_kind = parts.len() == 3 && kind.is_none();
        if lacks_kind || from.is_empty() || to.is_empty() {
            return Err(HintsError::Rename(said.to_owned()));
        }
        let [from, to] = [from, to].map(|it| Name::Text(it.to_owned()));
        self.all.push(Hint::Rename { kind, from, to });
        Ok(())
    }

    /// Takes the name of something new, or `kind:name`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn create(&mut self, said: &str) -> Result<(), HintsError> {
        let (kind, name) = match said.split_once(':') {
            None => (None, said),
            Some((kind, name)) => match NameKind::of_hint(kind) {
                None => return Err(HintsError::Create(said.to_owned())),
                kind => (kind, name),
            },
        };
        if name.is_empty() || name.contains(':') {
            return Err(HintsError::Create(said.to_owned()));
        }
        self.all.push(Hint::Create { kind, entity: Name::Text(name.to_owned()) });
        Ok(())
    }

    /// Takes the answer to a question: one of what goes, or nothing for something new.
    pub fn settle(&mut self, question: &Question, old: Option<&Path>) {
        let (kind, entity) = (Some(question.kind), Name::Path(question.created.clone()));
        self.all.push(match old {
            Some(old) => Hint::Rename { kind, from: Name::Path(old.clone()), to: entity },
            None => Hint::Create { kind, entity },
        });
    }

    /// Takes the hints of drizzle-kit 1.0, a JSON list.
    ///
    /// # Errors
    /// If one of them is none.
    pub fn read(&mut self, json: &str) -> Result<(), HintsError> {
        let value: Value = parse_json(json)?;
        let items = value.as_array().ok_or(HintsError::NoList)?;
        for (index, item) in items.iter().enumerate() {
            let hint = Hint::of(item).map_err(|it| HintsError::Hint(index + 1, it))?;
            self.all.push(hint);
        }
        Ok(())
    }
}

impl Hint {
    fn of(value: &Value) -> Result<Self, String> {
        let kind = || {
            let word = value["kind"].as_str().ok_or("says no `kind`")?;
            let kind = NameKind::of_hint(word);
            kind.ok_or(format!("`{word}` is no kind of thing that can be renamed")).map(Some)
        };
        let path = |key: &str| {
            let parts = value[key].as_array().ok_or(format!("says no `{key}`"))?;
            let texts: Option<Path> =
                parts.iter().map(|it| it.as_str().map(str::to_owned)).collect();
            let texts = texts.filter(|it| !it.is_empty());
            texts.map(Name::Path).ok_or(format!("`{key}` is no list of names"))
        };
        match value["type"].as_str() {
            Some("rename") => {
                Ok(Self::Rename { kind: kind()?, from: path("from")?, to: path("to")? })
            }
            Some("create") => Ok(Self::Create { kind: kind()?, entity: path("entity")? }),
            Some("confirm_data_loss") => Ok(Self::Confirm),
            Some(other) => Err(format!("`{other}` is no type of hint")),
            None => Err("says no `type`".to_owned()),
        }
    }

    fn kind(&self) -> Option<NameKind> {
        match self {
            Self::Rename { kind, .. } | Self::Create { kind, .. } => *kind,
            Self::Confirm => None,
        }
    }

    /// Whether it may speak of this kind.
    pub(super) fn is_of(&self, kind: NameKind) -> bool {
        self.kind().is_none_or(|it| it == kind)
    }

    /// Whether it leaves open what it speaks of.
    pub(super) fn has_no_kind(&self) -> bool {
        *self != Self::Confirm && self.kind().is_none()
    }
}

impl Name {
    /// Whether this is how someone may say that name.
    pub(super) fn is_name(&self, path: &[String]) -> bool {
        match self {
            Self::Text(text) => *text == spelled(path) || *text == path.join("."),
            Self::Path(said) => said == path || (said.len() > path.len() && said[1..] == *path),
        }
    }

    /// The same for the new name of something. What stands on a table stays there, so that it may go
    /// without saying.
    pub(super) fn is_new_name(&self, kind: NameKind, path: &[String]) -> bool {
        let is_last = |text| kind.is_on_table() && path.last() == Some(text);
        self.is_name(path) || matches!(self, Self::Text(text) if is_last(text))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().map(|it| format!("{}:", it.hint())).unwrap_or_default();
        match self {
            Self::Rename { from, to, .. } => write!(f, "{kind}{from}:{to}"),
            Self::Create { entity, .. } => write!(f, "{kind}{entity}"),
            Self::Confirm => f.write_str("confirm_data_loss"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(it) => f.write_str(it),
            Self::Path(it) => f.write_str(&spelled(it)),
        }
    }
}
