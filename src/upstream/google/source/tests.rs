use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::time::{advance, sleep};

use super::*;

/// An issuer that answers by a script, each time after a tenth of a second.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<Grant, TokenError>>>,
    asked: Mutex<u32>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<Grant, TokenError>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Issue for Arc<Script> {
    fn issue(&self) -> Granting<'_> {
        Box::pin(async {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            sleep(Duration::from_millis(100)).await;
            let next = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| Err(TokenError::lasting("the script has ended")))
        })
    }
}

fn token(name: &str, seconds: u64) -> Grant {
    Grant { token: name.to_owned(), life: Duration::from_secs(seconds), project: None }
}

fn hour(name: &str) -> Grant {
    token(name, 3600)
}

fn lasting() -> Result<Grant, TokenError> {
    Err(TokenError::lasting("revoked"))
}

fn passing() -> Result<Grant, TokenError> {
    Err(TokenError::passing("down"))
}

fn text(bearer: &Bearer) -> &str {
    bearer.header.to_str().unwrap()
}

/// Lets the task that tends the token go on.
async fn a_moment() {
    sleep(Duration::from_secs(1)).await;
}

async fn minutes(count: u64) {
    advance(Duration::from_mins(count)).await;
    a_moment().await;
}

#[tokio::test(start_paused = true)]
async fn a_crowd_asks_once() {
    let script = Script::of([Ok(hour("a"))]);
    let source = TokenSource::new(script.clone());
    assert!(source.ready().is_none());
    let crowd = (0..100).map(|_| {
        let source = source.clone();
        tokio::spawn(async move { source.get().await.map(|bearer| text(&bearer).to_owned()) })
    });
    for one in crowd.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap().unwrap(), "Bearer a");
    }
    assert_eq!(script.asked(), 1);
    assert_eq!(text(&source.ready().unwrap()), "Bearer a");
    assert!(source.ready().unwrap().header.is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn a_used_token_is_followed_by_another_before_it_ends() {
    let script = Script::of([Ok(hour("a")), Ok(hour("b")), Ok(hour("c"))]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    minutes(50).await;
    assert_eq!(text(&source.ready().unwrap()), "Bearer a");
    assert_eq!(script.asked(), 1);
    // Five minutes before its end, without anybody's asking then.
    minutes(5).await;
    assert_eq!(script.asked(), 2);
    assert_eq!(text(&source.ready().unwrap()), "Bearer b");
}

#[tokio::test(start_paused = true)]
async fn a_short_life_is_renewed_at_four_fifths() {
    let script = Script::of([Ok(token("a", 110)), Ok(hour("b"))]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    sleep(Duration::from_secs(78)).await;
    assert_eq!(text(&source.ready().unwrap()), "Bearer a");
    assert_eq!(script.asked(), 1);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(text(&source.ready().unwrap()), "Bearer b");
}

#[tokio::test(start_paused = true)]
async fn a_token_nobody_uses_is_let_go() {
    let script = Script::of([Ok(hour("a")), Ok(hour("b")), Ok(hour("c"))]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    minutes(56).await;
    // `get` used the first; nobody used the second.
    assert_eq!(script.asked(), 2);
    for _ in 0..10 {
        minutes(60).await;
    }
    assert_eq!(script.asked(), 2);
    assert!(source.ready().is_none());
    assert_eq!(text(&source.get().await.unwrap()), "Bearer c");
}

#[tokio::test(start_paused = true)]
async fn the_old_token_goes_on_while_the_issuer_fails() {
    let script = Script::of([Ok(hour("a")), lasting(), lasting(), Ok(hour("b"))]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    minutes(55).await;
    assert_eq!(script.asked(), 2);
    assert_eq!(text(&source.ready().unwrap()), "Bearer a");
    a_moment().await;
    source.ready();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(text(&source.ready().unwrap()), "Bearer b");
    assert_eq!(script.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_requests_fail_with_the_reason_and_do_not_press() {
    let script = Script::of([lasting(), lasting(), Ok(hour("a"))]);
    let source = TokenSource::new(script.clone());
    let begun = Instant::now();
    assert_eq!(source.get().await.unwrap_err().message, "revoked");
    assert!(begun.elapsed() < Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(source.get().await.unwrap_err().message, "revoked");
    }
    assert_eq!(script.asked(), 1);
    // A second later it is tried again, then after two seconds.
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(source.get().await.unwrap_err().message, "revoked");
    assert_eq!(script.asked(), 2);
    sleep(Duration::from_millis(2200)).await;
    assert_eq!(text(&source.get().await.unwrap()), "Bearer a");
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_some_times_at_once() {
    let script = Script::of([passing(), passing(), Ok(hour("a"))]);
    let source = TokenSource::new(script.clone());
    assert_eq!(text(&source.get().await.unwrap()), "Bearer a");
    assert_eq!(script.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_is_not_used() {
    let script =
        Script::of([Ok(token("a", 70)), lasting(), lasting(), lasting(), lasting(), lasting(), lasting()]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    sleep(Duration::from_secs(59)).await;
    assert!(source.ready().is_some());
    sleep(Duration::from_secs(2)).await;
    assert!(source.ready().is_none());
    assert_eq!(source.get().await.unwrap_err().message, "revoked");
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_a_limit() {
    struct Silent;
    impl Issue for Silent {
        fn issue(&self) -> Granting<'_> {
            Box::pin(std::future::pending())
        }
    }
    let source = TokenSource::new(Silent);
    let begun = Instant::now();
    let error = source.get().await.unwrap_err();
    assert_eq!(error.message, "no access token came within 15 s");
    assert_eq!(begun.elapsed(), PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_but_not_all_the_time() {
    let script = Script::of([Ok(hour("a")), Ok(hour("b")), Ok(hour("c"))]);
    let source = TokenSource::new(script.clone());
    let a = source.get().await.unwrap();
    assert!(source.refuse(&a));
    // Another request with the same token.
    assert!(source.refuse(&a));
    let b = source.get().await.unwrap();
    assert_eq!(text(&b), "Bearer b");
    assert!(source.refuse(&a));
    // The new one is refused as well: it is not the tokens.
    assert!(!source.refuse(&b));
    assert_eq!(text(&source.ready().unwrap()), "Bearer b");
    assert_eq!(script.asked(), 2);
    let mut seen = Vec::new();
    source.each(|token| seen.push(token.to_owned()));
    assert_eq!(seen, ["b", "a"]);
    sleep(Duration::from_secs(31)).await;
    assert!(source.refuse(&b));
    assert_eq!(text(&source.get().await.unwrap()), "Bearer c");
}

/// A worker's runtime ends, and with it the task; who waits on another asks anew.
#[test]
fn a_task_that_ends_with_its_runtime_is_followed_by_another() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let script = Script::of([Ok(hour("a"))]);
    let source = TokenSource::new(script.clone());
    let first = runtime();
    first.block_on(async {
        let waiting = source.clone();
        tokio::spawn(async move { waiting.get().await });
        sleep(Duration::from_millis(50)).await;
    });
    assert_eq!(script.asked(), 1);
    drop(first);
    let bearer = runtime().block_on(source.get()).unwrap();
    assert_eq!(text(&bearer), "Bearer a");
    assert_eq!(script.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_source_takes_its_task_along() {
    let script = Script::of([Ok(hour("a")), Ok(hour("b"))]);
    let source = TokenSource::new(script.clone());
    source.get().await.unwrap();
    drop(source);
    a_moment().await;
    assert_eq!(Arc::strong_count(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_shows_a_token() {
    let script = Script::of([Ok(hour("ya29.s3cret"))]);
    let source = TokenSource::new(script);
    let bearer = source.get().await.unwrap();
    let shown = format!("{source:?} {bearer:?} {:?}", source.0.state.borrow());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_token_no_header_can_carry_is_an_error() {
    let source = TokenSource::new(Script::of([Ok(hour("a\nb"))]));
    assert!(source.get().await.unwrap_err().message.contains("no header can carry"));
}

/// An issuer that has a token at once.
struct AtOnce;

impl Issue for AtOnce {
    fn issue(&self) -> Granting<'_> {
        Box::pin(async { Ok(hour("a")) })
    }
}

/// A token that came between the look for one and the wait for it was waited for in vain: until the
/// request was given up, fifteen seconds later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_comes_while_one_looks_is_not_missed() {
    for _ in 0..20_000 {
        let source = TokenSource::new(AtOnce);
        let crowd = (0..4).map(|_| {
            let source = source.clone();
            tokio::spawn(async move { tokio::time::timeout(PATIENCE / 2, source.get()).await })
        });
        for one in crowd.collect::<Vec<_>>() {
            assert_eq!(text(&one.await.unwrap().unwrap().unwrap()), "Bearer a");
        }
    }
}
