//! The fields of Mistral's requests, and how Mistral words a refusal.

use super::super::fault::{Fault, Provider};
use super::path::{Path, Segment};
use super::shape::{Bound, INT, Kind, Measure, Object, Tagged, Voice, list, nul, opt, req};
use serde_json::{Map, Value, json};

pub(super) static CHAT: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        req("messages", Kind::List { of: &Kind::Tagged(&MESSAGE), min: 1, max: usize::MAX }),
        nul("frequency_penalty", PENALTY),
        opt("guardrails", list(&Kind::Dict)),
        nul("max_tokens", Kind::Int { min: 0, max: i64::MAX }),
        nul("metadata", Kind::Dict),
        nul("n", Kind::Int { min: 1, max: 8 }),
        opt("parallel_tool_calls", Kind::Bool),
        opt("prediction", Kind::Dict),
        nul("presence_penalty", PENALTY),
        nul("prompt_cache_key", Kind::Text),
        nul("prompt_mode", Kind::Enum(&["reasoning"])),
        nul("random_seed", Kind::Int { min: 0, max: i64::MAX }),
        nul("reasoning_effort", Kind::Enum(&["none", "high"])),
        opt("response_format", Kind::Object(&FORMAT)),
        opt("safe_prompt", Kind::Bool),
        nul("stop", Kind::Either(&[Kind::Text, list(&Kind::Text)])),
        opt("stream", Kind::Bool),
        nul("temperature", Kind::Num { min: 0.0, max: 1.5 }),
        opt(
            "tool_choice",
            Kind::Either(&[Kind::Enum(&["auto", "none", "any", "required"]), Kind::Object(&CHOICE)]),
        ),
        nul("tools", list(&Kind::Object(&TOOL))),
        opt("top_p", Kind::Num { min: 0.0, max: 1.0 }),
    ],
};

pub(super) static EMBEDDINGS: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        req("input", Kind::Either(&[Kind::Text, list(&Kind::Text)])),
        nul("metadata", Kind::Dict),
        nul("output_dimension", Kind::Int { min: 1, max: 3072 }),
        opt("output_dtype", Kind::Enum(&["float", "int8", "uint8", "binary", "ubinary"])),
        opt("encoding_format", Kind::Enum(&["float", "base64"])),
    ],
};

const PENALTY: Kind = Kind::Num { min: -2.0, max: 2.0 };

static FORMAT: Object = Object {
    open: false,
    fields: &[
        opt("type", Kind::Enum(&["text", "json_object", "json_schema"])),
        nul(
            "json_schema",
            Kind::Object(&Object {
                open: false,
                fields: &[
                    req("name", Kind::Text),
                    nul("description", Kind::Text),
                    req("schema", Kind::Dict),
                    opt("strict", Kind::Bool),
                ],
            }),
        ),
    ],
};

static CHOICE: Object = Object {
    open: false,
    fields: &[
        opt("type", Kind::Enum(&["function"])),
        req("function", Kind::Object(&Object { open: false, fields: &[req("name", Kind::Text)] })),
    ],
};

static TOOL: Object = Object {
    open: false,
    fields: &[
        opt("type", Kind::Enum(&["function"])),
        req(
            "function",
            Kind::Object(&Object {
                open: false,
                fields: &[
                    req("name", Kind::Text),
                    opt("description", Kind::Text),
                    opt("strict", Kind::Bool),
                    req("parameters", Kind::Dict),
                ],
            }),
        ),
    ],
};

static MESSAGE: Tagged = Tagged {
    tag: "role",
    default: None,
    arms: &[
        ("assistant", &ASSISTANT),
        ("system", &Object { open: false, fields: &[req("content", CONTENT)] }),
        (
            "tool",
            &Object {
                open: false,
                fields: &[nul("content", CONTENT), nul("name", Kind::Text), nul("tool_call_id", Kind::Text)],
            },
        ),
        ("user", &Object { open: false, fields: &[nul("content", CONTENT)] }),
    ],
};

static ASSISTANT: Object = Object {
    open: false,
    fields: &[
        nul("content", CONTENT),
        nul("tool_calls", list(&Kind::Object(&CALL))),
        opt("prefix", Kind::Bool),
    ],
};

static CALL: Object = Object {
    open: false,
    fields: &[
        opt("id", Kind::Text),
        opt("type", Kind::Enum(&["function"])),
        opt("index", INT),
        req(
            "function",
            Kind::Object(&Object {
                open: false,
                fields: &[req("name", Kind::Text), req("arguments", Kind::Either(&[Kind::Text, Kind::Dict]))],
            }),
        ),
    ],
};

static ANY_CHUNK: Kind = Kind::Tagged(&CHUNK);
static TEXT_OR_CHUNKS: [Kind; 2] = [Kind::Text, list(&ANY_CHUNK)];
const CONTENT: Kind = Kind::Either(&TEXT_OR_CHUNKS);

static CHUNK: Tagged = Tagged {
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
                    Kind::Either(&[
                        Kind::Text,
                        Kind::Object(&Object {
                            open: false,
                            fields: &[
                                req("url", Kind::Text),
                                nul("detail", Kind::Enum(&["low", "auto", "high"])),
                            ],
                        }),
                    ]),
                )],
            },
        ),
        (
            "document_url",
            &Object {
                open: false,
                fields: &[req("document_url", Kind::Text), nul("document_name", Kind::Text)],
            },
        ),
        ("reference", &Object { open: false, fields: &[req("reference_ids", list(&INT))] }),
        ("file", &Object { open: false, fields: &[req("file_id", Kind::Text)] }),
        ("input_audio", &Object { open: false, fields: &[req("input_audio", Kind::Any)] }),
        (
            "thinking",
            &Object {
                open: false,
                fields: &[
                    req("thinking", list(&Kind::Dict)),
                    opt("closed", Kind::Bool),
                    nul("signature", Kind::Text),
                ],
            },
        ),
    ],
};

/// Mistral's words: pydantic's, as a list under `detail`.
pub(super) struct Mistral;

impl Voice for Mistral {
    fn unknown(&self, at: &Path<'_>, key: &str, value: &Value) -> Fault {
        detail(&at.key(key), "extra_forbidden", "Extra inputs are not permitted", value)
    }

    fn missing(&self, at: &Path<'_>, key: &str, object: &Map<String, Value>) -> Fault {
        detail(&at.key(key), "missing", "Field required", &Value::Object(object.clone()))
    }

    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, got: &Value) -> Fault {
        let (kind, message) = match expected {
            Kind::Bool => ("bool_type", "Input should be a valid boolean"),
            Kind::Int { .. } => ("int_type", "Input should be a valid integer"),
            Kind::Num { .. } => ("float_type", "Input should be a valid number"),
            Kind::List { .. } => ("list_type", "Input should be a valid list"),
            Kind::Dict | Kind::Map(_) | Kind::Object(_) | Kind::Tagged(_) => {
                ("dict_type", "Input should be a valid dictionary")
            }
            _ => ("string_type", "Input should be a valid string"),
        };
        detail(at, kind, message, got)
    }

    fn not_allowed(&self, at: &Path<'_>, allowed: &[&str], got: &str) -> Fault {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("'{value}'")).collect();
        let message = match allowed.as_slice() {
            [one] => format!("Input should be {one}"),
            [head @ .., last] => format!("Input should be {} or {last}", head.join(", ")),
            [] => String::new(),
        };
        detail(at, "literal_error", &message, &json!(got))
    }

    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, got: &Value) -> Fault {
        let limit = bound.limit;
        let (kind, message) = match (bound.of, bound.below) {
            (Measure::Integer | Measure::Decimal, true) => {
                ("greater_than_equal", format!("Input should be greater than or equal to {limit}"))
            }
            (Measure::Integer | Measure::Decimal, false) => {
                ("less_than_equal", format!("Input should be less than or equal to {limit}"))
            }
            (_, true) => ("too_short", format!("Value should have at least {limit} items")),
            (_, false) => ("too_long", format!("Value should have at most {limit} items")),
        };
        detail(at, kind, &message, got)
    }
}

fn detail(at: &Path<'_>, kind: &str, message: &str, input: &Value) -> Fault {
    let mut loc = vec![json!("body")];
    loc.extend(at.segments().into_iter().filter_map(|segment| match segment {
        Segment::Key(key) | Segment::Tag(key) => Some(json!(key)),
        Segment::Index(index) => Some(json!(index)),
        Segment::Root => None,
    }));
    let detail = json!([{"type": kind, "loc": loc, "msg": message, "input": input}]);
    Fault::new(Provider::Mistral, 422, message).detail(detail)
}
