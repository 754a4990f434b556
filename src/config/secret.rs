use std::{fmt, path::PathBuf, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    Path,
    context::Context,
    document::{Short, Words},
    error::Problem,
};

/// A key: known to the code that sends it, shown to nobody.
///
/// `Debug`, `Display` and `Serialize` say where it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: Arc<str>,
    origin: Arc<str>,
}

impl Secret {
    /// A key, and where it came from in words: `from OPENAI_API_KEY`.
    pub fn new(value: impl Into<Arc<str>>, origin: impl Into<Arc<str>>) -> Self {
        Self { value: value.into(), origin: origin.into() }
    }

    /// The key itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Where it came from, in words.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.origin)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.origin)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A key as the file gives it: the key itself, or where to find it.
pub(super) type SecretFile = Short<SecretPlace>;

/// Where a key is found.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(super) struct SecretPlace {
    /// A file that holds the key and nothing else; relative to the configuration's folder.
    file: Option<PathBuf>,
    /// An environment variable that holds the key, or several of which the first that is set counts.
    env: Option<Words>,
}

/// What became of looking for a key.
pub(super) enum Found {
    Key(Secret),
    /// None of these variables is set.
    Unset(Vec<String>),
}

impl SecretPlace {
    /// The first of these variables that is set.
    pub(super) fn in_env(names: &[&str]) -> Self {
        Self { file: None, env: Some(Words::of(names)) }
    }
}

/// Looks for a key where the file says.
pub(super) fn find(place: &SecretFile, path: &Path, context: &Context<'_>) -> Result<Found, Problem> {
    match place {
        Short::Text(text) => {
            let key = checked(text, path)?;
            Ok(Found::Key(Secret::new(key, context.origin(path))))
        }
        Short::Full(SecretPlace { file: Some(file), env: None }) => {
            let path = path.key("file");
            let text = context.read_file(file, &path)?;
            let key = checked(&text, &path)?;
            Ok(Found::Key(Secret::new(key, format!("from the file {}", file.display()))))
        }
        Short::Full(SecretPlace { file: None, env: Some(names) }) if names.iter().len() > 0 => {
            let set = names.iter().find_map(|name| Some((name, context.env.filled(name)?)));
            let Some((name, text)) = set else { return Ok(Found::Unset(names.iter().cloned().collect())) };
            let key = checked(text, &path.key("env"))?;
            Ok(Found::Key(Secret::new(key, format!("from {name}"))))
        }
        Short::Full(_) => Err(Problem::plain(path.clone(), "neither or both of `file` and `env` given")
            .hint("write the key as `${NAME}`, `{env: NAME}` or `{file: PATH}`")),
    }
}

/// A key as it goes into a header: trimmed, not empty, printable.
fn checked<'t>(text: &'t str, path: &Path) -> Result<&'t str, Problem> {
    let key = text.trim();
    if key.is_empty() {
        return Err(Problem::plain(path.clone(), "the key is empty")
            .hint("to go without one, leave `api_key` out and set `auth: none`"));
    }
    if !key.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(Problem::plain(path.clone(), "the key holds characters that no header can carry")
            .hint("a key is one line of ASCII letters, digits and signs"));
    }
    Ok(key)
}
