//! The `response` object: an answer, or what its stream tells of it at its beginning and end.

use serde::Serialize;
use serde_json::value::RawValue;

use super::echo::Settings;
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
    #[serde(flatten)]
    pub(super) settings: &'a Settings,
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
