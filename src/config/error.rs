use std::fmt;

use super::{Env, Path};

/// Why a configuration is refused: where it stands, what is wrong, and what to do about it.
///
/// ```text
/// tollway.yaml: server.lissten: unknown field
///   hint: did you mean `listen`?
/// ```
///
/// Values of environment variables and keys are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The file, or the environment variable, the fault stands in.
    pub place: String,
    /// Line and column, where only the text is known and not the field.
    pub position: Option<(u64, u64)>,
    /// The field, empty where the whole file is meant.
    pub path: Path,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ConfigError {
    /// The same error, if a key had found its way into it after all.
    pub(super) fn concealing(self, env: &Env) -> Self {
        Self { what: env.conceal(&self.what), hint: self.hint.map(|hint| env.conceal(&hint)), ..self }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_top() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A fault in a field, before it is known where the field's value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) path: Path,
    pub(super) what: String,
    pub(super) hint: Option<String>,
    /// Whether the field's value helps the reader.
    pub(super) show_value: bool,
}

impl Problem {
    /// Something is wrong with a field's value, which is shown.
    pub(super) fn value(path: Path, what: impl Into<String>) -> Self {
        Self { path, what: what.into(), hint: None, show_value: true }
    }

    /// Something is wrong, whatever the value.
    pub(super) fn plain(path: Path, what: impl Into<String>) -> Self {
        Self { path, what: what.into(), hint: None, show_value: false }
    }

    /// Says what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
