//! Groq chat.

use super::super::fault::{Fault, Provider};
use super::openai_messages::{check_messages, mentions_json};
use super::openai_shape::OpenAi;
use super::path::Path;
use super::shape::{Bound, INT, Kind, Object, Tagged, Voice, check, list, nul, opt, req};
use serde_json::{Map, Value};

/// Holds a chat request to Groq's rules.
pub fn groq_chat(_model: &str, body: &Value) -> Result<(), Fault> {
    check(&Groq, &Path::ROOT, &Kind::Object(&CHAT), body)?;
    check_messages(&body["messages"]).map_err(groq)?;
    let format = body["response_format"]["type"].as_str();
    let tools = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    if tools && matches!(format, Some("json_object" | "json_schema")) {
        return Err(refuse("json mode cannot be combined with tool/function calling".into()));
    }
    if format == Some("json_object") && !mentions_json(&body["messages"]) {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
        return Err(refuse(message.into()));
    }
    if format == Some("json_schema") && body["stream"] == true {
        return Err(refuse("response_format `json_schema` does not support streaming".into()));
    }
    if !tools && matches!(body["tool_choice"].as_str(), Some("required")) {
        return Err(refuse("tool_choice: `required` is only allowed when tools are specified".into()));
    }
    if body["stream_options"].is_object() && body["stream"] != true {
        return Err(refuse("stream_options is only allowed when stream is true".into()));
    }
    Ok(())
}

static CHAT: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        req("messages", Kind::List { of: &Kind::Tagged(&MESSAGE), min: 1, max: usize::MAX }),
        nul("citation_options", Kind::Text),
        nul("compound_custom", Kind::Dict),
        nul("disable_tool_validation", Kind::Bool),
        nul("documents", list(&Kind::Dict)),
        nul("frequency_penalty", Kind::Num { min: -2.0, max: 2.0 }),
        nul("include_reasoning", Kind::Bool),
        nul("max_completion_tokens", Kind::Int { min: 1, max: i64::MAX }),
        nul("max_tokens", Kind::Int { min: 1, max: i64::MAX }),
        nul("metadata", Kind::Dict),
        nul("n", Kind::Int { min: 1, max: 1 }),
        nul("parallel_tool_calls", Kind::Bool),
        nul("presence_penalty", Kind::Num { min: -2.0, max: 2.0 }),
        nul("reasoning_effort", Kind::Enum(&["none", "default", "low", "medium", "high"])),
        nul("reasoning_format", Kind::Enum(&["hidden", "raw", "parsed"])),
        nul("response_format", Kind::Dict),
        nul("search_settings", Kind::Dict),
        nul("seed", INT),
        nul("service_tier", Kind::Enum(&["auto", "on_demand", "flex", "performance"])),
        nul("stop", Kind::Either(&[Kind::Text, Kind::List { of: &Kind::Text, min: 0, max: 4 }])),
        nul("store", Kind::Bool),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Dict),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        nul("tool_choice", Kind::Either(&[Kind::Enum(&["none", "auto", "required"]), Kind::Dict])),
        nul("tools", Kind::List { of: &Kind::Object(&TOOL), min: 0, max: 128 }),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
        nul("user", Kind::Text),
    ],
};

static TOOL: Object = Object {
    open: false,
    fields: &[
        req("type", Kind::Text),
        opt(
            "function",
            Kind::Object(&Object {
                open: true,
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 64 }),
                    opt("description", Kind::Text),
                    opt("parameters", Kind::Dict),
                ],
            }),
        ),
    ],
};

static MESSAGE: Tagged = Tagged {
    tag: "role",
    default: None,
    arms: &[
        ("system", &SAID),
        ("developer", &SAID),
        (
            "user",
            &Object {
                open: false,
                fields: &[
                    req("content", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&PART))])),
                    opt("name", Kind::Text),
                ],
            },
        ),
        (
            "assistant",
            &Object {
                open: false,
                // No field may be null: absent is how Groq wants it.
                fields: &[
                    opt("content", Kind::Either(&[Kind::Text, list(&Kind::Dict)])),
                    opt("name", Kind::Text),
                    opt("reasoning", Kind::Text),
                    opt("function_call", Kind::Dict),
                    opt("tool_calls", list(&Kind::Object(&CALL))),
                ],
            },
        ),
        (
            "tool",
            &Object {
                open: false,
                fields: &[
                    req("content", Kind::Either(&[Kind::Text, list(&Kind::Dict)])),
                    req("tool_call_id", Kind::Text),
                    opt("name", Kind::Text),
                ],
            },
        ),
    ],
};

static SAID: Object = Object {
    open: false,
    fields: &[req("content", Kind::Either(&[Kind::Text, list(&Kind::Dict)])), opt("name", Kind::Text)],
};

static CALL: Object = Object {
    open: false,
    fields: &[
        req("id", Kind::Text),
        req("type", Kind::Enum(&["function"])),
        req(
            "function",
            Kind::Object(&Object {
                open: false,
                fields: &[req("name", Kind::Text), req("arguments", Kind::Text)],
            }),
        ),
    ],
};

static PART: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &Object { open: false, fields: &[req("text", Kind::Text)] }),
        (
            "image_url",
            &Object {
                open: false,
                fields: &[req(
                    "image_url",
                    Kind::Object(&Object {
                        open: false,
                        fields: &[
                            req("url", Kind::Text),
                            opt("detail", Kind::Enum(&["auto", "low", "high"])),
                        ],
                    }),
                )],
            },
        ),
        ("document", &Object { open: true, fields: &[] }),
    ],
};

/// Groq's words: `'messages.1' : property 'x' is unsupported`.
struct Groq;

impl Voice for Groq {
    fn unknown(&self, at: &Path<'_>, key: &str, _value: &Value) -> Fault {
        let at = at.dotted(false);
        refuse(if at.is_empty() {
            format!("property '{key}' is unsupported")
        } else {
            format!("'{at}' : property '{key}' is unsupported")
        })
    }

    fn missing(&self, at: &Path<'_>, key: &str, _object: &Map<String, Value>) -> Fault {
        let at = at.dotted(false);
        refuse(if at.is_empty() {
            format!("'{key}' : property is missing")
        } else {
            format!("'{at}' : property '{key}' is missing")
        })
    }

    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, _got: &Value) -> Fault {
        let expected = match expected {
            Kind::Bool => "a boolean",
            Kind::Int { .. } => "an integer",
            Kind::Num { .. } => "a number",
            Kind::List { .. } => "an array",
            Kind::Dict | Kind::Map(_) | Kind::Object(_) | Kind::Tagged(_) => "an object",
            Kind::Either(_) => "of a supported type",
            _ => "a string",
        };
        refuse(format!("'{}' : value must be {expected}", at.dotted(false)))
    }

    fn not_allowed(&self, at: &Path<'_>, allowed: &[&str], _got: &str) -> Fault {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("'{value}'")).collect();
        refuse(format!("'{}' : value must be one of {}", at.dotted(false), allowed.join(", ")))
    }

    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, got: &Value) -> Fault {
        groq(OpenAi.out_of_bounds(at, bound, got))
    }
}

/// The same refusal from Groq's mouth.
fn groq(fault: Fault) -> Fault {
    Fault { provider: Provider::Groq, code: None, ..fault }
}

fn refuse(message: String) -> Fault {
    Fault::new(Provider::Groq, 400, message)
}
