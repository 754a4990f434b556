//! The recorded exchanges beside the checkout.

use std::{fs, io, path::Path};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::shared::beside;

/// A request a provider was sent, and what it answered.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Its path below the folder of recordings.
    pub(crate) name: String,
    /// The provider: `openai`, `azure`, …
    pub(crate) provider: String,
    /// The request's path and query.
    pub(crate) path: String,
    /// The request's body.
    pub(crate) request: Value,
    /// The answer's status.
    pub(crate) status: u16,
    /// The answer's headers, the few that were kept.
    pub(crate) headers: Map<String, Value>,
    /// The answer's body: an event stream as it was sent, JSON as the recording has it, byte for byte.
    pub(crate) body: Bytes,
    /// Whether the answer is an event stream.
    pub(crate) is_stream: bool,
}

#[derive(Deserialize)]
struct File {
    provider: String,
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    path: String,
    body: Value,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: Map<String, Value>,
    body: Box<RawValue>,
}

impl Recording {
    fn read(folder: &Path, path: &Path) -> io::Result<Self> {
        let File { provider, request, response } = serde_json::from_slice(&fs::read(path)?)?;
        let raw = response.body.get();
        let (body, is_stream) = if raw.starts_with('"') {
            (serde_json::from_str::<String>(raw)?.into_bytes(), true)
        } else {
            (raw.as_bytes().to_vec(), false)
        };
        Ok(Self {
            name: path.strip_prefix(folder).unwrap_or(path).display().to_string(),
            provider,
            path: request.path,
            request: request.body,
            status: response.status,
            headers: response.headers,
            body: body.into(),
            is_stream,
        })
    }

    /// The answer as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The answer as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The recordings of some endpoints (`openai/chat-completions`), in the order of their names. None where
/// there is no folder of recordings.
pub(crate) fn load(endpoints: &[&str]) -> io::Result<Option<Vec<Recording>>> {
    let Some(folder) = beside("recordings") else { return Ok(None) };
    let mut paths = Vec::new();
    for endpoint in endpoints {
        for kind in ["json", "stream", "error"] {
            let Ok(files) = fs::read_dir(folder.join(endpoint).join(kind)) else { continue };
            for file in files {
                paths.push(file?.path());
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| Recording::read(&folder, path)).collect::<io::Result<_>>().map(Some)
}
