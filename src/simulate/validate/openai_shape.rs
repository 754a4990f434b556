//! The fields of OpenAI's requests, and how OpenAI words a refusal.

use super::super::fault::{Fault, Provider};
use super::path::Path;
use super::shape::{Bound, Kind, Measure, Object, Tagged, Voice, list, nul, opt, req};
use super::shape::{COUNT, INT};
use serde_json::{Map, Value};

pub(super) static CHAT: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        req("messages", Kind::List { of: &Kind::Object(&MESSAGE), min: 1, max: usize::MAX }),
        nul("audio", Kind::Dict),
        nul("frequency_penalty", PENALTY),
        opt("function_call", Kind::Either(&[Kind::Enum(&["none", "auto"]), Kind::Object(&NAMED)])),
        opt("functions", Kind::List { of: &Kind::Object(&FUNCTION), min: 1, max: 128 }),
        nul("logit_bias", Kind::Map(&INT)),
        nul("logprobs", Kind::Bool),
        nul("max_completion_tokens", POSITIVE),
        nul("max_tokens", POSITIVE),
        nul("metadata", Kind::Map(&Kind::Sized { min: 0, max: 512 })),
        nul("modalities", list(&Kind::Enum(&["text", "audio"]))),
        nul("moderation", Kind::Dict),
        nul("n", Kind::Int { min: 1, max: 128 }),
        opt("parallel_tool_calls", Kind::Bool),
        nul("prediction", Kind::Dict),
        nul("presence_penalty", PENALTY),
        nul("prompt_cache_key", Kind::Text),
        nul("prompt_cache_options", Kind::Dict),
        nul("prompt_cache_retention", Kind::Enum(&["in_memory", "in-memory", "24h"])),
        nul("reasoning_effort", EFFORT),
        opt("response_format", Kind::Tagged(&FORMAT)),
        nul("safety_identifier", Kind::Sized { min: 0, max: 64 }),
        nul("seed", INT),
        nul("service_tier", Kind::Enum(&["auto", "default", "flex", "scale", "priority", "ultrafast"])),
        nul("stop", STOP),
        nul("store", Kind::Bool),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Object(&STREAM_OPTIONS)),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        opt("tool_choice", Kind::Either(&[Kind::Enum(&["none", "auto", "required"]), Kind::Tagged(&CHOICE)])),
        opt("tools", Kind::List { of: &Kind::Tagged(&TOOL), min: 1, max: 128 }),
        nul("top_logprobs", Kind::Int { min: 0, max: 20 }),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
        opt("user", Kind::Text),
        nul("verbosity", Kind::Enum(&["low", "medium", "high"])),
        opt("web_search_options", Kind::Dict),
    ],
};

/// Chat on an OpenAI-compatible server: known fields typed, the rest let through.
pub(super) static COMPATIBLE: Object = Object {
    open: true,
    fields: &[
        req("model", Kind::Text),
        req("messages", Kind::List { of: &Kind::Object(&OPEN_MESSAGE), min: 1, max: usize::MAX }),
        nul("frequency_penalty", PENALTY),
        nul("max_completion_tokens", POSITIVE),
        nul("max_tokens", POSITIVE),
        nul("n", Kind::Int { min: 1, max: 128 }),
        nul("parallel_tool_calls", Kind::Bool),
        nul("presence_penalty", PENALTY),
        nul("response_format", Kind::Tagged(&FORMAT)),
        nul("seed", INT),
        nul("stop", STOP),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Object(&STREAM_OPTIONS)),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        nul("tool_choice", Kind::Either(&[Kind::Enum(&["none", "auto", "required"]), Kind::Tagged(&CHOICE)])),
        nul("tools", list(&Kind::Dict)),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
    ],
};

pub(super) static COMPLETIONS: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        nul("prompt", Kind::Either(&[Kind::Text, list(&Kind::Either(&[Kind::Text, COUNT, list(&COUNT)]))])),
        nul("best_of", Kind::Int { min: 1, max: 20 }),
        nul("echo", Kind::Bool),
        nul("frequency_penalty", PENALTY),
        nul("logit_bias", Kind::Map(&INT)),
        nul("logprobs", Kind::Int { min: 0, max: 5 }),
        nul("max_tokens", COUNT),
        nul("n", Kind::Int { min: 1, max: 128 }),
        nul("presence_penalty", PENALTY),
        nul("seed", INT),
        nul("stop", STOP),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Object(&STREAM_OPTIONS)),
        nul("suffix", Kind::Text),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
        opt("user", Kind::Text),
    ],
};

pub(super) static EMBEDDINGS: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        req(
            "input",
            Kind::Either(&[
                Kind::Sized { min: 1, max: usize::MAX },
                Kind::List {
                    of: &Kind::Either(&[Kind::Sized { min: 1, max: usize::MAX }, COUNT, list(&COUNT)]),
                    min: 1,
                    max: 2048,
                },
            ]),
        ),
        opt("dimensions", Kind::Int { min: 1, max: i64::MAX }),
        opt("encoding_format", Kind::Enum(&["float", "base64"])),
        opt("user", Kind::Text),
    ],
};

const PENALTY: Kind = Kind::Num { min: -2.0, max: 2.0 };
const POSITIVE: Kind = Kind::Int { min: 1, max: i64::MAX };
const STOP: Kind = Kind::Either(&[Kind::Text, Kind::List { of: &Kind::Text, min: 0, max: 4 }]);
pub(super) const EFFORT: Kind = Kind::Enum(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
const NAME: Kind = Kind::Sized { min: 1, max: 64 };

static STREAM_OPTIONS: Object = Object {
    open: false,
    fields: &[nul("include_usage", Kind::Bool), nul("include_obfuscation", Kind::Bool)],
};

static NAMED: Object = Object { open: false, fields: &[req("name", NAME)] };

static TOOL: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("function", &Object { open: false, fields: &[req("function", Kind::Object(&FUNCTION))] }),
        ("custom", &Object { open: false, fields: &[req("custom", Kind::Dict)] }),
    ],
};

static FUNCTION: Object = Object {
    open: false,
    fields: &[
        req("name", NAME),
        nul("description", Kind::Text),
        nul("parameters", Kind::Dict),
        nul("strict", Kind::Bool),
    ],
};

static CHOICE: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("function", &Object { open: false, fields: &[req("function", Kind::Object(&NAMED))] }),
        ("custom", &Object { open: false, fields: &[req("custom", Kind::Object(&NAMED))] }),
        ("allowed_tools", &Object { open: false, fields: &[req("allowed_tools", Kind::Dict)] }),
    ],
};

static FORMAT: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &Object { open: false, fields: &[] }),
        ("json_object", &Object { open: false, fields: &[] }),
        (
            "json_schema",
            &Object {
                open: false,
                fields: &[req(
                    "json_schema",
                    Kind::Object(&Object {
                        open: false,
                        fields: &[
                            req("name", NAME),
                            nul("description", Kind::Text),
                            req("schema", Kind::Dict),
                            nul("strict", Kind::Bool),
                        ],
                    }),
                )],
            },
        ),
    ],
};

/// A message; its role and content are held to the rules in [`super::openai_messages`].
static MESSAGE: Object = Object {
    open: false,
    fields: &[
        req("role", ROLE),
        nul(
            "content",
            Kind::Either(&[Kind::Text, Kind::List { of: &Kind::Tagged(&PART), min: 1, max: usize::MAX }]),
        ),
        nul("name", Kind::Text),
        nul("refusal", Kind::Text),
        nul("audio", Kind::Dict),
        nul("annotations", list(&Kind::Dict)),
        nul("function_call", Kind::Object(&CALL_FUNCTION)),
        opt("tool_calls", Kind::List { of: &Kind::Tagged(&CALL), min: 1, max: usize::MAX }),
        opt("tool_call_id", Kind::Text),
    ],
};

static OPEN_MESSAGE: Object = Object {
    open: true,
    fields: &[
        req("role", ROLE),
        nul("content", Kind::Either(&[Kind::Text, list(&Kind::Dict)])),
        nul("tool_calls", list(&Kind::Tagged(&CALL))),
        opt("tool_call_id", Kind::Text),
    ],
};

const ROLE: Kind = Kind::Enum(&["system", "assistant", "user", "function", "tool", "developer"]);

static CALL: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "function",
            &Object {
                open: true,
                fields: &[
                    req("id", Kind::Sized { min: 0, max: 64 }),
                    req("function", Kind::Object(&CALL_FUNCTION)),
                ],
            },
        ),
        ("custom", &Object { open: true, fields: &[req("id", Kind::Text), req("custom", Kind::Dict)] }),
    ],
};

static CALL_FUNCTION: Object =
    Object { open: false, fields: &[req("name", NAME), req("arguments", Kind::Text)] };

static PART: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &Object { open: false, fields: &[req("text", Kind::Text), BREAKPOINT] }),
        (
            "image_url",
            &Object {
                open: false,
                fields: &[
                    req(
                        "image_url",
                        Kind::Object(&Object {
                            open: false,
                            fields: &[
                                req("url", Kind::Text),
                                opt("detail", Kind::Enum(&["auto", "low", "high", "original"])),
                            ],
                        }),
                    ),
                    BREAKPOINT,
                ],
            },
        ),
        (
            "input_audio",
            &Object {
                open: false,
                fields: &[req(
                    "input_audio",
                    Kind::Object(&Object {
                        open: false,
                        fields: &[req("data", Kind::Text), req("format", Kind::Enum(&["wav", "mp3"]))],
                    }),
                )],
            },
        ),
        (
            "file",
            &Object {
                open: false,
                fields: &[
                    req(
                        "file",
                        Kind::Object(&Object {
                            open: false,
                            fields: &[
                                opt("file_data", Kind::Text),
                                opt("file_id", Kind::Text),
                                opt("filename", Kind::Text),
                            ],
                        }),
                    ),
                    BREAKPOINT,
                ],
            },
        ),
        ("refusal", &Object { open: false, fields: &[req("refusal", Kind::Text)] }),
    ],
};

const BREAKPOINT: super::shape::Field = nul("prompt_cache_breakpoint", Kind::Dict);

/// OpenAI's words.
pub(super) struct OpenAi;

impl Voice for OpenAi {
    fn unknown(&self, at: &Path<'_>, key: &str, _value: &Value) -> Fault {
        let param = at.key(key).bracketed().to_string();
        refuse(format!("Unknown parameter: '{param}'."), "unknown_parameter").param(param)
    }

    fn missing(&self, at: &Path<'_>, key: &str, _object: &Map<String, Value>) -> Fault {
        if at.is_root() && key == "model" {
            return Fault::new(Provider::OpenAi, 400, "you must provide a model parameter");
        }
        let param = at.key(key).bracketed().to_string();
        refuse(format!("Missing required parameter: '{param}'."), "missing_required_parameter").param(param)
    }

    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, got: &Value) -> Fault {
        let (param, expected, got) = (at.bracketed().to_string(), expected_name(expected), type_name(got));
        refuse(
            format!("Invalid type for '{param}': expected {expected}, but got {got} instead."),
            "invalid_type",
        )
        .param(param)
    }

    fn not_allowed(&self, at: &Path<'_>, allowed: &[&str], got: &str) -> Fault {
        let message = format!("Invalid value: '{got}'. Supported values are: {}.", quoted_list(allowed));
        refuse(message, "invalid_value").param(at.bracketed().to_string())
    }

    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, got: &Value) -> Fault {
        let param = at.bracketed().to_string();
        let limit = bound.limit;
        let (message, code) = match (bound.of, bound.below) {
            (Measure::Integer, true) => (
                format!(
                    "Invalid '{param}': integer below minimum value. Expected a value >= {limit}, but got {got} instead."
                ),
                "integer_below_min_value",
            ),
            (Measure::Integer, false) => (
                format!(
                    "Invalid '{param}': integer above maximum value. Expected a value <= {limit}, but got {got} instead."
                ),
                "integer_above_max_value",
            ),
            (Measure::Decimal, true) => (
                format!(
                    "Invalid '{param}': decimal below minimum value. Expected a value >= {limit}, but got {got} instead."
                ),
                "decimal_below_min_value",
            ),
            (Measure::Decimal, false) => (
                format!(
                    "Invalid '{param}': decimal above maximum value. Expected a value <= {limit}, but got {got} instead."
                ),
                "decimal_above_max_value",
            ),
            (Measure::Length, true) => (
                format!(
                    "Invalid '{param}': empty string. Expected a string with minimum length {limit}, but got an empty string instead."
                ),
                "empty_string",
            ),
            (Measure::Length, false) => (
                format!(
                    "Invalid '{param}': string too long. Expected a string with maximum length {limit}, but got a string with length {} instead.",
                    got.as_str().map_or(0, |text| text.chars().count())
                ),
                "string_above_max_length",
            ),
            (Measure::Items, true) => (
                format!(
                    "Invalid '{param}': empty array. Expected an array with minimum length {limit}, but got an empty array instead."
                ),
                "empty_array",
            ),
            (Measure::Items, false) => (
                format!(
                    "Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got an array with length {} instead.",
                    got.as_array().map_or(0, Vec::len)
                ),
                "array_above_max_length",
            ),
        };
        refuse(message, code).param(param)
    }
}

pub(super) fn refuse(message: impl Into<String>, code: &str) -> Fault {
    Fault::new(Provider::OpenAi, 400, message).code(code)
}

/// `'a', 'b', and 'c'`.
pub(super) fn quoted_list(values: &[&str]) -> String {
    match values {
        [] => String::new(),
        [one] => format!("'{one}'"),
        [one, two] => format!("'{one}' and '{two}'"),
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(|value| format!("'{value}'")).collect();
            format!("{}, and '{last}'", head.join(", "))
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn expected_name(kind: &Kind) -> String {
    match kind {
        Kind::Any => "a value".into(),
        Kind::Bool => "a boolean".into(),
        Kind::Text | Kind::Sized { .. } => "a string".into(),
        Kind::Enum(values) => format!("one of {}", quoted_list(values)),
        Kind::Int { .. } => "an integer".into(),
        Kind::Num { .. } => "a decimal".into(),
        Kind::List { .. } => "an array".into(),
        Kind::Dict | Kind::Map(_) | Kind::Object(_) | Kind::Tagged(_) => "an object".into(),
        Kind::Either(kinds) => {
            format!("one of {}", kinds.iter().map(expected_name).collect::<Vec<_>>().join(" or "))
        }
    }
}
