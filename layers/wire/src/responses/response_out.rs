//! The `response` object: an answer, or what its stream tells of it at its beginning and end.

use serde::Serialize;
use serde_json::value::RawValue;

use super::echo::Echo;
use super::usage::{ToolUsageOut, UsageOut};

/// The `response` object as it is written.
#[derive(Serialize)]
pub(super) struct ResponseOut<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created_at: u64,
    pub(super) status: &'static str,
    pub(super) error: Option<ErrorOut<'a>>,
    pub(super) incomplete_details: Option<Incomplete>,
    pub(super) model: &'a str,
    pub(super) output: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    pub(super) usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_usage: Option<ToolUsageOut>,
}

impl ResponseOut<'_> {
    /// Appends the object. The settings follow, which are text already.
    pub(super) fn write(&self, settings: &Echo, out: &mut Vec<u8>) {
        // Memory takes every byte, and no map here has keys that are not strings: this cannot fail.
        let written = serde_json::to_writer(&mut *out, self);
        debug_assert!(written.is_ok(), "an answer could not be written as JSON");
        out.pop();
        out.push(b',');
        out.extend_from_slice(settings.members().as_bytes());
        out.push(b'}');
    }
}

/// Why an answer is incomplete.
#[derive(Serialize)]
pub(super) struct Incomplete {
    pub(super) reason: &'static str,
}

/// Why an answer failed.
#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}
