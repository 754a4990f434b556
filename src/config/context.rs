use std::{
    fs,
    io::{self, Read as _},
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{ConfigError, Env, Files, Path, error::Problem, overrides::Overridden};

/// What validation may know beside the fields: the environment, where relative paths begin, and
/// what each field said before it was filled in.
pub(super) struct Context<'a> {
    pub(super) env: &'a Env,
    /// Where files are noted before they are read.
    pub(super) files: &'a Files,
    /// The file's name, for errors.
    pub(super) place: &'a str,
    /// The folder relative paths begin at.
    pub(super) folder: PathBuf,
    /// The document before interpolation.
    pub(super) written: Value,
    /// The fields set by variables.
    pub(super) overridden: Overridden,
}

impl Context<'_> {
    /// Where a key came from, in words.
    pub(super) fn origin(&self, path: &Path) -> Arc<str> {
        if let Some(name) = self.variable(path) {
            return format!("from {name}").into();
        }
        let written = path.find(&self.written).and_then(Value::as_str).unwrap_or_default().trim();
        let variable = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match variable.map(|inner| inner.split_once(":-").map_or(inner, |(name, _)| name)) {
            Some(name) if !name.contains(['$', '{', '}']) && self.env.filled(name).is_some() => {
                format!("from {name}").into()
            }
            _ => "from the configuration".into(),
        }
    }

    /// Where a file named in the configuration is.
    pub(super) fn locate(&self, file: &FilePath) -> PathBuf {
        self.folder.join(file)
    }

    /// Reads a small file named in the configuration.
    pub(super) fn read_file(&self, file: &FilePath, path: &Path) -> Result<String, Problem> {
        let found = self.locate(file);
        self.files.note(&found);
        read_small(&found).map_err(|what| {
            Problem::plain(path.clone(), format!("{what}: {}", found.display()))
                .hint("relative paths begin at the configuration file's folder")
        })
    }

    /// Turns a problem into an error that names its place and shows what was written there.
    pub(super) fn refuse(&self, problem: Problem) -> ConfigError {
        let Problem { path, mut what, hint, show_value } = problem;
        let variable = self.variable(&path);
        if show_value
            && variable.is_none()
            && let Some(value) = self.shown(&path)
        {
            what = format!("{what}: {value}");
        }
        let place = variable.unwrap_or(self.place).to_owned();
        ConfigError { place, position: None, path, what, hint }
    }

    /// The variable that set this field, if one did. The last one counts, as it came later.
    fn variable(&self, path: &Path) -> Option<&str> {
        let set = self.overridden.iter().rev().find(|(set, _)| path.is_within(set));
        set.map(|(_, name)| name.as_str())
    }

    /// What was written at a field, if it is a plain value that cannot be a key.
    fn shown(&self, path: &Path) -> Option<String> {
        const MAY_HOLD_KEYS: [&str; 8] =
            ["api_key", "credentials", "database", "headers", "query", "redis", "secret", "token"];
        if MAY_HOLD_KEYS.iter().any(|name| path.passes(name)) {
            return None;
        }
        let text = match path.find(&self.written)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty() && !may_be_key(&text)).then(|| text.chars().take(80).collect::<String>())
    }
}

/// Reads a file of at most a mebibyte, which is far more than a key or a catalogue needs.
pub(super) fn read_small(file: &FilePath) -> Result<String, String> {
    const MOST: u64 = 1 << 20;
    let mut text = String::new();
    let read = fs::File::open(file).and_then(|opened| opened.take(MOST + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > MOST => Err("cannot be read: larger than 1 MiB".to_owned()),
        Ok(_) => Ok(text),
        Err(fault) => Err(format!("cannot be read: {}", reason(&fault))),
    }
}

/// The system's word for a fault, without its number.
fn reason(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::InvalidData => "not UTF-8".to_owned(),
        kind => kind.to_string(),
    }
}

/// Whether a text put into the wrong field may be a key: it begins like one, has a run of letters
/// and digits as long as one, or is a URL with a password.
fn may_be_key(text: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["sk-", "gsk_", "AIza", "xai-", "Bearer ", "key-"];
    const SHORTEST: usize = 20;
    let long_run = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|run| run.len() >= SHORTEST && run.bytes().any(|byte| byte.is_ascii_digit()));
    let uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    long_run || uuid || text.contains('@') || BEGINNINGS.iter().any(|beginning| text.contains(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_from_words() {
        for key in [
            "sk-proj-1",
            "AIzaSyA1",
            "https://me:pass@host",
            "0123456789abcdef0123456789abcdef",
            "01234567-89ab-cdef-0123-456789abcdef",
        ] {
            assert!(may_be_key(key), "{key}");
        }
        for word in [
            "127.0.0.1:8080",
            "shared",
            "https://api.openai.com/v1",
            "claude-sonnet-4-5-20250929",
            "no such thing",
        ] {
            assert!(!may_be_key(word), "{word}");
        }
    }
}
