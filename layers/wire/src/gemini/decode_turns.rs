//! `contents` and `systemInstruction` → messages.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;
use tollway_core::Dialect;

use super::{
    decode_response::decode_part,
    lenient::{Fields, OneOrMany},
    marked, media,
    part::{FunctionResponse, ResponseObject, WirePart},
    raw,
    words::Words,
};
use crate::{
    DecodeContext, Refusal,
    call_ids::CallIds,
    chat::{Content, Message, Origins, Part, Reasoning, Role, ToolResult},
    unfit::{self, Unfit},
};

/// A turn as it stands in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TurnIn<'a> {
    #[serde(borrow)]
    role: Option<Words<'a>>,
    #[serde(borrow)]
    parts: OneOrMany<WirePart<'a>>,
}

/// Reads the instructions: a turn, or a bare text as the SDKs take it. With them comes whether every part
/// stands at the place it has in the turn.
pub(super) fn instructions(value: &RawValue) -> Result<Option<(Message, bool)>, Refusal> {
    let is_text = value.get().starts_with('"');
    let refuse = |unfit: Unfit| unfit.refusal("systemInstruction");
    let turn: TurnIn<'_> = if is_text {
        let text: Words<'_> = unfit::read(value.get()).map_err(refuse)?;
        TurnIn { role: None, parts: OneOrMany(vec![WirePart { text: Some(text), ..WirePart::default() }]) }
    } else {
        unfit::read(value.get()).map_err(refuse)?
    };
    let count = turn.parts.0.len();
    let mut ids = CallIds::new("");
    let decode = |part| decode_part(part, &mut ids, &DecodeContext::default());
    let content: Vec<Part> = turn.parts.0.into_iter().filter_map(decode).collect();
    if content.is_empty() {
        return Ok(None);
    }
    let is_whole = !is_text && content.len() == count;
    Ok(Some((Message { role: Role::System, name: None, content }, is_whole)))
}

/// Reads the turns of a conversation.
///
/// A turn that holds results of calls and other parts becomes several messages. A call without an id
/// is given one, and the first result for the same function whose id is none of a call is paired with it.
/// With the messages come the places of their turns.
pub(super) fn messages(turns: Vec<TurnIn<'_>>) -> Result<(Vec<Message>, Origins), Refusal> {
    let mut reader = Reader::new(&turns);
    for (at, turn) in turns.into_iter().enumerate() {
        let role = match turn.role.as_deref() {
            None | Some("" | "user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(other) => {
                return Err(Refusal::at(
                    format!("contents[{at}].role"),
                    format!("must be user or model: {other}"),
                ));
            }
        };
        reader.role = role;
        // Its SDKs keep every chunk of a streamed answer as a turn of its own: they are one message.
        reader.fresh = role != Role::Assistant;
        reader.turn = at;
        for (place, part) in turn.parts.0.into_iter().enumerate() {
            check(&part).map_err(|unfit| unfit.refusal(format_args!("contents[{at}].parts[{place}]")))?;
            reader.take(part, place);
        }
    }
    Ok((reader.messages, reader.origins))
}

/// Finds the field without which a part is none.
fn check(part: &WirePart<'_>) -> Result<(), Unfit> {
    let need = |place: &str, field: &str, text: &str| {
        if text.is_empty() { Err(Unfit::missing(field).below(place)) } else { Ok(()) }
    };
    match part {
        WirePart { inline_data: Some(blob), .. } => need(".inlineData", "mimeType", &blob.mime_type),
        WirePart { file_data: Some(file), .. } => need(".fileData", "fileUri", &file.file_uri),
        WirePart { function_call: Some(call), .. } => need(".functionCall", "name", &call.name),
        WirePart { function_response: Some(result), .. } => need(".functionResponse", "name", &result.name),
        _ => Ok(()),
    }
}

struct Reader {
    messages: Vec<Message>,
    origins: Origins,
    /// The turn that is being read, and its role.
    turn: usize,
    role: Role,
    /// Whether the next part begins a new message whatever stands before it.
    fresh: bool,
    ids: CallIds,
    /// Ids the conversation already has.
    taken: HashSet<String>,
    /// Ids of calls by name, oldest first, less those already paired by name.
    open: HashMap<String, VecDeque<String>>,
    /// Ids for which a result was read.
    answered: HashSet<String>,
    none: DecodeContext,
}

impl Reader {
    fn new(turns: &[TurnIn<'_>]) -> Self {
        let parts = turns.iter().flat_map(|turn| &turn.parts.0);
        let ids = parts.filter_map(|part| part.function_call.as_ref()?.id.as_deref());
        Self {
            messages: Vec::new(),
            origins: Origins::default(),
            turn: 0,
            role: Role::User,
            fresh: true,
            ids: CallIds::new("history"),
            taken: ids.map(str::to_owned).collect(),
            open: HashMap::new(),
            answered: HashSet::new(),
            none: DecodeContext::default(),
        }
    }

    fn take(&mut self, mut part: WirePart<'_>, place: usize) {
        if let Some(response) = part.function_response.take() {
            let result = self.result(*response);
            return self.push(Role::Tool, Content::ToolResult(result).into(), place);
        }
        let Some(part) = decode_part(part, &mut self.ids, &self.none) else { return };
        let mut part = marked::restored(part);
        self.gather(&mut part);
        if let Content::ToolCall(call) = &part.content {
            self.taken.insert(call.id.clone());
            self.open.entry(call.name.clone()).or_default().push_back(call.id.clone());
        }
        self.push(self.role, part, place);
    }

    fn push(&mut self, role: Role, part: Part, place: usize) {
        match self.messages.last_mut() {
            Some(last) if last.role == role && !self.fresh => last.content.push(part),
            _ => self.messages.push(Message { role, name: None, content: vec![part] }),
        }
        self.fresh = false;
        self.origins.part(&self.messages, self.turn, place);
    }

    /// Takes back the thoughts that another provider's seal is on: a stream told them in pieces before it.
    fn gather(&mut self, part: &mut Part) {
        let is_foreign = part.signature.as_ref().is_some_and(|seal| seal.dialect != Dialect::Gemini);
        let Content::Reasoning(Reasoning { text, redacted: None }) = &mut part.content else { return };
        if !is_foreign || !text.is_empty() {
            return;
        }
        let mut pieces = Vec::new();
        while let Some(last) = self.messages.last_mut().filter(|last| last.role == Role::Assistant) {
            let is_piece = |part: &Part| {
                part.signature.is_none()
                    && matches!(&part.content, Content::Reasoning(said) if said.redacted.is_none())
            };
            if !last.content.last().is_some_and(is_piece) {
                break;
            }
            if let Some(Part { content: Content::Reasoning(said), .. }) = last.content.pop() {
                pieces.push(said.text);
            }
            if last.content.is_empty() {
                self.messages.pop();
            }
        }
        pieces.reverse();
        *text = pieces.concat();
    }

    fn result(&mut self, response: FunctionResponse<'_>) -> ToolResult {
        let name = response.name.into_owned();
        let given = response.id.map(Words::into_owned).filter(|id| !id.is_empty());
        let call_id = match given {
            Some(id) if self.taken.contains(&id) => id,
            // Gemini's CLI makes ids up for the results of calls that have none.
            given => self.oldest_open(&name).or(given).unwrap_or_else(|| self.free_id()),
        };
        self.answered.insert(call_id.clone());
        let (text, is_error) = match response.response {
            ResponseObject::Raw(raw) => result_text(&raw.0),
            _ => (String::new(), false),
        };
        let mut content = vec![Part::text(text)];
        for part in response.parts {
            if let Some(blob) = part.inline_data {
                content.push(media::from_blob(*blob).into());
            } else if let Some(file) = part.file_data {
                content.push(media::from_file(*file).into());
            }
        }
        ToolResult { call_id, name: (!name.is_empty()).then_some(name), content, is_error }
    }

    fn oldest_open(&mut self, name: &str) -> Option<String> {
        let ids = self.open.get_mut(name)?;
        while let Some(id) = ids.pop_front() {
            if !self.answered.contains(&id) {
                return Some(id);
            }
        }
        None
    }

    fn free_id(&mut self) -> String {
        loop {
            let id = self.ids.next_id();
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// The text of a result, and whether it is a failure: what stands alone under `output` or `error`,
/// or else the whole object.
fn result_text(raw: &RawValue) -> (String, bool) {
    let fields: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let said = |name| fields.only(name).map(RawValue::get);
    if let Some(text) = said("output").and_then(|text| serde_json::from_str::<String>(text).ok()) {
        // Text that is an object itself would be sent back as that object.
        if raw::object(&text).is_none() || text.trim().is_empty() {
            return (text, false);
        }
    }
    if let Some(error) = said("error") {
        let text = serde_json::from_str(error);
        return (text.unwrap_or_else(|_| raw::compact(raw)), true);
    }
    (raw::compact(raw), false)
}
