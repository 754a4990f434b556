//! Service tiers, in OpenAI's words inside.

use super::usage::Counters;

/// The tiers as Vertex numbers its `trafficType`.
const TRAFFIC: &[&str] = &["TRAFFIC_TYPE_UNSPECIFIED", "ON_DEMAND", "PROVISIONED_THROUGHPUT"];

/// The tier an answer tells, as OpenAI names it; `None` for one without such a name.
pub(super) fn tier(counters: &Counters<'_>) -> Option<&'static str> {
    let told = counters.service_tier.as_ref().or(counters.traffic_type.as_ref())?;
    match told.name(TRAFFIC) {
        "standard" | "ON_DEMAND" => Some("default"),
        "flex" | "ON_DEMAND_FLEX" => Some("flex"),
        "priority" | "ON_DEMAND_PRIORITY" => Some("priority"),
        "PROVISIONED_THROUGHPUT" => Some("scale"),
        _ => None,
    }
}

/// Gemini's `serviceTier` for OpenAI's word.
pub(super) fn service_tier(word: &str) -> Option<&'static str> {
    match word {
        "default" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => None,
    }
}
