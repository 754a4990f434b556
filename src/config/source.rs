use std::path::{Path as FilePath, PathBuf};

use super::{ConfigError, Env, Files, Path, context::read_small};

/// The example that comes with Tollway is also what runs when there is no file.
const BUILT_IN: &str = include_str!("../../config/tollway.yaml");

/// The text of a configuration, and where it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// What to call it in errors.
    pub place: String,
    /// The folder that relative paths in it begin at.
    pub folder: PathBuf,
    /// The YAML text.
    pub text: String,
}

impl Source {
    /// The configuration that is built in.
    pub fn built_in() -> Self {
        Self { place: "built-in tollway.yaml".to_owned(), folder: PathBuf::new(), text: BUILT_IN.to_owned() }
    }

    /// A text that stands in no file.
    pub fn text(text: impl Into<String>) -> Self {
        Self { place: "tollway.yaml".to_owned(), folder: PathBuf::new(), text: text.into() }
    }

    /// Reads the file that counts: the one asked for on the command line, else the one that the
    /// variable `TOLLWAY_CONFIG` names, else `tollway.yaml` or `config/tollway.yaml` in a folder
    /// (the working directory), else the one that is built in.
    pub fn find(asked: Option<&FilePath>, env: &Env, folder: &FilePath) -> Result<Self, ConfigError> {
        Self::find_noting(asked, env, folder, &Files::default())
    }

    /// As [`Self::find`], and notes the files that were looked for, found or not.
    pub fn find_noting(
        asked: Option<&FilePath>,
        env: &Env,
        folder: &FilePath,
        files: &Files,
    ) -> Result<Self, ConfigError> {
        if let Some(file) = asked {
            return Self::file(file, "--config names it", files);
        }
        if let Some(file) = env.filled("TOLLWAY_CONFIG") {
            return Self::file(FilePath::new(file), "TOLLWAY_CONFIG names it", files);
        }
        let usual = ["tollway.yaml", "config/tollway.yaml"].map(|name| folder.join(name));
        let there = |file: &&PathBuf| {
            files.note(file);
            file.is_file()
        };
        match usual.iter().find(there) {
            Some(file) => Self::file(file, "it is read because it is there", files),
            None => Ok(Self::built_in()),
        }
    }

    /// Reads a file.
    fn file(file: &FilePath, hint: &str, files: &Files) -> Result<Self, ConfigError> {
        files.note(file);
        let place = file.display().to_string();
        let text = read_small(file).map_err(|what| ConfigError {
            place: place.clone(),
            position: None,
            path: Path::default(),
            what,
            hint: Some(hint.to_owned()),
        })?;
        Ok(Self { place, folder: file.parent().map(PathBuf::from).unwrap_or_default(), text })
    }
}

/// Without the text, which may hold keys.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("place", &self.place)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
