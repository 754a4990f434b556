//! What goes out for a call, and how the answer is to be read.

mod context;
mod count;
mod embeddings;
mod media;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tollway_core::{Call, Dialect, Endpoint, Exchange, Framing, Operation, Upstream};
use tollway_wire::chat::Chat;
use tollway_wire::embeddings::EmbeddingRequest;
use tollway_wire::openai::completions::{self, CompletionOptions};
use tollway_wire::peek::Peek;
use tollway_wire::responses::Echo;
use tollway_wire::{
    CustomTools, DecodeContext, Effort, EncodeContext, Encoded, Target, custom_tools_as_functions, format,
    gemini, holds_foreign, relay,
};

pub(super) use self::context::{decode_context, encode_context, stream_wishes};
use self::media::Unfetched;
use super::fetch::Fetch;
use crate::Error;
use crate::config::{Kind, Provider, Resolved};

/// Anthropic's API and SDKs refuse answers that may take longer than ten minutes unless they are
/// streamed; by the SDK's estimate that is above this many tokens (`anthropic-sdk-python`,
/// `_calculate_nonstreaming_timeout`: 10 min × 128,000 tokens/h).
const ANTHROPIC_UNSTREAMED_MAX: u64 = 21_333;

/// A request in the upstream's words.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The endpoint to send it to.
    pub(super) endpoint: Endpoint,
    /// The body to send.
    pub(super) body: Bytes,
    /// The form of the stream that the upstream is asked for, if it is asked for one.
    pub(super) stream: Option<Framing>,
    /// Fields that could not be carried.
    pub(super) dropped: Vec<String>,
    /// How the answer is to be read.
    pub(super) reading: Reading,
}

/// How an answer is to be read. Boxed where it is large, as it moves with every request.
#[derive(Debug)]
pub(super) enum Reading {
    /// As it is.
    Relay(Relay),
    /// As a chat.
    Chat(Box<ChatReading>),
    /// As vectors.
    Embeddings(Box<EmbeddingsReading>),
    /// As a count of tokens in a format.
    Count(Dialect),
}

/// How an answer is handed on as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    /// What both speak.
    pub(super) dialect: Dialect,
    /// The form of a stream.
    pub(super) framing: Framing,
    /// How many answers were asked for.
    pub(super) n: Option<u64>,
    /// Whether the usage chunk is taken out of a stream, where we asked for it.
    pub(super) strip_usage: bool,
}

impl Relay {
    /// An answer to a call, of which nothing is taken out.
    pub(super) fn of(call: &Call) -> Self {
        Self { dialect: call.dialect, framing: call.framing, n: None, strip_usage: false }
    }
}

/// How a chat is read and written.
#[derive(Debug)]
pub(super) struct ChatReading {
    /// What the upstream speaks.
    pub(super) upstream: Dialect,
    /// What the client speaks.
    pub(super) client: Dialect,
    /// The form the client's stream has.
    pub(super) framing: Framing,
    /// What a decoder must know.
    pub(super) decode: DecodeContext,
    /// What an encoder must know.
    pub(super) encode: EncodeContext,
    /// Whether the client wants the legacy completion's shape.
    pub(super) completion: Option<CompletionOptions>,
}

/// How vectors are read and written.
#[derive(Debug)]
pub(super) struct EmbeddingsReading {
    /// What the upstream speaks.
    pub(super) upstream: Dialect,
    /// Whether it was asked of Vertex AI, which answers in its own way.
    pub(super) at_vertex: bool,
    /// What was asked for.
    pub(super) request: EmbeddingRequest,
    /// What an encoder must know.
    pub(super) encode: EncodeContext,
}

/// What must be known to say a call in the upstream's words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparing<'a> {
    pub(super) call: &'a Call,
    pub(super) peek: &'a Peek,
    pub(super) resolved: &'a Resolved,
    pub(super) upstream: &'a Arc<Upstream>,
    pub(super) provider: &'a Provider,
    pub(super) exchange: Option<&'a Exchange>,
}

/// How far a request has come.
#[derive(Debug)]
pub(super) enum Step {
    /// It can be sent.
    Ready(Prepared),
    /// It names pictures and documents that must be fetched first.
    Media(Box<Wanting>),
    /// It need not be sent: this is the answer, by our own estimate.
    Guessed(Vec<u8>),
}

/// A chat whose media are not there yet.
#[derive(Debug)]
pub(super) struct Wanting {
    chat: Chat,
    completion: Option<CompletionOptions>,
}

impl Preparing<'_> {
    /// Says the call in the upstream's words, as far as that can be done at once.
    pub(super) fn begin(&self) -> Result<Step, Error> {
        let Self { call, peek, .. } = *self;
        let is_chat = matches!(call.endpoint, Endpoint::Chat | Endpoint::TextCompletion);
        let answers_anew = call.endpoint == Endpoint::Chat && self.answers_anew();
        // Another provider's seals would be refused; the decoder knows them, and leaves them out.
        let is_marked = call.endpoint == Endpoint::Chat && holds_foreign(call.dialect, &call.body);
        if self.is_spoken() && !answers_anew && !is_marked {
            let counted = self.count_at_vertex()?;
            return Ok(Step::Ready(counted.unwrap_or_else(|| self.relayed(peek))));
        }
        match call.endpoint {
            Endpoint::Embeddings | Endpoint::Embedding => return self.embeddings().map(Step::Ready),
            Endpoint::CountTokens => {
                let chat = self.counted()?;
                // Chat Completions has no endpoint for it.
                if self.upstream.dialect == Dialect::OpenAi {
                    return Ok(Step::Guessed(self.guessed()));
                }
                return self.chat(chat, None);
            }
            _ if !is_chat => return Err(Error::Internal),
            _ => {}
        }
        let (chat, completion) = if call.endpoint == Endpoint::TextCompletion {
            let (chat, options) = completions::decode_request(&call.body)?;
            (chat, Some(options))
        } else {
            (format::decode_request(call.dialect, &call.model, call.stream, &call.body)?, None)
        };
        let renames = self.provider.quirks.functions_as_tools && chat.legacy_functions;
        if answers_anew && self.is_spoken() && !renames {
            // The request is still spliced, only the answer is written anew.
            let reading = self.chat_reading(&chat, decode_context(Vec::new(), Vec::new()), completion);
            return Ok(Step::Ready(Prepared { reading, ..self.relayed(peek) }));
        }
        self.chat(chat, completion)
    }

    /// A chat in the upstream's words, or what it waits for.
    fn chat(&self, mut chat: Chat, completion: Option<CompletionOptions>) -> Result<Step, Error> {
        if !self.unfetched().of(&mut chat).is_empty() {
            return Ok(Step::Media(Box::new(Wanting { chat, completion })));
        }
        self.translated(chat, completion).map(Step::Ready)
    }

    /// Goes on once what must be fetched is there.
    pub(super) async fn with_media(&self, wanting: Box<Wanting>, fetch: &Fetch) -> Result<Prepared, Error> {
        let Wanting { mut chat, completion } = *wanting;
        media::fetch_media(&mut chat, self.unfetched(), fetch).await.map_err(|error| match error {
            Error::Refused(refusal) => Error::Refused(chat.own_refusal(refusal)),
            other => other,
        })?;
        self.translated(chat, completion)
    }

    /// What the upstream does not fetch by itself.
    fn unfetched(&self) -> Unfetched {
        match self.upstream.dialect {
            Dialect::Gemini => Unfetched::All,
            Dialect::OpenAi if matches!(self.provider.kind, Kind::Openai | Kind::AzureOpenai) => {
                Unfetched::Documents
            }
            _ => Unfetched::Nothing,
        }
    }

    /// Whether Gemini's models are asked at Vertex AI, some of whose methods are others than Gemini's.
    fn is_gemini_at_vertex(&self) -> bool {
        self.provider.kind == Kind::Vertex && self.upstream.dialect == Dialect::Gemini
    }

    /// Whether the client's words are the upstream's. Beside chats, `OpenAI`'s two formats are one.
    fn is_spoken(&self) -> bool {
        let (client, upstream) = (self.call.dialect, self.upstream.dialect);
        if self.is_embeddings_at_vertex() {
            // Its methods are others than Gemini's, but for one text of the newer models.
            return self.call.endpoint == Endpoint::Embedding
                && client == upstream
                && gemini::vertex_embeddings::takes_one(&self.upstream.model);
        }
        client == upstream
            || (client == Dialect::OpenAi
                && upstream == Dialect::Responses
                && self.call.endpoint != Endpoint::Chat)
    }

    /// Whether a server of `OpenAI`'s format answers a chat otherwise than its clients expect.
    fn answers_anew(&self) -> bool {
        let quirks = &self.provider.quirks;
        self.upstream.dialect == Dialect::OpenAi
            && (quirks.normalise_answers
                // Calls of the legacy `functions` come back as calls of tools.
                || (quirks.functions_as_tools && self.peek.value("functions").is_some()))
    }

    /// A chat in the words of another dialect, or of the same where they must be others.
    fn translated(&self, mut chat: Chat, completion: Option<CompletionOptions>) -> Result<Prepared, Error> {
        if self.call.endpoint == Endpoint::CountTokens {
            return self.count_tokens(chat);
        }
        match self.upstream.dialect {
            Dialect::Anthropic => {
                chat.stream |= chat.max_tokens.is_some_and(|tokens| tokens > ANTHROPIC_UNSTREAMED_MAX);
            }
            // Anthropic shows what a model thinks unless told otherwise; OpenAI shows it to some
            // accounts only, so that nobody else is taken to have asked.
            Dialect::Responses if self.call.dialect == Dialect::Anthropic => show_thoughts(&mut chat),
            Dialect::Gemini => show_thoughts(&mut chat),
            _ => {}
        }
        let custom = self.without_custom_tools(&mut chat);
        let include_usage = chat.include_usage;
        // Usage is always read, and a server of this format tells it where it is asked.
        let tells = self.upstream.dialect == Dialect::OpenAi && self.provider.quirks.stream_usage;
        chat.include_usage |= chat.stream && tells;
        let target = self.target();
        let Encoded { body, mut dropped, renamed_tools } =
            format::encode_request(self.upstream.dialect, &chat, &target)
                .map_err(|refusal| chat.own_refusal(refusal))?;
        dropped.extend(custom.dropped);
        for path in &mut dropped {
            *path = chat.own_path(path);
        }
        chat.include_usage = include_usage;
        let decode = decode_context(renamed_tools, custom.names);
        let reading = self.chat_reading(&chat, decode, completion);
        let mut body = Bytes::from(body);
        let traits = &self.resolved.traits;
        let is_ready = self.provider.quirks.take_what_is_written() && !traits.earlier_thinking;
        if self.upstream.dialect == Dialect::OpenAi && !is_ready {
            // What departs from OpenAI's format is spliced, as in a request that came in it.
            let relayed = self.relayed(&Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body)?);
            dropped.extend(relayed.dropped.iter().filter_map(|path| said_of_written(&chat, path)));
            body = relayed.body;
        }
        list_once(&mut dropped);
        if let Some(version) = self.version(Endpoint::Chat) {
            body = relay::version_for_model(body, version)?;
        }
        let stream = chat.stream.then_some(Framing::Events);
        Ok(Prepared { endpoint: Endpoint::Chat, body, stream, dropped, reading })
    }

    /// Makes custom tools functions where the upstream has none: all but OpenAI's models.
    fn without_custom_tools(&self, chat: &mut Chat) -> CustomTools {
        let has_them = self.upstream.dialect == Dialect::Responses
            || matches!(self.provider.kind, Kind::Openai | Kind::AzureOpenai);
        if has_them { CustomTools::default() } else { custom_tools_as_functions(chat) }
    }

    /// The model asked, and what it accepts.
    fn target(&self) -> Target {
        Target { model: self.upstream.model.to_string(), traits: (*self.resolved.traits).clone() }
    }

    fn chat_reading(
        &self,
        chat: &Chat,
        decode: DecodeContext,
        completion: Option<CompletionOptions>,
    ) -> Reading {
        Reading::Chat(Box::new(ChatReading {
            upstream: self.upstream.dialect,
            client: self.call.dialect,
            framing: self.call.framing,
            decode,
            encode: EncodeContext {
                include_usage: chat.include_usage,
                foreign: self.upstream.dialect != self.call.dialect,
                legacy_functions: chat.legacy_functions,
                echo: if self.call.dialect == Dialect::Responses {
                    Echo::of(self.peek)
                } else {
                    Echo::default()
                },
                ..encode_context(self.call, self.exchange)
            },
            completion,
        }))
    }

    /// The version that stands in the body in place of the model, which then is part of the path.
    fn version(&self, endpoint: Endpoint) -> Option<&'static str> {
        let is_chat = self.upstream.dialect == Dialect::Anthropic && endpoint == Endpoint::Chat;
        self.provider.kind.anthropic_version().filter(|_| is_chat)
    }

    /// A body that goes out as it came, but for splices.
    fn relayed(&self, peek: &Peek) -> Prepared {
        let Self { call, resolved, provider, .. } = *self;
        let (model, traits) = (&*self.upstream.model, &*resolved.traits);
        let request = relay::Request {
            model,
            read_usage: true,
            quirks: &provider.quirks,
            traits,
            anthropic_version: self.version(call.endpoint),
        };
        let spliced = request.relay(peek);
        Prepared {
            endpoint: call.endpoint,
            body: spliced.body.into_bytes(),
            stream: call.stream.then_some(call.framing),
            dropped: spliced.dropped,
            reading: Reading::Relay(Relay {
                n: peek.n(),
                strip_usage: spliced.strip_usage,
                ..Relay::of(call)
            }),
        }
    }
}

/// Lists each field once: several of the upstream's words may be one of the client's.
fn list_once(dropped: &mut Vec<String>) {
    if dropped.len() > 1 {
        let mut listed = HashSet::new();
        dropped.retain(|path| listed.insert(path.clone()));
    }
}

/// What a field of a request that was written for the upstream is in the client's own, where it is the
/// client's; its messages may stand at other places.
fn said_of_written(chat: &Chat, path: &str) -> Option<String> {
    if matches!(chat.dialect, None | Some(Dialect::OpenAi)) {
        return Some(path.to_owned());
    }
    match path.strip_prefix("messages[").and_then(|rest| rest.split_once(']')) {
        Some((_, field)) => Some(chat.own_path(&format!("messages[]{field}"))),
        None if path.starts_with("stream_options") => None,
        None if path == "web_search_options" => Some("tools".to_owned()),
        None => Some(chat.own_path(path)),
    }
}

/// Asks for the thoughts of a model that is asked to think: some dialects have no field to ask for
/// them with, and some providers keep them to themselves unless they are asked.
fn show_thoughts(chat: &mut Chat) {
    if let Some(reasoning) = &mut chat.reasoning
        && reasoning.effort != Some(Effort::None)
        && reasoning.budget_tokens != Some(0)
    {
        reasoning.include_thoughts.get_or_insert(true);
    }
}
