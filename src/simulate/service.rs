//! One request over HTTP: receive, count, judge, answer, and spoil on request.

use super::body::{Ending, Pace, PacedBody};
use super::directive::{Directives, Failure};
use super::fault::{Fault, Provider};
use super::hash::hash;
use super::headers::provider_headers;
use super::ledger::{Entry, Ledger};
use super::line::Resetter;
use super::memo::Memo;
use super::memory::Memory;
use super::others::{self, Others};
use super::reply::{self, Prepared};
use super::route::{Route, Surface, route};
use super::slots::Slots;
use super::stats::{Received, Stats, Ticket};
use super::{Options, catalogue, credential, refusal, vertex};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The simulator behind all connections.
#[derive(Debug)]
pub(super) struct Service {
    defaults: Directives,
    stats: Arc<Stats>,
    memo: Memo,
    memory: Memory,
    others: Others,
    slots: Slots,
    ledger: Arc<Ledger>,
    /// Counts the requests that may fail, so that a rate is kept exactly.
    dice: AtomicU64,
}

/// The largest body that is read.
const BODY_LIMIT: usize = 64 << 20;

impl Service {
    pub(super) fn new(options: Options) -> Self {
        Self {
            defaults: options.directives,
            stats: Arc::new(Stats::new(options.keep)),
            memo: Memo::default(),
            memory: Memory::default(),
            others: Others::default(),
            slots: Slots::new(options.slots),
            ledger: Arc::new(Ledger::new(options.ledger)),
            dice: AtomicU64::new(0),
        }
    }

    pub(super) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Answers one request. An error closes the connection without an answer.
    pub(super) async fn call(
        &self,
        request: Request<Incoming>,
        resetter: Resetter,
    ) -> io::Result<Response<PacedBody>> {
        let (parts, body) = request.into_parts();
        if let Some(identity) = vertex::Identity::of(parts.uri.path()) {
            return Self::identity(identity, &parts, body, resetter).await;
        }
        if let Some(name) = others::name(parts.uri.path()) {
            return self.other(name, parts, body, resetter).await;
        }
        let place = vertex::Place::of(parts.uri.path());
        let path = place.map_or_else(|| parts.uri.path().into(), |place| place.path());
        let path = &*path;
        let Some(found) = route(path, parts.headers.contains_key("anthropic-version")) else {
            let fault = no_such_path(path, &parts.method);
            return Ok(Self::whole(&fault.body(), status(fault.status), None, resetter));
        };
        if found.is_own() {
            let body = self.own(&found, &parts.uri);
            return Ok(Self::whole(&body, StatusCode::OK, None, resetter));
        }
        let sequence = self.stats.arrived(found.name());
        let mut ticket = Ticket::new(self.stats.clone());
        let refuse = |fault: &Fault, ticket| Ok(Self::refusal(fault, sequence, ticket, resetter.clone()));
        if !found.takes(&parts.method) {
            let message = format!("Not allowed to {} on {path}", parts.method);
            return refuse(&Fault::new(found.provider, 405, message), ticket);
        }
        let bytes = match collect(body).await {
            Ok(bytes) => bytes,
            Err(Unread::TooLarge) => {
                return refuse(&Fault::new(found.provider, 413, "request body is too large"), ticket);
            }
            Err(Unread::Broken(error)) => return Err(error),
        };
        let asked = bytes.clone();
        if found.is_work() {
            ticket.entry = Some(Entry::begin(self.ledger.clone(), sequence, &found, &bytes));
        }
        // What came by way of Vertex AI is read as its publisher's.
        let read = place.map_or_else(
            || Ok((parts.headers.clone(), bytes.clone())),
            |place| place.read(&parts.uri, &parts.headers, &bytes),
        );
        let judged = read.and_then(|(headers, bytes)| {
            credential::check(found.provider, &headers, &parts.uri)?;
            let alt = credential::query(&parts.uri, "alt");
            let answer = self.answer(&found, &parts.method, alt, path, &headers, &bytes)?;
            Ok(match place {
                Some(place) => place.write(answer, &asked),
                None => answer,
            })
        });
        self.stats.received(Received {
            sequence,
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            headers: parts.headers.clone(),
            body: bytes,
        });
        match judged {
            Ok(prepared) => self.send(&found, &prepared, sequence, ticket, resetter).await,
            Err(fault) => refuse(&fault, ticket),
        }
    }

    /// Finds the answer among those made before, or makes it.
    fn answer(
        &self,
        route: &Route<'_>,
        method: &Method,
        alt: Option<&str>,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Arc<Prepared>, Fault> {
        if let Some(value) = self.listed(route, method)? {
            return Ok(Arc::new(Prepared {
                content_type: "application/json",
                frames: Arc::from([Bytes::from(value.to_string())]),
                stream: false,
                directives: self
                    .defaults
                    .clone()
                    .read(headers, "")
                    .map_err(|message| Fault::new(route.provider, 400, message))?,
                model: String::new(),
                usage: None,
                remembered: None,
                previous: None,
            }));
        }
        let head = head(path, alt, headers);
        let key = hash(hash(7, head.as_bytes()), body);
        // A response that was forgotten since cannot be gone on with, though it once could.
        let stands = |known: &Arc<Prepared>| {
            known.previous.as_deref().is_none_or(|previous| self.memory.find(previous).is_ok())
        };
        let known = self.memo.find(key, &head, body).filter(stands);
        let made = if let Some(known) = known {
            known
        } else {
            let made = Arc::new(reply::prepare(route, alt, headers, body, &self.defaults, &self.memory)?);
            self.memo.keep(key, head, body.clone(), made.clone());
            made
        };
        if let Some(remembered) = &made.remembered {
            self.memory.keep(remembered.clone());
        }
        Ok(made)
    }

    /// The answer of an endpoint that reads no body.
    fn listed(&self, route: &Route<'_>, method: &Method) -> Result<Option<Value>, Fault> {
        let id = route.model.unwrap_or_default();
        Ok(Some(match route.surface {
            Surface::Models | Surface::Model => catalogue::models(route)?,
            Surface::Response if method == Method::DELETE => {
                self.memory.find(id)?;
                self.memory.forget(id);
                json!({"id": id, "object": "response", "deleted": true})
            }
            Surface::Response => self.memory.find(id)?.response.clone(),
            Surface::InputItems => self.memory.find(id)?.items(),
            Surface::Cancel => self.memory.find(id)?.cancelled()?,
            _ => return Ok(None),
        }))
    }

    /// Answers at one of OpenAI's endpoints beside chat.
    async fn other(
        &self,
        name: &'static str,
        mut parts: Parts,
        body: Incoming,
        resetter: Resetter,
    ) -> io::Result<Response<PacedBody>> {
        let sequence = self.stats.arrived(name);
        let ticket = Ticket::new(self.stats.clone());
        let body = match collect(body).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => {
                let fault = Fault::new(Provider::OpenAi, 413, "request body is too large");
                return Ok(Self::refusal(&fault, sequence, ticket, resetter));
            }
            Err(Unread::Broken(error)) => return Err(error),
        };
        let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let (method, headers) = (parts.method.as_str().to_owned(), parts.headers.clone());
        self.stats.received(Received { sequence, method, path, headers, body: body.clone() });
        let let_in = credential::check(Provider::OpenAi, &parts.headers, &parts.uri);
        let socket = let_in.is_ok() && parts.uri.path() == "/v1/realtime";
        let whole = |body: Bytes, ticket| {
            let frames = Arc::from([body]);
            PacedBody::new(frames, 1, Ending::Complete, Pace::default(), true, resetter.clone(), Some(ticket))
        };
        let said = if socket {
            others::open(&mut parts).map(|headers| {
                let mut response = Response::new(whole(Bytes::new(), Ticket::new(self.stats.clone())));
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                *response.headers_mut() = headers;
                response
            })
        } else {
            let_in.and_then(|()| self.others.answer(&parts, &body)).map(|said| {
                let mut response = Response::new(whole(said.body, Ticket::new(self.stats.clone())));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(said.content_type));
                provider_headers(Provider::OpenAi, sequence, "", response.headers_mut());
                response
            })
        };
        match said {
            Ok(response) => {
                let mut ticket = ticket;
                ticket.done();
                Ok(response)
            }
            Err(fault) => Ok(Self::refusal(&fault, sequence, ticket, resetter)),
        }
    }

    async fn send(
        &self,
        route: &Route<'_>,
        prepared: &Prepared,
        sequence: u64,
        mut ticket: Ticket,
        resetter: Resetter,
    ) -> io::Result<Response<PacedBody>> {
        if route.is_work()
            && let Some(slot) = self.slots.take().await
        {
            ticket.works_in(slot);
        }
        if let Some(entry) = &mut ticket.entry {
            entry.answers(prepared);
        }
        let directives = &prepared.directives;
        if !directives.latency.is_zero() {
            tokio::time::sleep(directives.latency).await;
        }
        let failure = directives.failure.filter(|_| self.fails(directives.rate));
        if let (Some(failure), Some(entry)) = (failure, &mut ticket.entry) {
            entry.fails(failure);
        }
        match failure {
            Some(Failure::Status(code)) => {
                let fault = refusal::injected(route.provider, code, directives.retry_after);
                return Ok(Self::refusal(&fault, sequence, ticket, resetter));
            }
            Some(Failure::Reset) => {
                ticket.done();
                resetter.reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Some(Failure::Stall) => {
                // The ticket is dropped undone when the client gives up.
                std::future::pending::<()>().await;
            }
            _ => {}
        }
        let (status, content_type, frames): (_, _, Arc<[Bytes]>) = match failure {
            Some(Failure::Html) => {
                (StatusCode::BAD_GATEWAY, "text/html; charset=utf-8", Arc::from([Bytes::from_static(HTML)]))
            }
            Some(Failure::Empty) => (StatusCode::OK, prepared.content_type, Arc::from([])),
            _ => (StatusCode::OK, prepared.content_type, prepared.frames.clone()),
        };
        let ending = match failure {
            Some(Failure::Cut) => Ending::Cut,
            Some(Failure::MidReset) => Ending::Reset,
            Some(Failure::MidStall) => Ending::Stall,
            _ => Ending::Complete,
        };
        let (upto, frames) = if ending == Ending::Complete {
            (frames.len(), frames)
        } else {
            let frames = if frames.len() < 2 { halves(&frames) } else { frames };
            (directives.after.unwrap_or(frames.len() / 2), frames)
        };
        if let Some(entry) = &mut ticket.entry {
            entry.status(status.as_u16());
        }
        let pace = Pace { first: directives.first, gap: directives.gap };
        let sized = !prepared.stream;
        let mut response =
            Response::new(PacedBody::new(frames, upto, ending, pace, sized, resetter, Some(ticket)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        provider_headers(route.provider, sequence, &prepared.model, headers);
        Ok(response)
    }

    /// Whether this request is among those that fail: every n-th, so that the rate holds exactly.
    fn fails(&self, rate: f64) -> bool {
        if rate >= 1.0 {
            return true;
        }
        let n = u32::try_from(self.dice.fetch_add(1, Ordering::Relaxed) % 1_000_000).unwrap_or(0);
        let before = (f64::from(n) * rate).floor();
        (f64::from(n + 1) * rate).floor() > before
    }

    fn refusal(fault: &Fault, sequence: u64, mut ticket: Ticket, resetter: Resetter) -> Response<PacedBody> {
        if let Some(entry) = &mut ticket.entry {
            entry.status(fault.status);
        }
        let mut response = Self::whole(&fault.body(), status(fault.status), Some(ticket), resetter);
        let headers = response.headers_mut();
        if let Some(seconds) = fault.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        provider_headers(fault.provider, sequence, "", headers);
        response
    }

    fn whole(
        body: &Value,
        status: StatusCode,
        ticket: Option<Ticket>,
        resetter: Resetter,
    ) -> Response<PacedBody> {
        let frames: Arc<[Bytes]> = Arc::from([Bytes::from(body.to_string())]);
        let mut response = Response::new(PacedBody::new(
            frames,
            1,
            Ending::Complete,
            Pace::default(),
            true,
            resetter,
            ticket,
        ));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// An endpoint that gives out tokens.
    async fn identity(
        identity: vertex::Identity,
        parts: &Parts,
        body: Incoming,
        resetter: Resetter,
    ) -> io::Result<Response<PacedBody>> {
        let bytes = match collect(body).await {
            Ok(bytes) => bytes,
            Err(Unread::TooLarge) => Bytes::new(),
            Err(Unread::Broken(error)) => return Err(error),
        };
        let (status, answer) = identity.answer(&parts.method, &parts.headers, &bytes);
        let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        let frames: Arc<[Bytes]> = Arc::from([Bytes::from(text)]);
        let body = PacedBody::new(frames, 1, Ending::Complete, Pace::default(), true, resetter, None);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let kind = if answer.is_string() { "application/text" } else { "application/json" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response.headers_mut().insert("metadata-flavor", HeaderValue::from_static("Google"));
        Ok(response)
    }

    /// The simulator's own endpoints.
    fn own(&self, route: &Route<'_>, uri: &Uri) -> Value {
        match route.surface {
            Surface::Stats => self.stats.counters(),
            Surface::Last => {
                let n = credential::query(uri, "n").and_then(|n| n.parse().ok());
                self.stats.last(n.unwrap_or(usize::MAX))
            }
            Surface::Ledger => {
                self.ledger.after(credential::query(uri, "after").and_then(|after| after.parse().ok()))
            }
            Surface::Reset => {
                self.stats.reset();
                self.ledger.clear();
                json!({"reset": true})
            }
            _ => json!({"status": "ok"}),
        }
    }
}

const HTML: &[u8] = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// What beside the body decides about an answer.
fn head(path: &str, alt: Option<&str>, headers: &HeaderMap) -> String {
    let mut head = path.to_owned();
    if let Some(alt) = alt {
        let _ = write!(head, "?{alt}");
    }
    for (name, value) in headers {
        if name.as_str().starts_with("x-sim-") {
            let _ = write!(head, "\n{name}:{}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    head
}

/// A single frame in two, so that there is a middle to break at.
fn halves(frames: &[Bytes]) -> Arc<[Bytes]> {
    let whole = frames.first().cloned().unwrap_or_default();
    let middle = whole.len() / 2;
    Arc::from([whole.slice(..middle), whole.slice(middle..)])
}

enum Unread {
    TooLarge,
    Broken(io::Error),
}

async fn collect(body: Incoming) -> Result<Bytes, Unread> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(error) => Err(Unread::Broken(io::Error::other(error))),
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn no_such_path(path: &str, method: &Method) -> Fault {
    Fault::new(Provider::OpenAi, 404, format!("Invalid URL ({method} {path})"))
}
