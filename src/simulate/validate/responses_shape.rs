//! The fields of an OpenAI Responses request.

use super::openai_shape::EFFORT;
use super::shape::{Field, INT, Kind, Object, Tagged, list, nul, opt, req};

pub(super) static REQUEST: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        nul("background", Kind::Bool),
        nul("context_management", list(&Kind::Dict)),
        nul("conversation", Kind::Either(&[Kind::Text, Kind::Dict])),
        nul("include", list(&Kind::Text)),
        nul("input", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&ITEM))])),
        nul("instructions", Kind::Text),
        nul("max_output_tokens", Kind::Int { min: 16, max: i64::MAX }),
        nul("max_tool_calls", INT),
        nul("metadata", Kind::Map(&Kind::Sized { min: 0, max: 512 })),
        nul("moderation", Kind::Dict),
        nul("parallel_tool_calls", Kind::Bool),
        nul("previous_response_id", Kind::Text),
        nul("prompt", Kind::Dict),
        nul("prompt_cache_key", Kind::Text),
        nul("prompt_cache_options", Kind::Dict),
        nul("prompt_cache_retention", Kind::Text),
        nul("reasoning", Kind::Object(&REASONING)),
        nul("safety_identifier", Kind::Sized { min: 0, max: 64 }),
        nul("service_tier", Kind::Enum(&["auto", "default", "flex", "scale", "priority", "ultrafast"])),
        nul("store", Kind::Bool),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Dict),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        nul("text", Kind::Object(&TEXT)),
        opt("tool_choice", Kind::Either(&[Kind::Enum(&["none", "auto", "required"]), Kind::Dict])),
        opt("tools", list(&Kind::Tagged(&TOOL))),
        nul("top_logprobs", Kind::Int { min: 0, max: 20 }),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
        nul("truncation", Kind::Enum(&["auto", "disabled"])),
        opt("user", Kind::Text),
    ],
};

static REASONING: Object = Object {
    open: false,
    fields: &[
        nul("effort", EFFORT),
        nul("summary", Kind::Enum(&["auto", "concise", "detailed"])),
        nul("generate_summary", Kind::Enum(&["auto", "concise", "detailed"])),
        nul("context", Kind::Text),
        nul("mode", Kind::Text),
    ],
};

static TEXT: Object = Object {
    open: false,
    fields: &[nul("format", Kind::Tagged(&FORMAT)), nul("verbosity", Kind::Enum(&["low", "medium", "high"]))],
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
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 64 }),
                    req("schema", Kind::Dict),
                    nul("description", Kind::Text),
                    nul("strict", Kind::Bool),
                ],
            },
        ),
    ],
};

static TOOL: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "function",
            &Object {
                open: false,
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 128 }),
                    nul("description", Kind::Text),
                    nul("parameters", Kind::Dict),
                    nul("strict", Kind::Bool),
                    opt("defer_loading", Kind::Bool),
                ],
            },
        ),
        ("*", &ANYTHING),
    ],
};

static ANYTHING: Object = Object { open: true, fields: &[] };

/// An input item; without `type` it is a message.
static ITEM: Tagged = Tagged {
    tag: "type",
    default: Some("message"),
    arms: &[
        (
            "message",
            &Object {
                open: false,
                fields: &[
                    opt("id", Kind::Text),
                    req("role", Kind::Enum(&["user", "assistant", "system", "developer"])),
                    req("content", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&CONTENT))])),
                    nul("status", Kind::Text),
                    nul("phase", Kind::Text),
                ],
            },
        ),
        (
            "function_call",
            &Object {
                open: false,
                fields: &[
                    CALL_ID,
                    nul("id", Kind::Text),
                    req("name", Kind::Sized { min: 1, max: 128 }),
                    req("arguments", Kind::Text),
                    nul("namespace", Kind::Text),
                    nul("status", Kind::Text),
                ],
            },
        ),
        (
            "function_call_output",
            &Object {
                open: false,
                fields: &[
                    CALL_ID,
                    nul("id", Kind::Text),
                    req("output", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&CONTENT))])),
                    nul("status", Kind::Text),
                ],
            },
        ),
        (
            "reasoning",
            &Object {
                open: false,
                fields: &[
                    opt("id", Kind::Text),
                    req("summary", list(&Kind::Dict)),
                    nul("content", list(&Kind::Dict)),
                    nul("encrypted_content", Kind::Text),
                    nul("status", Kind::Text),
                ],
            },
        ),
        ("item_reference", &Object { open: false, fields: &[req("id", Kind::Text)] }),
        ("*", &ANYTHING),
    ],
};

const CALL_ID: Field = req("call_id", Kind::Sized { min: 1, max: 64 });

static CONTENT: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("input_text", &Object { open: true, fields: &[req("text", Kind::Text)] }),
        ("output_text", &Object { open: true, fields: &[req("text", Kind::Text)] }),
        ("refusal", &Object { open: true, fields: &[req("refusal", Kind::Text)] }),
        (
            "input_image",
            &Object {
                open: true,
                fields: &[
                    nul("image_url", Kind::Text),
                    nul("file_id", Kind::Text),
                    nul("detail", Kind::Enum(&["auto", "low", "high", "original"])),
                ],
            },
        ),
        (
            "input_file",
            &Object {
                open: true,
                fields: &[
                    nul("file_id", Kind::Text),
                    nul("file_url", Kind::Text),
                    nul("file_data", Kind::Text),
                    nul("filename", Kind::Text),
                ],
            },
        ),
    ],
};
