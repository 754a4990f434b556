//! What the adaptive layer does for a service that is asked for more than it can: goodput and the time to the
//! first byte, with the layer and without, as CSV, for `bench/shed_graph.py` to draw. Alone and in a simulated
//! time; `make shed-graph` shows the same of a whole gateway, in real time.
//!
//! The service works at 50 requests at once, begins to answer after about 0.3 s and ends 1.7 s later: 25 a
//! second. Of those who ask, 10 % are of high priority, 30 % of normal and 60 % of low. They give up where no
//! byte has come after 10 s; the service notices when it is about to answer. Time is tokio's, paused, so that
//! minutes take a moment.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that prints its result")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tollway_core::Priority;
use tollway_rate_limit::Estimate;
use tollway_rate_limit::adaptive::{Adaptive, AdaptiveLayer, Demand, Settings};
use tower::{Layer, Service, ServiceExt};

const SLOTS: usize = 50;
const FIRST: Duration = Duration::from_millis(300);
const REST: Duration = Duration::from_millis(1_700);
const PATIENCE: Duration = Duration::from_secs(10);
/// What is asked is counted after some time, when all has settled.
const SETTLE: Duration = Duration::from_secs(30);
const COUNTED: Duration = Duration::from_mins(1);
const SHARES: [(Priority, &str, f64); 3] =
    [(Priority::High, "high", 0.1), (Priority::Normal, "normal", 0.3), (Priority::Low, "low", 0.6)];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::time::pause();
    println!(
        "layer,offered_per_s,priority,asked,served,refused,gave_up,goodput_per_s,first_byte_p50_s,first_byte_p99_s"
    );
    let capacity = SLOTS as f64 / (FIRST + REST).as_secs_f64();
    for factor in [0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0] {
        for with in [false, true] {
            let fates = run(with, capacity * factor).await;
            for (priority, name, _) in SHARES {
                report(with, capacity * factor, name, fates.iter().filter(|fate| fate.priority == priority));
            }
        }
    }
}

/// What became of a request.
struct Fate {
    priority: Priority,
    /// Its status and the time to the first byte, if it did not give up.
    answered: Option<(http::StatusCode, Duration)>,
}

async fn run(with: bool, rate: f64) -> Vec<Fate> {
    let upstream = tower::service_fn(upstream(Arc::new(Semaphore::new(SLOTS))));
    let layer = AdaptiveLayer::new(Arc::new(Adaptive::new(Settings::default())));
    let limited = layer.layer(upstream.clone());
    let fates = Arc::new(Mutex::new(Vec::new()));
    let mut random = Random(7);
    let (began, mut asking) = (Instant::now(), tokio::task::JoinSet::new());
    let mut next = began;
    while next < began + SETTLE + COUNTED {
        tokio::time::sleep_until(next).await;
        next += Duration::from_secs_f64(-(1.0 - random.unit()).ln() / rate);
        let share = random.unit();
        let priority = match share {
            ..0.1 => Priority::High,
            0.1..0.4 => Priority::Normal,
            _ => Priority::Low,
        };
        let fates = (began.elapsed() >= SETTLE).then(|| fates.clone());
        if with {
            asking.spawn(ask(limited.clone(), priority, fates));
        } else {
            asking.spawn(ask(upstream.clone(), priority, fates));
        }
        while asking.try_join_next().is_some() {}
    }
    asking.join_all().await;
    std::mem::take(&mut *fates.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Asks as a client does that has only so much patience.
async fn ask<S, B>(service: S, priority: Priority, fates: Option<Arc<Mutex<Vec<Fate>>>>)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
{
    let mut request = Request::new(());
    let estimate = Estimate { input: 200, output: 200, stream: true };
    request.extensions_mut().insert(Demand::new("model").priority(priority).estimate(estimate));
    let began = Instant::now();
    let answered = timeout(PATIENCE, async {
        let Ok(mut response) = service.oneshot(request).await;
        let _ = response.body_mut().frame().await;
        response
    })
    .await;
    let answered = match answered {
        Ok(response) => {
            let answered = (response.status(), began.elapsed());
            let _ = response.into_body().collect().await;
            Some(answered)
        }
        Err(_) => None,
    };
    if let Some(fates) = fates {
        fates.lock().unwrap_or_else(PoisonError::into_inner).push(Fate { priority, answered });
    }
}

/// A service that works at so many requests at once, and keeps the others waiting.
fn upstream(
    slots: Arc<Semaphore>,
) -> impl Fn(Request<()>) -> std::future::Ready<Result<Response<Frames>, Infallible>> + Clone {
    let random = Arc::new(Mutex::new(Random(11)));
    move |_| {
        let slots = slots.clone();
        let scatter = || 2.0 / 3.0 + random.lock().unwrap_or_else(PoisonError::into_inner).unit() * 2.0 / 3.0;
        let (first, rest) = (FIRST.mul_f64(scatter()), REST.mul_f64(scatter()));
        let (frames, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let _slot = slots.acquire_owned().await;
            sleep(first).await;
            if frames.send(Bytes::from_static(b"first")).is_ok() {
                sleep(rest).await;
                let _ = frames.send(Bytes::from_static(b"last"));
            }
        });
        std::future::ready(Ok(Response::new(Frames(Some(receiver)))))
    }
}

/// The body of an answer.
#[derive(Default)]
struct Frames(Option<mpsc::UnboundedReceiver<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(frames) = &mut self.0 else { return Poll::Ready(None) };
        frames.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

fn report<'a>(with: bool, rate: f64, priority: &str, fates: impl Iterator<Item = &'a Fate>) {
    let fates: Vec<_> = fates.collect();
    let mut times: Vec<_> = fates
        .iter()
        .filter_map(|fate| fate.answered.filter(|(status, _)| status.is_success()))
        .map(|(_, time)| time.as_secs_f64())
        .collect();
    times.sort_by(f64::total_cmp);
    let quantile = |percent: usize| {
        let place = times.len().saturating_sub(1) * percent / 100;
        times.get(place).map_or_else(String::new, |time| format!("{time:.3}"))
    };
    let (asked, served) = (fates.len(), times.len());
    let gave_up = fates.iter().filter(|fate| fate.answered.is_none()).count();
    println!(
        "{},{rate:.2},{priority},{asked},{served},{},{gave_up},{:.2},{},{}",
        if with { "with" } else { "without" },
        asked - served - gave_up,
        served as f64 / COUNTED.as_secs_f64(),
        quantile(50),
        quantile(99),
    );
}

/// splitmix64: the same requests each time.
struct Random(u64);

impl Random {
    /// At least 0 and less than 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
