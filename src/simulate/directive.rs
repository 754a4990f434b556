//! What a request asks of the simulator itself: pace, faults, and the kind of answer.

use http::HeaderMap;
use std::borrow::Cow;
use std::time::Duration;

/// Pace, faults and the kind of answer; see the [module](super) for the names.
#[derive(Debug, Clone, PartialEq)]
pub struct Directives {
    /// Time before the head of the answer.
    pub latency: Duration,
    /// Time between the head and the first bytes of a stream.
    pub first: Duration,
    /// Time between the chunks of a stream.
    pub gap: Duration,
    /// Tokens of the answer, instead of an echo.
    pub tokens: Option<usize>,
    /// Bytes in each chunk, instead of an event in each.
    pub chunk_bytes: Option<usize>,
    /// Whether chunks end inside multi-byte characters.
    pub split_unicode: bool,
    /// What goes wrong.
    pub failure: Option<Failure>,
    /// The share of requests that fail, 0 to 1.
    pub rate: f64,
    /// Chunks before a failure in mid-stream; half of the stream when absent.
    pub after: Option<usize>,
    /// Seconds that a 429 or 503 asks the client to wait.
    pub retry_after: Option<u64>,
    /// The kind of answer.
    pub steer: Steer,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An error of this status.
    Status(u16),
    /// An error page of HTML with status 502.
    Html,
    /// 200 and not a byte of body.
    Empty,
    /// TCP reset before the head.
    Reset,
    /// No answer, ever.
    Stall,
    /// Silence in mid-stream.
    MidStall,
    /// The connection closed in mid-stream, without the stream's end.
    Cut,
    /// TCP reset in mid-stream.
    MidReset,
    /// An event of broken JSON in mid-stream.
    Malformed,
    /// The provider's error event in mid-stream.
    ErrorEvent,
}

/// The kind of answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steer {
    /// The model declines.
    pub refuse: bool,
    /// A filter of the provider stops the answer.
    pub filter: bool,
    /// A filter of the provider stops the prompt.
    pub block: bool,
    /// Text even where tools are offered.
    pub text: bool,
    /// What the answer tells of the request, in this order.
    pub tells: Vec<Tell>,
    /// The tool to call, instead of the first.
    pub tool: Option<String>,
    /// How many calls to make.
    pub calls: Option<usize>,
    /// Input tokens read from a cache.
    pub cached: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
    /// Reasoning even when the request does not ask for it.
    pub reason: bool,
    /// Reasoning that is kept from the reader.
    pub redacted: bool,
}

/// What an answer may tell of the request it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// The instructions.
    System,
    /// Who said what.
    Turns,
    /// How much of the reasoning of earlier answers came back.
    Thoughts,
}

impl Default for Directives {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            first: Duration::ZERO,
            gap: Duration::ZERO,
            tokens: None,
            chunk_bytes: None,
            split_unicode: false,
            failure: None,
            rate: 1.0,
            after: None,
            retry_after: None,
            steer: Steer::default(),
        }
    }
}

impl Directives {
    /// Applies the markers of `text`, then the `x-sim-*` headers, so that headers win.
    pub fn read(mut self, headers: &HeaderMap, text: &str) -> Result<Self, String> {
        for marker in markers(text) {
            for item in marker.split(',') {
                let (name, value) = item.split_once('=').unwrap_or((item, ""));
                self.apply(name.trim(), value.trim())?;
            }
        }
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix("x-sim-") else { continue };
            let value = value.to_str().map_err(|_| format!("x-sim-{name} is not text"))?;
            self.apply(name, value)?;
        }
        Ok(self)
    }

    /// Applies one directive by its name.
    pub fn apply(&mut self, name: &str, value: &str) -> Result<(), String> {
        let flag = || !matches!(value, "false" | "0" | "off");
        match name.to_ascii_lowercase().replace('-', "_").as_str() {
            "latency_ms" => self.latency = millis(name, value)?,
            "first_ms" => self.first = millis(name, value)?,
            "gap_ms" => self.gap = millis(name, value)?,
            "tokens" => self.tokens = Some(number(name, value, MAX_TOKENS)?),
            "chunk_bytes" => self.chunk_bytes = Some(number(name, value, 1 << 20)?.max(1)),
            "split_unicode" => self.split_unicode = flag(),
            "drip" => {
                self.chunk_bytes = Some(1);
                self.gap = self.gap.max(Duration::from_millis(1));
            }
            "rate" => {
                let rate: f64 = value.parse().map_err(|_| wrong(name, value))?;
                self.rate =
                    Some(rate).filter(|rate| (0.0..=1.0).contains(rate)).ok_or_else(|| wrong(name, value))?;
            }
            "after" => self.after = Some(number(name, value, usize::MAX)?),
            "retry_after" => self.retry_after = Some(number(name, value, 86_400)? as u64),
            "status" => {
                let status = number(name, value, 599)?;
                let status = u16::try_from(status).ok().filter(|status| *status >= 400);
                self.failure = Some(Failure::Status(status.ok_or_else(|| wrong(name, value))?));
            }
            "fault" if value == "none" => self.failure = None,
            "fault" => self.failure = Some(failure(value).ok_or_else(|| wrong(name, value))?),
            "refuse" => self.steer.refuse = flag(),
            "filter" => self.steer.filter = flag(),
            "block" => self.steer.block = flag(),
            "text" => self.steer.text = flag(),
            "system" => self.steer.tells.push(Tell::System),
            "turns" => self.steer.tells.push(Tell::Turns),
            "thoughts" => self.steer.tells.push(Tell::Thoughts),
            "tool" => self.steer.tool = Some(value.to_owned()),
            "parallel" => self.steer.calls = Some(2),
            "calls" => self.steer.calls = Some(number(name, value, 128)?),
            "cached" => self.steer.cached = number(name, value, usize::MAX)? as u64,
            "cache_write" => self.steer.cache_write = number(name, value, usize::MAX)? as u64,
            "reason" => self.steer.reason = flag(),
            "redacted" => self.steer.redacted = flag(),
            other => match failure(other) {
                Some(failure) => self.failure = Some(failure),
                None => return Err(format!("unknown sim directive {name}")),
            },
        }
        Ok(())
    }
}

/// The longest answer that may be asked for.
const MAX_TOKENS: usize = 1_000_000;

fn failure(name: &str) -> Option<Failure> {
    Some(match name {
        "html" => Failure::Html,
        "empty" => Failure::Empty,
        "reset" => Failure::Reset,
        "stall" => Failure::Stall,
        "mid_stall" => Failure::MidStall,
        "cut" => Failure::Cut,
        "mid_reset" => Failure::MidReset,
        "malformed" => Failure::Malformed,
        "error_event" => Failure::ErrorEvent,
        _ => return None,
    })
}

fn millis(name: &str, value: &str) -> Result<Duration, String> {
    number(name, value, 3_600_000).map(|n| Duration::from_millis(n as u64))
}

fn number(name: &str, value: &str, max: usize) -> Result<usize, String> {
    value.parse().ok().filter(|n| *n <= max).ok_or_else(|| wrong(name, value))
}

fn wrong(name: &str, value: &str) -> String {
    format!("sim directive {name} cannot be {value:?}")
}

const OPEN: &str = "[sim:";
const PARALLEL: &str = "[parallel]";

/// The insides of all `[sim:…]` in `text`; `[parallel]` stands for `[sim:parallel]`.
fn markers(text: &str) -> impl Iterator<Item = &str> {
    let sims = text.split(OPEN).skip(1).filter_map(|rest| rest.split_once(']').map(|(inside, _)| inside));
    sims.chain(text.contains(PARALLEL).then_some("parallel"))
}

/// The text without its markers.
pub(super) fn without_markers(text: &str) -> Cow<'_, str> {
    if !text.contains(OPEN) && !text.contains(PARALLEL) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(OPEN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once(']').map_or(part, |(_, after)| after));
    }
    Cow::Owned(out.replace(PARALLEL, "").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_win_over_markers() {
        let mut headers = HeaderMap::new();
        headers.insert("x-sim-latency-ms", "7".parse().unwrap());
        let text = "hello [sim:latency_ms=100,gap_ms=3] there [sim:cut] [parallel]";
        let read = Directives::default().read(&headers, text).unwrap();
        assert_eq!((read.latency.as_millis(), read.gap.as_millis()), (7, 3));
        assert_eq!((read.failure, read.steer.calls), (Some(Failure::Cut), Some(2)));
        assert_eq!(without_markers(text), "hello  there");
    }

    #[test]
    fn a_misspelt_directive_is_not_passed_over() {
        let read = |text: &str| Directives::default().read(&HeaderMap::new(), text);
        assert_eq!(read("[sim:cutt]"), Err("unknown sim directive cutt".into()));
        assert_eq!(read("[sim:status=200]"), Err("sim directive status cannot be \"200\"".into()));
        assert_eq!(read("[sim:rate=2]"), Err("sim directive rate cannot be \"2\"".into()));
        assert_eq!(read("[sim:unclosed"), Ok(Directives::default()));
    }
}
