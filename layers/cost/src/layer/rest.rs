//! What comes of a request after its client has left.
//!
//! Whoever lets go of these futures drops what they read before the account, as arguments drop in reverse.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use http_body::Body;

use super::Tab;
use super::account::Account;

/// Waits for the answer, and reads it.
pub(super) async fn read_answer<F, B, E, T>(account: Account<T>, answer: F) -> Account<T>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes> + Unpin,
    T: Tab,
{
    match answer.await {
        Ok(answer) => read_body(account, answer.into_body()).await,
        Err(_) => account,
    }
}

/// Reads a body to its end, or until the tab has enough.
pub(super) async fn read_body<B, T>(mut account: Account<T>, mut body: B) -> Account<T>
where
    B: Body<Data = Bytes> + Unpin,
    T: Tab,
{
    while !account.is_enough()
        && !body.is_end_stream()
        && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        if let Some(data) = frame.data_ref() {
            account.frame(data);
        }
    }
    // What is inside tells the tab of its own end first.
    drop(body);
    account
}
