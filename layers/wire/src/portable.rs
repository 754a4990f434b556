//! What one provider's own blocks and tools are in words that every format has.
//!
//! A format's decoder keeps a block or a tool that only its own provider understands whole, as
//! [`Native`]. On the way to another format it is said in other words where it can be, is left out and
//! listed where its loss changes nothing that is asked, and is refused by the encoder otherwise.
//!
//! | of | becomes |
//! |---|---|
//! | Anthropic: `document` with citations, context or content in blocks | the document; the context before text |
//! | Anthropic: `search_result`, `compaction`, `tool_reference` | their text |
//! | Anthropic: `tool_addition`, `tool_removal` in instructions; the search among tools | nothing, listed: all tools are on offer |
//! | Anthropic: tools that the client runs by an agreed schema (`bash_…`, `text_editor_…`, `memory_…`, `computer_…`) | functions of that schema |
//! | Gemini: files with `videoMetadata` or `mediaResolution` | the file |
//! | OpenAI: custom tools, where the model has none | functions of one text ([`custom_tools_as_functions`]) |
//! | any: web search | the target's own web search ([`WebSearch`]) |
//! | any: what a provider's tool did in an earlier answer | nothing, listed |
//! | Gemini: JSON without a schema, towards OpenAI, that no text speaks of | an instruction that does |
//! | any: pictures, files and sound that a model showed | nothing, listed; Gemini's models see them again |

mod anthropic;
mod client_tool;
pub(crate) mod custom_tool;
mod gemini;
mod json_word;
mod web_search;

use std::borrow::Cow;

use serde_json::Value;
use tollway_core::Dialect;

pub(crate) use self::web_search::WebSearch;
pub use self::{
    custom_tool::{CustomTools, custom_tools_as_functions},
    web_search::offers_web_search,
};
use crate::chat::{Chat, Content, Message, Native, Part, Role, ToolKind};

/// What stands for a block.
#[derive(Debug, PartialEq)]
enum Equivalent {
    /// This content; members of the block by these names are lost.
    Content(Content, Vec<&'static str>),
    /// Nothing: it says nothing to another provider.
    Nothing,
    /// There is none.
    Unknown,
}

/// A chat as it can be said in a format, and what is lost by that. Blocks and tools of other providers that
/// are left in it have no equivalent.
pub(crate) fn said_in(target: Dialect, chat: &Chat) -> (Cow<'_, Chat>, Vec<String>) {
    let mut lost = Vec::new();
    let has_blocks = chat.messages.iter().any(|message| holds_any(target, message));
    let is_clients = |kind: &ToolKind| matches!(kind, ToolKind::Server(tool) if tool.dialect != target && client_tool::is_known(tool));
    let has_tools = chat.tools.iter().any(|tool| is_clients(&tool.kind));
    let lacks_word = json_word::is_missing(target, chat);
    if !has_blocks && !has_tools && !lacks_word {
        return (Cow::Borrowed(chat), lost);
    }
    let mut chat = chat.clone();
    if has_blocks {
        for (at, message) in chat.messages.iter_mut().enumerate() {
            say_message(target, at, message, &mut lost);
        }
    }
    if lacks_word {
        json_word::say(&mut chat);
    }
    for tool in chat.tools.iter_mut().filter(|tool| is_clients(&tool.kind)) {
        client_tool::say(tool);
    }
    (Cow::Owned(chat), lost)
}

/// Whether a tool of another provider need not be there: it finds tools among those on offer.
pub(crate) fn is_needless(tool: &Native) -> bool {
    kind_of(&tool.value).starts_with("tool_search_tool") || kind_of(&tool.value) == "tool_search"
}

/// What a search asked for, in a block of a provider that tells it.
pub(crate) fn query_of(block: &Native) -> Option<&str> {
    let is_search = block.dialect == Dialect::Anthropic
        && kind_of(&block.value) == "server_tool_use"
        && block.value.get("name").and_then(Value::as_str) == Some("web_search");
    block.value.get("input")?.get("query")?.as_str().filter(|_| is_search)
}

/// The `type` of a block or a tool.
fn kind_of(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn holds_any(target: Dialect, message: &Message) -> bool {
    message.content.iter().any(|part| holds(target, message.role, part))
}

fn holds(target: Dialect, role: Role, part: &Part) -> bool {
    match &part.content {
        _ if role == Role::Assistant && target != Dialect::Gemini && is_shown(&part.content) => true,
        Content::Native(native) => native.dialect != target,
        Content::ToolResult(result) => result.content.iter().any(|part| holds(target, Role::Tool, part)),
        _ => false,
    }
}

/// Whether it is a picture, a file or a sound, which only Gemini's models are shown again.
fn is_shown(content: &Content) -> bool {
    match content {
        Content::Image(_) | Content::Document(_) => true,
        Content::Audio(audio) => audio.id.is_none() && audio.transcript.is_none(),
        _ => false,
    }
}

fn say_message(target: Dialect, at: usize, message: &mut Message, lost: &mut Vec<String>) {
    if !holds_any(target, message) {
        return;
    }
    let path = |piece: usize| format!("messages[{at}].content[{piece}]");
    let role = message.role;
    let parts = std::mem::take(&mut message.content);
    for (piece, mut part) in parts.into_iter().enumerate() {
        if let Content::ToolResult(result) = &mut part.content {
            let inner = std::mem::take(&mut result.content);
            let said =
                inner.into_iter().filter_map(|part| say(target, part, Role::Tool, || path(piece), lost));
            result.content = said.collect();
            message.content.push(part);
        } else {
            message.content.extend(say(target, part, role, || path(piece), lost));
        }
    }
}

fn say(
    target: Dialect,
    mut part: Part,
    role: Role,
    path: impl Fn() -> String,
    lost: &mut Vec<String>,
) -> Option<Part> {
    if !holds(target, role, &part) {
        return Some(part);
    }
    let Content::Native(native) = &part.content else {
        lost.push(path());
        return None;
    };
    let equivalent = match native.dialect {
        Dialect::Anthropic => anthropic::block(&native.value),
        Dialect::Gemini => gemini::block(&native.value),
        _ => Equivalent::Unknown,
    };
    match equivalent {
        Equivalent::Content(content, names) => {
            lost.extend(names.into_iter().map(|name| format!("{}.{name}", path())));
            part.content = content;
            Some(part)
        }
        // What was said before by a provider's own means no longer asks for anything.
        Equivalent::Unknown if role != Role::Assistant => Some(part),
        Equivalent::Nothing | Equivalent::Unknown => {
            lost.push(path());
            None
        }
    }
}
