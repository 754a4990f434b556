use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    losses::Losses,
    schema::{enforceable, object_root},
};
use crate::{
    Refusal, Traits,
    chat::{Chat, ResponseFormat, ToolChoice},
};

/// The reserved name of the tool whose input is the answer, where a model has no structured output
/// of its own. Decoders turn a call of it back into text.
pub(super) const ANSWER_TOOL: &str = "tollway_answer";

/// How the shape of the answer is asked for.
#[derive(Debug)]
pub(super) enum Format<'a> {
    /// It is not.
    Free,
    /// By `output_config.format`, with this schema.
    Native(Value),
    /// By a call of [`ANSWER_TOOL`], which the model must make.
    Tool { schema: Cow<'a, Value>, description: &'a str },
    /// By words.
    Told(String),
}

/// Decides how the answer gets its shape.
///
/// A schema goes to `output_config.format` where the model has it. Elsewhere, and for any JSON
/// object, which has no word there, the model must call a tool that takes it. A model that cannot be
/// made to call a tool is told in words, and the loss of the guarantee is listed.
pub(super) fn plan<'a>(chat: &'a Chat, traits: &Traits, losses: &mut Losses) -> Result<Format<'a>, Refusal> {
    // A client that demands one of its own tools gets a call this time, and no answer to shape.
    let demands_call = matches!(
        chat.tool_choice,
        Some(ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Allowed { required: true, .. })
    );
    match &chat.response_format {
        None | Some(ResponseFormat::Text) => Ok(Format::Free),
        Some(ResponseFormat::JsonSchema { schema, description, strict, .. }) => {
            let at = "response_format.json_schema.schema";
            if traits.structured_output {
                match enforceable(schema) {
                    Ok(schema) => return Ok(Format::Native(schema)),
                    Err(error) if error.is_only_unenforceable() && traits.forced_tool_choice => {
                        losses.add_if(*strict == Some(true), "response_format.json_schema.strict");
                    }
                    Err(error) => return Err(Refusal::at(at, error.to_string())),
                }
            }
            if demands_call {
                return Ok(Format::Free);
            }
            if !traits.forced_tool_choice {
                losses.add("response_format.json_schema.strict");
                return Ok(Format::Told(format!(
                    "Answer with one JSON value that matches this JSON Schema and nothing else, \
                     without prose around it and without a code fence:\n{schema}"
                )));
            }
            let root =
                object_root(schema).ok_or_else(|| Refusal::at(at, "schema does not describe an object"))?;
            let description = description.as_deref().unwrap_or("Gives the answer.");
            Ok(Format::Tool { schema: root, description })
        }
        Some(ResponseFormat::JsonObject) if demands_call => Ok(Format::Free),
        Some(ResponseFormat::JsonObject) if traits.forced_tool_choice => {
            let schema = Cow::Owned(json!({ "type": "object", "additionalProperties": true }));
            let description =
                "Gives the answer: the JSON object that was asked for, with its keys as the input's keys.";
            Ok(Format::Tool { schema, description })
        }
        Some(ResponseFormat::JsonObject) => {
            losses.add("response_format.type");
            Ok(Format::Told(
                "Answer with one JSON object and nothing else, without prose around it and without a \
                 code fence."
                    .to_owned(),
            ))
        }
    }
}
