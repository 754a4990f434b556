//! Finds and loads the recordings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// One exchange.
pub(crate) struct Recording {
    pub(crate) name: String,
    /// `generateContent`, `streamGenerateContent`, …
    pub(crate) endpoint: String,
    pub(crate) path: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    pub(crate) answer: Value,
}

impl Recording {
    /// The model of the path.
    pub(crate) fn model(&self) -> &str {
        let (_, rest) = self.path.rsplit_once("models/").unwrap();
        rest.split(':').next().unwrap()
    }

    /// The answer's body as it came over the wire.
    pub(crate) fn body(&self) -> Vec<u8> {
        match &self.answer {
            Value::String(stream) => stream.clone().into_bytes(),
            json => serde_json::to_vec_pretty(json).unwrap(),
        }
    }
}

/// All exchanges with an endpoint of which the name contains a text, by provider and name.
pub(crate) fn recordings(endpoint: &str) -> Option<Vec<Recording>> {
    let Some(root) = folder() else {
        eprintln!("no recordings found beside the project: nothing was compared");
        return None;
    };
    let mut found = Vec::new();
    for provider in ["gemini", "vertex"] {
        for file in json_files(&root.join(provider)) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let at = name.split('/').nth(1).unwrap_or_default().to_owned();
            if !at.to_ascii_lowercase().contains(&endpoint.to_ascii_lowercase()) {
                continue;
            }
            let mut json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            found.push(Recording {
                name,
                endpoint: at,
                path: json["request"]["path"].as_str().unwrap().to_owned(),
                request: json["request"]["body"].take(),
                status: u16::try_from(json["response"]["status"].as_u64().unwrap()).unwrap(),
                answer: json["response"]["body"].take(),
            });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!found.is_empty(), "the recordings hold no {endpoint}");
    Some(found)
}

fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|at| at.join("../shared/recordings")).find(|at| at.is_dir())
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files
}
