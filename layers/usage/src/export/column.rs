//! What stands in the columns of an export.

use std::borrow::Cow;
use std::sync::Arc;

use tollway_core::Money;

use crate::Day;
use crate::row::{AttemptRow, RequestRow, TOKENS};
use crate::time::{MILLIS_A_DAY, timestamp};

/// A cell of a row.
#[derive(Debug)]
pub(super) enum Cell {
    None,
    Text(Arc<str>),
    /// A number, or JSON.
    Raw(String),
}

impl Cell {
    /// As a field of CSV. A spreadsheet reckons with a text that begins as formulas do.
    pub(super) fn as_field(&self) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(""),
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                Cow::Owned(format!("'{text}"))
            }
            Self::Text(text) => Cow::Borrowed(text),
            Self::Raw(raw) => Cow::Borrowed(raw),
        }
    }
}

/// The names: first those of FOCUS, in the order of the alphabet.
pub(super) const COLUMNS: [&str; 45 + TOKENS.len()] = [
    "BilledCost",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "EffectiveCost",
    "RegionId",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "Tags",
    "x_RequestId",
    "x_AttemptNumber",
    "x_RequestStart",
    "x_KeyId",
    "x_UserId",
    "x_Team",
    "x_Route",
    "x_ClientDialect",
    "x_ProviderDialect",
    "x_Operation",
    "x_ModelAsked",
    "x_ModelSent",
    "x_ServiceTier",
    "x_Speed",
    "x_Stream",
    "x_Status",
    "x_Outcome",
    "x_FinishReason",
    "x_CacheStatus",
    "x_RequestStatus",
    "x_RequestOutcome",
    "x_CostEstimated",
    "x_UnpricedReason",
    "x_LatencyMicroseconds",
    "x_FirstTokenMicroseconds",
    "x_MaxOutputTokens",
    // In the order of `TOKENS`.
    "x_InputTokens",
    "x_CachedInputTokens",
    "x_CacheWrite5mTokens",
    "x_CacheWrite1hTokens",
    "x_OutputTokens",
    "x_ReasoningTokens",
    "x_InputAudioTokens",
    "x_CachedInputAudioTokens",
    "x_InputAudioMilliseconds",
    "x_OutputAudioTokens",
    "x_InputImageTokens",
    "x_AcceptedPredictionTokens",
    "x_RejectedPredictionTokens",
    "x_WebSearches",
];

/// A row, in the order of [`COLUMNS`].
pub(super) fn cells(request: &RequestRow, number: usize, attempt: &AttemptRow) -> Vec<Cell> {
    let month = Day::of_millis(attempt.time).month();
    let month_start = |month| timestamp(i64::from(Day::of_month(month).number()) * MILLIS_A_DAY);
    let cost = || attempt.cost.map_or(Cell::None, |nanos| Cell::Raw(Money::from_nanos(nanos).to_string()));
    let [input, _, _, _, output, ..] = attempt.usage;
    let tags = match serde_json::to_string(&request.tags) {
        Ok(tags) if !request.tags.is_empty() => Cell::Raw(tags),
        _ => Cell::None,
    };
    let mut cells = vec![
        cost(),
        text("USD"),
        text(&month_start(month + 1)),
        text(&month_start(month)),
        text("Usage"),
        text(&format!("{} by {}", request.operation.as_deref().unwrap_or("request"), attempt.served())),
        text("Usage-Based"),
        text(&timestamp(attempt.time.saturating_add(attempt.latency / 1000))),
        text(&timestamp(attempt.time)),
        integer(input.saturating_add(output)),
        text("Tokens"),
        cost(),
        optional(attempt.region.as_ref()),
        text("AI and Machine Learning"),
        Cell::Text(attempt.served().clone()),
        Cell::Text(attempt.provider.clone()),
        text("Generative AI"),
        Cell::Text(attempt.served().clone()),
        tags,
        Cell::Text(request.request_id.clone()),
        integer(i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1)),
        text(&timestamp(request.time)),
        optional(request.key.as_ref()),
        optional(request.user.as_ref()),
        optional(request.team.as_ref()),
        Cell::Text(request.route.clone()),
        Cell::Text(request.dialect.clone()),
        Cell::Text(attempt.dialect.clone()),
        optional(request.operation.as_ref()),
        optional(request.model.as_ref()),
        Cell::Text(attempt.model.clone()),
        optional(attempt.tier.as_ref()),
        optional(attempt.speed.as_ref()),
        truth(request.stream),
        attempt.status.map_or(Cell::None, integer),
        Cell::Text(attempt.outcome.clone()),
        optional(attempt.finish.as_ref()),
        Cell::Text(request.cache.clone()),
        request.status.map_or(Cell::None, integer),
        Cell::Text(request.outcome.clone()),
        truth(attempt.estimated),
        optional(attempt.unpriced.as_ref()),
        integer(attempt.latency),
        attempt.first_token.map_or(Cell::None, integer),
        request.max_output.map_or(Cell::None, integer),
    ];
    cells.extend(attempt.usage.map(integer));
    cells
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn integer(number: i64) -> Cell {
    Cell::Raw(number.to_string())
}

fn truth(is_so: bool) -> Cell {
    Cell::Raw(is_so.to_string())
}

fn optional(text: Option<&Arc<str>>) -> Cell {
    text.map_or(Cell::None, |text| Cell::Text(text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula() {
        for begin in ["=", "+", "-", "@", "\t", "\r"] {
            let name = format!("{begin}HYPERLINK(\"x\")");
            assert_eq!(text(&name).as_field(), format!("'{name}"));
        }
        assert_eq!(text("gpt-6-sol").as_field(), "gpt-6-sol");
        // Numbers stay numbers.
        assert_eq!(Cell::Raw("-0.5".to_owned()).as_field(), "-0.5");
    }
}
