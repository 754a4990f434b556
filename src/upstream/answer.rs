//! A provider's success, as the client expects it: relayed where it may be, else read and written
//! anew; as a stream or as a whole, as the client asked for, whichever way it came.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tollway_core::{Attempt, Call, Dialect, End, Endpoint, Exchange, Observe, Outcome, Tap};
use tollway_wire::chat::Reply;
use tollway_wire::openai::completions::{self, CompletionOptions};
use tollway_wire::relay::UsageTap;
use tollway_wire::{ApiError, DecodeContext, EncodeContext, anthropic, gemini, openai};

use super::attempt::UsageObserver;
use super::begun::Begun;
use super::collect;
use super::convert::{self, Reading};
use super::headers::{self, Passage};
use super::redact::Secrets;
use super::relay::Relayed;
use super::stream::{Decoder, Encoder, Translated};
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

/// How a body looks by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Json,
    Events,
    /// White space alone, as some providers send while they work on a plain answer.
    Blank,
    Neither,
}

impl Answering<'_> {
    /// A success of the client's own dialect that is what was asked for, as nearly all are: a stream,
    /// or a whole answer that is there. Anything else is given back.
    pub(super) fn at_once<B>(
        &self,
        mut response: Response<Begun<B>>,
        n: Option<u64>,
        strip_usage: bool,
    ) -> ControlFlow<Result<Answer, Error>, Response<Begun<B>>>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let is_stream = is_event_stream(response.headers());
        if is_stream != self.wants_stream() {
            return ControlFlow::Continue(response);
        }
        if is_stream {
            let (parts, body) = response.into_parts();
            let headers = headers::to_client(parts.headers, Passage::Events);
            return ControlFlow::Break(Ok(with(parts.status, headers, self.events(body, n, strip_usage))));
        }
        if !matches!(look(response.body().first()), Look::Json | Look::Blank) {
            return ControlFlow::Continue(response);
        }
        let Some(whole) = response.body_mut().whole() else { return ControlFlow::Continue(response) };
        let status = response.status();
        let answer = self.passed(std::mem::take(response.headers_mut()), whole);
        ControlFlow::Break(answer.map(|(headers, body)| with(status, headers, body)))
    }

    /// The answer, or why there is none.
    pub(super) async fn answer<B>(
        &self,
        response: Response<Begun<B>>,
        reading: Reading,
    ) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let (parts, mut body) = response.into_parts();
        let is_stream = is_event_stream(&parts.headers);
        let (headers, body) = match reading {
            Reading::Relay { n, strip_usage } => {
                if !body.begin().await? {
                    return Err(empty(self.attempt));
                }
                self.relayed(parts.headers, body, n, strip_usage).await?
            }
            Reading::Chat { dialect, decode, encode, completion, stream } => {
                let decoder = |decode| Decoder::new(dialect, decode);
                if stream && (is_stream || dialect == Dialect::Gemini) {
                    let encoder = Encoder::new(encode, completion.as_ref());
                    self.translated(parts.headers, body, decoder(decode), encoder)
                } else if is_stream {
                    let reply = collect::stream(body, decoder(decode), self.attempt).await?;
                    self.written(parts.headers, &reply, &encode, completion.as_ref())
                } else {
                    if !body.begin().await? {
                        return Err(empty(self.attempt));
                    }
                    match (look(body.first()), stream) {
                        (Look::Events, true) => {
                            let encoder = Encoder::new(encode, completion.as_ref());
                            self.translated(parts.headers, body, decoder(decode), encoder)
                        }
                        (Look::Events, false) => {
                            let reply = collect::stream(body, decoder(decode), self.attempt).await?;
                            self.written(parts.headers, &reply, &encode, completion.as_ref())
                        }
                        (_, stream) => {
                            let body = collect::bytes(body, self.attempt).await?;
                            let reply = self.decoded(&body, dialect, &decode)?;
                            if stream {
                                let encoder = Encoder::new(encode, completion.as_ref());
                                self.streamed(parts.headers, reply, encoder)
                            } else {
                                self.written(parts.headers, &reply, &encode, completion.as_ref())
                            }
                        }
                    }
                }
            }
            Reading::Embeddings { request, encode } => {
                let body = collect::bytes(body, self.attempt).await?;
                let reply = gemini::embeddings::decode_response(&body).map_err(Error::Upstream)?;
                if let Some(usage) = reply.usage {
                    self.attempt.set_usage(usage);
                }
                let body = openai::embeddings::encode_response(&reply, &request, &encode);
                self.json(parts.headers, body)
            }
        };
        Ok(with(parts.status, headers, body))
    }

    /// Whether the client asked for a stream where there are any.
    pub(super) fn wants_stream(&self) -> bool {
        self.call.stream && self.call.endpoint != Endpoint::Embeddings
    }

    /// An event stream of the client's own dialect.
    fn events<B>(&self, body: B, n: Option<u64>, strip_usage: bool) -> AnswerBody
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let body = self.sweeper.guard(body, self.attempt);
        Relayed::new(body, strip_usage, n, self.attempt.clone(), self.secrets.clone()).boxed_unsync()
    }

    fn translated<B>(
        &self,
        headers: HeaderMap,
        body: B,
        decoder: Decoder,
        encoder: Encoder,
    ) -> (HeaderMap, AnswerBody)
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let body = self.sweeper.guard(body, self.attempt);
        let body = Translated::new(body, decoder, encoder, self.attempt.clone(), self.secrets.clone());
        (as_stream(headers, Passage::Anew), body.boxed_unsync())
    }

    /// An answer of the client's own dialect that is no stream where one was asked for, or a stream
    /// where none was, or, as nearly always, neither was asked for nor came.
    async fn relayed<B>(
        &self,
        headers: HeaderMap,
        body: Begun<B>,
        n: Option<u64>,
        strip_usage: bool,
    ) -> Result<(HeaderMap, AnswerBody), Error>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let look = if is_event_stream(&headers) { Look::Events } else { look(body.first()) };
        match (look, self.wants_stream()) {
            (Look::Neither, _) => Err(broken(self.attempt, "its answer is not JSON".to_owned())),
            (Look::Json | Look::Blank, false) => Ok(self.passing(headers, body)),
            (Look::Events, true) => {
                // Its own word for what it is was wrong.
                Ok((as_stream(headers, Passage::Events), self.events(body, n, strip_usage)))
            }
            (Look::Json | Look::Blank, true) => self.made_stream(headers, body).await,
            (Look::Events, false) => self.made_whole(headers, body, n).await,
        }
    }

    /// A plain answer of the client's own dialect, as it comes.
    fn passing<B>(&self, headers: HeaderMap, body: Begun<B>) -> (HeaderMap, AnswerBody)
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let observer = UsageObserver::new(body.size_hint().exact(), self.attempt.clone());
        let body = self.sweeper.guard(body, self.attempt);
        let attempt = self.attempt.clone();
        let body = body.map_err(move |error| {
            // The tap sees that it broke, not why.
            attempt.set_outcome(error.outcome());
            error.into()
        });
        (headers::to_client(headers, Passage::Whole), Tap::new(body, observer).boxed_unsync())
    }

    /// A plain answer of the client's own dialect that is there already: it is read at once, and the
    /// provider is done with before the client is answered.
    fn passed(&self, headers: HeaderMap, whole: Bytes) -> Result<(HeaderMap, AnswerBody), Error> {
        let mut observer = UsageObserver::new(Some(whole.len() as u64), self.attempt.clone());
        observer.frame(&whole);
        let is_cut = matches!(whole.trim_ascii_start().first(), Some(b'{' | b'[')) && !observer.is_whole();
        if is_cut {
            return Err(broken(self.attempt, "its answer ended before it was complete".to_owned()));
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

    /// A stream of a whole answer.
    async fn made_stream<B>(&self, headers: HeaderMap, body: B) -> Result<(HeaderMap, AnswerBody), Error>
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        let body = collect::bytes(body, self.attempt).await?;
        let wishes = convert::stream_wishes(&self.call.body);
        if self.call.endpoint == Endpoint::TextCompletion {
            self.read_usage(UsageTap::body(), &body);
            let stream =
                completions::whole_to_stream(&body, wishes.include_usage).map_err(Error::Upstream)?;
            self.attempt.set_outcome(Outcome::Complete);
            return Ok((as_stream(headers, Passage::Anew), full(stream)));
        }
        let reply = self.decoded(&body, Dialect::OpenAi, &convert::decode_context(Vec::new()))?;
        let encode = EncodeContext { legacy_functions: wishes.legacy_functions, ..self.encode_context() };
        let encode = EncodeContext { include_usage: wishes.include_usage, ..encode };
        Ok(self.streamed(headers, reply, Encoder::new(encode, None)))
    }

    /// A whole answer of a stream.
    async fn made_whole<B>(
        &self,
        headers: HeaderMap,
        body: B,
        n: Option<u64>,
    ) -> Result<(HeaderMap, AnswerBody), Error>
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        match self.call.endpoint {
            Endpoint::Chat => {
                let decoder = Decoder::new(Dialect::OpenAi, convert::decode_context(Vec::new()));
                let reply = collect::stream(body, decoder, self.attempt).await?;
                let legacy_functions = convert::stream_wishes(&self.call.body).legacy_functions;
                let encode = EncodeContext { legacy_functions, ..self.encode_context() };
                Ok(self.json(headers, openai::encode_response(&reply, &encode)))
            }
            Endpoint::TextCompletion => {
                let body = collect::bytes(body, self.attempt).await?;
                let is_whole = self.read_usage(UsageTap::stream(n), &body);
                let whole = completions::stream_to_whole(&body).map_err(Error::Upstream)?;
                if !is_whole {
                    return Err(broken(self.attempt, tollway_wire::Truncated.to_string()));
                }
                Ok(self.json(headers, whole))
            }
            _ => Err(broken(self.attempt, "its answer is an event stream".to_owned())),
        }
    }

    /// Reads the usage of an answer that is there; tells whether it is whole.
    fn read_usage(&self, mut tap: UsageTap, body: &[u8]) -> bool {
        tap.feed(body);
        let end = tap.finish();
        if let Some(usage) = tap.reading().usage() {
            self.attempt.set_usage(usage);
        }
        end.is_ok()
    }

    /// A whole answer, read. What was counted stays known though the rest cannot be understood.
    fn decoded(&self, body: &[u8], dialect: Dialect, decode: &DecodeContext) -> Result<Reply, Error> {
        let reply: Result<Reply, ApiError> = match dialect {
            Dialect::Anthropic => anthropic::decode_response(body, decode),
            Dialect::Gemini => gemini::decode_response(body, decode),
            _ => openai::decode_response(body, decode),
        };
        let reply = reply.map_err(Error::Upstream)?;
        if let Some(usage) = reply.usage {
            self.attempt.set_usage(usage);
        }
        Ok(reply)
    }

    /// A whole answer as a whole.
    fn written(
        &self,
        headers: HeaderMap,
        reply: &Reply,
        encode: &EncodeContext,
        completion: Option<&CompletionOptions>,
    ) -> (HeaderMap, AnswerBody) {
        let body = match completion {
            Some(options) => completions::encode_response(reply, options, encode),
            None => openai::encode_response(reply, encode),
        };
        self.json(headers, body)
    }

    /// A whole answer as a stream.
    fn streamed(&self, headers: HeaderMap, reply: Reply, mut encoder: Encoder) -> (HeaderMap, AnswerBody) {
        let mut out = Vec::new();
        for event in reply.into_events() {
            encoder.encode(&event, &mut out);
        }
        encoder.finish(&mut out);
        self.attempt.set_outcome(Outcome::Complete);
        (as_stream(headers, Passage::Anew), full(out))
    }

    fn json(&self, headers: HeaderMap, body: Vec<u8>) -> (HeaderMap, AnswerBody) {
        self.attempt.set_outcome(Outcome::Complete);
        let mut headers = headers::to_client(headers, Passage::Anew);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (headers, full(body))
    }

    fn encode_context(&self) -> EncodeContext {
        convert::encode_context(self.call, self.exchange)
    }
}

fn with(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Answer {
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

fn as_stream(headers: HeaderMap, passage: Passage) -> HeaderMap {
    let mut headers = headers::to_client(headers, passage);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/event-stream"))
}

/// Tells what a body is that does not say so itself, or says it wrongly.
fn look(first: &[u8]) -> Look {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    let begins = |words: &[&[u8]]| words.iter().any(|word| text.starts_with(word) || word.starts_with(text));
    match text.first() {
        None => Look::Blank,
        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => Look::Json,
        Some(_) if begins(&[b"data:", b"event:", b"id:", b"retry:", b":"]) => Look::Events,
        Some(_) if begins(&[b"null", b"true", b"false"]) => Look::Json,
        Some(_) => Look::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_by_their_first_bytes() {
        for (first, looks) in [
            (" {\"id\"", Look::Json),
            ("[", Look::Json),
            ("null", Look::Json),
            ("nul", Look::Json),
            ("-1", Look::Json),
            ("data: {", Look::Events),
            ("da", Look::Events),
            (": ping", Look::Events),
            ("\u{feff}event: x", Look::Events),
            ("\n\n", Look::Blank),
            ("<!DOCTYPE html>", Look::Neither),
            ("not found", Look::Neither),
            ("upstream connect error", Look::Neither),
        ] {
            assert_eq!(look(first.as_bytes()), looks, "{first:?}");
        }
    }
}
