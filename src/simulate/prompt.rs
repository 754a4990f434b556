//! What a request asks of the model, read alike from every dialect.

mod anthropic;
mod chat;
mod gemini;
mod responses;

pub(super) use anthropic::anthropic;
pub(super) use chat::{chat, completions};
pub(super) use gemini::gemini;
pub(super) use responses::responses;

use super::tokens;
use serde_json::Value;

/// What a request asks of the model.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompt {
    pub(super) model: String,
    /// The instructions, text by text.
    pub(super) system: Vec<String>,
    /// What was said, turn by turn; neighbours of one side are one turn.
    pub(super) turns: Vec<Turn>,
    /// Reasoning of earlier answers that came back, and was found intact.
    pub(super) thoughts: usize,
    /// The last text of the user, markers included.
    pub(super) user: String,
    /// Results of tools that end the conversation, as text.
    pub(super) results: Vec<String>,
    /// What the last user turn carries beside text, in words.
    pub(super) media: Vec<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// Whether several tools may be called at once.
    pub(super) parallel: bool,
    pub(super) format: Format,
    /// Whether the model reasons.
    pub(super) reasons: bool,
    /// Whether its reasoning is shown.
    pub(super) shows_reasoning: bool,
    pub(super) max_tokens: Option<u64>,
    pub(super) stops: Vec<String>,
    /// Answers asked for.
    pub(super) n: usize,
    /// Alternatives to show with the probability of each token.
    pub(super) logprobs: Option<usize>,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) input_tokens: u64,
}

/// What one side says before the other does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) side: Side,
    pub(super) text: String,
}

/// The sides of a conversation. Tools answer on the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    User,
    Assistant,
}

impl Side {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A tool on offer.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) schema: Value,
}

/// Which tools must be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Auto,
    None,
    Required,
    /// One of these.
    Named(Vec<String>),
}

/// The form of the answer.
#[derive(Debug, Clone, Default)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    Schema(Value),
}

impl Prompt {
    /// Counts `text` into the input and returns it.
    fn said<'t>(&mut self, text: &'t str) -> &'t str {
        self.input_tokens += tokens::count(text);
        text
    }

    /// Notes an instruction.
    fn instruct(&mut self, text: &str) {
        if !text.is_empty() {
            self.system.push(text.to_owned());
        }
    }

    /// Notes what a side says: a turn, or more of the turn that is its already.
    fn speaks(&mut self, side: Side, text: &str) {
        match self.turns.last_mut().filter(|turn| turn.side == side) {
            Some(turn) if text.is_empty() || turn.text.is_empty() => turn.text.push_str(text),
            Some(turn) => {
                turn.text.push('\n');
                turn.text.push_str(text);
            }
            None => self.turns.push(Turn { side, text: text.to_owned() }),
        }
    }

    /// Notes the result of a tool, one that failed as such.
    fn returns(&mut self, result: String, failed: bool) {
        self.speaks(Side::User, "");
        self.results.push(if failed { format!("failed: {result}") } else { result });
    }

    fn offer(&mut self, name: &Value, description: &Value, schema: &Value) {
        let name = name.as_str().unwrap_or_default();
        self.input_tokens += tokens::count(name) + tokens::count(description.as_str().unwrap_or_default());
        self.tools.push(Tool { name: name.to_owned(), schema: schema.clone() });
    }

    /// Counts a call of the history: its name and its arguments as compact JSON.
    fn called(&mut self, name: &Value, arguments: &Value) {
        let compact = match arguments {
            Value::String(text) => serde_json::from_str::<Value>(text).unwrap_or(Value::Null).to_string(),
            other => other.to_string(),
        };
        self.input_tokens += tokens::count(name.as_str().unwrap_or_default()) + tokens::count(&compact);
    }

    /// Notes a picture or a document of `what` the request says about it.
    fn shown(&mut self, cost: u64, what: Option<String>) {
        self.input_tokens += cost;
        self.media.extend(what);
    }
}

/// `image/png, 68 bytes` for base64 data.
fn described(media_type: &str, data: &str) -> String {
    let bytes = super::validate::decode_base64(data).map_or(0, |bytes| bytes.len());
    format!("{media_type}, {bytes} bytes")
}

/// The same for a `data:` URL; the URL itself for any other.
fn described_url(url: &str) -> String {
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    data.map_or_else(|| url.to_owned(), |(media_type, data)| described(media_type, data))
}
