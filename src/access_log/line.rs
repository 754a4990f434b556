use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use tollway_core::{End, Money, Outcome};

use super::Entry;

/// A member's name with what stands around it, in one piece.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// How an exchange ended for the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// What the client was answered, if it was.
    pub(super) status: Option<StatusCode>,
    /// How many bytes of a body.
    pub(super) bytes: u64,
    pub(super) end: End,
    pub(super) at: Instant,
}

/// Appends the line of one exchange, as JSON. Names follow OpenTelemetry's `gen_ai.*` conventions
/// where they have one. No prompt, no answer, no query string, no credential stands in it.
pub(super) fn write(line: &mut Vec<u8>, clock: &mut Clock, entry: &Entry, ended: Ended) {
    let Ended { status, bytes, end, at: now } = ended;
    let exchange = &entry.exchange;
    line.extend_from_slice(b"{\"time\":\"");
    clock.write(line, SystemTime::now());
    line.push(b'"');
    word(line, key!("request_id"), exchange.request_id().as_str());
    word(line, key!("http.request.method"), entry.method.as_str());
    field(line, key!("url.path"), &entry.path);
    if let Some(client) = exchange.client().or_else(|| Some(entry.client?.0.ip())) {
        line.extend_from_slice(key!("client.address").as_bytes());
        line.push(b'"');
        address(line, client);
        line.push(b'"');
    }
    if let Some(caller) = exchange.caller() {
        let names = [(key!("key"), &caller.key), (key!("user"), &caller.user), (key!("team"), &caller.team)];
        for (key, name) in names {
            if let Some(name) = name {
                field(line, key, name);
            }
        }
    }
    if let Some(status) = status {
        number(line, key!("http.response.status_code"), u64::from(status.as_u16()));
    }
    if let Some(endpoint) = exchange.endpoint() {
        word(line, key!("gen_ai.operation.name"), endpoint.as_str());
        // What is relayed need not name one.
        if let Some(model) = exchange.request_model().filter(|model| !model.is_empty()) {
            field(line, key!("gen_ai.request.model"), model);
        }
        line.extend_from_slice(key!("stream").as_bytes());
        line.extend_from_slice(if exchange.stream() { b"true" } else { b"false" });
    }
    let (attempts, last) = exchange.last_attempt();
    if let Some(last) = &last {
        field(line, key!("gen_ai.provider.name"), &last.upstream().provider);
        if !last.upstream().model.is_empty() {
            field(line, key!("gen_ai.response.model"), &last.upstream().model);
        }
        number(line, key!("attempts"), attempts as u64);
        if let Some(usage) = last.usage() {
            number(line, key!("gen_ai.usage.input_tokens"), usage.input);
            number(line, key!("gen_ai.usage.output_tokens"), usage.output);
            for (key, count) in [
                (key!("cached_input_tokens"), usage.cached_input),
                (key!("cache_write_tokens"), usage.cache_write_5m + usage.cache_write_1h),
                (key!("reasoning_tokens"), usage.reasoning),
                (key!("input_audio_ms"), usage.input_audio_ms),
            ] {
                if count > 0 {
                    number(line, key, count);
                }
            }
        }
        if let Some((cost, estimated)) = exchange.cost() {
            money(line, key!("cost_usd"), cost);
            if estimated {
                line.extend_from_slice(key!("cost_estimated").as_bytes());
                line.extend_from_slice(b"true");
            }
        } else if let Some(why) = exchange.unpriced() {
            word(line, key!("unpriced"), why);
        }
        if let Some(first) = last.first_byte() {
            millis(line, key!("first_byte_ms"), first - exchange.started());
        }
    }
    millis(line, key!("duration_ms"), now - exchange.started());
    if exchange.received() > 0 {
        number(line, key!("http.request.body.size"), exchange.received());
    }
    number(line, key!("http.response.body.size"), bytes);
    // What the attempt knows of its end is finer than what the body shows outside.
    let inside = last.and_then(|last| last.outcome());
    // An attempt is also given up where the gateway itself fails, and not only by the client.
    let inside = inside.filter(|inside| *inside != Outcome::Cancelled || end == End::Cancelled);
    let outcome = match (inside, end) {
        (Some(Outcome::Complete) | None, End::Cancelled) => Outcome::Cancelled.as_str(),
        (Some(Outcome::Complete) | None, End::Error) => Outcome::Broken.as_str(),
        (Some(outcome), _) => outcome.as_str(),
        (None, End::Complete) if status == Some(StatusCode::INTERNAL_SERVER_ERROR) => {
            Outcome::Broken.as_str()
        }
        (None, End::Complete) if status.is_some_and(|status| status.as_u16() >= 400) => {
            Outcome::Refused.as_str()
        }
        (None, End::Complete) => Outcome::Complete.as_str(),
    };
    word(line, key!("outcome"), outcome);
    line.extend_from_slice(b"}\n");
}

/// An address; the usual kind without the formatting machinery, which costs ten times as much.
fn address(line: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(v4) = address else {
        let _ = write!(line, "{address}");
        return;
    };
    for (index, octet) in v4.octets().into_iter().enumerate() {
        if index > 0 {
            line.push(b'.');
        }
        line.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
}

fn field(line: &mut Vec<u8>, key: &str, value: &str) {
    line.extend_from_slice(key.as_bytes());
    text(line, value);
}

/// A field whose value has nothing to escape by what it is: an id, a token of HTTP, a name of ours.
fn word(line: &mut Vec<u8>, key: &str, value: &str) {
    line.extend_from_slice(key.as_bytes());
    line.push(b'"');
    line.extend_from_slice(value.as_bytes());
    line.push(b'"');
}

fn number(line: &mut Vec<u8>, key: &str, value: u64) {
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Dollars with nine decimals, without what formatting a string would cost.
fn money(line: &mut Vec<u8>, key: &str, amount: Money) {
    let nanos = u64::try_from(amount.nanos()).unwrap_or_default();
    number(line, key, nanos / 1_000_000_000);
    line.push(b'.');
    let fraction = nanos % 1_000_000_000;
    for part in [fraction / 1_000_000, fraction / 1_000, fraction] {
        three_digits(line, part % 1_000);
    }
}

/// Milliseconds with three decimals.
fn millis(line: &mut Vec<u8>, key: &str, span: Duration) {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    number(line, key, micros / 1000);
    line.push(b'.');
    three_digits(line, micros % 1000);
}

fn three_digits(line: &mut Vec<u8>, number: u64) {
    // A digit always fits.
    line.extend([100, 10, 1].map(|place| b'0' + (number / place % 10) as u8));
}

/// Writes times, and formats each second only once.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: u64,
    text: String,
}

impl Clock {
    /// Writes a time as RFC 3339 in UTC with milliseconds.
    fn write(&mut self, line: &mut Vec<u8>, time: SystemTime) {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if since.as_secs() != self.second || self.text.is_empty() {
            self.second = since.as_secs();
            self.text = humantime::format_rfc3339_seconds(time).to_string();
            // The `Z` comes after the milliseconds.
            self.text.pop();
        }
        line.extend_from_slice(self.text.as_bytes());
        line.push(b'.');
        three_digits(line, since.subsec_millis().into());
        line.push(b'Z');
    }
}

fn text(line: &mut Vec<u8>, value: &str) {
    // Looked at without a branch for each byte, so that many are looked at at once.
    let plain = |byte: u8| !matches!(byte, ..b' ' | 0x7f.. | b'"' | b'\\');
    if value.bytes().fold(true, |all, byte| all & plain(byte)) {
        line.push(b'"');
        line.extend_from_slice(value.as_bytes());
        line.push(b'"');
        return;
    }
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(line, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_nine_decimals() {
        for (nanos, shown) in [(0, "0.000000000"), (12_345, "0.000012345"), (1_500_000_007, "1.500000007")] {
            let mut line = Vec::new();
            money(&mut line, ":", Money::from_nanos(nanos));
            assert_eq!(line, format!(":{shown}").as_bytes());
        }
    }

    #[test]
    fn times_have_milliseconds_and_change_with_the_second() {
        let mut clock = Clock::default();
        let mut write = |millis| {
            let mut line = Vec::new();
            clock.write(&mut line, SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            String::from_utf8(line).unwrap()
        };
        assert_eq!(write(7), "1970-01-01T00:00:00.007Z");
        assert_eq!(write(1_785_000_000_999), "2026-07-25T17:20:00.999Z");
        assert_eq!(write(1_785_000_001_000), "2026-07-25T17:20:01.000Z");
    }
}
