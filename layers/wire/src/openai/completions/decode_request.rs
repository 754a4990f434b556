//! A legacy completion request as a chat.

use crate::Refusal;
use crate::chat::{Chat, Message, Part, Role};
use crate::openai::decode_request::{decode_sampling, decode_stop, decode_stream};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// What OpenAI's API description gives as the default of `max_tokens` at this endpoint.
const DEFAULT_MAX_TOKENS: u64 = 16;

/// What the answer to a completion needs of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionOptions {
    /// The prompt, where the client wants it before the text (`echo`).
    pub(super) echo: Option<String>,
}

/// Reads the body of `POST /v1/completions` as a chat of one user message.
///
/// What a chat cannot do is refused: several prompts, prompts of tokens, `suffix`, `best_of` above
/// one, `logprobs`.
pub fn decode_request(body: &[u8]) -> Result<(Chat, CompletionOptions), Refusal> {
    let path = &Path::ROOT;
    let mut fields = path.object(Node::parse(body)?)?;
    let prompt = decode_prompt(fields.take("prompt"))?;
    refuse_what_a_chat_cannot(&mut fields)?;
    let echo = fields.boolean(path, "echo")?.unwrap_or(false).then(|| prompt.clone());
    let message = Message { role: Role::User, name: None, content: vec![Part::text(prompt)] };
    let mut chat = Chat {
        model: fields.require_string(path, "model")?,
        messages: vec![message],
        max_tokens: fields.count(path, "max_tokens", 1)?.or(Some(DEFAULT_MAX_TOKENS)),
        n: fields.small_count(path, "n", 1)?,
        stop: decode_stop(&mut fields)?,
        sampling: decode_sampling(&mut fields)?,
        user: fields.string(path, "user")?,
        ..Chat::default()
    };
    decode_stream(&mut fields, &mut chat)?;
    fields.keep_rest(path, &mut chat.extra);
    Ok((chat, CompletionOptions { echo }))
}

fn decode_prompt(node: Option<Node<'_>>) -> Result<String, Refusal> {
    let path = Path::ROOT.key("prompt");
    match node {
        // What the API itself takes in place of a missing prompt is a token no chat has.
        None => Err(path.missing()),
        Some(Node::String(text)) => Ok(text.into_owned()),
        Some(Node::Array(prompts)) => {
            let mut prompts = prompts.into_iter();
            match (prompts.next(), prompts.next()) {
                (Some(Node::String(text)), None) => Ok(text.into_owned()),
                (Some(Node::Number(_) | Node::Array(_)), _) => {
                    let message = "a prompt of tokens cannot be carried to this model: send text in 'prompt'";
                    Err(Refusal::at("prompt", message))
                }
                (Some(Node::String(_)), Some(_)) => {
                    let message = "several prompts cannot be carried to this model: send one at a time";
                    Err(Refusal::at("prompt", message))
                }
                (Some(other), _) => Err(path.at(0).wrong_type("a string", &other)),
                (None, _) => Err(Refusal::at("prompt", "'prompt' is empty: expected a string")),
            }
        }
        Some(other) => Err(path.wrong_type("a string or an array of one string", &other)),
    }
}

fn refuse_what_a_chat_cannot(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let path = &Path::ROOT;
    let refuse = |field: &str| {
        let message = format!("this model completes through a chat, which cannot do this: {field}");
        Err(Refusal::at(field, message))
    };
    if fields.string(path, "suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return refuse("suffix");
    }
    if fields.count(path, "best_of", 1)?.is_some_and(|best_of| best_of > 1) {
        return refuse("best_of");
    }
    if fields.count(path, "logprobs", 0)?.is_some() {
        return refuse("logprobs");
    }
    Ok(())
}
