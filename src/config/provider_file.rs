use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_wire::Quirks;

use super::{
    adaptive::AdaptiveFile,
    document::{Short, truth, whole_number},
    format::FormatFile,
    kind::Kind,
    provider::Http2,
    secret::SecretFile,
    units::Span,
    vertex::CredentialsPlaceFile,
};

/// A model provider, as written. Whatever is left out comes from its kind.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProviderFile {
    /// What is known of the provider. Default: the kind of the provider's own name.
    pub(super) kind: Option<Kind>,
    /// `true` refuses to start without a key; `false` leaves the provider out. Default: there when it has what it needs.
    #[schemars(schema_with = "truth")]
    pub(super) enabled: Option<bool>,
    /// Where the provider is. May hold `{model}`.
    pub(super) base_url: Option<String>,
    /// The key: `${NAME}`, `{env: NAME}` or `{file: PATH}`. Default: the variable usual for the kind.
    pub(super) api_key: Option<SecretFile>,
    /// Vertex AI: the project. Default: that of the variable `GOOGLE_CLOUD_PROJECT`, of the credentials, or of the metadata server.
    pub(super) project: Option<String>,
    /// Vertex AI: a region, `us`, `eu` or `global`. Default: that of the variable `GOOGLE_CLOUD_LOCATION` or `GOOGLE_CLOUD_REGION`, else `global`.
    pub(super) location: Option<String>,
    /// The region by whose prices it is billed, where answers do not tell: a name under `regions` in the price list. Default: OpenAI: `us` or `eu` by its host; Vertex AI: the location.
    pub(super) region: Option<String>,
    /// Vertex AI: `metadata`, `{file: PATH}` or `{env: NAME}`. Default: the file that `GOOGLE_APPLICATION_CREDENTIALS` names, else the metadata server.
    pub(super) credentials: Option<CredentialsPlaceFile>,
    /// How the key is sent: `bearer`, `none`, or the name of a header.
    pub(super) auth: Option<String>,
    /// What a server of OpenAI's kind speaks: `chat`, `responses`, or both. What other dialects say goes out in the first. Default: both for OpenAI and Azure, else `chat`.
    pub(super) formats: Option<Vec<FormatFile>>,
    /// Headers to send with every request.
    pub(super) headers: BTreeMap<String, String>,
    /// Parameters to add to every URL.
    pub(super) query: BTreeMap<String, String>,
    /// Paths of single endpoints below the base URL, in the first of the formats. May hold `{model}`.
    pub(super) paths: PathsFile,
    /// Where the server departs from OpenAI's format; each field replaces the kind's.
    pub(super) quirks: QuirksFile,
    /// How long to wait.
    pub(super) timeouts: TimeoutsFile,
    /// Which HTTP is spoken: 2 where the server offers it (`auto`), `never` 2, or 2 in the clear (`prior-knowledge`).
    pub(super) http2: Http2,
    /// The most requests at once on one HTTP/2 connection; more open another. Default: 100.
    #[schemars(schema_with = "whole_number")]
    pub(super) max_streams_per_connection: Option<u32>,
    /// The models it serves, if not any. They are also found by their bare names.
    pub(super) models: Option<Vec<String>>,
    /// Send it no more than it can take: what its latency, its refusals and its own limits tell. `true`,
    /// `false`, or a section. Default: false.
    pub(super) adaptive: Option<Short<AdaptiveFile>>,
}

/// Paths of single endpoints, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PathsFile {
    /// Chat, answered at once.
    pub(super) chat: Option<String>,
    /// Chat, answered as a stream. Default: as `chat`, if that is given.
    pub(super) chat_stream: Option<String>,
    /// Legacy text completions.
    pub(super) text_completion: Option<String>,
    /// Vectors for texts.
    pub(super) embeddings: Option<String>,
    /// One vector for one text, where that is an endpoint of its own (Gemini).
    pub(super) embedding: Option<String>,
    /// How many tokens a chat is.
    pub(super) count_tokens: Option<String>,
}

/// How long to wait for a provider, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TimeoutsFile {
    /// For a connection, TLS included. Default: 5s.
    pub(super) connect: Option<Span>,
    /// For the head of an answer. Default: 120s.
    pub(super) first_byte: Option<Span>,
    /// Between bytes of an answer. Default: 120s.
    pub(super) idle: Option<Span>,
    /// For a client to go on reading an answer, before the request to the provider is cancelled. Default: 300s.
    pub(super) unread: Option<Span>,
    /// For the whole answer, however slowly it is read. Default: no limit.
    pub(super) total: Option<Span>,
}

/// Where a server departs from OpenAI's format, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct QuirksFile {
    /// Request fields to rename, from OpenAI's name to the server's.
    rename: Option<BTreeMap<String, String>>,
    /// Request fields the server refuses.
    drop: Option<Vec<String>>,
    /// Remove `null` fields.
    #[schemars(schema_with = "truth")]
    drop_nulls: Option<bool>,
    /// Send `developer` messages as `system` messages.
    #[schemars(schema_with = "truth")]
    developer_as_system: Option<bool>,
    /// Send a forced tool choice as `any`.
    #[schemars(schema_with = "truth")]
    tool_choice_any: Option<bool>,
    /// Remove `name` from all but tool messages.
    #[schemars(schema_with = "truth")]
    name_on_tool_messages_only: Option<bool>,
    /// Remove assistant messages that say nothing and call nothing.
    #[schemars(schema_with = "truth")]
    drop_empty_assistant: Option<bool>,
    /// Fields of messages the server refuses, and of their tool calls by `tool_calls.NAME`.
    drop_in_messages: Option<Vec<String>>,
    /// Send ids of tool calls as nine letters and digits.
    #[schemars(schema_with = "truth")]
    short_call_ids: Option<bool>,
    /// Send `reasoning_effort` as the nearest level the model takes.
    #[schemars(schema_with = "truth")]
    nearest_effort: Option<bool>,
    /// Give functions without `parameters` the schema of no arguments.
    #[schemars(schema_with = "truth")]
    require_parameters: Option<bool>,
    /// Send `file` parts as `document_url`.
    #[schemars(schema_with = "truth")]
    document_url: Option<bool>,
    /// Send `reasoning_content` of earlier answers as `thinking` parts of `content`.
    #[schemars(schema_with = "truth")]
    thinking_parts: Option<bool>,
    /// Send the words of an earlier refusal as text.
    #[schemars(schema_with = "truth")]
    refusal_as_text: Option<bool>,
    /// Keep to Mistral's order of turns.
    #[schemars(schema_with = "truth")]
    turn_order: Option<bool>,
    /// Send the legacy `functions` as `tools`.
    #[schemars(schema_with = "truth")]
    functions_as_tools: Option<bool>,
    /// Whether the server takes `stream_options.include_usage`.
    #[schemars(schema_with = "truth")]
    stream_usage: Option<bool>,
    /// Decode answers and write them anew, as they depart from OpenAI's shape.
    #[schemars(schema_with = "truth")]
    normalise_answers: Option<bool>,
}

impl QuirksFile {
    /// What the file says, and the kind's where it says nothing.
    pub(super) fn over(self, kind: Quirks) -> Quirks {
        Quirks {
            rename: self.rename.map_or(kind.rename, |pairs| pairs.into_iter().collect()),
            drop: self.drop.unwrap_or(kind.drop),
            drop_nulls: self.drop_nulls.unwrap_or(kind.drop_nulls),
            developer_as_system: self.developer_as_system.unwrap_or(kind.developer_as_system),
            tool_choice_any: self.tool_choice_any.unwrap_or(kind.tool_choice_any),
            name_on_tool_messages_only: self
                .name_on_tool_messages_only
                .unwrap_or(kind.name_on_tool_messages_only),
            drop_empty_assistant: self.drop_empty_assistant.unwrap_or(kind.drop_empty_assistant),
            drop_in_messages: self.drop_in_messages.unwrap_or(kind.drop_in_messages),
            short_call_ids: self.short_call_ids.unwrap_or(kind.short_call_ids),
            nearest_effort: self.nearest_effort.unwrap_or(kind.nearest_effort),
            require_parameters: self.require_parameters.unwrap_or(kind.require_parameters),
            document_url: self.document_url.unwrap_or(kind.document_url),
            thinking_parts: self.thinking_parts.unwrap_or(kind.thinking_parts),
            refusal_as_text: self.refusal_as_text.unwrap_or(kind.refusal_as_text),
            turn_order: self.turn_order.unwrap_or(kind.turn_order),
            functions_as_tools: self.functions_as_tools.unwrap_or(kind.functions_as_tools),
            stream_usage: self.stream_usage.unwrap_or(kind.stream_usage),
            normalise_answers: self.normalise_answers.unwrap_or(kind.normalise_answers),
        }
    }
}
