//! How long to wait before the next try, where an error's body tells it.

use std::time::Duration;

use serde_json::Value;

/// The longest wait taken seriously. A provider that asks for more has said nothing of use.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The wait an error tells: as a number of seconds, in Google's `details`, or in the words of its
/// message (`Please try again in 1m30.5s`, as OpenAI and Groq write).
pub(super) fn told_delay(error: &Value, message: Option<&str>) -> Option<Duration> {
    let told = error.get("retry_after").or_else(|| error.get("metadata")?.get("retry_after_seconds"));
    let told = told.and_then(|seconds| seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok()));
    let told = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let delay = told.or_else(|| in_details(error)).or_else(|| in_words(message?))?;
    (delay <= LONGEST).then_some(delay)
}

/// `google.rpc.RetryInfo`, which Gemini's OpenAI endpoint sends as its own API does.
fn in_details(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    leading(details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?)
}

fn in_words(message: &str) -> Option<Duration> {
    const BEFORE: &str = "try again in ";
    let start = message.to_ascii_lowercase().find(BEFORE)? + BEFORE.len();
    leading(message.get(start..)?)
}

/// The delay a text begins with: `20s`, `6ms`, `1h2m3.5s`, `20 seconds`.
fn leading(mut text: &str) -> Option<Duration> {
    let mut total = None;
    loop {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (figures, rest) = text.split_at(end);
        let Ok(amount) = figures.parse::<f64>() else { return total };
        let (unit, rest) = unit(rest);
        let Some(unit) = unit else { return total };
        let more = Duration::try_from_secs_f64(amount * unit).ok()?;
        total = Some(total.unwrap_or(Duration::ZERO).checked_add(more)?);
        text = rest;
    }
}

/// The seconds of the unit a text begins with, and what follows it.
fn unit(text: &str) -> (Option<f64>, &str) {
    const UNITS: [(&str, f64); 5] = [(" second", 1.0), ("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = UNITS.iter().find_map(|(word, seconds)| Some((*seconds, text.strip_prefix(word)?)));
    unit.map_or((None, text), |(seconds, rest)| (Some(seconds), rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(message: &str) -> Option<Duration> {
        told_delay(&json!({}), Some(message))
    }

    #[test]
    fn delays_are_read_from_words() {
        let said = |seconds| Some(Duration::from_secs_f64(seconds));
        assert_eq!(words("Rate limit reached. Please try again in 1m30.5s. Visit"), said(90.5));
        assert_eq!(words("Please try again in 6ms."), said(0.006));
        assert_eq!(words("please Try Again In 2h1s"), said(7201.0));
        assert_eq!(words("Please try again in 20 seconds"), said(20.0));
        assert_eq!(words("Please try again in a moment"), None);
        assert_eq!(words("Please try again in 99999999999h"), None);
        assert_eq!(words("Please try again in 1.2.3s"), None);
        assert_eq!(words(""), None);
    }

    #[test]
    fn delays_are_read_from_fields() {
        let google = json!({"details": [{"@type": "x"}, {"retryDelay": "30s"}]});
        assert_eq!(told_delay(&google, None), Some(Duration::from_secs(30)));
        assert_eq!(told_delay(&json!({"retry_after": 2.5}), None), Some(Duration::from_millis(2500)));
        assert_eq!(told_delay(&json!({"retry_after": "7"}), None), Some(Duration::from_secs(7)));
        assert_eq!(told_delay(&json!({"retry_after": -1}), None), None);
        assert_eq!(told_delay(&json!({"retry_after": 1e300}), None), None);
    }
}
