//! The fields of Anthropic's requests, and how Anthropic words a refusal.

use super::super::fault::{Fault, Provider};
use super::path::Path;
use super::shape::{Bound, Field, Kind, Measure, Object, Tagged, Voice, list, nul, opt, req};
use serde_json::{Map, Value};

pub(super) static MESSAGES: Object = Object {
    open: false,
    fields: &[
        req("max_tokens", Kind::Int { min: 1, max: i64::MAX }),
        req("messages", MESSAGE_LIST),
        MODEL,
        nul("cache_control", Kind::Object(&CACHE)),
        nul("container", Kind::Either(&[Kind::Text, Kind::Dict])),
        nul("context_management", Kind::Dict),
        nul("inference_geo", Kind::Text),
        opt("mcp_servers", list(&Kind::Dict)),
        opt(
            "metadata",
            Kind::Object(&Object {
                open: false,
                fields: &[nul("user_id", Kind::Sized { min: 0, max: 256 })],
            }),
        ),
        opt("output_config", Kind::Object(&OUTPUT)),
        nul("output_format", Kind::Tagged(&FORMAT)),
        opt("service_tier", Kind::Enum(&["auto", "standard_only"])),
        nul("speed", Kind::Enum(&["standard", "fast"])),
        opt("stop_sequences", list(&Kind::Text)),
        opt("stream", Kind::Bool),
        SYSTEM,
        opt("temperature", Kind::Num { min: 0.0, max: 1.0 }),
        THINKING,
        TOOL_CHOICE,
        TOOLS,
        opt("top_k", Kind::Int { min: 0, max: i64::MAX }),
        opt("top_p", Kind::Num { min: 0.0, max: 1.0 }),
    ],
};

pub(super) static COUNT_TOKENS: Object = Object {
    open: false,
    fields: &[
        req("messages", MESSAGE_LIST),
        MODEL,
        nul("cache_control", Kind::Object(&CACHE)),
        nul("context_management", Kind::Dict),
        opt("mcp_servers", list(&Kind::Dict)),
        opt("output_config", Kind::Object(&OUTPUT)),
        nul("output_format", Kind::Tagged(&FORMAT)),
        SYSTEM,
        THINKING,
        TOOL_CHOICE,
        TOOLS,
    ],
};

// Elements of lists stand in statics of their own: constants cannot borrow temporaries.
static ANY_MESSAGE: Kind = Kind::Object(&MESSAGE);
static ANY_TOOL: Kind = Kind::Tagged(&TOOL);
static ANY_SYSTEM_TEXT: Kind = Kind::Object(&SYSTEM_TEXT);
static TEXT_OR_SYSTEM: [Kind; 2] = [Kind::Text, list(&ANY_SYSTEM_TEXT)];
static ANY_RESULT_BLOCK: Kind = Kind::Tagged(&RESULT_BLOCK);
static TEXT_OR_RESULT: [Kind; 2] = [Kind::Text, list(&ANY_RESULT_BLOCK)];

const MESSAGE_LIST: Kind = list(&ANY_MESSAGE);
const MODEL: Field = req("model", Kind::Sized { min: 1, max: 256 });
const SYSTEM: Field = opt("system", Kind::Either(&TEXT_OR_SYSTEM));
const THINKING: Field = opt("thinking", Kind::Tagged(&THINKING_CONFIG));
const TOOL_CHOICE: Field = opt("tool_choice", Kind::Tagged(&CHOICE));
const TOOLS: Field = opt("tools", list(&ANY_TOOL));
const CACHED: Field = nul("cache_control", Kind::Object(&CACHE));

static CACHE: Object = Object {
    open: false,
    fields: &[req("type", Kind::Enum(&["ephemeral"])), opt("ttl", Kind::Enum(&["5m", "1h"]))],
};

static SYSTEM_TEXT: Object = Object {
    open: false,
    fields: &[
        req("type", Kind::Enum(&["text"])),
        req("text", Kind::Text),
        nul("citations", list(&Kind::Dict)),
        CACHED,
    ],
};

static OUTPUT: Object = Object {
    open: false,
    fields: &[
        nul("effort", Kind::Enum(&["low", "medium", "high", "xhigh", "max"])),
        nul("format", Kind::Tagged(&FORMAT)),
        nul("task_budget", Kind::Dict),
    ],
};

static FORMAT: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[("json_schema", &Object { open: false, fields: &[req("schema", Kind::Dict)] })],
};

static THINKING_CONFIG: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "enabled",
            &Object {
                open: false,
                fields: &[req("budget_tokens", Kind::Int { min: 1024, max: i64::MAX }), DISPLAY],
            },
        ),
        ("disabled", &Object { open: false, fields: &[] }),
        ("adaptive", &Object { open: false, fields: &[DISPLAY] }),
    ],
};

const DISPLAY: Field = nul("display", Kind::Enum(&["summarized", "omitted"]));

static CHOICE: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("auto", &Object { open: false, fields: &[opt("disable_parallel_tool_use", Kind::Bool)] }),
        ("any", &Object { open: false, fields: &[opt("disable_parallel_tool_use", Kind::Bool)] }),
        (
            "tool",
            &Object {
                open: false,
                fields: &[req("name", Kind::Text), opt("disable_parallel_tool_use", Kind::Bool)],
            },
        ),
        ("none", &Object { open: false, fields: &[] }),
    ],
};

static TOOL: Tagged = Tagged {
    tag: "type",
    default: Some("custom"),
    arms: &[
        (
            "custom",
            &Object {
                open: false,
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 128 }),
                    opt("description", Kind::Text),
                    req("input_schema", Kind::Dict),
                    nul("eager_input_streaming", Kind::Bool),
                    opt("defer_loading", Kind::Bool),
                    opt("strict", Kind::Bool),
                    opt("allowed_callers", list(&Kind::Text)),
                    opt("input_examples", list(&Kind::Dict)),
                    CACHED,
                ],
            },
        ),
        ("bash_*", &SERVER_TOOL),
        ("text_editor_*", &SERVER_TOOL),
        ("web_search_*", &SERVER_TOOL),
        ("web_fetch_*", &SERVER_TOOL),
        ("code_execution_*", &SERVER_TOOL),
        ("computer_*", &SERVER_TOOL),
        ("memory_*", &SERVER_TOOL),
        ("advisor_*", &SERVER_TOOL),
        ("tool_search_tool_*", &SERVER_TOOL),
        ("mcp_toolset", &Object { open: true, fields: &[] }),
    ],
};

static SERVER_TOOL: Object = Object { open: true, fields: &[req("name", Kind::Text)] };

static MESSAGE: Object = Object {
    open: false,
    fields: &[
        req("role", Kind::Enum(&["user", "assistant", "system"])),
        req("content", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&BLOCK))])),
    ],
};

const ID: Kind = Kind::Sized { min: 1, max: 512 };
const CONTENT: Field = opt("content", Kind::Either(&TEXT_OR_RESULT));
const SERVER_RESULT: &Object = &Object { open: true, fields: &[req("tool_use_id", ID)] };

static BLOCK: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &TEXT),
        ("image", &IMAGE),
        ("document", &DOCUMENT),
        ("search_result", &Object { open: true, fields: &[] }),
        (
            "tool_use",
            &Object {
                open: false,
                fields: &[
                    req("id", ID),
                    req("name", Kind::Sized { min: 1, max: 200 }),
                    req("input", Kind::Dict),
                    nul("caller", Kind::Dict),
                    CACHED,
                ],
            },
        ),
        (
            "tool_result",
            &Object {
                open: false,
                fields: &[req("tool_use_id", ID), CONTENT, opt("is_error", Kind::Bool), CACHED],
            },
        ),
        (
            "thinking",
            &Object { open: false, fields: &[req("thinking", Kind::Text), req("signature", Kind::Text)] },
        ),
        ("redacted_thinking", &Object { open: false, fields: &[req("data", Kind::Text)] }),
        (
            "server_tool_use",
            &Object {
                open: true,
                fields: &[req("id", ID), req("name", Kind::Text), req("input", Kind::Dict)],
            },
        ),
        ("mcp_tool_use", &Object { open: true, fields: &[req("id", ID), req("name", Kind::Text)] }),
        ("mcp_tool_result", SERVER_RESULT),
        ("web_search_tool_result", SERVER_RESULT),
        ("web_fetch_tool_result", SERVER_RESULT),
        ("code_execution_tool_result", SERVER_RESULT),
        ("bash_code_execution_tool_result", SERVER_RESULT),
        ("text_editor_code_execution_tool_result", SERVER_RESULT),
        ("tool_search_tool_result", SERVER_RESULT),
        ("advisor_tool_result", SERVER_RESULT),
        ("container_upload", &Object { open: false, fields: &[req("file_id", Kind::Text), CACHED] }),
        ("compaction", &Object { open: true, fields: &[] }),
        // Tools made known or withdrawn by a system turn.
        ("tool_*", &Object { open: true, fields: &[] }),
    ],
};

static RESULT_BLOCK: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &TEXT),
        ("image", &IMAGE),
        ("document", &DOCUMENT),
        ("search_result", &Object { open: true, fields: &[] }),
        ("tool_reference", &Object { open: false, fields: &[req("tool_name", Kind::Text), CACHED] }),
    ],
};

static TEXT: Object =
    Object { open: false, fields: &[req("text", Kind::Text), nul("citations", list(&Kind::Dict)), CACHED] };

static IMAGE: Object = Object { open: false, fields: &[req("source", Kind::Tagged(&IMAGE_SOURCE)), CACHED] };

const URL_SOURCE: &Object = &Object { open: false, fields: &[req("url", Kind::Text)] };
const FILE_SOURCE: &Object = &Object { open: false, fields: &[req("file_id", Kind::Text)] };

static IMAGE_SOURCE: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "base64",
            &Object {
                open: false,
                fields: &[
                    req("data", Kind::Text),
                    req("media_type", Kind::Enum(&["image/jpeg", "image/png", "image/gif", "image/webp"])),
                ],
            },
        ),
        ("url", URL_SOURCE),
        ("file", FILE_SOURCE),
    ],
};

static DOCUMENT: Object = Object {
    open: false,
    fields: &[
        req("source", Kind::Tagged(&DOCUMENT_SOURCE)),
        nul("title", Kind::Sized { min: 1, max: 500 }),
        nul("context", Kind::Text),
        nul("citations", Kind::Object(&Object { open: false, fields: &[opt("enabled", Kind::Bool)] })),
        CACHED,
    ],
};

static DOCUMENT_SOURCE: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "base64",
            &Object {
                open: false,
                fields: &[req("data", Kind::Text), req("media_type", Kind::Enum(&["application/pdf"]))],
            },
        ),
        (
            "text",
            &Object {
                open: false,
                fields: &[req("data", Kind::Text), req("media_type", Kind::Enum(&["text/plain"]))],
            },
        ),
        ("content", &Object { open: false, fields: &[req("content", Kind::Any)] }),
        ("url", URL_SOURCE),
        ("file", FILE_SOURCE),
    ],
};

/// Anthropic's words: pydantic's, after the path.
pub(super) struct Anthropic;

impl Voice for Anthropic {
    fn unknown(&self, at: &Path<'_>, key: &str, _value: &Value) -> Fault {
        refuse(format!("{}: Extra inputs are not permitted", at.key(key).dotted(true)))
    }

    fn missing(&self, at: &Path<'_>, key: &str, _object: &Map<String, Value>) -> Fault {
        refuse(format!("{}: Field required", at.key(key).dotted(true)))
    }

    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, _got: &Value) -> Fault {
        let expected = match expected {
            Kind::Bool => "boolean",
            Kind::Int { .. } => "integer",
            Kind::Num { .. } => "number",
            Kind::List { .. } => "list",
            Kind::Either(kinds) if kinds.iter().any(|kind| matches!(kind, Kind::List { .. })) => "list",
            Kind::Dict | Kind::Map(_) => "dictionary",
            Kind::Object(_) | Kind::Tagged(_) => "object",
            _ => "string",
        };
        refuse(format!("{}: Input should be a valid {expected}", at.dotted(true)))
    }

    fn not_allowed(&self, at: &Path<'_>, allowed: &[&str], got: &str) -> Fault {
        let quoted: Vec<String> = allowed.iter().map(|value| format!("'{value}'")).collect();
        let at = at.dotted(true);
        if let Some(at) = at.strip_suffix(".type").filter(|_| allowed.len() > 1) {
            return refuse(format!(
                "{at}: Input tag '{got}' found using 'type' does not match any of the expected tags: {}",
                quoted.join(", ")
            ));
        }
        refuse(match quoted.as_slice() {
            [head @ .., last] if !head.is_empty() => {
                format!("{at}: Input should be {} or {last}", head.join(", "))
            }
            _ => format!("{at}: Input should be {}", quoted.concat()),
        })
    }

    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, _got: &Value) -> Fault {
        let (at, limit) = (at.dotted(true), bound.limit);
        refuse(match (bound.of, bound.below) {
            (Measure::Integer | Measure::Decimal, true) => {
                format!("{at}: Input should be greater than or equal to {limit}")
            }
            (Measure::Integer | Measure::Decimal, false) => {
                format!("{at}: Input should be less than or equal to {limit}")
            }
            (Measure::Length, true) => format!("{at}: String should have at least {limit} character"),
            (Measure::Length, false) => format!("{at}: String should have at most {limit} characters"),
            (Measure::Items, true) => format!("{at}: List should have at least {limit} item"),
            (Measure::Items, false) => format!("{at}: List should have at most {limit} items"),
        })
    }
}

pub(super) fn refuse(message: impl Into<String>) -> Fault {
    Fault::new(Provider::Anthropic, 400, message)
}
