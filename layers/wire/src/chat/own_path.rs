//! Paths of the canonical chat in the words of the client's dialect.

use tollway_core::Dialect;

use super::{Chat, Content, Part};
use crate::Refusal;

impl Chat {
    /// The path of a field in the words of the client's dialect, given in those of the canonical chat,
    /// which are OpenAI's.
    pub fn own_path(&self, path: &str) -> String {
        let dialect = self.dialect.unwrap_or(Dialect::OpenAi);
        if dialect == Dialect::OpenAi {
            return path.to_owned();
        }
        let (head, rest) = path.split_at(path.find(['[', '.']).unwrap_or(path.len()));
        match (head, rest) {
            ("messages", _) => self.place(dialect, rest),
            ("tools", _) => of_tool(dialect, path),
            ("reasoning", ".exclude") => thoughts(dialect).to_owned(),
            ("reasoning", ".max_tokens") => budget(dialect).to_owned(),
            _ => field(dialect, head).unwrap_or(path).to_owned(),
        }
    }

    /// A refusal made by the encoder of another format, in the words of the client's dialect.
    #[must_use]
    pub fn own_refusal(&self, refusal: Refusal) -> Refusal {
        let Some(path) = &refusal.param else { return refusal };
        let own = self.own_path(path);
        let message = replaced(&refusal.message, path, &own);
        Refusal { param: Some(own), message }
    }

    /// The path of something in the messages, given what follows that word.
    fn place(&self, dialect: Dialect, rest: &str) -> String {
        let (instructions, conversation) = fields_of(dialect);
        let (at, rest) = indexed(rest);
        let found = at.and_then(|at| Some((at, self.messages.get(at)?, self.origins.of(at, 0)?)));
        let Some((at, message, first)) = found else {
            // Of any message, or of one that is not known.
            let (_, inner) = rest.strip_prefix(".content").map_or((None, rest), indexed);
            let (_, inner) = inner.strip_prefix(".tool_calls").map_or((None, inner), indexed);
            let word = word(dialect, inner, None);
            // What stands in an item of its own in Responses.
            let is_item = dialect == Dialect::Responses
                && [".summary", ".encrypted_content", ".call_id", ".arguments", ".name"].contains(&word);
            let any = match blocks_of(dialect) {
                _ if at.is_some() || word.is_empty() => String::new(),
                _ if is_item => "[]".to_owned(),
                blocks => format!("[]{blocks}[]"),
            };
            return format!("{conversation}{any}{word}");
        };
        let turn = |turn: Option<usize>| match turn {
            Some(turn) => format!("{conversation}[{turn}]"),
            None => instructions.to_owned(),
        };
        let (part, inner) = found_in(&message.content, rest);
        let known = part.and_then(|part| Some((message.content.get(part)?, self.origins.of(at, part)?)));
        let Some((part, place)) = known else {
            return turn(first.turn) + word(dialect, inner, None);
        };
        let mut own = turn(place.turn);
        if let Some(block) = place.block {
            own = match place.turn {
                // Anthropic's instructions are blocks themselves.
                None if dialect == Dialect::Anthropic => format!("{own}[{block}]"),
                _ => format!("{own}{}[{block}]", blocks_of(dialect)),
            };
        }
        // Within a result stand parts again, of which Gemini has the first in the response itself.
        if let Content::ToolResult(_) = part.content
            && let Some((Some(within), after)) = inner.strip_prefix(".content").map(indexed)
        {
            let after = word(dialect, after, None);
            return match dialect {
                Dialect::Anthropic => format!("{own}.content[{within}]{after}"),
                Dialect::Responses => format!("{own}.output[{within}]{after}"),
                _ => format!("{own}.functionResponse"),
            };
        }
        own + word(dialect, inner, Some(&part.content))
    }
}

/// The text with another path wherever this one stands as a word of its own.
fn replaced(text: &str, path: &str, own: &str) -> String {
    let is_within = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, found) in text.match_indices(path) {
        let before = text.as_bytes().get(..at).and_then(<[u8]>::last);
        let behind = text.as_bytes().get(at + found.len());
        if !before.is_some_and(is_within) && !behind.is_some_and(is_within) {
            out += text.get(copied..at).unwrap_or_default();
            out += own;
            copied = at + found.len();
        }
    }
    out + text.get(copied..).unwrap_or_default()
}

/// The index a path goes on with, and what follows it. Brackets with nothing in them are of any index.
fn indexed(path: &str) -> (Option<usize>, &str) {
    match path.strip_prefix('[').and_then(|path| path.split_once(']')) {
        Some((index, rest)) => (index.parse().ok(), rest),
        None => (None, path),
    }
}

/// The part of a message that a path leads to, and what is left of the path.
fn found_in<'p>(parts: &[Part], path: &'p str) -> (Option<usize>, &'p str) {
    let nth = |is_one: fn(&Content) -> bool, index: usize| {
        let ones = parts.iter().enumerate().filter(|(_, part)| is_one(&part.content));
        ones.map(|(at, _)| at).nth(index)
    };
    if let Some((index, rest)) = path.strip_prefix(".tool_calls").map(indexed) {
        return (nth(|part| matches!(part, Content::ToolCall(_)), index.unwrap_or(0)), rest);
    }
    let only = (parts.len() == 1).then_some(0);
    if let Some((Some(index), rest)) = path.strip_prefix(".content").map(indexed) {
        let is_result = only.is_some() && parts.first().is_some_and(|part| is_result(&part.content));
        // Of a message of one result, which is OpenAI's, the content is that of the result.
        return if is_result && !rest.starts_with(".content[") { (only, path) } else { (Some(index), rest) };
    }
    if path.starts_with(".reasoning") {
        return (nth(|part| matches!(part, Content::Reasoning(_)), 0), "");
    }
    if path == ".tool_call_id" && nth(is_result, 1).is_none() {
        return (nth(is_result, 0), path);
    }
    (only, path)
}

const fn is_result(content: &Content) -> bool {
    matches!(content, Content::ToolResult(_))
}

/// What a dialect calls the last field of a path within a part, with its dot; nothing where it has no
/// field of its own for it.
fn word<'p>(dialect: Dialect, path: &'p str, of: Option<&Content>) -> &'p str {
    let last = path.rfind('.').and_then(|dot| path.get(dot..)).unwrap_or_default();
    let (anthropic, gemini, responses) = match (last, of) {
        (".tool_call_id", _) => (".tool_use_id", ".functionResponse.id", ".call_id"),
        (".arguments", _) => (".input", ".functionCall.args", ".arguments"),
        (".name", Some(Content::ToolCall(_))) => (".name", ".functionCall.name", ".name"),
        (".is_error", _) => (".is_error", ".functionResponse.response.error", ".is_error"),
        (".annotations", _) => (".citations", "", ".annotations"),
        (".reasoning_content" | ".reasoning_details", _) => (".thinking", ".thought", ".summary"),
        (".extra_content", _) => (".signature", ".thoughtSignature", ".encrypted_content"),
        (".input_audio" | ".image_url" | ".url" | ".file" | ".file_data" | ".function" | ".role", _) => {
            ("", "", "")
        }
        _ if last.starts_with(".content") || last.contains('[') => ("", "", ""),
        _ => (last, last, last),
    };
    match dialect {
        Dialect::Gemini => gemini,
        Dialect::Responses => responses,
        _ => anthropic,
    }
}

/// The path of something in a tool, which other dialects do not keep in a `function` or `custom`.
fn of_tool(dialect: Dialect, path: &str) -> String {
    match dialect {
        Dialect::Anthropic => path.replace(".function.parameters", ".input_schema").replace(".function", ""),
        Dialect::Responses => path.replace(".function", "").replace(".custom", ""),
        _ => path.to_owned(),
    }
}

/// The field that asks for thoughts to be shown.
const fn thoughts(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Gemini => "generationConfig.thinkingConfig.includeThoughts",
        Dialect::Responses => "reasoning.summary",
        _ => "thinking.display",
    }
}

/// The field that limits thoughts to so many tokens.
const fn budget(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Gemini => "generationConfig.thinkingConfig.thinkingBudget",
        Dialect::Responses => "reasoning",
        _ => "thinking.budget_tokens",
    }
}

/// What holds the parts of a turn.
const fn blocks_of(dialect: Dialect) -> &'static str {
    if matches!(dialect, Dialect::Gemini) { ".parts" } else { ".content" }
}

/// The fields that hold the instructions and the conversation.
const fn fields_of(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Gemini => ("systemInstruction", "contents"),
        Dialect::Responses => ("instructions", "input"),
        _ => ("system", "messages"),
    }
}

/// What a dialect calls a field of the canonical chat, where it is another name.
fn field(dialect: Dialect, name: &str) -> Option<&'static str> {
    let (anthropic, gemini, responses) = match name {
        "max_tokens" => ("max_tokens", "generationConfig.maxOutputTokens", "max_output_tokens"),
        "stop" => ("stop_sequences", "generationConfig.stopSequences", "stop"),
        "n" => ("n", "generationConfig.candidateCount", "n"),
        "temperature" => ("temperature", "generationConfig.temperature", "temperature"),
        "top_p" => ("top_p", "generationConfig.topP", "top_p"),
        "top_k" => ("top_k", "generationConfig.topK", "top_k"),
        "seed" => ("seed", "generationConfig.seed", "seed"),
        "frequency_penalty" => {
            ("frequency_penalty", "generationConfig.frequencyPenalty", "frequency_penalty")
        }
        "presence_penalty" => ("presence_penalty", "generationConfig.presencePenalty", "presence_penalty"),
        "logprobs" => ("logprobs", "generationConfig.responseLogprobs", "include"),
        "top_logprobs" => ("top_logprobs", "generationConfig.logprobs", "top_logprobs"),
        "response_format" => ("output_config.format", "generationConfig.responseSchema", "text.format"),
        "reasoning_effort" => ("thinking", "generationConfig.thinkingConfig", "reasoning"),
        "modalities" => ("modalities", "generationConfig.responseModalities", "modalities"),
        "tool_choice" => ("tool_choice", "toolConfig.functionCallingConfig", "tool_choice"),
        "parallel_tool_calls" => {
            ("tool_choice.disable_parallel_tool_use", "toolConfig", "parallel_tool_calls")
        }
        "service_tier" => ("service_tier", "serviceTier", "service_tier"),
        "user" => ("metadata.user_id", "labels", "user"),
        _ => return None,
    };
    Some(match dialect {
        Dialect::Anthropic => anthropic,
        Dialect::Gemini => gemini,
        Dialect::Responses => responses,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{anthropic, gemini, responses};

    fn check(chat: &Chat, told: &[(&str, &str)]) {
        for (path, own) in told {
            assert_eq!(chat.own_path(path), *own, "{path}");
        }
    }

    #[test]
    fn anthropics_blocks_are_told_by_their_place() {
        let body = json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "text", "text": "x"}, {"type": "tool_use", "id": "1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "2", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "r"}]},
                {"type": "tool_result", "tool_use_id": "2"}, {"type": "text", "text": "y"}, {"type": "text", "text": "z"}]},
        ]});
        let chat = anthropic::decode_request(body.to_string().as_bytes()).unwrap();
        check(
            &chat,
            &[
                ("messages[0].content[1].cache_control", "system[1].cache_control"),
                ("messages[1].content[0].input_audio", "messages[0]"),
                ("messages[2].content[1]", "messages[1].content[1]"),
                ("messages[2].reasoning_content", "messages[1].content[0]"),
                ("messages[2].tool_calls[1].function.arguments", "messages[1].content[3].input"),
                ("messages[3].content[1].content[0]", "messages[2].content[1].content[0]"),
                ("messages[4].content[1]", "messages[2].content[3]"),
                ("messages[9].content[1]", "messages"),
                ("messages[].content[].cache_control", "messages[].content[].cache_control"),
                ("messages[].cache_control", "messages[].content[].cache_control"),
                ("messages[].reasoning_content", "messages[].content[].thinking"),
                ("stop[1]", "stop_sequences"),
                ("tools[1].function.parameters", "tools[1].input_schema"),
            ],
        );
    }

    #[test]
    fn geminis_parts_are_told_by_their_place() {
        let body = json!({"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [
            {"role": "user", "parts": [{"text": "q"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "g", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}, {}, {"text": "x"}]},
        ]});
        let chat = gemini::decode_request("m", false, body.to_string().as_bytes()).unwrap();
        check(
            &chat,
            &[
                ("messages[0].content", "systemInstruction.parts[0]"),
                ("messages[1].content[1].image_url", "contents[0].parts[1]"),
                // The SDK keeps each chunk as a turn of its own.
                ("messages[2].tool_calls[0].function.name", "contents[1].parts[0].functionCall.name"),
                ("messages[2].tool_calls[1].function.name", "contents[2].parts[0].functionCall.name"),
                ("messages[3].tool_call_id", "contents[3].parts[0].functionResponse.id"),
                // The part before it says nothing.
                ("messages[4].content[0]", "contents[3].parts[2]"),
                ("messages[].content[].is_error", "contents[].parts[].functionResponse.response.error"),
                ("max_tokens", "generationConfig.maxOutputTokens"),
                ("reasoning.exclude", "generationConfig.thinkingConfig.includeThoughts"),
                ("reasoning.max_tokens", "generationConfig.thinkingConfig.thinkingBudget"),
                ("cachedContent", "cachedContent"),
            ],
        );
    }

    #[test]
    fn items_of_responses_are_told_by_their_place() {
        let body = json!({"model": "m", "instructions": "i", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "q"}, {"type": "input_text", "text": "r"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "o"},
            {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "p"}]},
            {"role": "user", "content": "u"},
        ]});
        let chat = responses::decode_request(body.to_string().as_bytes()).unwrap();
        check(
            &chat,
            &[
                ("messages[0].content[0]", "instructions"),
                ("messages[1].content[1]", "input[0].content[1]"),
                ("messages[2].reasoning_content", "input[1]"),
                ("messages[2].content[1]", "input[2].content[0]"),
                ("messages[2].tool_calls[1].function.arguments", "input[4].arguments"),
                ("messages[3].content[1].content[0]", "input[6].output[0]"),
                ("messages[4].content[0]", "input[7]"),
                ("messages[].reasoning_content", "input[].summary"),
                ("messages[].content[].cache_control", "input[].content[].cache_control"),
                ("response_format.json_schema", "text.format"),
                ("tools[1].custom.format", "tools[1].format"),
            ],
        );
    }

    #[test]
    fn what_is_no_path_stays() {
        let chat = Chat { dialect: Some(Dialect::OpenAi), ..Chat::default() };
        check(&chat, &[("messages[1].content[0]", "messages[1].content[0]")]);
    }

    #[test]
    fn a_refusal_names_the_clients_field_in_its_words_too() {
        let chat = Chat { dialect: Some(Dialect::Gemini), ..Chat::default() };
        let refusal = Refusal::at("max_tokens", "cannot be carried: max_tokens");
        let own = "generationConfig.maxOutputTokens";
        assert_eq!(chat.own_refusal(refusal), Refusal::at(own, format!("cannot be carried: {own}")));
        let refusal = Refusal::at("n", "Anthropic gives one answer: send n = 1, not 2");
        let own = "generationConfig.candidateCount";
        let message = format!("Anthropic gives one answer: send {own} = 1, not 2");
        assert_eq!(chat.own_refusal(refusal), Refusal::at(own, message));
    }
}
