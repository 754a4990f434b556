//! Answers held against OpenAI's description of its API, where that lies beside the checkout.

use std::sync::LazyLock;

use serde_json::Value;

use crate::support::schema::Schemas;

static SCHEMAS: LazyLock<Result<Option<Schemas>, String>> = LazyLock::new(|| {
    let names = [
        "CreateChatCompletionResponse",
        "CreateChatCompletionStreamResponse",
        "CreateCompletionResponse",
        "CreateEmbeddingResponse",
        "ErrorResponse",
    ];
    Schemas::load(&names).map_err(|error| error.to_string())
});

/// Holds an answer against the schema of this name.
pub(crate) fn check(name: &str, answer: &Value) -> Result<(), String> {
    match &*SCHEMAS {
        Ok(Some(schemas)) => schemas.check(name, answer),
        Ok(None) => Ok(()),
        Err(error) => Err(error.clone()),
    }
}
