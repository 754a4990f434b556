//! Polls a connection to its end, and tells it when to come to one.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;

use super::idle::Activity;

/// How long a connection without a request is kept once a stop was asked for. Its client may have
/// sent the first one already, and would not know whether it was taken.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Serves until the connection ends. It is asked to end, with the answers that run, when `may_end`
/// becomes true or nothing has happened on it for long.
pub(super) async fn drive<C: GracefulConnection>(
    connection: C,
    activity: &Activity,
    // Held to the end: who wants to stop waits until nobody has one any more.
    mut may_end: watch::Receiver<bool>,
) -> C::Output {
    let mut connection = pin!(connection);
    let news = may_end.clone();
    let mut asked = false;
    let mut stop = pin!(async {
        let _ = may_end.wait_for(|may_end| *may_end).await;
        let mut patience = pin!(tokio::time::sleep(FIRST_REQUEST));
        // Polled after the connection, which has taken what has come.
        poll_fn(|cx| if activity.requests() > 0 { Poll::Ready(()) } else { patience.as_mut().poll(cx) })
            .await;
    });
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        if activity.is_over() {
            return Poll::Ready(None);
        }
        // Asked once, it wakes this task, which alone polls the connection; until there is news it
        // has no other answer.
        if std::mem::replace(&mut asked, true) && !news.has_changed().unwrap_or(true) {
            return Poll::Pending;
        }
        stop.as_mut().poll(cx).map(|()| None)
    });
    if let Some(ended) = ended.await {
        return ended;
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
