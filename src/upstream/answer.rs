//! A provider's success, as the client expects it: relayed where it may be, else read and written
//! anew; as a stream or as a whole, as the client asked for, whichever way it came.

mod look;
mod otherwise;

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde::de::IgnoredAny;
use tollway_core::{Attempt, Call, Dialect, End, Endpoint, Exchange, Framing, Observe, Outcome, Tap};
use tollway_wire::chat::Reply;
use tollway_wire::openai::completions;
use tollway_wire::{DecodeContext, count_tokens, format, gemini, openai};

use self::look::{Look, is_event_stream, look};
use super::attempt::UsageObserver;
use super::beginning::Beginning;
use super::begun::Begun;
use super::collect;
use super::convert::{ChatReading, EmbeddingsReading, Reading, Relay};
use super::headers::{self, Passage};
use super::redact::Secrets;
use super::relay::Relayed;
use super::stream::Translated;
use super::unread::Sweeper;
use crate::Error;
use crate::body::{Answer, AnswerBody, full};

/// What must be known of a request to answer it.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    pub(super) call: &'a Call,
    pub(super) exchange: Option<&'a Exchange>,
    pub(super) attempt: &'a Arc<Attempt>,
    pub(super) secrets: &'a Arc<Secrets>,
    pub(super) sweeper: &'a Arc<Sweeper>,
}

/// An answer in parts.
type Parts = (HeaderMap, AnswerBody);

impl Answering<'_> {
    /// A success of the client's own dialect that is what was asked for, as nearly all are. Anything
    /// else is given back. Of a whole answer the first bytes must have been awaited.
    pub(super) fn at_once<B>(
        &self,
        response: Response<Begun<B>>,
        relay: Relay,
    ) -> ControlFlow<Result<Answer, Error>, Response<Begun<B>>>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let is_stream = match self.call.framing {
            Framing::Events => is_event_stream(response.headers()),
            Framing::Array => look(response.body().first()) == Look::Array,
        };
        let is_whole = !is_stream && matches!(look(response.body().first()), Look::Json | Look::Blank);
        if self.wants_stream() != is_stream || is_stream == is_whole {
            return ControlFlow::Continue(response);
        }
        let (head, body) = response.into_parts();
        let parts = if is_stream {
            Ok((headers::to_client(head.headers, Passage::Events), self.events(body, relay)))
        } else {
            self.passed(head.headers, body)
        };
        ControlFlow::Break(parts.map(|parts| with(head.status, parts)))
    }

    /// The answer, or why there is none. What rarely happens is boxed, so that the future of what
    /// often does stays small.
    pub(super) async fn answer<B>(
        &self,
        response: Response<Begun<B>>,
        reading: Reading,
    ) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        if let Reading::Relay(relay) = reading {
            return self.relayed(response, relay).await;
        }
        let is_stream = is_event_stream(response.headers());
        let (head, body) = response.into_parts();
        let headers = head.headers;
        let parts = match reading {
            Reading::Relay(_) => return Err(Error::Internal),
            Reading::Chat(chat) => {
                let wanted = self.wants_stream();
                if wanted && (is_stream || chat.upstream == Dialect::Gemini) {
                    self.translated(headers, body, *chat)
                } else if wanted || is_stream {
                    Box::pin(self.translated_otherwise(headers, body, *chat)).await?
                } else {
                    let body = collect::bytes(body, self.attempt).await?;
                    if look(&body) == Look::Events {
                        let body = Full::new(body).map_err(|never| match never {});
                        Box::pin(self.collected(headers, body, *chat)).await?
                    } else {
                        let reply = self.decoded(&body, chat.upstream, &chat.decode)?;
                        self.written(headers, &reply, &chat)
                    }
                }
            }
            Reading::Embeddings(reading) => {
                let EmbeddingsReading { upstream, at_vertex, request, encode } = *reading;
                let body = collect::bytes(body, self.attempt).await?;
                let reply = match upstream {
                    Dialect::Gemini if at_vertex => gemini::vertex_embeddings::decode_response(&body),
                    Dialect::Gemini => gemini::embeddings::decode_response(&body),
                    _ => openai::embeddings::decode_response(&body),
                };
                let reply = reply.map_err(Error::Upstream)?;
                if let Some(usage) = reply.usage {
                    self.attempt.set_usage(usage);
                }
                let written = match self.call.dialect {
                    Dialect::Gemini => gemini::embeddings::encode_response(self.call.endpoint, &reply),
                    _ => openai::embeddings::encode_response(&reply, &request, &encode),
                };
                self.json(headers, written)
            }
            Reading::Count(upstream) => {
                let body = collect::bytes(body, self.attempt).await?;
                let count = count_tokens::decode_response(upstream, &body).map_err(Error::Upstream)?;
                self.json(headers, count_tokens::encode_response(self.call.dialect, count))
            }
        };
        Ok(with(head.status, parts))
    }

    /// An answer of the client's own dialect, whatever way it came.
    async fn relayed<B>(&self, mut response: Response<Begun<B>>, relay: Relay) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let is_stream = is_event_stream(response.headers());
        // A stream goes out as soon as its head is there; a whole answer is looked at.
        let begins = is_stream && self.wants_stream() || response.body_mut().begin().await?;
        if !begins {
            return Err(empty(self.attempt));
        }
        match self.at_once(response, relay) {
            ControlFlow::Break(answer) => answer,
            ControlFlow::Continue(response) => {
                let (head, body) = response.into_parts();
                let look = if is_stream { Look::Events } else { look(body.first()) };
                let otherwise = self.relayed_otherwise(head.headers, body, look, relay);
                Ok(with(head.status, Box::pin(otherwise).await?))
            }
        }
    }

    /// Whether the client asked for a stream where there are any.
    pub(super) fn wants_stream(&self) -> bool {
        self.call.stream && matches!(self.call.endpoint, Endpoint::Chat | Endpoint::TextCompletion)
    }

    /// An event stream of the client's own dialect.
    fn events<B>(&self, body: B, relay: Relay) -> AnswerBody
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let body = self.sweeper.guard(body, self.attempt);
        Relayed::new(body, relay, self.attempt.clone(), self.secrets.clone()).boxed_unsync()
    }

    /// An event stream of another dialect.
    fn translated<B>(&self, headers: HeaderMap, body: B, chat: ChatReading) -> Parts
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let framing = chat.framing;
        let (decoder, encoder) = chat.machines();
        let body = self.sweeper.guard(body, self.attempt);
        let body = Translated::new(body, decoder, encoder, self.attempt.clone(), self.secrets.clone());
        (as_stream(headers, framing, Passage::Anew), body.boxed_unsync())
    }

    /// A plain answer of the client's own dialect, as it came. Nearly always it is there already:
    /// then it is read at once, and the provider is done with before the client is answered.
    fn passed<B>(&self, headers: HeaderMap, mut body: Begun<B>) -> Result<Parts, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let mut observer =
            UsageObserver::new(self.call.dialect, body.size_hint().exact(), self.attempt.clone());
        let Some(whole) = body.whole()? else {
            let attempt = self.attempt.clone();
            let body = self.sweeper.guard(body, self.attempt).map_err(move |error| {
                // The tap sees that it broke, not why.
                attempt.set_outcome(error.outcome());
                error.into()
            });
            let headers = headers::to_client(headers, Passage::Whole);
            return Ok((headers, Tap::new(body, observer).boxed_unsync()));
        };
        observer.frame(&whole);
        if !observer.is_whole() {
            return Err(broken(self.attempt, "its answer is not a complete JSON object".to_owned()));
        }
        let has_error = observer.error_passed();
        observer.end(End::Complete);
        if !has_error {
            return Ok((headers::to_client(headers, Passage::Whole), full(whole)));
        }
        let told = self.secrets.body(whole.clone());
        let passage = if told == whole { Passage::Whole } else { Passage::Events };
        Ok((headers::to_client(headers, passage), full(told)))
    }

    /// A whole answer, read.
    fn decoded(&self, body: &Bytes, dialect: Dialect, decode: &DecodeContext) -> Result<Reply, Error> {
        let reply = format::decode_response(dialect, body, decode).map_err(|error| {
            if serde_json::from_slice::<IgnoredAny>(body).is_err() {
                // It was cut off, and is no refusal: what it has said may be billed.
                self.attempt.set_outcome(Outcome::Broken);
                Beginning::new(self.attempt.clone(), None).push(body);
            }
            Error::Upstream(error)
        })?;
        self.attempt.set_told(reply.told());
        if let Some(usage) = reply.usage {
            self.attempt.set_usage(usage);
        }
        Ok(reply)
    }

    /// A whole answer as a whole.
    fn written(&self, headers: HeaderMap, reply: &Reply, chat: &ChatReading) -> Parts {
        let body = match &chat.completion {
            Some(options) => completions::encode_response(reply, options, &chat.encode),
            None => format::encode_response(chat.client, reply, &chat.encode),
        };
        self.json(headers, body)
    }

    fn json(&self, headers: HeaderMap, body: Vec<u8>) -> Parts {
        self.attempt.set_outcome(Outcome::Complete);
        let mut headers = headers::to_client(headers, Passage::Anew);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (headers, full(body))
    }
}

fn with(status: StatusCode, (headers, body): Parts) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

/// A success without a body, which no client could read.
pub(super) fn empty(attempt: &Attempt) -> Error {
    broken(attempt, "its answer is empty".to_owned())
}

pub(super) fn broken(attempt: &Attempt, reason: String) -> Error {
    Error::Broken { provider: attempt.upstream().provider.to_string(), reason }
}

fn as_stream(headers: HeaderMap, framing: Framing, passage: Passage) -> HeaderMap {
    let mut headers = headers::to_client(headers, passage);
    let content_type = match framing {
        Framing::Events => "text/event-stream; charset=utf-8",
        Framing::Array => "application/json; charset=utf-8",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers
}
