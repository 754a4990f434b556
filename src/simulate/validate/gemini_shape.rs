//! The fields of Gemini's requests, and how Google's protobuf-to-JSON layer words a refusal.
//!
//! Field names stand here in camel case; the API takes snake case too and speaks snake case in errors.

use super::super::fault::{Fault, Provider};
use super::path::{Path, Segment};
use super::shape::{Bound, COUNT, INT, Kind, Measure, NUM, Object, Voice, list, opt};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

pub(super) static GENERATE: Object = Object {
    open: false,
    fields: &[
        opt("model", Kind::Text),
        opt("contents", list(&Kind::Object(&CONTENT))),
        opt("systemInstruction", Kind::Object(&CONTENT)),
        opt("tools", Kind::Either(&[list(&Kind::Object(&TOOL)), Kind::Object(&TOOL)])),
        opt("toolConfig", Kind::Object(&TOOL_CONFIG)),
        opt("safetySettings", list(&Kind::Object(&SAFETY))),
        opt("generationConfig", Kind::Object(&GENERATION)),
        opt("cachedContent", Kind::Text),
        opt("serviceTier", Kind::Text),
        opt("store", Kind::Bool),
        // Vertex AI only.
        opt("labels", Kind::Map(&Kind::Text)),
        opt("modelArmorConfig", Kind::Dict),
    ],
};

pub(super) static BATCH_EMBED: Object =
    Object { open: false, fields: &[opt("requests", list(&Kind::Object(&EMBED)))] };

pub(super) static EMBED: Object = Object {
    open: false,
    fields: &[
        opt("model", Kind::Text),
        opt("content", Kind::Object(&CONTENT)),
        opt(
            "taskType",
            Kind::Enum(&[
                "TASK_TYPE_UNSPECIFIED",
                "RETRIEVAL_QUERY",
                "RETRIEVAL_DOCUMENT",
                "SEMANTIC_SIMILARITY",
                "CLASSIFICATION",
                "CLUSTERING",
                "QUESTION_ANSWERING",
                "FACT_VERIFICATION",
                "CODE_RETRIEVAL_QUERY",
            ]),
        ),
        opt("title", Kind::Text),
        opt("outputDimensionality", COUNT),
    ],
};

pub(super) static COUNT_TOKENS: Object = Object {
    open: false,
    fields: &[
        opt("contents", list(&Kind::Object(&CONTENT))),
        opt("generateContentRequest", Kind::Object(&GENERATE)),
    ],
};

static CONTENT: Object = Object {
    open: false,
    fields: &[
        opt("role", Kind::Text),
        opt("parts", Kind::Either(&[list(&Kind::Object(&PART)), Kind::Object(&PART)])),
    ],
};

static PART: Object = Object {
    open: false,
    fields: &[
        opt("text", Kind::Text),
        opt("thought", Kind::Bool),
        opt("thoughtSignature", Kind::Text),
        opt("inlineData", BLOB),
        opt("fileData", FILE),
        opt("functionCall", Kind::Object(&CALL)),
        opt("functionResponse", Kind::Object(&RESPONSE)),
        opt("executableCode", Kind::Dict),
        opt("codeExecutionResult", Kind::Dict),
        opt("toolCall", Kind::Dict),
        opt("toolResponse", Kind::Dict),
        opt("videoMetadata", Kind::Dict),
        opt("mediaResolution", Kind::Any),
        opt("partMetadata", Kind::Dict),
    ],
};

const BLOB: Kind = Kind::Object(&Object {
    open: false,
    fields: &[opt("mimeType", Kind::Text), opt("data", Kind::Text), opt("displayName", Kind::Text)],
});

const FILE: Kind = Kind::Object(&Object {
    open: false,
    fields: &[opt("mimeType", Kind::Text), opt("fileUri", Kind::Text), opt("displayName", Kind::Text)],
});

static CALL: Object = Object {
    open: false,
    fields: &[opt("id", Kind::Text), opt("name", Kind::Text), opt("args", Kind::Dict)],
};

static RESPONSE: Object = Object {
    open: false,
    fields: &[
        opt("id", Kind::Text),
        opt("name", Kind::Text),
        opt("response", Kind::Dict),
        opt(
            "parts",
            list(&Kind::Object(&Object {
                open: false,
                fields: &[opt("inlineData", BLOB), opt("fileData", FILE)],
            })),
        ),
        opt("willContinue", Kind::Bool),
        opt("scheduling", Kind::Text),
    ],
};

static TOOL: Object = Object {
    open: false,
    fields: &[
        opt("functionDeclarations", list(&Kind::Object(&DECLARATION))),
        opt("googleSearch", Kind::Dict),
        opt("googleSearchRetrieval", Kind::Dict),
        opt("codeExecution", Kind::Dict),
        opt("urlContext", Kind::Dict),
        opt("computerUse", Kind::Dict),
        opt("fileSearch", Kind::Dict),
        opt("googleMaps", Kind::Dict),
        opt("mcpServers", Kind::Any),
    ],
};

static DECLARATION: Object = Object {
    open: false,
    fields: &[
        opt("name", Kind::Text),
        opt("description", Kind::Text),
        opt("behavior", Kind::Text),
        opt("parameters", Kind::Object(&SCHEMA)),
        opt("parametersJsonSchema", Kind::Any),
        opt("response", Kind::Object(&SCHEMA)),
        opt("responseJsonSchema", Kind::Any),
    ],
};

/// Google's subset of `OpenAPI` schemas. There is no `additionalProperties`, `$ref`, `const`, `oneOf`.
static SCHEMA: Object = Object {
    open: false,
    fields: &[
        opt("type", Kind::Either(&[Kind::Enum(TYPES), COUNT])),
        opt("format", Kind::Text),
        opt("title", Kind::Text),
        opt("description", Kind::Text),
        opt("nullable", Kind::Bool),
        opt("enum", list(&Kind::Text)),
        opt("maxItems", WIDE),
        opt("minItems", WIDE),
        opt("properties", Kind::Map(&Kind::Object(&SCHEMA))),
        opt("required", list(&Kind::Text)),
        opt("minProperties", WIDE),
        opt("maxProperties", WIDE),
        opt("minLength", WIDE),
        opt("maxLength", WIDE),
        opt("pattern", Kind::Text),
        opt("example", Kind::Any),
        opt("anyOf", list(&Kind::Object(&SCHEMA))),
        opt("propertyOrdering", list(&Kind::Text)),
        opt("default", Kind::Any),
        opt("items", Kind::Object(&SCHEMA)),
        opt("minimum", NUM),
        opt("maximum", NUM),
    ],
};

/// The enum takes its names in either case, as recorded requests show.
const TYPES: &[&str] = &[
    "STRING",
    "NUMBER",
    "INTEGER",
    "BOOLEAN",
    "ARRAY",
    "OBJECT",
    "NULL",
    "TYPE_UNSPECIFIED",
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "object",
    "null",
];

/// A 64-bit integer, which protobuf's JSON writes as a string.
const WIDE: Kind = Kind::Either(&[INT, Kind::Text]);

static TOOL_CONFIG: Object = Object {
    open: false,
    fields: &[
        opt(
            "functionCallingConfig",
            Kind::Object(&Object {
                open: false,
                fields: &[
                    opt("mode", Kind::Enum(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"])),
                    opt("allowedFunctionNames", list(&Kind::Text)),
                    opt("streamFunctionCallArguments", Kind::Bool),
                ],
            }),
        ),
        opt("retrievalConfig", Kind::Dict),
        opt("includeServerSideToolInvocations", Kind::Bool),
    ],
};

static SAFETY: Object = Object {
    open: false,
    fields: &[opt("category", Kind::Text), opt("threshold", Kind::Text), opt("method", Kind::Text)],
};

static GENERATION: Object = Object {
    open: false,
    fields: &[
        opt("stopSequences", list(&Kind::Text)),
        opt("responseMimeType", Kind::Text),
        opt("responseSchema", Kind::Object(&SCHEMA)),
        opt("responseJsonSchema", Kind::Any),
        opt("_responseJsonSchema", Kind::Any),
        opt("responseFormat", Kind::Dict),
        opt("responseModalities", list(&Kind::Enum(&["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"]))),
        opt("candidateCount", INT),
        opt("maxOutputTokens", INT),
        opt("temperature", NUM),
        opt("topP", NUM),
        // A float in the API: recordings send 40.0.
        opt("topK", NUM),
        opt("seed", INT),
        opt("presencePenalty", NUM),
        opt("frequencyPenalty", NUM),
        opt("responseLogprobs", Kind::Bool),
        opt("logprobs", INT),
        opt("enableEnhancedCivicAnswers", Kind::Bool),
        opt("speechConfig", Kind::Dict),
        opt("thinkingConfig", THINKING),
        opt("imageConfig", Kind::Dict),
        opt("mediaResolution", Kind::Text),
        opt("audioTimestamp", Kind::Bool),
    ],
};

const THINKING: Kind = Kind::Object(&Object {
    open: false,
    fields: &[
        opt("includeThoughts", Kind::Bool),
        opt("thinkingBudget", INT),
        opt(
            "thinkingLevel",
            Kind::Enum(&[
                "THINKING_LEVEL_UNSPECIFIED",
                "MINIMAL",
                "LOW",
                "MEDIUM",
                "HIGH",
                "minimal",
                "low",
                "medium",
                "high",
            ]),
        ),
    ],
});

/// Google's words.
pub(super) struct Gemini;

impl Voice for Gemini {
    fn field<'k>(&self, key: &'k str) -> Cow<'k, str> {
        camel(key)
    }

    fn null_is_absent(&self) -> bool {
        true
    }

    fn unknown(&self, at: &Path<'_>, key: &str, _value: &Value) -> Fault {
        let field = snake_path(at);
        let place = if field.is_empty() { String::new() } else { format!(" at '{field}'") };
        let what =
            format!("Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field.");
        violation(&field, &what, &what)
    }

    fn missing(&self, at: &Path<'_>, key: &str, _object: &Map<String, Value>) -> Fault {
        refuse(format!("* GenerateContentRequest.{}: {key} is required\n", snake_path(at)))
    }

    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, got: &Value) -> Fault {
        let kind = match expected {
            Kind::Bool => "TYPE_BOOL",
            Kind::Int { .. } => "TYPE_INT32",
            Kind::Num { .. } => "TYPE_FLOAT",
            Kind::Text | Kind::Sized { .. } => "TYPE_STRING",
            Kind::Enum(_) => "TYPE_ENUM",
            _ => "type.googleapis.com/google.protobuf.Message",
        };
        let field = snake_path(at);
        let what = format!("Invalid value at '{field}' ({kind}), {got}");
        violation(&field, &what, &what)
    }

    fn not_allowed(&self, at: &Path<'_>, _allowed: &[&str], got: &str) -> Fault {
        let field = snake_path(at);
        let what = format!("Invalid value at '{field}' (TYPE_ENUM), \"{got}\"");
        violation(&field, &what, &what)
    }

    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, got: &Value) -> Fault {
        let relation = match (bound.of, bound.below) {
            (Measure::Items | Measure::Length, _) => "has a wrong length",
            (_, true) => "is too small",
            (_, false) => "is too large",
        };
        refuse(format!("* GenerateContentRequest.{}: value {got} {relation}\n", snake_path(at)))
    }
}

pub(super) fn refuse(message: impl Into<String>) -> Fault {
    Fault::new(Provider::Gemini, 400, message)
}

fn violation(field: &str, description: &str, message: &str) -> Fault {
    refuse(message).detail(json!([{
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": description}],
    }]))
}

/// `thought_signature` → `thoughtSignature`.
pub(super) fn camel(key: &str) -> Cow<'_, str> {
    if !key.get(1..).is_some_and(|rest| rest.contains('_')) {
        return Cow::Borrowed(key);
    }
    let mut out = String::with_capacity(key.len());
    let mut up = false;
    for c in key.chars() {
        match c {
            '_' if !out.is_empty() => up = true,
            c if up => {
                out.push(c.to_ascii_uppercase());
                up = false;
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The path as Google writes it: `tools[0].function_declarations[0].parameters`.
pub(super) fn snake_path(at: &Path<'_>) -> String {
    let mut out = String::new();
    for segment in at.segments() {
        match segment {
            Segment::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                for c in key.chars() {
                    if c.is_ascii_uppercase() {
                        out.push('_');
                    }
                    out.push(c.to_ascii_lowercase());
                }
            }
            Segment::Index(index) => {
                out.push('[');
                out.push_str(&index.to_string());
                out.push(']');
            }
            Segment::Tag(_) | Segment::Root => {}
        }
    }
    out
}
