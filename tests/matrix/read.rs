//! Answers, read by the rules of each dialect and by nothing of the gateway's.

mod chat;
mod gemini;
mod messages;
mod responses;

use serde_json::Value;

use crate::answer::{Answer, Failure, text};
use crate::dialect::{Dialect, Mode};
use crate::road::Raw;

/// Reads an answer.
pub(crate) fn read(dialect: Dialect, mode: Mode, raw: &Raw) -> Answer {
    let mut answer = Answer::default();
    if raw.status != 200 {
        answer.must(raw.content_type.starts_with("application/json"), "an error that is not JSON");
        let body: Value = serde_json::from_slice(&raw.body).unwrap_or_default();
        failure(dialect, raw.status, &body, &mut answer);
        return answer;
    }
    let Ok(body) = std::str::from_utf8(&raw.body) else {
        answer.fault("not UTF-8");
        return answer;
    };
    match mode {
        Mode::Plain => {
            let Ok(body) = serde_json::from_str::<Value>(body) else {
                answer.must(!raw.whole, "not JSON, and not cut either");
                return answer;
            };
            match dialect {
                Dialect::Chat => chat::whole(&body, &mut answer),
                Dialect::Responses => responses::whole(&body, &mut answer),
                Dialect::Messages => messages::whole(&body, &mut answer),
                Dialect::Gemini => gemini::whole(&body, &mut answer),
            }
        }
        Mode::Events => {
            answer.must(raw.content_type.starts_with("text/event-stream"), "a stream of another type");
            let events = events(body);
            match dialect {
                Dialect::Chat => chat::stream(&events, &mut answer),
                Dialect::Responses => responses::stream(&events, &mut answer),
                Dialect::Messages => messages::stream(&events, &mut answer),
                Dialect::Gemini => gemini::stream(&events, &mut answer),
            }
        }
        Mode::Array => {
            answer.must(raw.content_type.starts_with("application/json"), "an array of another type");
            gemini::array(body, &mut answer);
        }
    }
    answer.complete &= raw.whole;
    answer
}

/// An event: its name and its data.
pub(crate) struct Event<'b> {
    pub(crate) name: &'b str,
    pub(crate) data: &'b str,
}

impl Event<'_> {
    /// The data as JSON. What is none is a fault.
    fn json(&self, answer: &mut Answer) -> Value {
        serde_json::from_str(self.data).unwrap_or_else(|_| {
            answer.fault(format!("an event that is no JSON: {:.80}", self.data));
            Value::Null
        })
    }
}

/// The events of a stream of one data line each. What no blank line ends is none.
fn events(body: &str) -> Vec<Event<'_>> {
    let whole = body.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let field = |block: &'_ str, name: &str| -> Option<(usize, usize)> {
        let mut at = 0;
        for line in block.split('\n') {
            if let Some(rest) = line.strip_prefix(name) {
                let end = at + line.len();
                return Some((end - rest.trim_start().len(), end));
            }
            at += line.len() + 1;
        }
        None
    };
    whole
        .split("\n\n")
        .filter_map(|block| {
            let data = field(block, "data:").and_then(|(from, to)| block.get(from..to))?;
            let name = field(block, "event:").and_then(|(from, to)| block.get(from..to)).unwrap_or_default();
            Some(Event { name, data })
        })
        .collect()
}

/// Reads an error, whole or from a stream.
fn failure(dialect: Dialect, status: u16, body: &Value, answer: &mut Answer) {
    let error = &body["error"];
    let mut failure = Failure { message: text(&error["message"]), ..Failure::default() };
    match dialect {
        Dialect::Chat | Dialect::Responses => {
            failure.kind = text(&error["type"]);
            failure.param = text(&error["param"]);
            for field in ["param", "code"] {
                answer.must(error.get(field).is_some(), format!("an error without {field}: {body}"));
            }
        }
        Dialect::Messages => {
            failure.kind = text(&error["type"]);
            answer.must(body["type"] == "error", format!("an error of another type: {body}"));
        }
        Dialect::Gemini => {
            failure.kind = text(&error["status"]);
            let code = error["code"].as_u64();
            answer.must(code.is_some(), format!("an error without a code: {body}"));
            answer.must(
                status == 200 || code == Some(status.into()),
                format!("an error of another code than {status}: {body}"),
            );
        }
    }
    answer.must(!failure.message.is_empty(), format!("an error without a message: {body}"));
    answer.must(!failure.kind.is_empty(), format!("an error without a type: {body}"));
    answer.error = Some(failure);
}
