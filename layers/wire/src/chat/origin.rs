//! Where things stand in the client's own request.

use tollway_core::Dialect;

use super::{Chat, Message};
use crate::Refusal;

/// The place of each message among those of the client's request; none for what stands in its field
/// of instructions. Empty in `OpenAI`'s dialect, where the places are the same.
///
/// Says nothing of what a chat means: all are equal.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Option<Place>>);

/// A message of the client's request.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    /// Where in its list the first part stands, if the others follow one by one.
    first: Option<usize>,
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Origins {
    /// Says where the messages stand that were read since it was last told, up to `count` of them.
    pub(crate) fn upto(&mut self, count: usize, place: usize) {
        self.0.resize(count, Some(Place { at: place, first: None }));
    }

    /// The same of messages whose parts, in their order, are `parts` pieces of a list in the client's
    /// message, or of which this is not sure.
    pub(crate) fn laid_out(&mut self, messages: &[Message], place: usize, parts: usize) {
        let fresh = messages.get(self.0.len()..).unwrap_or_default();
        // What goes on with the message before stands in two places.
        if let (true, Some(Some(last))) = (fresh.is_empty(), self.0.last_mut()) {
            last.first = None;
        }
        let is_whole = fresh.iter().map(|message| message.content.len()).sum::<usize>() == parts;
        let mut first = 0;
        for message in fresh {
            self.0.push(Some(Place { at: place, first: is_whole.then_some(first) }));
            first += message.content.len();
        }
    }

    /// Says that the first message stands in the field of instructions.
    pub(crate) fn instructed(&mut self) {
        self.0.insert(0, None);
    }
}

impl Chat {
    /// The path of a field in the words of the client's dialect, given in those of the canonical chat,
    /// which are OpenAI's. Within a message of another dialect the message is told, the part where it is
    /// known, and the field.
    pub fn own_path(&self, path: &str) -> String {
        let dialect = self.dialect.unwrap_or(Dialect::OpenAi);
        if dialect == Dialect::OpenAi {
            return path.to_owned();
        }
        let (head, rest) = path.split_at(path.find(['[', '.']).unwrap_or(path.len()));
        if head == "messages" {
            let at = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (instructions, conversation) = fields_of(dialect);
            return match at.and_then(|(at, _)| self.origins.0.get(at.parse::<usize>().ok()?)) {
                Some(Some(place)) => format!("{conversation}[{}]{}", place.at, place.within(dialect, rest)),
                Some(None) => format!("{instructions}{}", last_field(rest)),
                None => format!("{conversation}{}", last_field(rest)),
            };
        }
        match field(dialect, head) {
            Some(own) => own.to_owned(),
            None => path.to_owned(),
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

impl Place {
    /// The path below the client's message of what stands at `path` below a canonical one.
    fn within(self, dialect: Dialect, path: &str) -> String {
        let piece = |path| index_in(path, "].content[");
        let (Some(first), Some((index, rest))) = (self.first, piece(path)) else {
            return last_field(path).to_owned();
        };
        let list = if dialect == Dialect::Gemini { "parts" } else { "content" };
        // What a result of Anthropic's holds, too.
        let inner = piece(rest).filter(|_| dialect == Dialect::Anthropic);
        let inner = inner.map_or_else(String::new, |(index, _)| format!(".content[{index}]"));
        format!(".{list}[{}]{inner}{}", first + index, last_field(rest))
    }
}

/// The number behind the first `before` of a path, and what follows it, its bracket included.
fn index_in<'a>(path: &'a str, before: &str) -> Option<(usize, &'a str)> {
    let (_, rest) = path.split_once(before)?;
    let end = rest.find(']')?;
    Some((rest.get(..end)?.parse().ok()?, rest.get(end..)?))
}

/// The last field of a path with its dot, unless it holds content as all others do.
fn last_field(path: &str) -> &str {
    let last = path.rfind('.').and_then(|dot| path.get(dot..)).unwrap_or_default();
    if last.starts_with(".content") || last.contains('[') { "" } else { last }
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
    use super::*;

    fn chat(dialect: Dialect, origins: &[Option<usize>]) -> Chat {
        let place = |at| Place { at, first: None };
        let origins = Origins(origins.iter().map(|at| at.map(place)).collect());
        Chat { dialect: Some(dialect), origins, ..Chat::default() }
    }

    #[test]
    fn parts_are_told_where_they_are_known() {
        let message = |parts: usize| Message {
            role: crate::chat::Role::User,
            name: None,
            content: vec![crate::chat::Part::text("t"); parts],
        };
        let messages = [message(2), message(1), message(2)];
        let mut origins = Origins::default();
        origins.laid_out(&messages[..2], 0, 3);
        origins.laid_out(&messages, 1, 3);
        let mut told = Chat { dialect: Some(Dialect::Anthropic), origins, ..Chat::default() };
        for (path, own) in [
            ("messages[0].content[1]", "messages[0].content[1]"),
            ("messages[1].content[0].image_url.url", "messages[0].content[2].url"),
            ("messages[1].content[0].content[3].detail", "messages[0].content[2].content[3].detail"),
            ("messages[1].name", "messages[0].name"),
            // Of three parts two came through: which is not known.
            ("messages[2].content[1]", "messages[1]"),
        ] {
            assert_eq!(told.own_path(path), own);
        }
        told.dialect = Some(Dialect::Gemini);
        assert_eq!(told.own_path("messages[1].content[0].content[3]"), "contents[0].parts[2]");
    }

    #[test]
    fn paths_are_told_in_the_clients_words() {
        let gemini = chat(Dialect::Gemini, &[None, Some(0)]);
        for (path, own) in [
            ("messages[0].content", "systemInstruction"),
            ("messages[1].content[2].input_audio", "contents[0].input_audio"),
            ("messages[1].content[2]", "contents[0]"),
            ("messages[7]", "contents"),
            ("max_tokens", "generationConfig.maxOutputTokens"),
            ("tools[0].type", "tools[0].type"),
            ("cachedContent", "cachedContent"),
        ] {
            assert_eq!(gemini.own_path(path), own);
        }
        let anthropic = chat(Dialect::Anthropic, &[None, Some(0)]);
        assert_eq!(anthropic.own_path("messages[1].content[0]"), "messages[0]");
        assert_eq!(anthropic.own_path("stop[1]"), "stop_sequences");
        assert_eq!(chat(Dialect::OpenAi, &[]).own_path("messages[1].content[0]"), "messages[1].content[0]");
        assert_eq!(chat(Dialect::Responses, &[]).own_path("response_format.json_schema"), "text.format");
    }

    #[test]
    fn a_refusal_names_the_clients_field_in_its_words_too() {
        let refusal = Refusal::at("messages[1].content[0]", "cannot be carried: messages[1].content[0]");
        let own = chat(Dialect::Anthropic, &[None, Some(0)]).own_refusal(refusal);
        assert_eq!(own, Refusal::at("messages[0]", "cannot be carried: messages[0]"));
        let refusal = Refusal::at("n", "Anthropic gives one answer: send n = 1, not 2");
        let own = chat(Dialect::Gemini, &[]).own_refusal(refusal);
        let field = "generationConfig.candidateCount";
        assert_eq!(own, Refusal::at(field, format!("Anthropic gives one answer: send {field} = 1, not 2")));
    }
}
