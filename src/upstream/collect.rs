//! Answers that must be there as a whole before they can be handed on.

use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tollway_core::Attempt;
use tollway_wire::Truncated;
use tollway_wire::chat::{Collect, Event, Reply};
use tollway_wire::format::StreamDecoder;

use super::answer::{broken, empty};
use super::beginning::Beginning;
use super::stream::tell;
use super::streamed::Streamed;
use crate::Error;

/// The most bytes of a whole answer.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// The whole body of an answer.
pub(super) async fn bytes<B>(body: B, attempt: &Arc<Attempt>) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes, Error = Error>,
{
    let mut beginning = Beginning::new(attempt.clone(), body.size_hint().exact());
    let body = body.map_frame(|frame| {
        if let Some(data) = frame.data_ref() {
            beginning.push(data);
        }
        frame
    });
    let collected = Limited::new(body, MAX_ANSWER).collect().await;
    match collected.map(http_body_util::Collected::to_bytes) {
        Ok(body) if body.is_empty() => Err(empty(attempt)),
        Ok(body) => {
            beginning.has_ended();
            attempt.set_first_byte();
            Ok(body)
        }
        Err(error) => Err(match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => too_large(attempt),
        }),
    }
}

/// A stream put together to a whole answer.
///
/// It is read as it comes, so that what was counted stays known whatever becomes of the rest.
pub(super) async fn stream<B>(body: B, decoder: StreamDecoder, attempt: &Arc<Attempt>) -> Result<Reply, Error>
where
    B: Body<Data = Bytes, Error = Error>,
{
    let mut stream = Stream {
        decoder,
        collect: Collect::default(),
        attempt,
        streamed: Streamed::decoded(attempt.clone()),
    };
    let mut body = std::pin::pin!(body);
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        read += data.len();
        if read > MAX_ANSWER {
            return Err(too_large(attempt));
        }
        stream.decoder.feed(&data);
        stream.drain()?;
    }
    if read == 0 {
        return Err(empty(attempt));
    }
    let end = stream.decoder.finish();
    stream.drain()?;
    match end {
        Ok(_) => stream.collect.finish().map_err(Error::Upstream),
        Err(truncated @ Truncated) => Err(broken(attempt, truncated.to_string())),
    }
}

struct Stream<'a> {
    decoder: StreamDecoder,
    collect: Collect,
    attempt: &'a Arc<Attempt>,
    streamed: Streamed,
}

impl Stream<'_> {
    /// Takes in the events that are there. An error of the provider's is the end.
    fn drain(&mut self) -> Result<(), Error> {
        while let Some(event) = self.decoder.next_event() {
            match event {
                Event::Error(error) => return Err(Error::Upstream(error)),
                ref event => {
                    if let Event::Delta { delta, .. } = event {
                        self.streamed.delta(delta);
                    }
                    tell(self.attempt, event);
                }
            }
            self.collect.push(event);
        }
        Ok(())
    }
}

fn too_large(attempt: &Attempt) -> Error {
    broken(attempt, format!("its answer is larger than {MAX_ANSWER} bytes"))
}
