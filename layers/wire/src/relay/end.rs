//! The frames that end a stream that broke off, so that it never looks whole.

use bytes::Bytes;
use tollway_core::Dialect;

use super::{machine::Machine, reading::Reading};
use crate::{ApiError, anthropic, gemini, openai, responses};

/// An error as a server-sent event, behind those that were read.
pub(super) fn event(
    dialect: Dialect,
    error: &ApiError,
    (machine, reading): (&Machine, &Reading),
    mid_event: bool,
) -> Bytes {
    // What was cut off must not swallow the error.
    let mut out = if mid_event { b"\n\n".to_vec() } else { Vec::new() };
    if dialect == Dialect::Responses {
        let sequence = machine.next_sequence();
        responses::write_error(error, sequence, &mut out);
        // Where no answer was begun, none has failed.
        if let (Some(id), false) = (reading.id(), reading.error_passed()) {
            let failed = responses::Failed { id, created: machine.created(), model: reading.model() };
            failed.write(error, sequence.saturating_add(1), &mut out);
        }
        return out.into();
    }
    let (name, data): (&[u8], _) = match dialect {
        Dialect::Anthropic => (b"event: error\n", anthropic::encode_error(error)),
        Dialect::Gemini => (b"", gemini::encode_error(error)),
        _ => (b"", openai::encode_error(error)),
    };
    for piece in [name, b"data: ", &data, b"\n\n"] {
        out.extend_from_slice(piece);
    }
    out.into()
}

/// An error as the last element of an array, of which `any` has been given out. Within an element that
/// was cut off the array can no longer be made one; it ends in the error all the same, for those who
/// read it.
pub(super) fn element(error: &ApiError, any: bool, mid_element: bool) -> Bytes {
    let before: &[u8] = match (any || mid_element, mid_element) {
        (true, true) => b"\n,\r\n",
        (true, false) => b",\r\n",
        (false, _) => b"[",
    };
    [before, &gemini::encode_error(error), b"\n]"].concat().into()
}
