use serde_json::{Map, Value};
use tollway_core::Told;

use super::{Finish, FinishReason, Reply, Start};
use crate::anthropic::USAGE_EXTRA;

impl Start {
    /// What is known of how the answer is served when it begins.
    pub fn told(&self) -> Told {
        told(self.model.as_deref(), self.service_tier.as_deref(), &self.extra)
    }
}

impl Reply {
    /// What is told of how the answer was served.
    pub fn told(&self) -> Told {
        let finish = self.choices.first().map(|choice| choice.finish.word().into());
        Told { finish, ..told(self.model.as_deref(), self.service_tier.as_deref(), &self.extra) }
    }
}

impl Finish {
    /// Why it ended: in the provider's own word, where that says more.
    pub fn word(&self) -> &str {
        let canonical = match self.reason {
            FinishReason::Stop => "stop",
            FinishReason::StopSequence => "stop_sequence",
            FinishReason::Length => "length",
            FinishReason::ToolCalls => "tool_calls",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::Pause => "pause_turn",
        };
        self.native.as_deref().unwrap_or(canonical)
    }
}

fn told(model: Option<&str>, tier: Option<&str>, extra: &Map<String, Value>) -> Told {
    let usage = extra.get(USAGE_EXTRA);
    let word = |name: &str| usage.and_then(|usage| usage.get(name)).and_then(Value::as_str).map(Box::from);
    Told {
        model: model.map(Box::from),
        tier: tier.map(Box::from),
        region: word("inference_geo"),
        speed: word("speed"),
        finish: None,
    }
}
