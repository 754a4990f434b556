use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tollway_core::Dialect;

use super::{call_id, citation::to_annotation, text::Str};
use crate::{
    chat::{
        Content, Document, Image, Native, Part, Reasoning, Signature, Source, Text, ToolCall, ToolResult,
    },
    seal::{self, Sealed},
    unfit::{self, Unfit},
};

/// The fields of the content blocks we know; unknown ones are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow)]
    tool_use_id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<Str<'a>>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) citations: Option<&'a RawValue>,
    is_error: Option<bool>,
    cache_control: Option<Value>,
}

/// What a block is, by its `type` alone.
#[derive(Debug, Deserialize)]
pub(super) struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Str<'a>,
}

/// Who wrote a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A client, who is told of a field that is missing.
    Client,
    /// The provider, whose answer is read as far as it goes.
    Provider,
}

impl Author {
    /// A text without which a block of this author is none.
    fn need(self, field: Option<Str<'_>>, name: &str) -> Result<String, Unfit> {
        match (field, self) {
            (None, Self::Client) => Err(Unfit::missing(name)),
            (field, _) => Ok(Str::or_empty(field)),
        }
    }

    /// The same of a name or an id, which an empty text is not.
    fn need_name(self, field: Option<Str<'_>>, name: &str) -> Result<String, Unfit> {
        match self {
            Self::Client => self.need(field.filter(|text| !text.0.is_empty()), name),
            Self::Provider => self.need(field, name),
        }
    }
}

/// Reads a content block. `offset` is how many characters of text the answer holds before it.
///
/// A block of a type we do not know, or of a form we cannot say otherwise, is kept whole as
/// [`Content::Native`].
pub(super) fn decode_block(raw: &RawValue, offset: usize, author: Author) -> Result<Part, Unfit> {
    let Tag { kind } = parse(raw)?;
    let content = match &*kind.0 {
        "text" => return decode_text(parse(raw)?, offset, author),
        "thinking" => return Ok(decode_thinking(parse(raw)?)),
        "redacted_thinking" => {
            let block: Block<'_> = parse(raw)?;
            return Ok(redacted(Str::or_empty(block.data)));
        }
        "tool_use" => {
            let block: Block<'_> = parse(raw)?;
            if author == Author::Client && block.input.is_some_and(|input| !input.get().starts_with('{')) {
                return Err(Unfit::at(".input", "expected an object"));
            }
            let call = ToolCall {
                id: call_id::given(Cow::Owned(author.need_name(block.id, "id")?)),
                name: author.need_name(block.name, "name")?,
                arguments: arguments(block.input),
                custom: false,
            };
            return Ok(marked(Content::ToolCall(call), block.cache_control));
        }
        "tool_result" => return decode_result(parse(raw)?, author),
        "image" => {
            let block: Block<'_> = parse(raw)?;
            match decode_source(block.source)? {
                Some(source) if !matches!(source, Source::Text(_)) => {
                    let image = Image { source, detail: None };
                    return Ok(marked(Content::Image(image), block.cache_control));
                }
                _ => native(raw)?,
            }
        }
        "document" => {
            let block: Block<'_> = parse(raw)?;
            // Citations and context of a document have no canonical place.
            match decode_source(block.source)? {
                Some(source) if block.citations.is_none() && block.context.is_none() => {
                    let name = block.title.map(|title| title.0.into_owned());
                    return Ok(marked(Content::Document(Document { source, name }), block.cache_control));
                }
                _ => native(raw)?,
            }
        }
        _ => native(raw)?,
    };
    Ok(content.into())
}

/// Reads `content` that is a string or a list of blocks.
pub(super) fn decode_content(raw: &RawValue, author: Author) -> Result<Vec<Part>, Unfit> {
    match raw.get().as_bytes().first() {
        Some(b'"') => {
            let text: Str<'_> = parse(raw)?;
            return Ok(vec![Part::text(text.0)]);
        }
        Some(b'[') => {}
        _ => return Err(Unfit::at("", "expected a string or a list of blocks")),
    }
    let blocks: Vec<&RawValue> = parse(raw)?;
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        let part = decode_block(block, 0, author);
        parts.push(part.map_err(|unfit| unfit.below(format_args!("[{at}]")))?);
    }
    Ok(parts)
}

/// Sealed thinking. The empty seal beside it says whose it is.
pub(super) fn redacted(data: String) -> Part {
    let reasoning = Reasoning { text: String::new(), redacted: Some(data) };
    Part {
        content: Content::Reasoning(reasoning),
        cache_control: None,
        signature: Some(Signature { dialect: Dialect::Anthropic, value: String::new() }),
    }
}

/// The seal of a thinking block; an empty one is none.
pub(super) fn decode_seal(seal: &str) -> Option<Signature> {
    let signature = match seal::read(seal) {
        Some(Sealed::Thinking(signature)) => signature,
        _ => Signature { dialect: Dialect::Anthropic, value: seal.to_owned() },
    };
    (!signature.value.is_empty()).then_some(signature)
}

/// A seal on thinking as an Anthropic client is to keep it.
pub(super) fn encode_seal(signature: &Signature) -> Cow<'_, str> {
    match signature.dialect {
        Dialect::Anthropic => Cow::Borrowed(&signature.value),
        _ => Cow::Owned(seal::on_thinking(signature)),
    }
}

/// The text of a call's input; what is not there is an empty object.
pub(super) fn arguments(input: Option<&RawValue>) -> String {
    input.map_or_else(|| "{}".to_owned(), |input| input.get().to_owned())
}

/// Reads the whole block as it is.
pub(super) fn native(raw: &RawValue) -> Result<Content, Unfit> {
    Ok(Content::Native(Native { dialect: Dialect::Anthropic, value: parse(raw)? }))
}

/// The citations of a text block.
pub(super) fn citations(raw: Option<&RawValue>) -> Result<Vec<Value>, Unfit> {
    raw.map_or(Ok(Vec::new()), |raw| parse(raw).map_err(|unfit| unfit.below(".citations")))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Unfit> {
    unfit::read(raw.get())
}

fn marked(content: Content, cache_control: Option<Value>) -> Part {
    Part { content, cache_control, signature: None }
}

fn decode_text(block: Block<'_>, offset: usize, author: Author) -> Result<Part, Unfit> {
    let text = author.need(block.text, "text")?;
    let mut annotations = Vec::new();
    let citations = citations(block.citations)?;
    if !citations.is_empty() {
        let end = offset + text.chars().count();
        annotations.extend(citations.into_iter().map(|citation| to_annotation(citation, offset, end)));
    }
    Ok(marked(Content::Text(Text { text, annotations }), block.cache_control))
}

fn decode_thinking(block: Block<'_>) -> Part {
    let reasoning = Reasoning { text: Str::or_empty(block.thinking), redacted: None };
    let signature = block.signature.and_then(|seal| decode_seal(&seal.0));
    Part { content: Content::Reasoning(reasoning), cache_control: None, signature }
}

fn decode_result(block: Block<'_>, author: Author) -> Result<Part, Unfit> {
    let content = match block.content {
        None => Vec::new(),
        Some(raw) => decode_content(raw, author).map_err(|unfit| unfit.below(".content"))?,
    };
    let result = ToolResult {
        call_id: call_id::given(Cow::Owned(author.need_name(block.tool_use_id, "tool_use_id")?)),
        name: None,
        content,
        is_error: block.is_error.unwrap_or(false),
    };
    Ok(marked(Content::ToolResult(result), block.cache_control))
}

#[derive(Deserialize)]
struct WireSource<'a> {
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(borrow, default)]
    media_type: Option<Str<'a>>,
    #[serde(borrow, default)]
    data: Option<Str<'a>>,
    #[serde(borrow, default)]
    url: Option<Str<'a>>,
    #[serde(borrow, default)]
    file_id: Option<Str<'a>>,
}

/// The source of a medium; `None` for a kind without a canonical form.
fn decode_source(raw: Option<&RawValue>) -> Result<Option<Source>, Unfit> {
    let raw = raw.ok_or_else(|| Unfit::missing("source"))?;
    let source: WireSource<'_> = parse(raw).map_err(|unfit| unfit.below(".source"))?;
    let need = |field: Option<Str<'_>>, name: &str| {
        let missing = || Unfit::missing(name).below(".source");
        field.map(|text| text.0.into_owned()).ok_or_else(missing)
    };
    Ok(Some(match &*source.kind.0 {
        "base64" => Source::Base64 {
            media_type: need(source.media_type, "media_type")?,
            data: need(source.data, "data")?,
        },
        "url" => Source::Url { url: need(source.url, "url")?, media_type: None },
        "file" => Source::File { id: need(source.file_id, "file_id")? },
        "text" => Source::Text(need(source.data, "data")?),
        _ => return Ok(None),
    }))
}
