//! What a provider would bill: a line for each request that asked a model, in the order in which they ended.

use super::answer::Usage;
use super::directive::Failure;
use super::reply::Prepared;
use super::route::Route;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// The lines that are kept in memory; the oldest go first. A file has them all.
const KEPT: usize = 4_096;
/// The longest marker that is read.
const LONGEST_MARKER: usize = 64;

/// The newest lines, and the file that all go to.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lines: Mutex<Lines>,
    file: Option<Arc<File>>,
}

#[derive(Debug, Default)]
struct Lines {
    /// The number of the newest line that was ever written.
    last: u64,
    /// As text, which takes a tenth of the room.
    kept: VecDeque<(u64, Box<str>)>,
}

impl Ledger {
    pub(super) fn new(file: Option<Arc<File>>) -> Self {
        Self { lines: Mutex::default(), file }
    }

    /// The kept lines behind number `after`, the oldest first.
    pub(super) fn after(&self, after: Option<u64>) -> Value {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = lines.kept.iter().filter(|(number, _)| after.is_none_or(|after| *number > after));
        wanted.filter_map(|(_, line)| serde_json::from_str::<Value>(line).ok()).collect()
    }

    /// Forgets the kept lines; the file stays as it is, and the numbers go on.
    pub(super) fn clear(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).kept.clear();
    }

    fn write(&self, mut line: Value) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.last += 1;
        let number = lines.last;
        line["line"] = number.into();
        let line = line.to_string();
        if let Some(file) = &self.file
            && let Err(error) = (&**file).write_all(format!("{line}\n").as_bytes())
        {
            tracing::error!(%error, "cannot write the ledger");
        }
        if lines.kept.len() >= KEPT {
            lines.kept.pop_front();
        }
        lines.kept.push_back((number, line.into()));
    }
}

/// A line in the making; written when it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    ledger: Arc<Ledger>,
    sequence: u64,
    endpoint: &'static str,
    marker: Option<String>,
    model: String,
    stream: bool,
    status: Option<u16>,
    fault: Option<String>,
    /// What the whole answer costs; nothing where there was none.
    whole: Option<Usage>,
    /// Bytes of the whole answer.
    bytes: u64,
    sent: u64,
    ended: bool,
}

impl Entry {
    /// Begins a line for a request that asks a model.
    pub(super) fn begin(ledger: Arc<Ledger>, sequence: u64, route: &Route<'_>, body: &[u8]) -> Self {
        Self {
            ledger,
            sequence,
            endpoint: route.name(),
            marker: marker(body),
            model: route.model.unwrap_or_default().to_owned(),
            stream: false,
            status: None,
            fault: None,
            whole: None,
            bytes: 0,
            sent: 0,
            ended: false,
        }
    }

    /// The answer that the model gives, before it is known what goes wrong with it.
    pub(super) fn answers(&mut self, prepared: &Prepared) {
        self.model.clone_from(&prepared.model);
        self.stream = prepared.stream;
        self.whole = prepared.usage;
        self.bytes = prepared.frames.iter().map(|frame| frame.len() as u64).sum();
    }

    pub(super) fn fails(&mut self, failure: Failure) {
        self.fault = Some(match failure {
            Failure::Status(status) => status.to_string(),
            Failure::Html => "html".into(),
            Failure::Empty => "empty".into(),
            Failure::Reset => "reset".into(),
            Failure::Stall => "stall".into(),
            Failure::MidStall => "mid_stall".into(),
            Failure::Cut => "cut".into(),
            Failure::MidReset => "mid_reset".into(),
            Failure::Malformed => "malformed".into(),
            Failure::ErrorEvent => "error_event".into(),
        });
    }

    pub(super) fn status(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Notes that the body has come to the end it was meant to have.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }

    fn line(&self) -> Value {
        let answered = self.status == Some(200);
        // A stream with a broken event still has its end; what is no stream has no event that could go wrong.
        let spoilt = match self.fault.as_deref() {
            None | Some("malformed") => false,
            Some("error_event") => self.stream,
            Some(_) => true,
        };
        let is_whole = answered && self.ended && !spoilt;
        let whole = self.whole.filter(|_| answered && self.fault.as_deref() != Some("empty"));
        let billed = whole.map(|whole| if is_whole { whole } else { self.so_far(whole) });
        json!({
            "sequence": self.sequence, "marker": self.marker, "endpoint": self.endpoint,
            "model": self.model, "stream": self.stream, "status": self.status, "fault": self.fault,
            "whole": is_whole, "billed": billed.map(told), "billed_whole": whole.map(told),
            "bytes_sent": self.sent, "bytes": self.bytes,
        })
    }

    /// What had been said: all of an answer that is not streamed, which is made before it is sent, and of
    /// a stream the share of its bytes that went out.
    fn so_far(&self, whole: Usage) -> Usage {
        if !self.stream {
            return whole;
        }
        let share = |tokens: u64| {
            tokens.saturating_mul(self.sent.min(self.bytes)).checked_div(self.bytes).unwrap_or(0)
        };
        Usage { output: share(whole.output), reasoning: share(whole.reasoning), ..whole }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.ledger.write(self.line());
    }
}

fn told(usage: Usage) -> Value {
    json!({
        "input": usage.input, "cached": usage.cached, "cache_write": usage.cache_write,
        "output": usage.output, "reasoning": usage.reasoning,
    })
}

/// The `…` of `[n=…]` in a request, by which a test knows it again: no header of the client's gets here.
fn marker(body: &[u8]) -> Option<String> {
    let at = body.windows(3).position(|bytes| bytes == b"[n=")?;
    let rest = body.get(at + 3..)?;
    let end = rest.iter().take(LONGEST_MARKER).position(|byte| *byte == b']')?;
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_from_anywhere_in_the_body() {
        assert_eq!(marker(br#"{"text": "hello [n=12] there"}"#).as_deref(), Some("12"));
        assert_eq!(marker(b"[n=no end"), None);
        assert_eq!(marker(b"nothing"), None);
    }

    #[test]
    fn memory_keeps_the_newest_lines_and_numbers_go_on() {
        let ledger = Ledger::default();
        (0..KEPT as u64 + 10).for_each(|_| ledger.write(json!({})));
        let kept = ledger.after(None);
        assert_eq!(kept.as_array().map(Vec::len), Some(KEPT));
        assert_eq!(kept[0]["line"], 11);
        assert_eq!(ledger.after(Some(KEPT as u64 + 9)).as_array().map(Vec::len), Some(1));
        ledger.clear();
        assert_eq!(ledger.after(None).as_array().map(Vec::len), Some(0));
        ledger.write(json!({}));
        assert_eq!(ledger.after(Some(KEPT as u64 + 10))[0]["line"], KEPT as u64 + 11);
    }
}
