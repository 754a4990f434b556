//! A client's body on its way through.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tollway_core::Exchange;
use tollway_wire::others::FormModel;

use crate::Error;
use crate::error::BoxError;
use crate::ingest::BodyLimits;
use crate::upstream::Sending;

pin_project! {
    /// Passes a body on as it comes, within limits, while nothing of it is held but a frame. Trailers
    /// stay behind: no provider reads any.
    pub(super) struct Upload<B> {
        #[pin]
        body: B,
        // What was read ahead.
        ahead: Bytes,
        passed: u64,
        limits: BodyLimits,
        end: Instant,
        // Until when something must come; `None` while the provider is waited for.
        until: Option<Instant>,
        sleep: Option<Pin<Box<Sleep>>>,
        sending: Arc<Sending>,
        exchange: Option<Arc<Exchange>>,
        // A form that may yet name its model, and who says whether it may be that one.
        late: Option<(FormModel, Judge)>,
        done: bool,
    }
}

/// Says of a model that is named when the request is on its way whether it was sent right.
pub(super) type Judge = Box<dyn FnOnce(&str) -> Result<(), Error> + Send>;

impl<B> Upload<B> {
    /// Passes on `ahead`, which was read of the body (`read` bytes, before they were changed), and then
    /// the rest.
    pub(super) fn new(
        ahead: Bytes,
        read: u64,
        body: B,
        limits: BodyLimits,
        sending: Arc<Sending>,
        exchange: Option<Arc<Exchange>>,
    ) -> Self {
        if let Some(exchange) = &exchange {
            exchange.add_received(read);
        }
        let end = Instant::now() + limits.total;
        Self {
            body,
            ahead,
            passed: read,
            limits,
            end,
            until: None,
            sleep: None,
            sending,
            exchange,
            late: None,
            done: false,
        }
    }

    /// The same, which looks on for the model of a form.
    pub(super) fn watching(self, late: Option<(FormModel, Judge)>) -> Self {
        Self { late, ..self }
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        if *this.done {
            return Poll::Ready(None);
        }
        if !this.ahead.is_empty() {
            this.sending.moved();
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(this.ahead)))));
        }
        let failure = loop {
            let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else {
                this.sending.waits();
                let until =
                    *this.until.get_or_insert_with(|| (Instant::now() + this.limits.timeout).min(*this.end));
                let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                if sleep.deadline() != until {
                    sleep.as_mut().reset(until);
                }
                ready!(sleep.as_mut().poll(cx));
                break if until < *this.end {
                    Error::BodyTimeout(this.limits.timeout)
                } else {
                    Error::BodySlow(this.limits.total)
                };
            };
            *this.until = None;
            let data = match frame {
                None => {
                    *this.done = true;
                    this.sending.moved();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => break Error::BodyBroken(error.into()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
            };
            *this.passed += data.len() as u64;
            if *this.passed > this.limits.max_bytes as u64 {
                break Error::BodyTooLarge { limit: this.limits.max_bytes };
            }
            if let Err(refused) = look_on(this.late, &data) {
                break refused;
            }
            this.sending.moved();
            if let Some(exchange) = this.exchange {
                exchange.add_received(data.len() as u64);
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        };
        *this.done = true;
        // The provider must see that it is not whole, and the client why.
        let words = failure.to_string();
        this.sending.fail(failure);
        Poll::Ready(Some(Err(words.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.done || (self.ahead.is_empty() && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.body.size_hint();
        let ahead = self.ahead.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
}

/// Reads a form on, and has its model judged once it is named.
fn look_on(late: &mut Option<(FormModel, Judge)>, data: &[u8]) -> Result<(), Error> {
    let Some((form, _)) = late else { return Ok(()) };
    let Some(found) = form.feed(data) else {
        form.forget();
        return Ok(());
    };
    match (found, late.take()) {
        (Some(named), Some((_, judge))) => judge(&named.name),
        _ => Ok(()),
    }
}
