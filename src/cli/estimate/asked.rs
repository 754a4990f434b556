use std::sync::Arc;

use serde_json::{Map, Value};
use tollway_core::{Dialect, Endpoint, Operation};
use tollway_wire::estimate::{Family, estimate};
use tollway_wire::peek::Peek;

use crate::cost::asked_tier;
use crate::error::BoxError;

/// What is asked of a model, as far as it can be told beforehand.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The model as the client names it.
    pub(super) model: String,
    pub(super) dialect: Option<Dialect>,
    pub(super) endpoint: Endpoint,
    pub(super) input: u64,
    /// Whether that is a guess.
    pub(super) is_guess: bool,
    /// How much of the input is read from the provider's cache.
    pub(super) cached: u64,
    /// The most tokens of output, where the client sets that; or what there will be.
    pub(super) output: Option<u64>,
    /// Whether it will be as much as that.
    pub(super) is_output_known: bool,
    /// The tier that the request asks for, which may not be the one that serves it.
    pub(super) tier: Option<String>,
}

impl Asked {
    /// Reads a request's body, as the gateway would.
    pub(super) fn read(
        body: Vec<u8>,
        dialect: Option<Dialect>,
        model: Option<&str>,
    ) -> Result<Self, BoxError> {
        let members: Map<String, Value> = serde_json::from_slice(&body)
            .map_err(|error| format!("the request is no JSON object: {error}"))?;
        let dialect = dialect.unwrap_or_else(|| looks_like(&members));
        let operation = operation(dialect, &members, model)?;
        let body = match model {
            // In the path, or in place of what the body says.
            Some(model) if dialect != Dialect::Gemini => {
                let mut members = members;
                members.insert("model".to_owned(), model.into());
                serde_json::to_vec(&members)?
            }
            _ => body,
        };
        let peek = Peek::new(&operation, body.into()).map_err(|refusal| refusal.message)?;
        let model = peek.model().into_owned();
        let guess = estimate(&peek, Family::of(&model));
        let tier = asked_tier(&peek).map(str::to_owned);
        Ok(Self {
            model,
            dialect: Some(dialect),
            endpoint: operation.endpoint,
            input: guess.input,
            is_guess: true,
            cached: 0,
            output: guess.output,
            is_output_known: false,
            tier,
        })
    }

    /// A conversation with a model of which nothing more is known.
    pub(super) fn of_model(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            dialect: None,
            endpoint: Endpoint::Chat,
            input: 0,
            is_guess: true,
            cached: 0,
            output: None,
            is_output_known: false,
            tier: None,
        }
    }

    pub(super) fn with_input(self, input: u64) -> Self {
        Self { input, is_guess: false, ..self }
    }

    /// Whether there is an answer of tokens at all.
    pub(super) fn is_answered(&self) -> bool {
        self.is_output_known || matches!(self.endpoint, Endpoint::Chat | Endpoint::TextCompletion)
    }
}

/// The dialect a request seems to be in. Chat Completions where several could be.
fn looks_like(members: &Map<String, Value>) -> Dialect {
    let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
    if has(&["contents", "generationConfig", "generation_config", "systemInstruction", "requests"]) {
        Dialect::Gemini
    } else if has(&["system", "anthropic_version", "stop_sequences", "thinking"]) && has(&["messages"]) {
        Dialect::Anthropic
    } else if has(&["input"]) && !is_of_embeddings(members) {
        Dialect::Responses
    } else {
        Dialect::OpenAi
    }
}

/// Embeddings and Responses both have an `input`.
fn is_of_embeddings(members: &Map<String, Value>) -> bool {
    let model = members.get("model").and_then(Value::as_str).unwrap_or_default();
    model.contains("embed") || members.contains_key("encoding_format") || members.contains_key("dimensions")
}

fn operation(
    dialect: Dialect,
    members: &Map<String, Value>,
    model: Option<&str>,
) -> Result<Operation, BoxError> {
    let endpoint = match dialect {
        Dialect::OpenAi if members.contains_key("prompt") => Endpoint::TextCompletion,
        Dialect::OpenAi if members.contains_key("input") => Endpoint::Embeddings,
        Dialect::Gemini if members.contains_key("requests") => Endpoint::Embeddings,
        Dialect::Gemini if members.contains_key("content") => Endpoint::Embedding,
        _ => Endpoint::Chat,
    };
    let operation = Operation::new(dialect, endpoint);
    if dialect != Dialect::Gemini {
        return Ok(operation);
    }
    let model = model.ok_or("a Gemini request names its model in its path: give --model")?;
    Ok(Operation { model: Some(Arc::from(model)), stream: Some(false), ..operation })
}
