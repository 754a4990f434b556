use serde::{Deserialize, Serialize};

/// Where a server that speaks OpenAI's format departs from it.
///
/// Applied to requests as splices of the client's bytes: fields without a quirk stay byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Top-level request fields to rename, from OpenAI's name to the server's
    /// (Mistral: `max_completion_tokens` → `max_tokens`, `seed` → `random_seed`).
    pub rename: Vec<(String, String)>,
    /// Top-level request fields the server refuses, to be dropped and listed.
    pub drop: Vec<String>,
    /// Remove `null` fields: at top level, in messages, tools and `response_format`, but not in schemas
    /// (Mistral, Groq).
    pub drop_nulls: bool,
    /// Send `developer` messages as `system` messages.
    pub developer_as_system: bool,
    /// Send `tool_choice` `required` and a named tool as `any` (Mistral).
    pub tool_choice_any: bool,
    /// Remove `name` from all but tool messages (Mistral).
    pub name_on_tool_messages_only: bool,
    /// Remove assistant messages that say nothing and call nothing (Mistral refuses them).
    pub drop_empty_assistant: bool,
    /// Fields of messages the server refuses, to be dropped and listed, and those of their tool calls
    /// by a path such as `tool_calls.extra_content`. Answers have them, and clients send answers back:
    /// `annotations`, and the thinking, pictures and seals of a model that gave an earlier answer.
    pub drop_in_messages: Vec<String>,
    /// Send ids of tool calls as nine letters and digits made from the client's (Mistral).
    pub short_call_ids: bool,
    /// Send `reasoning_effort` as the nearest level the model takes, and not at all where the model is
    /// told nothing about its thinking (Mistral).
    pub nearest_effort: bool,
    /// Give functions without `parameters` the schema of no arguments (Mistral wants one).
    pub require_parameters: bool,
    /// Send `file` parts as `document_url`, or as a bare `file_id` (Mistral).
    pub document_url: bool,
    /// Send `reasoning_content` of earlier answers as `thinking` parts of `content`, where the model
    /// thinks (Mistral).
    pub thinking_parts: bool,
    /// Send the words of an earlier refusal as text (Mistral has no `refusal`).
    pub refusal_as_text: bool,
    /// Keep to an order of turns (Mistral): an assistant's word between a tool's result and the user's
    /// next, instructions in mid-conversation as the user's, and `prefix` on an assistant message that
    /// is to be gone on with.
    pub turn_order: bool,
    /// Send the legacy `functions` as `tools`, and answer in their form (Mistral).
    pub functions_as_tools: bool,
    /// Whether the server takes `stream_options.include_usage`; if not, it is never spliced in, and
    /// taken out when the client sent it.
    pub stream_usage: bool,
    /// Whether answers depart from OpenAI's shape so far that they are decoded and written anew
    /// (Mistral's thinking parts in `content`).
    pub normalise_answers: bool,
}

impl Quirks {
    /// Whether a request that [`encode_request`](crate::openai::encode_request()) wrote can go out as it
    /// is: what `drop_in_messages` names is not written where the model's traits say so.
    pub const fn take_what_is_written(&self) -> bool {
        let Self {
            rename,
            drop,
            drop_nulls,
            developer_as_system,
            tool_choice_any,
            name_on_tool_messages_only,
            drop_empty_assistant,
            drop_in_messages: _,
            short_call_ids,
            nearest_effort,
            require_parameters,
            document_url,
            thinking_parts,
            refusal_as_text,
            turn_order,
            functions_as_tools: _,
            stream_usage,
            normalise_answers: _,
        } = self;
        let changes = *drop_nulls
            || *developer_as_system
            || *tool_choice_any
            || *name_on_tool_messages_only
            || *drop_empty_assistant
            || *short_call_ids
            || *nearest_effort
            || *require_parameters
            || *document_url
            || *thinking_parts
            || *refusal_as_text
            || *turn_order;
        *stream_usage && !changes && rename.is_empty() && drop.is_empty()
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            rename: Vec::new(),
            drop: Vec::new(),
            drop_nulls: false,
            developer_as_system: false,
            tool_choice_any: false,
            name_on_tool_messages_only: false,
            drop_empty_assistant: false,
            drop_in_messages: Vec::new(),
            short_call_ids: false,
            nearest_effort: false,
            require_parameters: false,
            document_url: false,
            thinking_parts: false,
            refusal_as_text: false,
            turn_order: false,
            functions_as_tools: false,
            stream_usage: true,
            normalise_answers: false,
        }
    }
}
