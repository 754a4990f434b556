//! The layer around a scripted service, with a paused clock.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tollway_core::{End, Respond, StatusOnly};
use tollway_rate_limit::store::MemoryStore;
use tollway_rate_limit::{
    Actual, Dimension, Dimensions, Estimate, Headers, KeepEstimate, Learn, Lease, Limiter, Measure,
    OnFailure, RateLimit, RateLimitLayer, Refused, Rule, Settings,
};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock::{self, Mock, Spawn};

const MINUTE: Duration = Duration::from_mins(1);

type Answer = Response<Full<Bytes>>;
type Extractor = fn(&Request<()>) -> Option<(Dimensions, Estimate)>;

/// By the header `key`; under no rule without.
fn extract(req: &Request<()>) -> Option<(Dimensions, Estimate)> {
    let key = req.headers().get("key")?.to_str().ok()?;
    let estimate = Estimate { input: 10, output: 20, stream: false };
    Some((Dimensions::new().with(Dimension::Key, key), estimate))
}

fn limiter() -> Arc<Limiter> {
    let rules = [
        Rule::new("requests", Measure::Requests, 3, MINUTE).per(Dimension::Key),
        Rule::new("tokens", Measure::TotalTokens, 1_000, MINUTE).per(Dimension::Key).gcra(1_000),
        Rule::concurrent("at once", Measure::ConcurrentRequests, 2).per(Dimension::Key),
    ];
    Arc::new(Limiter::new(rules, Settings::default()).unwrap())
}

fn used(limiter: &Limiter, rule: &str) -> u64 {
    let of = Dimensions::new().with(Dimension::Key, "a");
    let standings = limiter.standings(Instant::now().into_std(), &of);
    standings.into_iter().find(|standing| &*standing.rule.name == rule).unwrap().used
}

type Handle = mock::Handle<Request<()>, Answer>;
type Limited<L, R> = RateLimit<Mock<Request<()>, Answer>, Extractor, L, R>;

fn spawn<L: Learn<Request<()>>, R>(
    limiter: &Arc<Limiter>,
    learn: L,
    respond: R,
) -> (Spawn<Limited<L, R>>, Handle) {
    let layer = RateLimitLayer::with(limiter, extract as Extractor, learn, respond);
    mock::spawn_layer(layer)
}

fn request(key: &str) -> Request<()> {
    Request::builder().header("key", key).body(()).unwrap()
}

fn answer() -> Answer {
    Response::new(Full::new(Bytes::from_static(b"hello")))
}

#[tokio::test(start_paused = true)]
async fn what_passes_says_what_is_left_and_what_does_not_says_when_to_come_back() {
    let limiter = limiter();
    let (mut service, mut handle) = spawn(&limiter, KeepEstimate, StatusOnly);
    handle.allow(10);
    for left in (0..3).rev() {
        assert!(service.poll_ready().is_ready());
        let response = tokio::spawn(service.call(request("a")));
        handle.next_request().await.unwrap().1.send_response(answer());
        let response = response.await.unwrap().unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-ratelimit-limit-requests"), "3");
        assert_eq!(header("x-ratelimit-remaining-requests"), left.to_string());
        assert_eq!(header("x-ratelimit-limit-tokens"), "1000");
        assert_eq!(header("x-ratelimit-remaining-tokens"), (1_000 - 30 * (3 - left)).to_string());
        assert_eq!(header("x-ratelimit-reset-tokens"), ["5.4s", "3.6s", "1.8s"][left]);
    }
    assert!(service.poll_ready().is_ready());
    let response = service.call(request("a")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "0");
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((56..=64).contains(&wait), "{wait}");

    tokio::time::advance(Duration::from_secs(wait)).await;
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("a")));
    handle.next_request().await.unwrap().1.send_response(answer());
    assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_which_nothing_is_said_is_under_no_rule() {
    let limiter = limiter();
    let (mut service, mut handle) = spawn(&limiter, KeepEstimate, StatusOnly);
    handle.allow(10);
    for _ in 0..10 {
        assert!(service.poll_ready().is_ready());
        let response = tokio::spawn(service.call(Request::new(())));
        handle.next_request().await.unwrap().1.send_response(answer());
        let response = response.await.unwrap().unwrap();
        assert!(!response.headers().contains_key("x-ratelimit-limit-requests"));
    }
    assert_eq!(limiter.subjects(), 0);
}

/// What ends were seen.
type Ends = Arc<Mutex<Vec<End>>>;

/// Learns that the answer took seven tokens, if it was whole, and else nothing.
fn learn(ends: Ends) -> impl Learn<Request<()>, Watch: Send> {
    move |_: &Request<()>| {
        let ends = ends.clone();
        move |end| {
            ends.lock().unwrap().push(end);
            (end == End::Complete).then_some(Actual::tokens(3, 4))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_end_it_is_settled_once() {
    let limiter = limiter();
    let ends = Ends::default();
    let (mut service, mut handle) = spawn(&limiter, learn(ends.clone()), StatusOnly);
    handle.allow(10);

    // Read to its end: settled to what it took.
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("a")));
    handle.next_request().await.unwrap().1.send_response(answer());
    let body = response.await.unwrap().unwrap().into_body();
    assert_eq!((used(&limiter, "at once"), used(&limiter, "tokens")), (1, 30));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    assert_eq!((used(&limiter, "at once"), used(&limiter, "tokens")), (0, 7));

    // The service failed, and said nothing: the estimate stands.
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("a")));
    handle.next_request().await.unwrap().1.send_error("broken");
    assert!(response.await.unwrap().is_err());
    assert_eq!((used(&limiter, "at once"), used(&limiter, "tokens")), (0, 37));

    // The client went away before the answer came.
    assert!(service.poll_ready().is_ready());
    let response = service.call(request("a"));
    assert_eq!(used(&limiter, "at once"), 1);
    drop(response);
    assert_eq!((used(&limiter, "at once"), used(&limiter, "tokens")), (0, 67));

    assert_eq!(*ends.lock().unwrap(), [End::Complete, End::Error, End::Cancelled]);
    assert_eq!(used(&limiter, "requests"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_half_read_is_settled() {
    let limiter = limiter();
    let ends = Ends::default();
    let (mut service, mut handle) = spawn(&limiter, learn(ends.clone()), StatusOnly);
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("a")));
    handle.next_request().await.unwrap().1.send_response(answer());
    drop(response.await.unwrap().unwrap());
    assert_eq!(*ends.lock().unwrap(), [End::Cancelled]);
    assert_eq!((used(&limiter, "at once"), used(&limiter, "tokens")), (0, 30));
}

#[derive(Clone)]
struct InWords;

impl Respond<Refused, Full<Bytes>> for InWords {
    fn respond(&self, request: &Extensions, error: &Refused) -> Answer {
        let words = format!("{} {error}", request.get::<&str>().unwrap());
        let mut response = Response::new(Full::new(words.into()));
        *response.status_mut() = error.status();
        response.headers_mut().insert("retry-after", 7.into());
        response
    }
}

#[tokio::test(start_paused = true)]
async fn the_responder_has_the_word_and_the_headers_are_as_the_request_asks() {
    let limiter = limiter();
    let layer =
        RateLimitLayer::with(&limiter, extract as Extractor, KeepEstimate, InWords).headers(|extensions| {
            if extensions.get::<u8>().is_some() { Headers::None } else { Headers::Anthropic }
        });
    let mut service = layer.layer(tower::service_fn(async |_: Request<()>| Ok::<_, &str>(answer())));
    let mut ask = async |mut request: Request<()>| {
        request.extensions_mut().insert("sorry,");
        service.ready().await.unwrap().call(request).await.unwrap()
    };
    let response = ask(request("a")).await;
    assert_eq!(response.headers()["anthropic-ratelimit-requests-remaining"], "2");
    assert_eq!(response.headers()["anthropic-ratelimit-tokens-limit"], "1000");
    let reset = response.headers()["anthropic-ratelimit-tokens-reset"].to_str().unwrap();
    assert!(reset.ends_with('Z') && reset.len() == 20, "{reset}");

    let mut quiet = request("a");
    quiet.extensions_mut().insert(0_u8);
    assert!(!ask(quiet).await.headers().contains_key("anthropic-ratelimit-requests-limit"));

    ask(request("a")).await;
    let response = ask(request("a")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["anthropic-ratelimit-requests-remaining"], "0");
    let words = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(words, "sorry, rate limit reached: requests allows 3 requests in 1m");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_the_store_goes_on_or_is_answered() {
    let lease = Lease { amount: 1, lifetime: Duration::from_secs(1) };
    let rule = Rule::new("requests", Measure::Requests, 3, MINUTE).per(Dimension::Key);
    let rules = [rule.shared(lease, OnFailure::Closed)];
    let store = Arc::new(MemoryStore::default());
    let limiter = Arc::new(Limiter::with_store(rules, Settings::default(), store).unwrap());
    let ends = Ends::default();
    let (mut service, mut handle) = spawn(&limiter, learn(ends.clone()), StatusOnly);
    handle.allow(10);
    for left in (0..3).rev() {
        assert!(service.poll_ready().is_ready());
        let response = tokio::spawn(service.call(request("a")));
        handle.next_request().await.unwrap().1.send_response(answer());
        let response = response.await.unwrap().unwrap();
        assert_eq!(response.headers()["x-ratelimit-remaining-requests"], left.to_string());
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(*ends.lock().unwrap(), [End::Complete; 3]);
    assert!(service.poll_ready().is_ready());
    let response = service.call(request("a")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["x-ratelimit-limit-requests"], "3");
    assert!(response.headers().contains_key("retry-after"));
}
