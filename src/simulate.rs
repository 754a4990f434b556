//! A simulated provider: what tests, the benchmark and a newcomer without a key run against.
//!
//! It serves the dialects of OpenAI (chat, Responses, legacy completions, embeddings, models), Anthropic,
//! Gemini, Mistral and Groq; holds requests to the rules of their provider ([`validate`]), in the
//! provider's own words; and answers deterministically from the request. It shares no code with the
//! gateway's translations, because it judges them.
//!
//! # Endpoints
//!
//! | provider | paths |
//! |---|---|
//! | OpenAI | `/v1/{chat/completions,responses,embeddings,completions,models,models/{id}}`, `/v1/responses/input_tokens`, `GET` and `DELETE /v1/responses/{id}`, `/v1/responses/{id}/{input_items,cancel}`, `/openai/deployments/{id}/chat/completions` |
//! | Anthropic | `/v1/messages`, `/v1/messages/count_tokens`, `/v1/models` with `anthropic-version` |
//! | Gemini | `/v1beta/models`, `/v1beta/models/{m}` and `/v1/models/{m}` with `:{generateContent,streamGenerateContent,countTokens,embedContent,batchEmbedContents}` |
//! | Mistral | `/mistral/v1/{chat/completions,embeddings,models}` |
//! | Groq | `/groq/openai/v1/{chat/completions,embeddings,models}` |
//! | Vertex AI | `/vertex/v1/projects/{p}/locations/{l}/publishers/google/models/{m}` with Gemini's verbs but the last, `…/publishers/anthropic/models/{m}` with `:{rawPredict,streamRawPredict}`; `POST /vertex/token`, and a metadata server |
//! | OpenAI-compatible | `/compatible/v1/{chat/completions,embeddings,models}` |
//! | OpenAI | `/v1/images/…`, `/v1/audio/…`, `/v1/moderations`, `/v1/files…`, `/v1/batches…`, `/v1/responses/{id}…`, `GET /v1/realtime` (a web socket) |
//! | itself | `GET /sim/stats`, `GET /sim/last?n=…`, `GET /sim/ledger?after=…`, `POST /sim/reset`, `GET /sim/health` |
//!
//! Every key is good but `sim-invalid`; a missing or invalid one is a 401 in the provider's shape. Every
//! model is known but names that begin with `sim-unknown`.
//!
//! # Answers
//!
//! - Text: the last text of the user, without its markers. Pictures and files are acknowledged as
//!   `[image/png, 68 bytes]`.
//! - Structured output: an instance of the schema; `{"echo": …}` for JSON without one.
//! - Tools on offer: a call of the first, with arguments that satisfy its schema. `tool_choice` is obeyed.
//!   When results of tools end the conversation: a text that quotes them.
//! - Reasoning when the request asks for it or the model always does. Anthropic's signatures, Gemini's
//!   thought signatures and OpenAI's encrypted content are checked when they come back; a wrong one is a
//!   400.
//! - Stop sequences and limits on tokens end the answer as they would. `n` replies are numbered.
//! - Tokens: a run of white space and at most eight other characters; a picture is 85, a document 258.
//!   A stream sends a token a chunk.
//! - Responses are kept unless `store` is false: `previous_response_id` and items by reference find them.
//! - Ids come from the bytes of the request and `created` is fixed: the same request, the same answer.
//!
//! # Directives
//!
//! As headers `x-sim-NAME: VALUE`, as markers in the last text of the user (`[sim:NAME=VALUE]`,
//! `[sim:NAME,NAME=VALUE]`), or as defaults of `tollway simulate`. Headers win over markers, and markers
//! over defaults. An unknown name is a 400.
//!
//! | directive | what it does |
//! |---|---|
//! | `latency_ms` | time before the head of the answer |
//! | `first_ms` | time between the head and the first bytes |
//! | `gap_ms` | time between chunks |
//! | `tokens` | text of this many tokens |
//! | `chunk_bytes` | bytes in each chunk, whatever the events |
//! | `drip` | one byte a chunk |
//! | `split_unicode` | text of many alphabets in chunks that end inside characters |
//! | `status` | an error of this status, in the provider's shape |
//! | `retry_after` | its `retry-after` in seconds; 1 for a 429 |
//! | `fault` | `none` or any of the following |
//! | `reset`, `stall` | TCP reset, or silence, instead of an answer |
//! | `cut`, `mid_reset`, `mid_stall` | connection closed, reset or silent in the middle of the answer |
//! | `malformed`, `error_event` | an event of broken JSON, or the provider's error, in mid-stream |
//! | `empty`, `html` | 200 without a body; a 502 page of HTML |
//! | `after` | chunks before what goes wrong in mid-stream; half of them by default |
//! | `rate` | share of requests that fail, exactly kept over many |
//! | `refuse`, `filter`, `block` | the model declines; a filter stops the answer; a filter stops the prompt |
//! | `text` | text though tools are offered |
//! | `system`, `turns`, `thoughts` | instead of an echo, or behind what tools say: the instructions; who said what; how much earlier reasoning came back |
//! | `tool`, `calls`, `parallel` | the tool to call first; how many calls; two (also `[parallel]`) |
//! | `reason`, `redacted` | reasoning unasked; reasoning kept from the reader |
//! | `cached`, `cache_write` | input tokens read from and written to a cache |
//!
//! # Capacity
//!
//! With `slots` ([`Options::slots`], `tollway simulate --slots N`) so many requests that ask a model are worked
//! on at once, each until its answer has ended, its pace and faults included. The others stand in line for it,
//! first come, first served, before the head of their answer. A client that goes away leaves the line, or its
//! slot. Refusals, lists, counts of tokens and what is not asked of a model need none.
//!
//! # Statistics
//!
//! `GET /sim/stats` tells `requests`, `in_flight` (the line included), `bytes_written` (of bodies), `client_went_away` (answers
//! dropped before their end), `connections` and counts by `paths`. `GET /sim/last` tells the last requests,
//! the newest first, with credentials redacted.
//!
//! # Ledger
//!
//! `GET /sim/ledger` tells what a provider would bill: a line for each request that asked a model, written once
//! it has ended, with its number in `line` (`?after=LINE` tells the later ones). `marker` is what stands in
//! `[n=…]` in the request. `billed` is nothing for what was refused or never answered, all of an answer that was
//! sent whole, and of a stream that was broken off its input and as much of its output as its share of the bytes;
//! `billed_whole` is what the whole would have come to. `whole` says that all was handed to the connection. The
//! newest 16384 lines are kept; `tollway simulate --ledger FILE` appends them all to a file as they are written.

mod answer;
mod body;
mod catalogue;
mod credential;
mod directive;
mod fault;
mod hash;
mod headers;
mod instance;
mod ledger;
mod line;
mod memo;
mod memory;
mod models;
mod others;
mod prompt;
mod refusal;
mod render;
mod reply;
mod route;
mod service;
mod signature;
mod slots;
mod stats;
mod tokens;
pub mod validate;
mod vertex;

pub use directive::{Directives, Failure, Steer, Tell};
pub use fault::{Fault, Provider};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use line::{Line, Resetter};
use service::Service;
use std::fs::File;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How a simulator behaves when a request says nothing about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Defaults that headers and markers override.
    pub directives: Directives,
    /// Requests that `GET /sim/last` can tell of; none are kept with 0.
    pub keep: usize,
    /// Requests that are worked on at once, as a model server has room for so many; all that come, where none.
    pub slots: Option<NonZeroUsize>,
    /// Where the lines of the ledger are appended, beside the newest ones in memory.
    pub ledger: Option<Arc<File>>,
    /// How long running answers may go on after the shutdown has begun.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            directives: Directives::default(),
            keep: 64,
            slots: None,
            ledger: None,
            grace: Duration::from_secs(1),
        }
    }
}

/// The simulated provider.
#[derive(Debug)]
pub struct Simulator {
    service: Arc<Service>,
    grace: Duration,
}

impl Simulator {
    /// Makes a simulator.
    pub fn new(options: Options) -> Self {
        let grace = options.grace;
        Self { service: Arc::new(Service::new(options)), grace }
    }

    /// Serves HTTP/1.1 and HTTP/2 without TLS on `listener` until `shutdown` completes.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new());
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(1_000);
        let builder = Arc::new(builder);
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, _)) => self.connect(stream, &builder, &graceful),
                // A connection that died in the queue, or no descriptors left for a moment.
                Err(error) => {
                    tracing::debug!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        let _ = tokio::time::timeout(self.grace, graceful.shutdown()).await;
        Ok(())
    }

    fn connect(
        &self,
        stream: TcpStream,
        builder: &Arc<auto::Builder<TokioExecutor>>,
        graceful: &GracefulShutdown,
    ) {
        // Failing costs latency only.
        let _ = stream.set_nodelay(true);
        self.service.stats().connected();
        let (service, builder, watcher) = (self.service.clone(), builder.clone(), graceful.watcher());
        tokio::spawn(async move {
            let resetter = Resetter::default();
            let line = TokioIo::new(Line::new(stream, resetter.clone()));
            let answer = service_fn(move |request| {
                let (service, resetter) = (service.clone(), resetter.clone());
                async move { service.call(request, resetter).await }
            });
            let connection = builder.serve_connection_with_upgrades(line, answer);
            // Hang-ups of clients and faults asked for end here: nothing to tell.
            let _ = watcher.watch(connection.into_owned()).await;
        });
    }
}
