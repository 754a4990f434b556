//! Answers of every provider, with all that it leaves in a conversation: written by hand.

use serde_json::{Value, json};
use tollway_core::Dialect;

/// A provider, and an answer of its own.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// The seals it must find again.
    pub(crate) seals: &'static [&'static str],
    /// The ids of its calls.
    pub(crate) ids: &'static [&'static str],
    answer: fn() -> Value,
}

impl Maker {
    /// The answer's body.
    pub(crate) fn answer(&self) -> Vec<u8> {
        (self.answer)().to_string().into_bytes()
    }
}

pub(crate) const MAKERS: &[Maker] = &[
    Maker {
        name: "anthropic",
        dialect: Dialect::Anthropic,
        seals: &["QW50aHJvcGljIG9uZQ==", "QW50aHJvcGljIHJlZGFjdGVk", "QW50aHJvcGljIHR3bw=="],
        ids: &["toolu_01AbC", "toolu_02DeF"],
        answer: anthropic,
    },
    Maker {
        name: "gemini",
        dialect: Dialect::Gemini,
        seals: &["R2VtaW5pIG9uIHRleHQ/Pz8=", "R2VtaW5pIG9uIGEgY2FsbD8/Pw=="],
        ids: &["yot5i3fn", "b8x0q2ml"],
        answer: gemini,
    },
    Maker {
        name: "openai",
        dialect: Dialect::OpenAi,
        seals: &[],
        // Kimi's servers name calls so, which Anthropic refuses.
        ids: &["functions.get_weather:0", "functions.get_time:1"],
        answer: openai,
    },
    Maker {
        name: "responses",
        dialect: Dialect::Responses,
        seals: &["Z0FBQUFBQm9wZW5haQ=="],
        ids: &["call_AbCdEf1", "call_AbCdEf2"],
        answer: responses,
    },
];

fn anthropic() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "First I search.", "signature": "QW50aHJvcGljIG9uZQ=="},
            {"type": "redacted_thinking", "data": "QW50aHJvcGljIHJlZGFjdGVk"},
            {"type": "text", "text": "Let me look."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
                {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "RW5j", "page_age": null}]},
            {"type": "text", "text": "It says rain.", "citations": [
                {"type": "web_search_result_location", "url": "https://a.example", "title": "A",
                 "encrypted_index": "RW5jSW5kZXg=", "cited_text": "rain"}]},
            {"type": "thinking", "thinking": "Now both tools.", "signature": "QW50aHJvcGljIHR3bw=="},
            {"type": "tool_use", "id": "toolu_01AbC", "name": "get_weather", "input": {"city": "Paris"}},
            {"type": "tool_use", "id": "toolu_02DeF", "name": "get_time", "input": {}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 9, "output_tokens": 9, "server_tool_use": {"web_search_requests": 1}},
    })
}

fn gemini() -> Value {
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": "I weigh it.", "thought": true},
                {"text": "Two calls.", "thoughtSignature": "R2VtaW5pIG9uIHRleHQ/Pz8="},
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                {"functionCall": {"id": "yot5i3fn", "name": "get_weather", "args": {"city": "Rome"}},
                 "thoughtSignature": "R2VtaW5pIG9uIGEgY2FsbD8/Pw=="},
                {"functionCall": {"id": "b8x0q2ml", "name": "get_time", "args": {}}},
            ]},
            "finishReason": "STOP", "index": 0,
            "groundingMetadata": {
                "webSearchQueries": ["weather rome"],
                "groundingChunks": [{"web": {"uri": "https://b.example", "title": "B"}}],
                "groundingSupports": [{"segment": {"endIndex": 10, "text": "Two calls."}, "groundingChunkIndices": [0]}],
            },
        }],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18},
        "modelVersion": "gemini-3", "responseId": "r1",
    })
}

fn openai() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "On it.", "refusal": null,
            "reasoning_content": "Plainly thought.",
            "annotations": [{"type": "url_citation", "url_citation":
                {"start_index": 0, "end_index": 6, "url": "https://c.example", "title": "C"}}],
            "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
            "tool_calls": [
                {"id": "functions.get_weather:0", "type": "function",
                 "function": {"name": "get_weather", "arguments": "{\n  \"city\": \"Oslo\"\n}"}},
                {"id": "functions.get_time:1", "type": "function",
                 "function": {"name": "get_time", "arguments": ""}},
            ],
        }}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
    })
}

fn responses() -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt",
        "output": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "Z0FBQUFBQm9wZW5haQ==",
             "summary": [{"type": "summary_text", "text": "In short."}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "So it is.", "annotations": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "call_AbCdEf1", "status": "completed",
             "name": "get_weather", "arguments": "{\"city\":\"Bern\"}"},
            {"type": "function_call", "id": "fc_2", "call_id": "call_AbCdEf2", "status": "completed",
             "name": "get_time", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18},
    })
}
