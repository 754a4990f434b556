//! Vertex AI: the paths of two publishers, over what the simulator knows of Gemini and Anthropic.
//!
//! A request is held to what is Vertex's own and then read as the publisher's: Anthropic's body has a
//! version and no model, which stands in the path; tokens are counted at a path of their own.

mod embeddings;
mod identity;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde_json::{Value, json};

use super::fault::{Fault, Provider};
use super::reply::Prepared;

pub(super) use self::identity::Identity;

/// Where all its paths begin.
const ROOT: &str = "/vertex/v1/";

/// The version that Anthropic's bodies must name.
const VERSION: &str = "vertex-2023-10-16";

/// What a path of Vertex AI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'p> {
    model: &'p str,
    verb: &'p str,
    anthropic: bool,
}

impl<'p> Place<'p> {
    /// Reads a path; nothing for one that Vertex AI does not have.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let rest = path.strip_prefix(ROOT)?;
        let rest = match rest.strip_prefix("projects/") {
            Some(rest) => {
                let (project, rest) = rest.split_once("/locations/")?;
                let (location, rest) = rest.split_once('/')?;
                let plain = |text: &str| !text.is_empty() && !text.contains('/') && text != "-";
                (plain(project) && plain(location)).then_some(rest)?
            }
            // With an API key.
            None => rest,
        };
        let (publisher, rest) = rest.strip_prefix("publishers/")?.split_once("/models/")?;
        let (model, verb) = rest.rsplit_once(':')?;
        let anthropic = match publisher {
            "anthropic" => true,
            "google" => false,
            _ => return None,
        };
        let known = match verb {
            "rawPredict" => anthropic,
            "streamRawPredict" => anthropic && model != COUNT,
            "generateContent" | "streamGenerateContent" | "countTokens" | "embedContent" | "predict" => {
                !anthropic
            }
            _ => false,
        };
        known.then_some(Self { model, verb, anthropic })
    }

    /// The path of the same at the publisher.
    pub(super) fn path(&self) -> Cow<'static, str> {
        match self {
            Self { anthropic: true, model: COUNT, .. } => "/v1/messages/count_tokens".into(),
            Self { anthropic: true, .. } => "/v1/messages".into(),
            Self { model, verb: "predict", .. } => {
                format!("/v1beta/models/{model}:batchEmbedContents").into()
            }
            Self { model, verb, .. } => format!("/v1beta/models/{model}:{verb}").into(),
        }
    }

    /// The request as the publisher would get it.
    pub(super) fn read(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(HeaderMap, Bytes), Fault> {
        let names = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
        if let Some(name) = names.into_iter().find(|name| !["", "alt", "key", "fields"].contains(name)) {
            let message = format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter."
            );
            return Err(Fault::new(Provider::Gemini, 400, message));
        }
        let mut headers = headers.clone();
        if !self.anthropic {
            let body = match self.verb {
                "predict" => embeddings::batch(self.model, body)?,
                "embedContent" => embeddings::content(body)?,
                "countTokens" => count(self.model, body)?,
                _ => body.clone(),
            };
            return Ok((headers, body));
        }
        let wrong = |message: String| Fault::new(Provider::Anthropic, 400, message);
        headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
            return Err(wrong("request body is not valid JSON".to_owned()));
        };
        let version = fields.remove("anthropic_version");
        if self.model == COUNT {
            return Ok((headers, Value::Object(fields).to_string().into()));
        }
        match version {
            None => return Err(wrong("anthropic_version: Field required".to_owned())),
            Some(version) if version != VERSION => {
                return Err(wrong(format!("anthropic_version: Input should be '{VERSION}'")));
            }
            Some(_) => {}
        }
        let streamed = fields.get("stream").and_then(Value::as_bool).unwrap_or(false);
        if streamed != (self.verb == "streamRawPredict") {
            return Err(wrong(format!("stream: not at :{}", self.verb)));
        }
        if fields.insert("model".to_owned(), self.model.into()).is_some() {
            return Err(wrong("model: Extra inputs are not permitted".to_owned()));
        }
        Ok((headers, Value::Object(fields).to_string().into()))
    }

    /// The answer as Vertex AI gives it.
    pub(super) fn write(&self, answer: Arc<Prepared>, body: &Bytes) -> Arc<Prepared> {
        if self.verb == "predict" { embeddings::predictions(answer, body) } else { answer }
    }
}

/// Stands where a model would, as the model is named in the body.
const COUNT: &str = "count-tokens";

/// Gemini's count that asks for the same as Vertex AI's, which knows no whole request.
fn count(model: &str, body: &Bytes) -> Result<Bytes, Fault> {
    let wrong = |message: String| Fault::new(Provider::Gemini, 400, message);
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return Err(wrong("Invalid JSON payload received.".to_owned()));
    };
    let known = ["contents", "systemInstruction", "tools", "generationConfig", "model"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        let message = format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.");
        return Err(wrong(message));
    }
    fields.insert("model".to_owned(), format!("models/{model}").into());
    Ok(json!({ "generateContentRequest": fields }).to_string().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_name_publisher_model_and_verb() {
        let of = |rest: &str| Place::of(&format!("/vertex/v1/{rest}")).map(|place| place.path().into_owned());
        let at = "projects/p/locations/us/publishers";
        assert_eq!(
            of(&format!("{at}/google/models/gemini-2.5-flash:generateContent")).as_deref(),
            Some("/v1beta/models/gemini-2.5-flash:generateContent")
        );
        assert_eq!(
            of(&format!("{at}/anthropic/models/claude-a@1:streamRawPredict")).as_deref(),
            Some("/v1/messages")
        );
        assert_eq!(
            of(&format!("{at}/anthropic/models/count-tokens:rawPredict")).as_deref(),
            Some("/v1/messages/count_tokens")
        );
        assert!(of("publishers/google/models/m:countTokens").is_some());
        for none in [
            "projects/-/locations/us/publishers/google/models/m:generateContent",
            "projects/p/publishers/google/models/m:generateContent",
            "projects/p/locations/us/publishers/google/models/m:rawPredict",
            "projects/p/locations/us/publishers/meta/models/m:rawPredict",
            "projects/p/locations/us/publishers/anthropic/models/m",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn anthropics_body_has_a_version_and_no_model() {
        let path: &'static str =
            "/vertex/v1/projects/p/locations/us/publishers/anthropic/models/claude-a:rawPredict";
        let read = |body: Value| {
            let read = Place::of(path).unwrap().read(
                &Uri::from_static(path),
                &HeaderMap::new(),
                &body.to_string().into(),
            );
            read.map(|(_, body)| serde_json::from_slice::<Value>(&body).unwrap())
                .map_err(|fault| fault.message)
        };
        assert_eq!(
            read(json!({"anthropic_version": VERSION, "max_tokens": 1})),
            Ok(json!({"model": "claude-a", "max_tokens": 1}))
        );
        for (body, says) in [
            (json!({}), "anthropic_version: Field required"),
            (json!({"anthropic_version": "2023-06-01"}), "anthropic_version: Input should be"),
            (json!({"anthropic_version": VERSION, "model": "claude-a"}), "model: Extra inputs"),
            (json!({"anthropic_version": VERSION, "stream": true}), "stream: not at"),
            (json!([]), "not valid JSON"),
        ] {
            let told = read(body).unwrap_err();
            assert!(told.starts_with(says) || told.contains(says), "{told}");
        }
    }
}
