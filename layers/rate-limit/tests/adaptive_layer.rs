//! The adaptive layer around a scripted service, with a paused clock.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tollway_core::{FromExtensions, Priority, Respond};
use tollway_rate_limit::Estimate;
use tollway_rate_limit::adaptive::{
    Adaptive, AdaptiveBody, AdaptiveLayer, AdaptiveLimit, AsError, AsResponse, ByStatus, Classify, Demand,
    Refused, Settings, Shed, Signal, Snapshot,
};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock::{self, Mock, Spawn};

/// A body that the test sends.
#[derive(Debug, Default)]
struct Sent(Option<mpsc::UnboundedReceiver<Bytes>>);

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(frames) = &mut self.0 else { return Poll::Ready(None) };
        frames.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

type Handle = mock::Handle<Request<()>, Response<Sent>>;
type Limited = AdaptiveLimit<Mock<Request<()>, Response<Sent>>>;

fn spawn(settings: Settings) -> (Arc<Adaptive>, Spawn<Limited>, Handle) {
    let adaptive = Arc::new(Adaptive::new(settings));
    let (service, mut handle) = mock::spawn_layer(AdaptiveLayer::new(adaptive.clone()));
    handle.allow(1_000);
    (adaptive, service, handle)
}

/// One at a time.
fn narrow() -> Settings {
    Settings { ceiling: 1, ..Settings::default() }
}

fn request(priority: Priority) -> Request<()> {
    let estimate = Estimate { input: 10, output: 10, stream: true };
    let mut request = Request::new(());
    request.extensions_mut().insert(Demand::new("m").priority(priority).estimate(estimate));
    request
}

type Answering = tokio::task::JoinHandle<Result<Response<AdaptiveBody<Sent>>, tower::BoxError>>;

/// Calls, and lets the request get as far as it can.
async fn call(service: &mut Spawn<Limited>, request: Request<()>) -> Answering {
    assert!(service.poll_ready().is_ready());
    let answering = tokio::spawn(service.call(request));
    tokio::task::yield_now().await;
    answering
}

fn stream() -> (mpsc::UnboundedSender<Bytes>, Response<Sent>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Response::new(Sent(Some(receiver))))
}

fn counts(adaptive: &Adaptive) -> (usize, usize) {
    let Snapshot { in_flight, waiting, .. } = adaptive.snapshot();
    (in_flight, waiting.iter().sum())
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_when_the_body_has_ended_and_not_before() {
    let (adaptive, mut service, mut handle) = spawn(narrow());
    let first = call(&mut service, request(Priority::Normal)).await;
    let second = call(&mut service, request(Priority::Normal)).await;
    assert_eq!(counts(&adaptive), (1, 1));
    let (frames, answer) = stream();
    handle.next_request().await.unwrap().1.send_response(answer);
    let mut body = first.await.unwrap().unwrap().into_body();
    frames.send(Bytes::from_static(b"a")).unwrap();
    assert!(body.frame().await.is_some());
    assert_eq!(counts(&adaptive), (1, 1));
    assert!(!second.is_finished());

    drop(frames);
    assert!(body.frame().await.is_none());
    let (_, send) = handle.next_request().await.unwrap();
    assert_eq!(counts(&adaptive), (1, 0));
    send.send_response(Response::new(Sent::default()));
    // A body that is empty from the start is over with the head.
    let response = second.await.unwrap().unwrap();
    assert_eq!(counts(&adaptive), (0, 0));
    drop((response, body));
    assert_eq!(adaptive.snapshot().sent, 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_gives_up_his_place() {
    let (adaptive, mut service, mut handle) = spawn(narrow());
    // While it is answered: the body is dropped.
    let first = call(&mut service, request(Priority::Normal)).await;
    let (_frames, answer) = stream();
    handle.next_request().await.unwrap().1.send_response(answer);
    let response = first.await.unwrap().unwrap();
    assert_eq!(counts(&adaptive), (1, 0));
    drop(response);
    assert_eq!(counts(&adaptive), (0, 0));

    // Before the head came, and while it waits.
    let in_flight = call(&mut service, request(Priority::Normal)).await;
    let waiting = call(&mut service, request(Priority::Normal)).await;
    let last = call(&mut service, request(Priority::Normal)).await;
    assert_eq!(counts(&adaptive), (1, 2));
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(counts(&adaptive), (1, 1));
    in_flight.abort();
    assert!(in_flight.await.unwrap_err().is_cancelled());
    let (_, send) = handle.next_request().await.unwrap();
    // The first was sent before it went away.
    drop(send);
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error("broken");
    assert!(last.await.unwrap().is_err());
    assert_eq!(counts(&adaptive), (0, 0));
    assert_eq!(adaptive.snapshot().abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_his_turn_and_goes_away_before_he_knows_passes_it_on() {
    let (adaptive, mut service, mut handle) = spawn(narrow());
    let first = call(&mut service, request(Priority::Normal)).await;
    let second = call(&mut service, request(Priority::Normal)).await;
    let third = call(&mut service, request(Priority::Normal)).await;
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error("broken");
    // The turn of the second comes in the poll of the first, and it is gone before it is polled.
    second.abort();
    assert!(first.await.unwrap().is_err());
    let _ = second.await;
    let (_, send) = handle.next_request().await.unwrap();
    send.send_response(Response::new(Sent::default()));
    third.await.unwrap().unwrap();
    assert_eq!(counts(&adaptive), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_answered_in_time() {
    let settings = Settings { max_waiting: 1, max_wait: Duration::from_secs(2), ..narrow() };
    let (adaptive, mut service, mut handle) = spawn(settings);
    let _first = call(&mut service, request(Priority::Normal)).await;
    let _in_flight = handle.next_request().await.unwrap();
    let low = call(&mut service, request(Priority::Low)).await;
    // Who matters more takes his place.
    let began = tokio::time::Instant::now();
    let high = call(&mut service, request(Priority::High)).await;
    let response = low.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "2");
    // Who matters less finds none.
    let full = call(&mut service, request(Priority::Normal)).await.await.unwrap().unwrap();
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_millis(10));

    let response = high.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!((2_000..2_010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(adaptive.snapshot().shed, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_wait_by_the_provider_waits() {
    let (adaptive, mut service, mut handle) = spawn(Settings::default());
    let first = call(&mut service, request(Priority::Normal)).await;
    let mut answer = Response::new(Sent::default());
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().insert("retry-after-ms", 1_500.into());
    handle.next_request().await.unwrap().1.send_response(answer);
    // The refusal itself goes to the client as it is.
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(adaptive.snapshot().refusals, 1);

    let began = tokio::time::Instant::now();
    let second = call(&mut service, request(Priority::Normal)).await;
    let (_, send) = handle.next_request().await.unwrap();
    assert!((1_500..1_510).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    let mut answer = Response::new(Sent::default());
    for (name, value) in [("limit", "50"), ("remaining", "0"), ("reset", "1m0s")] {
        answer.headers_mut().insert(
            format!("x-ratelimit-{name}-requests").parse::<http::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    send.send_response(answer);
    second.await.unwrap().unwrap();

    // A bucket of 50 a minute: the next is there in 1.2 s, the five after it take longer than one may wait.
    let began = tokio::time::Instant::now();
    let next = call(&mut service, request(Priority::Normal)).await;
    handle.next_request().await.unwrap().1.send_response(Response::new(Sent::default()));
    assert_eq!(next.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!((1_200..1_210).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    let large = Estimate { input: 10, output: 0, stream: false };
    let mut waiting = Vec::new();
    for _ in 0..6 {
        let mut request = Request::new(());
        request.extensions_mut().insert(Demand::new("m").estimate(large));
        waiting.push(call(&mut service, request).await);
    }
    let answerer = tokio::spawn(async move {
        while let Some((_, send)) = handle.next_request().await {
            send.send_response(Response::new(Sent::default()));
        }
    });
    let mut refused = 0;
    for answering in waiting {
        let response = answering.await.unwrap().unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused += 1;
            assert!(response.headers().contains_key("retry-after"));
        }
    }
    assert_eq!(refused, 2);
    assert_eq!(adaptive.snapshot().exhausted, [0, 2, 0]);
    answerer.abort();
}

#[tokio::test(start_paused = true)]
async fn the_first_byte_is_seen_and_a_slow_upstream_is_asked_for_less() {
    let adaptive = Arc::new(Adaptive::default());
    let mut service =
        AdaptiveLayer::new(adaptive.clone()).layer(tower::service_fn(|req: Request<()>| async move {
            let (sender, receiver) = mpsc::unbounded_channel();
            let slow = req.extensions().get::<Duration>().copied().unwrap();
            tokio::spawn(async move {
                tokio::time::sleep(slow).await;
                let _ = sender.send(Bytes::from_static(b"a"));
                tokio::time::sleep(Duration::from_secs(2)).await;
            });
            Ok::<_, Infallible>(Response::new(Sent(Some(receiver))))
        }));
    let mut ask = async |slow: Duration| {
        let mut request = request(Priority::Normal);
        request.extensions_mut().insert(slow);
        let answer = service.ready().await.unwrap().call(request);
        tokio::spawn(async move { answer.await.unwrap().into_body().collect().await.map(drop) });
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for _ in 0..100 {
        ask(Duration::from_millis(100)).await;
    }
    assert!(!adaptive.snapshot().is_limiting);
    for _ in 0..100 {
        ask(Duration::from_secs(20)).await;
    }
    let seen = adaptive.snapshot();
    assert!(seen.is_limiting && seen.limit < 100 && seen.overdue > 10, "{seen:?}");
}

#[derive(Clone)]
struct InWords;

impl Respond<Refused, Sent> for InWords {
    fn respond(&self, request: &Extensions, error: &Refused) -> Response<Sent> {
        assert_eq!(error, &Refused::Exhausted { retry_after: Duration::from_secs(1) });
        let (sender, receiver) = mpsc::unbounded_channel();
        sender.send(format!("{} {error}", request.get::<&str>().unwrap()).into()).unwrap();
        let mut response = Response::new(Sent(Some(receiver)));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response.headers_mut().insert("retry-after", 9.into());
        response
    }
}

/// Failures of this type are timeouts.
struct TimesOut;

impl Classify<&'static str> for TimesOut {
    fn failure(&self, _: &&'static str) -> (Signal, Option<Duration>) {
        (Signal::Overloaded, Some(Duration::from_secs(1)))
    }
}

#[tokio::test(start_paused = true)]
async fn all_its_parts_can_be_replaced() {
    let settings = Settings { max_waiting: 0, ..Settings::default() };
    let adaptive = Arc::new(Adaptive::new(settings));
    let demand =
        |req: &Request<()>| req.headers().get("model").map(|model| Demand::new(model.to_str().unwrap()));
    let layer = AdaptiveLayer::with(adaptive.clone(), demand, TimesOut, AsResponse(InWords));
    let mut service =
        layer.layer(tower::service_fn(async |_: Request<()>| Err::<Response<Sent>, _>("timed out")));
    let request = || {
        let mut request = Request::builder().header("model", "m").body(()).unwrap();
        request.extensions_mut().insert("sorry,");
        request
    };
    assert_eq!(service.ready().await.unwrap().call(request()).await.unwrap_err(), "timed out");
    assert_eq!(adaptive.snapshot().refusals, 1);
    assert!(adaptive.snapshot().is_limiting);
    // Nobody may wait.
    let response = service.ready().await.unwrap().call(request()).await;
    assert!(response.is_ok_and(|response| {
        response.status() == StatusCode::IM_A_TEAPOT && response.headers()["retry-after"] == "9"
    }));
    // Of what nothing is said is not counted.
    assert!(service.ready().await.unwrap().call(Request::new(())).await.is_err());
    assert_eq!((adaptive.snapshot().sent, adaptive.snapshot().refusals), (1, 1));
}

/// Polls a future so many times, and drops it if it has not ended by then.
async fn at_most<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        left = left.saturating_sub(1);
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_ten_thousand_that_end_in_all_ways_nobody_is_left() {
    let settings = Settings { ceiling: 8, max_waiting: 40, ..Settings::default() };
    let adaptive = Arc::new(Adaptive::new(settings));
    let most = Arc::new(AtomicUsize::new(0));
    let at_work = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |req: Request<()>| {
        let (at_work, most) = (at_work.clone(), most.clone());
        async move {
            let number = req.extensions().get::<usize>().copied().unwrap();
            let guard = AtWork::new(at_work, &most);
            for _ in 0..number % 5 {
                tokio::task::yield_now().await;
            }
            assert!(most.load(Relaxed) <= 8, "more than may");
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                let _ = sender.send(Bytes::from_static(b"a"));
            });
            drop(guard);
            if number % 7 == 0 { Err("broken") } else { Ok(Response::new(Sent(Some(receiver)))) }
        }
    });
    let layer = AdaptiveLayer::new(adaptive.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10_000_usize {
        let service = layer.layer(service.clone());
        let mut request = request([Priority::Low, Priority::Normal, Priority::High][number % 3]);
        request.extensions_mut().insert(number);
        tasks.spawn(async move {
            let read = async move {
                let response = service.oneshot(request).await.ok()?;
                let status = response.status();
                let _ = response.into_body().collect().await;
                Some(status)
            };
            at_most(1 + number % 11, read).await.flatten()
        });
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let served = tasks.join_all().await.into_iter().filter(|status| *status == Some(StatusCode::OK)).count();
    let end = adaptive.snapshot();
    assert_eq!((end.in_flight, end.waiting), (0, [0; 3]), "{end:?}");
    let refused = end.shed.iter().sum::<u64>() + end.exhausted.iter().sum::<u64>();
    assert_eq!(end.sent + end.abandoned + refused, 10_000, "{end:?}");
    assert!(served > 100, "{served}");
}

/// Counts what goes on at once.
struct AtWork(Arc<AtomicUsize>);

impl AtWork {
    fn new(count: Arc<AtomicUsize>, most: &AtomicUsize) -> Self {
        most.fetch_max(count.fetch_add(1, Relaxed) + 1, Relaxed);
        Self(count)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[derive(Debug, PartialEq)]
struct SentAway(Refused);

impl From<Refused> for SentAway {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_sent_away_may_be_failed() {
    let adaptive = Arc::new(Adaptive::new(Settings { max_waiting: 0, ..narrow() }));
    let demand = FromExtensions::<Demand>::new();
    let mut service = AdaptiveLayer::with(adaptive.clone(), demand, ByStatus, AsError)
        .layer(tower::service_fn(async |_: Request<()>| Ok::<_, SentAway>(stream().1)));
    let first = service.ready().await.unwrap().call(request(Priority::Low)).await.unwrap();
    let error = service.ready().await.unwrap().call(request(Priority::Low)).await.unwrap_err();
    assert!(matches!(error, SentAway(Refused::Overloaded { reason: Shed::Full, .. })));
    drop(first);
    assert!(service.ready().await.unwrap().call(request(Priority::Low)).await.is_ok());
}
