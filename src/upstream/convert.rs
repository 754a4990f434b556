//! What goes out for a call, and how the answer is to be read.

use bytes::Bytes;
use tollway_core::{Call, Dialect, Endpoint, Exchange, Operation, RequestId};
use tollway_wire::chat::Chat;
use tollway_wire::embeddings::EmbeddingRequest;
use tollway_wire::openai::completions::CompletionOptions;
use tollway_wire::peek::Peek;
use tollway_wire::relay;
use tollway_wire::{
    DecodeContext, Effort, EncodeContext, Encoded, Refusal, Target, anthropic, gemini, openai,
};

use super::fetch::Fetch;
use crate::Error;
use crate::config::{Provider, Resolved};

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
    /// Whether the upstream is asked for a stream.
    pub(super) stream: bool,
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
    /// As vectors of Gemini.
    Embeddings(Box<EmbeddingsReading>),
}

/// How an answer is handed on as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Relay {
    /// How many answers were asked for.
    pub(super) n: Option<u64>,
    /// Whether the usage chunk is taken out of a stream, where we asked for it.
    pub(super) strip_usage: bool,
}

/// How a chat is read and written.
#[derive(Debug)]
pub(super) struct ChatReading {
    /// What the upstream speaks.
    pub(super) dialect: Dialect,
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
        let Self { call, peek, resolved, provider, .. } = *self;
        let upstream = &resolved.upstream;
        // Calls of the legacy `functions` come back as calls of tools.
        let answers_anew = provider.quirks.normalise_answers
            || (provider.quirks.functions_as_tools && peek.value("functions").is_some());
        if upstream.dialect == Dialect::OpenAi && !(answers_anew && call.endpoint == Endpoint::Chat) {
            return Ok(Step::Ready(self.relayed(peek)));
        }
        if call.endpoint == Endpoint::Embeddings {
            let encode = encode_context(call, self.exchange);
            return embeddings(call, upstream.dialect, &upstream.model, encode).map(Step::Ready);
        }
        let (mut chat, completion) = match call.endpoint {
            Endpoint::TextCompletion => {
                let (chat, options) = openai::completions::decode_request(&call.body)?;
                (chat, Some(options))
            }
            _ => (openai::decode_request(&call.body)?, None),
        };
        if upstream.dialect == Dialect::OpenAi {
            if provider.quirks.functions_as_tools && chat.legacy_functions {
                return self.with_tools(&chat).map(Step::Ready);
            }
            // The request is still spliced, only the answer is written anew.
            let reading = self.chat_reading(&chat, Vec::new(), completion);
            return Ok(Step::Ready(Prepared { reading, ..self.relayed(peek) }));
        }
        if upstream.dialect == Dialect::Gemini && !gemini::remote_media(&mut chat).is_empty() {
            return Ok(Step::Media(Box::new(Wanting { chat, completion })));
        }
        self.translated(chat, completion).map(Step::Ready)
    }

    /// Goes on once what must be fetched is there.
    pub(super) async fn with_media(&self, wanting: Box<Wanting>, fetch: &Fetch) -> Result<Prepared, Error> {
        let Wanting { mut chat, completion } = *wanting;
        fetch_media(&mut chat, fetch).await?;
        self.translated(chat, completion)
    }

    /// A chat in the words of another dialect.
    fn translated(&self, mut chat: Chat, completion: Option<CompletionOptions>) -> Result<Prepared, Error> {
        let upstream = &self.resolved.upstream;
        let target = Target { model: upstream.model.to_string(), traits: (*self.resolved.traits).clone() };
        let Encoded { body, dropped, renamed_tools } = match upstream.dialect {
            Dialect::Anthropic => {
                chat.stream |= chat.max_tokens.is_some_and(|tokens| tokens > ANTHROPIC_UNSTREAMED_MAX);
                anthropic::encode_request(&chat, &target)?
            }
            Dialect::Gemini => {
                show_thoughts(&mut chat);
                gemini::encode_request(&chat, &target)?
            }
            _ => return Err(Error::Internal),
        };
        let reading = self.chat_reading(&chat, renamed_tools, completion);
        Ok(Prepared { endpoint: Endpoint::Chat, body: body.into(), stream: chat.stream, dropped, reading })
    }

    /// A chat with legacy functions, which become tools.
    fn with_tools(&self, chat: &Chat) -> Result<Prepared, Error> {
        let target = Target { model: chat.model.clone(), traits: (*self.resolved.traits).clone() };
        let Encoded { body, mut dropped, renamed_tools } = openai::encode_request(chat, &target)?;
        let relayed =
            self.relayed(&Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body.into())?);
        dropped.extend(relayed.dropped);
        let reading = self.chat_reading(chat, renamed_tools, None);
        Ok(Prepared { dropped, reading, ..relayed })
    }

    fn chat_reading(
        &self,
        chat: &Chat,
        renamed_tools: Vec<(String, String)>,
        completion: Option<CompletionOptions>,
    ) -> Reading {
        Reading::Chat(Box::new(ChatReading {
            dialect: self.resolved.upstream.dialect,
            decode: decode_context(renamed_tools),
            encode: EncodeContext {
                include_usage: chat.include_usage,
                legacy_functions: chat.legacy_functions,
                ..encode_context(self.call, self.exchange)
            },
            completion,
        }))
    }

    /// A body that goes out as it came, but for splices.
    fn relayed(&self, peek: &Peek) -> Prepared {
        let Self { call, resolved, provider, .. } = *self;
        let (model, traits) = (&*resolved.upstream.model, &*resolved.traits);
        let request = relay::Request { model, read_usage: true, quirks: &provider.quirks, traits };
        let spliced = request.relay(peek);
        Prepared {
            endpoint: call.endpoint,
            body: spliced.body.into_bytes(),
            stream: call.stream,
            dropped: spliced.dropped,
            reading: Reading::Relay(Relay { n: peek.n(), strip_usage: spliced.strip_usage }),
        }
    }
}

/// What an encoder of an answer to a call must know.
pub(super) fn encode_context(call: &Call, exchange: Option<&Exchange>) -> EncodeContext {
    let made_up = || RequestId::from_random(fastrand::u128(..));
    let request_id = exchange.map_or_else(made_up, |exchange| exchange.request_id().clone());
    EncodeContext {
        id: request_id.as_str().to_owned(),
        model: call.model.to_string(),
        created: now(),
        ..EncodeContext::default()
    }
}

/// What a decoder must know. Its seed is not the request's id: a client that names all calls of a run
/// alike would see ids of tool calls come again.
pub(super) fn decode_context(renamed_tools: Vec<(String, String)>) -> DecodeContext {
    DecodeContext { renamed_tools, seed: format!("{:032x}", fastrand::u128(..)) }
}

/// What a request says of the stream it wants, where it is relayed and not otherwise read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StreamWishes {
    pub(super) include_usage: bool,
    pub(super) legacy_functions: bool,
}

/// Reads the wishes; where the request is odd, there are none.
pub(super) fn stream_wishes(request: &[u8]) -> StreamWishes {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Wishes<'a> {
        stream_options: Option<Options>,
        #[serde(borrow)]
        functions: Option<&'a serde_json::value::RawValue>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Options {
        include_usage: Option<bool>,
    }
    let wishes: Wishes<'_> = serde_json::from_slice(request).unwrap_or_default();
    StreamWishes {
        include_usage: wishes.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        legacy_functions: wishes.functions.is_some(),
    }
}

fn embeddings(call: &Call, dialect: Dialect, model: &str, encode: EncodeContext) -> Result<Prepared, Error> {
    let request = openai::embeddings::decode_request(&call.body)?;
    if dialect != Dialect::Gemini {
        return Err(Refusal::at(
            "model",
            format!("the provider of this model has no embeddings: {}", call.model),
        )
        .into());
    }
    let Encoded { body, dropped, .. } = gemini::embeddings::encode_request(&request, model)?;
    Ok(Prepared {
        endpoint: Endpoint::Embeddings,
        body: body.into(),
        stream: false,
        dropped,
        reading: Reading::Embeddings(Box::new(EmbeddingsReading { request, encode })),
    })
}

/// Asks for the thoughts of a model that is asked to think: OpenAI's dialect has no field to ask for
/// them with, and Gemini keeps them to itself unless it is asked.
fn show_thoughts(chat: &mut Chat) {
    if let Some(reasoning) = &mut chat.reasoning
        && reasoning.effort.is_some_and(|effort| effort != Effort::None)
    {
        reasoning.include_thoughts.get_or_insert(true);
    }
}

/// The most pictures and documents that are fetched for one request.
const MOST_MEDIA: usize = 64;
/// How many of them at once.
const MEDIA_AT_ONCE: usize = 8;
/// The most bytes of base64 that they may come to: no Gemini request may be larger.
const MOST_MEDIA_BYTES: usize = 128 * 1024 * 1024;

/// Puts the bytes of pictures and documents in place of their URLs.
async fn fetch_media(chat: &mut Chat, fetch: &Fetch) -> Result<(), Error> {
    let mut wanted = gemini::remote_media(chat);
    if let Some(one_more) = wanted.get(MOST_MEDIA) {
        let message = format!("more than {MOST_MEDIA} pictures and documents by URL");
        return Err(Refusal::at(one_more.param.clone(), message).into());
    }
    let mut tasks = tokio::task::JoinSet::new();
    let mut waiting: Vec<(usize, String)> =
        wanted.iter().enumerate().map(|(index, media)| (index, media.url().to_owned())).rev().collect();
    let mut bytes = 0;
    loop {
        while tasks.len() < MEDIA_AT_ONCE
            && let Some((index, url)) = waiting.pop()
        {
            let fetch = fetch.clone();
            tasks.spawn(async move { (index, fetch.get(&url).await) });
        }
        let Some(done) = tasks.join_next().await else { return Ok(()) };
        let (index, fetched) = done.map_err(|_| Error::Internal)?;
        let Some(media) = wanted.get_mut(index) else { continue };
        let refuse = |reason: &str| {
            let message = format!("the URL could not be fetched, {reason}: {}", media.url());
            Err(Refusal::at(media.param.clone(), message).into())
        };
        match fetched {
            Ok(fetched) if bytes + fetched.data.len() > MOST_MEDIA_BYTES => {
                return refuse("with the others it is too large for one request");
            }
            Ok(fetched) => {
                bytes += fetched.data.len();
                media.replace(fetched.media_type.unwrap_or_default(), fetched.data);
            }
            Err(reason) => return refuse(&reason),
        }
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
