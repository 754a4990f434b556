use memchr::memmem;
use tollway_core::Dialect;

use crate::chat::{Chat, Content, Message, Part, ResponseFormat, Role};

const WORDS: &str = "Answer in JSON.";

/// Whether JSON is asked for in Gemini's way, which wants no word of it, and nobody speaks of it: OpenAI
/// refuses such a request ("must contain the word 'json' in some form").
pub(super) fn is_missing(target: Dialect, chat: &Chat) -> bool {
    matches!(target, Dialect::OpenAi | Dialect::Responses)
        && chat.dialect == Some(Dialect::Gemini)
        && chat.response_format == Some(ResponseFormat::JsonObject)
        && !chat.messages.iter().filter(|message| message.role == Role::User).any(speaks_of_it)
}

fn speaks_of_it(message: &Message) -> bool {
    let words = ["json", "JSON"];
    message.content.iter().any(|part| match &part.content {
        Content::Text(said) => {
            words.iter().any(|word| memmem::find(said.text.as_bytes(), word.as_bytes()).is_some())
        }
        _ => false,
    })
}

/// Says it, as an instruction where there are some, so that no message gets another place.
pub(super) fn say(chat: &mut Chat) {
    let place = [Role::System, Role::User]
        .into_iter()
        .find_map(|role| chat.messages.iter().position(|message| message.role == role));
    match place.and_then(|place| chat.messages.get_mut(place)) {
        Some(message) => message.content.push(Part::text(WORDS)),
        None => {
            chat.messages.push(Message { role: Role::User, name: None, content: vec![Part::text(WORDS)] });
        }
    }
}
