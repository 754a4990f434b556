//! The layer as a client meets it: who passes, what goes on inward, and how refusals are answered.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::{pending, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Extensions, Request, Response, StatusCode};
use tollway_auth::keys::{DeclaredKey, Grant, Key, KeyFeed, KeyId, KeyTable, Measure, MemoryStore, Pepper};
use tollway_auth::{
    Auth, AuthLayer, ClientAddress, Decision, Error, ForwardedBy, KeyLimits, Keys, Limit, Method, Mode,
    Presented, Settings, TrustedProxies, Verified, Way,
};
use tollway_core::{Caller, Exchange, RequestId, Respond};
use tower_layer::Layer;
use tower_test::mock::{self, Handle, Mock};

const TOKEN: &str = "tw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const OTHER: &str = "tw-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

type Inner = Mock<Request<()>, Response<String>>;
type Service = mock::Spawn<tollway_auth::AuthService<Inner, InWords>>;
type Inward = Handle<Request<()>, Response<String>>;

/// Answers with the code of the error.
#[derive(Clone, Copy, Debug)]
struct InWords;

impl Respond<Error, String> for InWords {
    fn respond(&self, _: &Extensions, error: &Error) -> Response<String> {
        Response::builder().status(error.status()).body(error.code().to_owned()).unwrap()
    }
}

fn table() -> Arc<KeyTable> {
    let table = KeyTable::new(Pepper::new(&[7; 32]).unwrap());
    let digest = table.pepper().hash(TOKEN.as_bytes());
    let limit = Limit { measure: Measure::Requests, limit: 5, window: Duration::from_mins(1), burst: None };
    let grant = Grant {
        team: Some("blue".to_owned()),
        scopes: vec!["keys".to_owned()],
        routes: vec!["/v1/*".to_owned()],
        limits: vec![limit],
        expires: Some(UNIX_EPOCH + Duration::from_secs(100)),
        ..Grant::default()
    };
    table.apply([Key::new(KeyId::of_name("a"), digest, grant, UNIX_EPOCH)]);
    table.declare(vec![DeclaredKey::plain("laptop", "password", Grant::default(), table.pepper()).unwrap()]);
    Arc::new(table)
}

fn layer(settings: Settings, methods: Vec<Arc<dyn Method>>) -> AuthLayer<InWords> {
    AuthLayer::new(Arc::new(Auth::new(settings, methods)))
        .respond_with(InWords)
        .peer(|extensions| extensions.get::<IpAddr>().copied())
        .clock(|| UNIX_EPOCH + Duration::from_secs(50))
}

fn required() -> AuthLayer<InWords> {
    layer(Settings::default(), vec![Arc::new(Keys::new(table()))])
}

fn spawn(layer: &AuthLayer<InWords>) -> (Service, Inward) {
    mock::spawn_with(|inner| layer.layer(inner))
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().uri(uri).extension(IpAddr::from([192, 0, 2, 1]));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn is_ready(service: &mut Service) -> bool {
    matches!(service.poll_ready(), Poll::Ready(Ok(())))
}

/// Who is let pass has its request seen inward.
async fn passes(layer: &AuthLayer<InWords>, request: Request<()>) -> Request<()> {
    let (mut service, mut inward) = spawn(layer);
    assert!(is_ready(&mut service));
    let answer = async move {
        let answer = service.call(request).await;
        // That nobody waits for a request that was refused.
        drop(service);
        answer
    };
    let inward = async {
        let (request, send) = inward.next_request().await.unwrap();
        send.send_response(Response::new("inner".to_owned()));
        request
    };
    let (answer, request) = tokio::join!(answer, inward);
    assert_eq!(answer.unwrap().body(), "inner");
    request
}

/// Who is not is answered without anything being seen inward.
async fn refused(layer: &AuthLayer<InWords>, request: Request<()>) -> (u16, String) {
    let (mut service, mut inward) = spawn(layer);
    assert!(is_ready(&mut service));
    let answer = service.call(request).await.unwrap();
    drop(service);
    assert!(inward.next_request().await.is_none());
    (answer.status().as_u16(), answer.into_body())
}

#[tokio::test]
async fn a_key_becomes_a_caller_and_goes_no_further() {
    for (uri, header) in [
        ("/v1/chat", ("authorization", format!("Bearer {TOKEN}"))),
        ("/v1/messages", ("x-api-key", TOKEN.to_owned())),
        ("/v1/x", ("api-key", TOKEN.to_owned())),
        ("/v1/models", ("x-goog-api-key", TOKEN.to_owned())),
        (&format!("/v1/models?alt=sse&key={TOKEN}"), ("accept", "*/*".to_owned())),
        ("/v1/realtime", ("sec-websocket-protocol", format!("realtime, openai-insecure-api-key.{TOKEN}"))),
    ] {
        let inward = passes(&required(), request(uri, &[(header.0, &header.1)])).await;
        let caller = inward.extensions().get::<Arc<Caller>>().unwrap();
        assert_eq!(caller.key.as_deref(), Some(&*KeyId::of_name("a").to_string()));
        assert_eq!(caller.team.as_deref(), Some("blue"));
        assert_eq!(inward.extensions().get::<KeyLimits>().unwrap().0[0].limit, 5);
        assert_eq!(inward.extensions().get(), Some(&ClientAddress([192, 0, 2, 1].into())));
        let seen = format!("{inward:?}");
        assert!(!seen.contains(TOKEN) && !seen.contains("key="), "{seen}");
    }
}

#[tokio::test]
async fn who_it_was_is_known_outside() {
    let exchange = Arc::new(Exchange::new(RequestId::from_random(1)));
    let mut request = request("/v1/", &[("x-api-key", TOKEN)]);
    request.extensions_mut().insert(exchange.clone());
    passes(&required(), request).await;
    assert_eq!(exchange.caller().unwrap().team.as_deref(), Some("blue"));
}

#[tokio::test]
async fn a_providers_key_beside_ours_goes_on() {
    let headers = [("x-api-key", TOKEN), ("authorization", "Bearer sk-theirs")];
    let inward = passes(&required(), request("/v1/messages", &headers)).await;
    assert_eq!(inward.headers()["authorization"], "Bearer sk-theirs");
    assert!(!inward.headers().contains_key("x-api-key"));
}

#[tokio::test]
async fn strangers_are_refused_with_a_reason() {
    let bearer = format!("Bearer {TOKEN}");
    let late = required().clock(|| UNIX_EPOCH + Duration::from_secs(100));
    let scoped = required().require_scope("keys");
    for (layer, uri, header, expected) in [
        (required(), "/v1/chat", ("accept", "*/*"), (401, "missing_api_key")),
        (required(), "/v1/chat", ("authorization", "Bearer "), (401, "missing_api_key")),
        (required(), "/v1/chat", ("authorization", "Bearer sk-other"), (401, "invalid_api_key")),
        (required(), "/v1/chat", ("x-api-key", OTHER), (401, "invalid_api_key")),
        (required(), "/v1/chat", ("x-api-key", &"tw-".repeat(5000)), (401, "invalid_api_key")),
        (late, "/v1/chat", ("authorization", &bearer), (401, "api_key_expired")),
        (required(), "/v2/chat", ("authorization", &bearer), (403, "path_not_allowed")),
        (scoped.clone(), "/v1/keys", ("x-api-key", "password"), (403, "missing_scope")),
    ] {
        let (status, code) = refused(&layer, request(uri, &[header])).await;
        assert_eq!((status, &*code), expected, "{uri} {header:?}");
    }
    passes(&scoped, request("/v1/keys", &[("authorization", &bearer)])).await;
}

#[tokio::test]
async fn a_revoked_key_is_called_so() {
    let table = table();
    let mut key =
        Key::new(KeyId::of_name("a"), table.pepper().hash(TOKEN.as_bytes()), Grant::default(), UNIX_EPOCH);
    key.revoked = Some(UNIX_EPOCH);
    key.revision = 1;
    table.apply([key]);
    let layer = layer(Settings::default(), vec![Arc::new(Keys::new(table))]);
    assert_eq!(
        refused(&layer, request("/v1", &[("x-api-key", TOKEN)])).await,
        (401, "api_key_revoked".to_owned())
    );
}

#[tokio::test]
async fn an_open_gateway_lets_nobody_in_particular_pass() {
    let open = Settings { mode: Mode::Open, ..Settings::default() };
    let open = layer(open, vec![Arc::new(Keys::new(table()))]);
    let inward = passes(&open, request("/", &[("authorization", "Bearer sk-any")])).await;
    assert_eq!(**inward.extensions().get::<Arc<Caller>>().unwrap(), Caller::anonymous());
    let inward = passes(&open, request("/v1/", &[("x-api-key", TOKEN)])).await;
    assert_eq!(inward.extensions().get::<Arc<Caller>>().unwrap().team.as_deref(), Some("blue"));
    assert_eq!(refused(&open, request("/v1", &[("x-api-key", OTHER)])).await.0, 401);
    let scoped = open.clone().require_scope("keys");
    assert_eq!(refused(&scoped, request("/", &[])).await, (403, "missing_scope".to_owned()));
}

#[tokio::test]
async fn a_gateway_is_open_until_there_is_a_key_and_never_for_want_of_its_store() {
    let table = Arc::new(KeyTable::new(Pepper::new(&[7; 32]).unwrap()));
    let layer = layer(Settings::default(), vec![Arc::new(Keys::new(table.clone()))]);
    passes(&layer, request("/", &[])).await;

    let mut feed = KeyFeed::new(Arc::new(MemoryStore::new()), table.clone());
    assert_eq!(refused(&layer, request("/", &[])).await, (401, "missing_api_key".to_owned()));
    let unknown = request("/", &[("x-api-key", TOKEN)]);
    assert_eq!(refused(&layer, unknown).await, (503, "authentication_unavailable".to_owned()));
    feed.catch_up().await.unwrap();
    passes(&layer, request("/", &[])).await;

    table.declare(vec![DeclaredKey::plain("laptop", "password", Grant::default(), table.pepper()).unwrap()]);
    assert_eq!(refused(&layer, request("/", &[])).await.0, 401);
    passes(&layer, request("/", &[("x-api-key", "password")])).await;
}

#[tokio::test]
async fn guesses_are_held_back_and_good_keys_are_not() {
    let proxies = TrustedProxies::new(["192.0.2.0/24"], ForwardedBy::XForwardedFor).unwrap();
    let settings = Settings { proxies, ..Settings::default() };
    let layer = layer(settings, vec![Arc::new(Keys::new(table()))]);
    let from =
        |address: &str, key: &str| request("/v1/", &[("x-forwarded-for", address), ("x-api-key", key)]);
    for _ in 0..10 {
        assert_eq!(refused(&layer, from("2001:db8::1", "guess")).await.0, 401);
    }
    // Another address of the same subscriber.
    assert_eq!(
        refused(&layer, from("2001:db8::2", "guess")).await,
        (429, "too_many_failed_attempts".to_owned())
    );
    assert_eq!(refused(&layer, from("2001:db8::3", "password")).await.0, 429, "a right guess is not told");
    passes(&layer, from("2001:db8::3", TOKEN)).await;
    passes(&layer, from("2001:db8:0:1::1", "password")).await;
    // To have forgotten the key is no guess.
    for _ in 0..20 {
        assert_eq!(refused(&layer, request("/v1", &[("x-forwarded-for", "203.0.113.9")])).await.0, 401);
    }
}

/// Promises to say later what it says.
#[derive(Debug)]
struct Slow {
    asked: AtomicUsize,
    says: fn() -> Decision,
}

impl Method for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn decide(&self, _: &Presented<'_>, _: SystemTime) -> Decision {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let says = self.says;
        Decision::Wait(Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            says()
        }))
    }
}

fn slow(says: fn() -> Decision) -> AuthLayer<InWords> {
    let slow = Slow { asked: AtomicUsize::new(0), says };
    layer(Settings::default(), vec![Arc::new(slow), Arc::new(Keys::new(table()))])
}

#[tokio::test(start_paused = true)]
async fn a_method_may_take_its_time() {
    let somebody = || {
        let mut caller = Caller::anonymous();
        caller.user = Some("ada".into());
        Decision::Verified(Verified::new(Arc::new(caller), Way::Bearer))
    };
    let inward = passes(&slow(somebody), request("/", &[("authorization", "Bearer a.b.c")])).await;
    assert_eq!(inward.extensions().get::<Arc<Caller>>().unwrap().user.as_deref(), Some("ada"));
    assert!(inward.headers().is_empty());

    let inward = passes(&slow(|| Decision::NotMine), request("/v1/", &[("x-api-key", TOKEN)])).await;
    assert_eq!(inward.extensions().get::<Arc<Caller>>().unwrap().team.as_deref(), Some("blue"));

    let again = || Decision::Wait(Box::pin(ready(Decision::Refused(Error::Expired))));
    assert_eq!(refused(&slow(again), request("/", &[])).await, (401, "api_key_expired".to_owned()));
}

#[tokio::test]
async fn whoever_waits_holds_nobody_up() {
    let forever = || Decision::Wait(Box::pin(pending()));
    let (mut service, mut inward) = spawn(&slow(forever));
    assert!(is_ready(&mut service));
    let mut waiting = Box::pin(service.call(request("/", &[])));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert!(is_ready(&mut service), "the next request has a service of its own");
    drop(waiting);
    drop(service);
    assert!(inward.next_request().await.is_none());
}

#[tokio::test]
async fn errors_of_the_service_are_not_touched() {
    let (mut service, mut inward) = spawn(&required());
    assert!(is_ready(&mut service));
    let answer = service.call(request("/v1/", &[("x-api-key", TOKEN)]));
    let (_, send) = inward.next_request().await.unwrap();
    send.send_error("broken");
    assert_eq!(answer.await.unwrap_err().to_string(), "broken");
}

#[tokio::test]
async fn standing_alone_it_answers_by_the_status() {
    let auth = Auth::new(Settings { mode: Mode::Required, ..Settings::default() }, Vec::new());
    let inner = tower::service_fn(|_: Request<()>| {
        ready(Ok::<_, std::convert::Infallible>(Response::new(String::new())))
    });
    let service = AuthLayer::new(Arc::new(auth)).layer(inner);
    let response = tower::ServiceExt::oneshot(service, request("/", &[])).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
