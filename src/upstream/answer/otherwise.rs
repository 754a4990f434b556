//! Answers that come the other way than the client asked for: as a whole in place of a stream, as a
//! stream in place of a whole, or as neither.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use tollway_core::{Call, Dialect, Endpoint, Framing, Outcome};
use tollway_wire::chat::Reply;
use tollway_wire::format::StreamDecoder;
use tollway_wire::openai::completions;
use tollway_wire::relay::UsageTap;
use tollway_wire::responses::Echo;
use tollway_wire::{EncodeContext, Truncated};

use super::{Answering, Look, Parts, as_stream, broken, empty, look};
use crate::Error;
use crate::body::full;
use crate::upstream::begun::Begun;
use crate::upstream::collect;
use crate::upstream::convert::{self, ChatReading, Relay};
use crate::upstream::headers::Passage;

impl Answering<'_> {
    /// An answer in the client's own dialect.
    pub(super) async fn relayed_otherwise<B>(
        &self,
        headers: HeaderMap,
        body: Begun<B>,
        look: Look,
        relay: Relay,
    ) -> Result<Parts, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        match (look, self.call.endpoint) {
            (Look::Neither, _) => Err(broken(self.attempt, "its answer is not JSON".to_owned())),
            // Its own word for what it is was wrong.
            (Look::Events, _) if self.wants_stream() && self.call.framing == Framing::Events => {
                Ok((as_stream(headers, Framing::Events, Passage::Events), self.events(body, relay)))
            }
            // Gemini streams in either form, whatever was asked for.
            (Look::Events | Look::Array, Endpoint::Chat) if self.wants_stream() && self.is_gemini() => {
                Ok(self.translated(headers, body, self.own_chat()))
            }
            (Look::Array, Endpoint::Chat) if self.is_gemini() => {
                self.collected(headers, body, self.own_chat()).await
            }
            (Look::Array, _) => Err(broken(self.attempt, "its answer is a JSON array".to_owned())),
            (Look::Events, Endpoint::Chat) => self.collected(headers, body, self.own_chat()).await,
            (Look::Events, Endpoint::TextCompletion) => {
                let body = collect::bytes(body, self.attempt).await?;
                let is_whole =
                    self.read_usage(UsageTap::stream(Dialect::OpenAi, Framing::Events, relay.n), &body);
                let whole = completions::stream_to_whole(&body).map_err(Error::Upstream)?;
                if !is_whole {
                    return Err(broken(self.attempt, Truncated.to_string()));
                }
                Ok(self.json(headers, whole))
            }
            (Look::Events, _) => Err(broken(self.attempt, "its answer is an event stream".to_owned())),
            (Look::Json | Look::Blank, Endpoint::TextCompletion) => {
                let body = collect::bytes(body, self.attempt).await?;
                self.read_usage(UsageTap::body(Dialect::OpenAi), &body);
                let usage = convert::stream_wishes(&self.call.body).include_usage;
                let stream = completions::whole_to_stream(&body, usage).map_err(Error::Upstream)?;
                self.attempt.set_outcome(Outcome::Complete);
                Ok((as_stream(headers, Framing::Events, Passage::Anew), full(stream)))
            }
            (Look::Json | Look::Blank, _) => self.streamed(headers, body, self.own_chat()).await,
        }
    }

    /// An answer in another dialect, or in one that is written anew.
    pub(super) async fn translated_otherwise<B>(
        &self,
        headers: HeaderMap,
        body: Begun<B>,
        chat: ChatReading,
    ) -> Result<Parts, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        if !self.wants_stream() {
            return self.collected(headers, body, chat).await;
        }
        let mut body = body;
        if !body.begin().await? {
            return Err(empty(self.attempt));
        }
        match look(body.first()) {
            Look::Events => Ok(self.translated(headers, body, chat)),
            _ => self.streamed(headers, body, chat).await,
        }
    }

    /// A stream as a whole.
    pub(super) async fn collected<B>(
        &self,
        headers: HeaderMap,
        body: B,
        chat: ChatReading,
    ) -> Result<Parts, Error>
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        let decoder = StreamDecoder::new(chat.upstream, chat.decode.clone());
        let reply = collect::stream(body, decoder, self.attempt).await?;
        Ok(self.written(headers, &reply, &chat))
    }

    /// A whole as a stream.
    async fn streamed<B>(&self, headers: HeaderMap, body: B, chat: ChatReading) -> Result<Parts, Error>
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        let body = collect::bytes(body, self.attempt).await?;
        let reply: Reply = self.decoded(&body, chat.upstream, &chat.decode)?;
        let framing = chat.framing;
        let (_, mut encoder) = chat.machines();
        let mut out = Vec::with_capacity(body.len());
        for event in reply.into_events() {
            encoder.encode(&event, &mut out);
        }
        encoder.finish(&mut out);
        self.attempt.set_outcome(Outcome::Complete);
        Ok((as_stream(headers, framing, Passage::Anew), full(out)))
    }

    fn is_gemini(&self) -> bool {
        self.call.dialect == Dialect::Gemini
    }

    /// How a chat in the client's own dialect is read that was meant to be relayed.
    fn own_chat(&self) -> ChatReading {
        let wishes = convert::stream_wishes(&self.call.body);
        let encode = EncodeContext {
            include_usage: wishes.include_usage,
            legacy_functions: wishes.legacy_functions,
            echo: Echo::read(&self.call.body),
            ..convert::encode_context(self.call, self.exchange)
        };
        let decode = convert::decode_context(Vec::new(), Vec::new());
        let Call { dialect, framing, .. } = *self.call;
        ChatReading { upstream: dialect, client: dialect, framing, decode, encode, completion: None }
    }

    /// Reads the usage of an answer that is there; tells whether it is whole.
    fn read_usage(&self, mut tap: UsageTap, body: &[u8]) -> bool {
        tap.feed(body);
        let end = tap.finish();
        self.attempt.set_told(tap.take_told());
        if let Some(usage) = tap.reading().usage() {
            self.attempt.set_usage(usage);
        }
        end.is_ok()
    }
}
