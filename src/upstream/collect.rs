//! Answers that must be there as a whole before they can be handed on.

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tollway_core::Attempt;
use tollway_wire::Truncated;
use tollway_wire::chat::{Collect, Event, Reply};
use tollway_wire::format::StreamDecoder;

use super::answer::{broken, empty};
use crate::Error;

/// The most bytes of a whole answer.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// The whole body of an answer.
pub(super) async fn bytes<B>(body: B, attempt: &Attempt) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes, Error = Error>,
{
    match Limited::new(body, MAX_ANSWER).collect().await.map(http_body_util::Collected::to_bytes) {
        Ok(body) if body.is_empty() => Err(empty(attempt)),
        Ok(body) => {
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
pub(super) async fn stream<B>(body: B, decoder: StreamDecoder, attempt: &Attempt) -> Result<Reply, Error>
where
    B: Body<Data = Bytes, Error = Error>,
{
    let mut stream = Stream { decoder, collect: Collect::default(), attempt };
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
    attempt: &'a Attempt,
}

impl Stream<'_> {
    /// Takes in the events that are there. An error of the provider's is the end.
    fn drain(&mut self) -> Result<(), Error> {
        while let Some(event) = self.decoder.next_event() {
            match event {
                Event::Usage(usage) => self.attempt.set_usage(usage),
                Event::Delta { .. } => self.attempt.set_first_byte(),
                Event::Error(error) => return Err(Error::Upstream(error)),
                _ => {}
            }
            self.collect.push(event);
        }
        Ok(())
    }
}

fn too_large(attempt: &Attempt) -> Error {
    broken(attempt, format!("its answer is larger than {MAX_ANSWER} bytes"))
}
