//! OpenAI's endpoints beside chat: images, audio, moderations, files, batches, and realtime sessions.
//!
//! A picture is one dot; speech is its text; a transcription tells the size of what it heard; what
//! has the word `violence` in it is flagged. Files are kept until they are deleted or too many.

mod form;
mod session;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::fault::{Fault, Provider};
use super::hash::{hash, hexadecimal};
use form::{Field, fields};

pub(super) use session::open;

/// The most files that are kept.
const MOST: usize = 64;

/// What is stored.
#[derive(Debug, Default)]
pub(super) struct Others {
    files: Mutex<VecDeque<File>>,
}

#[derive(Debug, Clone)]
struct File {
    about: Value,
    content: Bytes,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl From<Value> for Said {
    fn from(value: Value) -> Self {
        Self { content_type: "application/json", body: value.to_string().into() }
    }
}

/// The name under which a path's requests are counted, if it is one of these endpoints.
pub(super) fn name(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/v1/")?;
    let group = rest.split('/').next()?;
    let below = rest.len() > group.len();
    Some(match group {
        "images" if below => "images",
        "audio" if below => "audio",
        "moderations" => "moderations",
        "files" => "files",
        "batches" => "batches",
        "realtime" => "realtime",
        _ => return None,
    })
}

impl Others {
    /// Answers a request that has been let in.
    pub(super) fn answer(&self, head: &Parts, body: &Bytes) -> Result<Said, Fault> {
        let path = head.uri.path().strip_prefix("/v1/").unwrap_or_default();
        let segments: Vec<&str> = path.split('/').collect();
        match (&head.method, segments.as_slice()) {
            (&Method::POST, ["images", _]) => image(&head.headers, body),
            (&Method::POST, ["audio", "speech"]) => {
                let asked = parse(body)?;
                let text = required(&asked, "input")?;
                required(&asked, "model")?;
                Ok(Said { content_type: "audio/mpeg", body: Bytes::from(format!("ID3{text}")) })
            }
            (&Method::POST, ["audio", verb @ ("transcriptions" | "translations")]) => {
                heard(verb, &head.headers, body)
            }
            (&Method::POST, ["moderations"]) => moderation(&parse(body)?),
            (_, ["files", ..]) => self.file(&head.method, &segments, &head.headers, body),
            (_, ["batches", ..]) => batch(&head.method, &segments, body),
            (&Method::POST, ["realtime", "client_secrets"]) => {
                let session = parse(body)?["session"].clone();
                Ok(json!({"value": "ek_simulated", "expires_at": 1_800_000_000, "session": session}).into())
            }
            _ => Err(no_such(head)),
        }
    }

    fn file(
        &self,
        method: &Method,
        segments: &[&str],
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Said, Fault> {
        let found = |id: &str| {
            let files = self.files();
            let file = files.iter().find(|file| file.about["id"] == id).cloned();
            file.ok_or_else(|| not_found(&format!("No such File object: {id}")))
        };
        match (method, segments) {
            (&Method::POST, ["files"]) => {
                let fields = fields(headers, body).ok_or_else(|| bad("not a form", None))?;
                let file = named(&fields, "file")?;
                let purpose = text(named(&fields, "purpose")?);
                let id = hexadecimal("file-", hash(11, &file.content), 24);
                let about = json!({
                    "id": id, "object": "file", "bytes": file.content.len(), "created_at": 1_700_000_000,
                    "filename": file.filename, "purpose": purpose, "status": "processed",
                });
                let mut files = self.files();
                files.retain(|known| known.about["id"] != *id);
                files.push_back(File { about: about.clone(), content: file.content.clone() });
                while files.len() > MOST {
                    files.pop_front();
                }
                Ok(about.into())
            }
            (&Method::GET, ["files"]) => {
                let all: Vec<Value> = self.files().iter().map(|file| file.about.clone()).collect();
                Ok(json!({"object": "list", "data": all, "has_more": false}).into())
            }
            (&Method::GET, ["files", id]) => Ok(found(id)?.about.into()),
            (&Method::GET, ["files", id, "content"]) => {
                Ok(Said { content_type: "application/octet-stream", body: found(id)?.content })
            }
            (&Method::DELETE, ["files", id]) => {
                found(id)?;
                self.files().retain(|file| file.about["id"] != **id);
                Ok(json!({"id": id, "object": "file", "deleted": true}).into())
            }
            _ => Err(not_allowed(method)),
        }
    }

    fn files(&self) -> MutexGuard<'_, VecDeque<File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A picture of one dot.
const DOT: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

fn image(headers: &HeaderMap, body: &Bytes) -> Result<Said, Fault> {
    let stream = if let Some(fields) = fields(headers, body) {
        named(&fields, "image")?;
        false
    } else {
        let asked = parse(body)?;
        required(&asked, "prompt")?;
        asked["stream"] == true
    };
    let usage = json!({
        "total_tokens": 1070, "input_tokens": 14, "output_tokens": 1056,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 4},
    });
    let dot = STANDARD.encode(DOT);
    if !stream {
        return Ok(json!({"created": 1_700_000_000, "data": [{"b64_json": dot}], "usage": usage}).into());
    }
    let done = json!({
        "type": "image_generation.completed", "b64_json": dot, "created_at": 1_700_000_000, "size": "1024x1024",
        "quality": "high", "background": "opaque", "output_format": "png", "usage": usage,
    });
    let events = format!("event: image_generation.completed\ndata: {done}\n\n");
    Ok(Said { content_type: "text/event-stream", body: events.into() })
}

fn heard(verb: &str, headers: &HeaderMap, body: &Bytes) -> Result<Said, Fault> {
    let fields = fields(headers, body).ok_or_else(|| bad("not a form", None))?;
    let file = named(&fields, "file")?;
    named(&fields, "model")?;
    let said = format!("{verb} of {} bytes", file.content.len());
    if fields.iter().any(|field| field.name == "response_format" && text(field) == "text") {
        return Ok(Said { content_type: "text/plain; charset=utf-8", body: format!("{said}\n").into() });
    }
    let usage = json!({
        "type": "tokens", "total_tokens": 21, "input_tokens": 14, "output_tokens": 7,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    });
    Ok(json!({"text": said, "usage": usage}).into())
}

fn moderation(asked: &Value) -> Result<Said, Fault> {
    let inputs = match &asked["input"] {
        Value::Array(all) => all.clone(),
        Value::String(_) => vec![asked["input"].clone()],
        _ => return Err(bad("Missing required parameter: 'input'.", Some("input"))),
    };
    let judge = |input: &Value| {
        let violence = input.to_string().contains("violence");
        json!({
            "flagged": violence,
            "categories": {"violence": violence, "hate": false},
            "category_scores": {"violence": f64::from(u8::from(violence)), "hate": 0.0},
            "category_applied_input_types": {"violence": ["text"], "hate": ["text"]},
        })
    };
    let results: Vec<Value> = inputs.iter().map(judge).collect();
    let model = asked["model"].as_str().unwrap_or("omni-moderation-latest");
    Ok(json!({"id": "modr-simulated", "model": model, "results": results}).into())
}

fn batch(method: &Method, segments: &[&str], body: &Bytes) -> Result<Said, Fault> {
    let batch = |id: &str, file: &Value, status: &str| {
        json!({
            "id": id, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": file,
            "completion_window": "24h", "status": status, "created_at": 1_700_000_000,
        })
    };
    let known = || json!("file-simulated");
    match (method, segments) {
        (&Method::POST, ["batches"]) => {
            let asked = parse(body)?;
            required(&asked, "input_file_id")?;
            Ok(batch("batch_simulated", &asked["input_file_id"], "validating").into())
        }
        (&Method::GET, ["batches"]) => {
            let one = batch("batch_simulated", &known(), "in_progress");
            Ok(json!({"object": "list", "data": [one], "has_more": false}).into())
        }
        (&Method::GET, ["batches", id]) => Ok(batch(id, &known(), "in_progress").into()),
        (&Method::POST, ["batches", id, "cancel"]) => Ok(batch(id, &known(), "cancelling").into()),
        _ => Err(not_allowed(method)),
    }
}

fn parse(body: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(body).map_err(|error| bad(&format!("not JSON: {error}"), None))
}

fn required<'v>(asked: &'v Value, name: &str) -> Result<&'v str, Fault> {
    let missing = || bad(&format!("Missing required parameter: '{name}'."), Some(name));
    asked[name].as_str().ok_or_else(missing)
}

fn named<'f>(fields: &'f [Field], name: &str) -> Result<&'f Field, Fault> {
    let missing = || bad(&format!("Missing required parameter: '{name}'."), Some(name));
    fields.iter().find(|field| field.name.trim_end_matches("[]") == name).ok_or_else(missing)
}

fn text(field: &Field) -> String {
    String::from_utf8_lossy(&field.content).into_owned()
}

fn bad(message: &str, param: Option<&str>) -> Fault {
    let fault = Fault::new(Provider::OpenAi, 400, message);
    match param {
        Some(param) => fault.param(param),
        None => fault,
    }
}

fn not_found(message: &str) -> Fault {
    Fault::new(Provider::OpenAi, 404, message)
}

fn not_allowed(method: &Method) -> Fault {
    Fault::new(Provider::OpenAi, 405, format!("Not allowed to {method}"))
}

fn no_such(head: &Parts) -> Fault {
    not_found(&format!("Invalid URL ({} {})", head.method, head.uri.path()))
}
