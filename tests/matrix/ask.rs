//! Requests, written by hand in each dialect.

mod chat;
mod gemini;
mod messages;
mod responses;

use serde_json::Value;

use crate::answer::Answer;
use crate::dialect::{Dialect, Mode};
use crate::feature::Feature;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// The first request of a feature. None where the dialect has no word for what it tries.
pub(crate) fn ask(client: Dialect, feature: Feature, model: &str, mode: Mode) -> Option<Ask> {
    match client {
        Dialect::Chat => Some(chat::ask(feature, model, mode.is_stream())),
        Dialect::Responses => responses::ask(feature, model, mode.is_stream()),
        Dialect::Messages => Some(messages::ask(feature, model, mode.is_stream())),
        Dialect::Gemini => Some(gemini::ask(feature, model, mode)),
    }
}

/// The conversation goes on: the answer is given back as it came, and its calls have their results.
pub(crate) fn with_results(client: Dialect, feature: Feature, asked: &Ask, answer: &Answer) -> Ask {
    let mut next = asked.clone();
    match client {
        Dialect::Chat => chat::results(&mut next.body, feature, answer),
        Dialect::Responses => responses::results(&mut next.body, feature, answer),
        Dialect::Messages => messages::results(&mut next.body, feature, answer),
        Dialect::Gemini => gemini::results(&mut next.body, feature, answer),
    }
    next
}

/// The conversation goes on: the answer is given back as it came, and the user says more.
pub(crate) fn with_text(client: Dialect, asked: &Ask, answer: &Answer, text: &str) -> Ask {
    let mut next = asked.clone();
    match client {
        Dialect::Chat => chat::says(&mut next.body, answer, text),
        Dialect::Responses => responses::says(&mut next.body, answer, text),
        Dialect::Messages => messages::says(&mut next.body, answer, text),
        Dialect::Gemini => gemini::says(&mut next.body, answer, text),
    }
    next
}

/// The same request for another model.
pub(crate) fn to_model(client: Dialect, asked: &Ask, from: &str, to: &str) -> Ask {
    let mut next = asked.clone();
    match client {
        Dialect::Gemini => next.path = next.path.replace(from, to),
        _ => next.body["model"] = to.into(),
    }
    next
}

/// What the tools return, one text a call.
fn result(i: usize) -> String {
    format!("sunny-{i}")
}

/// Adds to a list of the body.
fn push(body: &mut Value, list: &str, items: impl IntoIterator<Item = Value>) {
    if let Some(list) = body[list].as_array_mut() {
        list.extend(items);
    }
}
