//! Splits an event stream, by the rules of the HTML standard and by nothing of the gateway's.

use std::ops::Range;

use serde_json::Value;

/// One event, and where in the stream it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// From its first byte to behind the blank line that ends it.
    pub(crate) place: Range<usize>,
    /// Its `data` lines, joined.
    pub(crate) data: String,
}

impl Event {
    /// The data as JSON; `null` where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }
}

/// The events of a stream. One that no blank line ends is not dispatched.
pub(crate) fn events(stream: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut data: Option<String> = None;
    let (mut start, mut at) = (0, 0);
    for line in stream.split_inclusive('\n') {
        at += line.len();
        let Some(line) = line.strip_suffix('\n') else { break };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push(Event { place: start..at, data });
            }
            start = at;
        } else if let Some(rest) = line.strip_prefix("data:") {
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(rest);
                }
                None => data = Some(rest.to_owned()),
            }
        }
    }
    events
}

#[test]
fn events_are_told_apart() {
    let stream = ": hello\n\nevent: a\ndata: 1\ndata: 2\n\r\ndata:3\r\n\r\ndata: cut";
    let found: Vec<_> = events(stream).into_iter().map(|event| (event.place, event.data)).collect();
    assert_eq!(found, [(9..36, "1\n2".to_owned()), (36..46, "3".to_owned())]);
}
