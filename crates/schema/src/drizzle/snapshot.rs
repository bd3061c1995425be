//! What the snapshots of all dialects share: ids, rename maps, errors, and the version gate.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entities::Clash;
use super::javascript;
use super::shape::{Misfit, Shape};
use crate::rename::{NameKind, Path, Rename};

pub use super::Generation;

/// The id that stands before the first snapshot.
pub const ORIGIN: &str = "00000000-0000-0000-0000-000000000000";

/// The place of a snapshot in the chain. Ids are random; the caller makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotIds {
    pub id: String,
    /// The id of the snapshot before, [`ORIGIN`] for the first.
    pub prev_id: String,
}

impl SnapshotIds {
    /// The place right after `prev_id`, or the first place.
    pub fn after(prev_id: Option<&str>, id: impl Into<String>) -> Self {
        Self { id: id.into(), prev_id: prev_id.unwrap_or(ORIGIN).to_owned() }
    }
}

/// `_meta`: the renames that led to a snapshot. Drizzle leaves it empty for PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Renames {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<IndexMap<String, String>>,
    pub tables: IndexMap<String, String>,
    pub columns: IndexMap<String, String>,
}

impl Renames {
    /// Adds renames of tables and columns; the file has no place for others.
    pub fn note(&mut self, renames: &[Rename]) {
        for rename in renames {
            let quoted = |path: &Path| {
                path.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(".")
            };
            let all = match rename.kind {
                NameKind::Table => &mut self.tables,
                NameKind::Column => &mut self.columns,
                NameKind::Schema
                | NameKind::Enum
                | NameKind::Sequence
                | NameKind::Role
                | NameKind::Unique
                | NameKind::Check
                | NameKind::Index
                | NameKind::PrimaryKey
                | NameKind::ForeignKey
                | NameKind::Policy
                | NameKind::View => continue,
            };
            all.insert(quoted(&rename.from), quoted(&rename.to));
        }
    }

    /// As 1.0 writes them: `from->to`, tables first.
    pub fn lines(&self) -> Vec<String> {
        let all = self.tables.iter().chain(&self.columns);
        all.map(|(from, to)| format!("{from}->{to}")).collect()
    }
}

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("the file begins with a byte order mark, which Drizzle cannot read")]
    ByteOrderMark,
    #[error("not JSON: {message} at line {line} column {column}")]
    Syntax { message: String, line: usize, column: usize },
}

impl JsonError {
    /// The stable code for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte-order-mark",
            Self::Syntax { .. } => "not-json",
        }
    }
}

/// Why a snapshot cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("the snapshot belongs to dialect `{found}`, expected `{expected}`")]
    Dialect { found: String, expected: &'static str },
    #[error("the snapshot has version `{found}`, drizzle-kit {kit} reads version `{expected}`")]
    Version { found: String, expected: &'static str, kit: &'static str },
    #[error("the snapshot is malformed: {0}")]
    Malformed(#[from] Misfit),
    #[error(
        "the default of `{column}` is a bigint literal, which drizzle-kit 0.31 cannot write into a \
         snapshot; use sql`…` for it"
    )]
    BigIntDefault { column: String },
    #[error(
        "a value of the enum of `{column}` has a comma or a parenthesis, where drizzle-kit 0.31 cuts it \
         and makes others of the pieces; use a column of a `customType`"
    )]
    EnumValues { column: String },
    #[error("the schema cannot be told apart: {0}")]
    Clash(#[from] Clash),
    #[error("the snapshot says what changed after `{0}`, and there is no snapshot with that id")]
    Parent(String),
}

impl SnapshotError {
    /// The stable code for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(it) => it.code(),
            Self::Dialect { .. } => "snapshot-dialect",
            Self::Version { .. } => "snapshot-version",
            Self::Malformed(_) => "snapshot-malformed",
            Self::BigIntDefault { .. } => "bigint-default",
            Self::EnumValues { .. } => "enum-values",
            Self::Clash(_) => "snapshot-clash",
            Self::Parent(_) => "snapshot-parent",
        }
    }
}

/// Parses JSON as `JSON.parse` does, which does not skip a byte order mark.
///
/// # Errors
/// When the text is not JSON, or not of this type, with the place.
pub fn parse_json<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, JsonError> {
    if json.starts_with('\u{feff}') {
        return Err(JsonError::ByteOrderMark);
    }
    serde_json::from_str(json).map_err(|error| {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        JsonError::Syntax { message, line: error.line(), column: error.column() }
    })
}

/// The version that a snapshot says it has. Keeps nothing else of it.
pub fn version_of(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: String,
    }
    // A list would be taken for the fields in their order.
    let is_object = json.trim_start().starts_with('{');
    let versioned = || serde_json::from_str::<Versioned>(json).ok();
    is_object.then(versioned).flatten().map(|it| it.version)
}

/// How a dialect's snapshots are recognised and what they look like.
#[derive(Debug)]
pub struct Format {
    pub version: &'static str,
    pub dialect: &'static str,
    pub shape: Shape,
    /// An empty snapshot, which stands before the first.
    pub dry: fn() -> Value,
}

/// What a snapshot says of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    version: String,
    dialect: String,
}

impl Format {
    /// Parses and validates a snapshot as drizzle-kit does: the result has the keys in its order.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 would not accept the file.
    pub fn parse(&self, json: &str) -> Result<Value, SnapshotError> {
        self.accept(parse_json(json)?)
    }

    /// Validates a parsed snapshot as drizzle-kit does: the result has the keys in its order.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 would not accept the file.
    pub fn accept(&self, snapshot: Value) -> Result<Value, SnapshotError> {
        let field = |key: &str| snapshot.get(key).and_then(Value::as_str).unwrap_or_default();
        self.refuse_other(field("version"), field("dialect"))?;
        Ok(self.shape.fit(snapshot)?)
    }

    /// Why drizzle-kit 0.31 refuses a snapshot that is sound in itself: it is of another version or dialect.
    /// Reads nothing else of it.
    pub fn refused_as_other(&self, json: &str) -> Option<SnapshotError> {
        let head: Head = serde_json::from_str(json).ok()?;
        self.refuse_other(&head.version, &head.dialect).err()
    }

    fn refuse_other(&self, version: &str, dialect: &str) -> Result<(), SnapshotError> {
        let known = ["postgresql", "postgres", "pg", "mysql", "sqlite", "singlestore", "gel"];
        if dialect != self.dialect && known.contains(&dialect) {
            let found = dialect.to_owned();
            return Err(SnapshotError::Dialect { found, expected: self.dialect });
        }
        if !version.is_empty() && version != self.version {
            let (found, expected) = (version.to_owned(), self.version);
            return Err(SnapshotError::Version { found, expected, kit: "0.31" });
        }
        Ok(())
    }

    /// What `generate --custom` writes: the previous snapshot under a new id, with the keys in the
    /// validator's order.
    ///
    /// # Errors
    /// When drizzle-kit 0.31 would not accept the previous snapshot.
    pub fn custom(&self, previous: Option<&str>, id: &str) -> Result<String, SnapshotError> {
        let previous = match previous {
            Some(json) => self.parse(json)?,
            None => self.shape.fit((self.dry)())?,
        };
        let prev_id = previous.get("id").cloned().unwrap_or_default();
        let mut custom = Map::new();
        custom.insert("id".to_owned(), id.into());
        custom.insert("prevId".to_owned(), prev_id);
        for (key, value) in previous.as_object().into_iter().flatten() {
            if key != "id" && key != "prevId" {
                custom.insert(key.clone(), value.clone());
            }
        }
        custom.insert("_meta".to_owned(), empty_meta());
        Ok(javascript::pretty(&custom))
    }
}

/// The name that drizzle-kit 1.0 gives a foreign key on PostgreSQL and MySQL: with a hash where it
/// would be too long.
pub fn default_key_name(
    table: &str,
    columns: &[String],
    table_to: &str,
    columns_to: &[String],
) -> String {
    let name = format!("{table}_{}_{table_to}_{}_fkey", columns.join("_"), columns_to.join("_"));
    // JavaScript counts in UTF-16.
    match (name.encode_utf16().count() > 63, table.encode_utf16().count() < 45) {
        (false, _) => name,
        (true, true) => format!("{table}_{}_fkey", hash(&name)),
        (true, false) => format!("{}_fkey", hash(&name)),
    }
}

/// Twelve characters for a text of any length, as drizzle-kit 1.0 computes them.
fn hash(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let modulus = 62u128.pow(12);
    let (mut power, mut sum) = (1, 0);
    for it in text.chars() {
        sum = (sum + u128::from(u32::from(it)) * power) % modulus;
        power = power * 53 % modulus;
    }
    let mut digits = Vec::new();
    for _ in 0..12 {
        let digit = usize::try_from(sum % 62).unwrap_or_default();
        digits.push(char::from(DIGITS[digit]));
        sum /= 62;
    }
    digits.into_iter().rev().collect()
}

/// `_meta` as drizzle-kit writes it when it did not look for renames.
pub fn empty_meta() -> Value {
    serde_json::json!({ "columns": {}, "schemas": {}, "tables": {} })
}

/// Keeps `"default": null` apart from no default: both exist in snapshots.
pub(crate) mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(crate) fn serialize<S: Serializer>(it: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
        it.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}
