//! What a pair does not carry, and why: each with the clear refusal or the listed drop it is to have.

use crate::cell::{Cell, Step};
use crate::check::ensure;
use crate::dialect::Dialect;
use crate::feature::Feature;

/// An expectation that something is not carried.
pub(crate) struct Listed {
    pub(crate) reason: &'static str,
    how: How,
}

/// What the client gets instead.
enum How {
    /// A 400 that names the field.
    Refused(&'static str),
    /// An answer, whose `x-tollway-dropped` names the field.
    Dropped(&'static str),
}

/// The expectation for a cell, if there is one.
pub(crate) fn listed(cell: Cell) -> Option<Listed> {
    let Cell { feature, client, upstream, .. } = cell;
    let (reason, how) = match (feature, client, upstream) {
        (Feature::StopSequence, Dialect::Chat, Dialect::Responses) => {
            ("Responses has no stop sequences", How::Refused("stop"))
        }
        (Feature::StopSequence, Dialect::Messages, Dialect::Responses) => {
            ("Responses has no stop sequences", How::Refused("stop_sequences"))
        }
        (Feature::StopSequence, Dialect::Gemini, Dialect::Responses) => {
            ("Responses has no stop sequences", How::Refused("stopSequences"))
        }
        (Feature::ToolError, Dialect::Messages, Dialect::Chat | Dialect::Responses) => {
            ("OpenAI has no mark for a tool that failed", How::Dropped("is_error"))
        }
        (Feature::ToolError, Dialect::Gemini, Dialect::Chat | Dialect::Responses) => {
            ("OpenAI has no mark for a tool that failed", How::Dropped("functionResponse.response.error"))
        }
        _ => return None,
    };
    Some(Listed { reason, how })
}

impl Listed {
    /// Holds an exchange to the expectation.
    pub(crate) fn check(&self, cell: Cell, steps: &[Step]) -> Result<(), String> {
        let Some(Step { raw, answer }) = steps.last() else { return Err("nothing was asked".into()) };
        let text = String::from_utf8_lossy(&raw.body);
        match self.how {
            How::Refused(field) => {
                ensure!(raw.status == 400, "status {} for {field}: {text:.400}", raw.status);
                let error = answer.error.clone().unwrap_or_default();
                let named = error.message.contains(field) || error.param.contains(field);
                ensure!(named, "a refusal that does not name {field}: {text:.400}");
                ensure!(answer.faults.is_empty(), "{}", answer.faults.join("; "));
            }
            How::Dropped(field) => {
                ensure!(raw.status == 200, "status {} for {field}: {text:.400}", raw.status);
                ensure!(answer.complete && answer.faults.is_empty(), "not an answer: {cell:?} {text:.400}");
                let dropped = raw.dropped();
                ensure!(dropped.contains(field), "{field} is not among the dropped: {dropped:?}");
            }
        }
        Ok(())
    }
}
