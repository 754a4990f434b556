//! The layer: every tab is closed once, whatever becomes of the request, and the rest of an answer is read
//! for as long as it is worth it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};
use tollway_core::{End, Money, Observe};
use tollway_cost::{COST_HEADER, Carried, CostBody, CostLayer, OpenTab, Tab, Upgraded};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// What a tab has seen.
#[derive(Debug, Default)]
struct Seen {
    bytes: usize,
    closed: Vec<(End, Duration)>,
    failed: usize,
}

#[derive(Clone)]
struct Opening {
    seen: Arc<Mutex<Seen>>,
    began: Instant,
    gathers: usize,
    patience: Duration,
    enough: usize,
    /// The cost is known once so many bytes have come.
    known_at: usize,
}

impl Opening {
    fn new() -> Self {
        Self {
            seen: Arc::default(),
            began: Instant::now(),
            gathers: 0,
            patience: Duration::ZERO,
            enough: usize::MAX,
            known_at: usize::MAX,
        }
    }

    fn closed(&self) -> Vec<(End, u64)> {
        self.seen.lock().unwrap().closed.iter().map(|(end, at)| (*end, at.as_secs())).collect()
    }

    fn bytes(&self) -> usize {
        self.seen.lock().unwrap().bytes
    }
}

struct Open(Opening);

impl<Req, E> OpenTab<Req, E> for Opening {
    type Tab = Open;

    fn open(&self, _: &Req) -> Open {
        Open(self.clone())
    }

    fn failed(&self, tab: &mut Open, _: &E) {
        tab.0.seen.lock().unwrap().failed += 1;
    }
}

impl Tab for Open {
    fn gathers(&self) -> usize {
        self.0.gathers
    }

    fn known(&mut self) -> Option<Money> {
        (self.0.bytes() >= self.0.known_at).then(|| Money::from_nanos(1_500))
    }

    fn frame(&mut self, data: &Bytes) {
        self.0.seen.lock().unwrap().bytes += data.len();
    }

    fn patience(&mut self) -> Duration {
        self.0.patience
    }

    fn is_enough(&self) -> bool {
        self.0.bytes() >= self.0.enough
    }

    fn close(self, end: End) -> Option<Money> {
        let at = self.0.began.elapsed();
        self.0.seen.lock().unwrap().closed.push((end, at));
        None
    }
}

/// Pieces of an answer, each a second after the one before.
#[derive(Default)]
struct Slowly {
    left: VecDeque<Result<&'static str, &'static str>>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

fn slowly(pieces: &[&'static str]) -> Slowly {
    Slowly { left: pieces.iter().copied().map(Ok).collect(), pause: None }
}

impl Body for Slowly {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1))));
        std::task::ready!(pause.as_mut().poll(cx));
        self.pause = None;
        Poll::Ready(self.left.pop_front().map(|piece| piece.map(|text| Frame::data(text.into()))))
    }
}

async fn ask(opening: &Opening, body: Slowly) -> Response<CostBody<Slowly, Open>> {
    let body = Arc::new(Mutex::new(Some(body)));
    let inner = service_fn(move |_: Request<()>| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let service = ServiceBuilder::new().layer(CostLayer::new(opening.clone())).service(inner);
    service.oneshot(Request::new(())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_closes_its_tab_at_its_end() {
    let opening = Opening::new();
    let answer = ask(&opening, slowly(&["ab", "c"])).await;
    assert!(answer.headers().get(COST_HEADER).is_none());
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "abc");
    assert_eq!((opening.bytes(), opening.closed()), (3, vec![(End::Complete, 3)]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_held_back_until_its_cost_is_known() {
    let opening = Opening { gathers: 100, known_at: 3, ..Opening::new() };
    let answer = ask(&opening, slowly(&["ab", "", "c"])).await;
    assert_eq!(opening.began.elapsed().as_secs(), 4);
    assert_eq!(answer.headers()[COST_HEADER], "0.0000015");
    assert!(opening.closed().is_empty());
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "abc");
    assert_eq!((opening.bytes(), opening.closed()), (3, vec![(End::Complete, 4)]));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_or_takes_its_time_goes_on_as_it_comes() {
    for (pieces, seconds) in [(["abcdef", "g"], 1), ([" \n", "g"], 1)] {
        let opening = Opening { gathers: 5, known_at: 7, ..Opening::new() };
        let answer = ask(&opening, slowly(&pieces)).await;
        assert_eq!(opening.began.elapsed().as_secs(), seconds);
        assert!(answer.headers().get(COST_HEADER).is_none());
        let body = answer.into_body();
        assert!(body.size_hint().lower() >= 2);
        assert_eq!(body.collect().await.unwrap().to_bytes(), pieces.concat());
        assert_eq!((opening.bytes(), opening.closed()), (pieces.concat().len(), vec![(End::Complete, 3)]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_while_it_is_held_back_fails_where_it_would_have() {
    let opening = Opening { gathers: 100, ..Opening::new() };
    let left = [Ok("ab"), Err("reset")].into_iter().collect();
    let mut body = ask(&opening, Slowly { left, pause: None }).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "reset");
    assert_eq!(opening.closed(), [(End::Error, 2)]);
    drop(body);
    assert_eq!(opening.closed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_read_on_for() {
    for (patience, enough, bytes, closed) in [
        // To the end.
        (60, usize::MAX, 4, 5),
        // For as long as it is worth it.
        (2, usize::MAX, 3, 3),
        // Until it is enough.
        (60, 2, 2, 2),
        // Not at all.
        (0, usize::MAX, 1, 1),
    ] {
        let patience = Duration::from_secs(patience);
        let opening = Opening { patience, enough, ..Opening::new() };
        let mut body = ask(&opening, slowly(&["a", "b", "c", "d"])).await.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        sleep(Duration::from_secs(100)).await;
        assert_eq!(opening.closed(), [(End::Cancelled, closed)], "{patience:?} {enough}");
        assert_eq!(opening.bytes(), bytes);
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_the_head_is_waited_for_as_well() {
    for (patience, bytes, closed) in [(60, 2, 13), (5, 0, 6), (0, 0, 1)] {
        let opening = Opening { patience: Duration::from_secs(patience), ..Opening::new() };
        let inner = service_fn(|_: Request<()>| async {
            sleep(Duration::from_secs(10)).await;
            Ok::<_, Infallible>(Response::new(slowly(&["a", "b"])))
        });
        let service = ServiceBuilder::new().layer(CostLayer::new(opening.clone())).service(inner);
        let answer = service.oneshot(Request::new(()));
        assert!(tokio::time::timeout(Duration::from_secs(1), answer).await.is_err());
        sleep(Duration::from_secs(100)).await;
        assert_eq!((opening.bytes(), opening.closed()), (bytes, vec![(End::Cancelled, closed)]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_closes_the_tab_and_tells_it() {
    let opening = Opening { patience: Duration::from_mins(1), ..Opening::new() };
    let inner = service_fn(|_: Request<()>| async { Err::<Response<Slowly>, _>("broken") });
    let service = ServiceBuilder::new().layer(CostLayer::new(opening.clone())).service(inner);
    assert_eq!(service.oneshot(Request::new(())).await.unwrap_err(), "broken");
    assert_eq!((opening.closed(), opening.seen.lock().unwrap().failed), (vec![(End::Error, 0)], 1));
}

#[tokio::test(start_paused = true)]
async fn who_switches_protocols_is_charged_by_whoever_carries_the_connection() {
    let opening = Opening::new();
    let inner = service_fn(|_: Request<()>| async {
        let mut answer = Response::new(slowly(&[]));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        Ok::<_, Infallible>(answer)
    });
    let service = ServiceBuilder::new().layer(CostLayer::new(opening.clone())).service(inner);
    let mut answer = service.oneshot(Request::new(())).await.unwrap();
    let upgraded: Upgraded<Open> = answer.extensions_mut().remove().unwrap();
    drop(answer);
    assert!(opening.closed().is_empty());
    let mut carried: Carried<Open> = upgraded.take();
    carried.frame(&Bytes::from_static(b"abc"));
    carried.end(End::Complete);
    drop((carried, upgraded));
    assert_eq!((opening.bytes(), opening.closed()), (3, vec![(End::Complete, 0)]));
}
