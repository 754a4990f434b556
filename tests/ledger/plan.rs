//! What is asked, by a seed: of whom, in which dialect, what goes wrong, and when the client leaves.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

/// A model as the configuration calls it, and what a token of it costs in nano-dollars.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) rates: Option<Rates>,
}

/// From the price pages, by hand: this is not to be asked of the code under test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) cache_write: u64,
    pub(crate) output: u64,
}

pub(crate) const MODELS: [Model; 4] = [
    Model { name: "mini", rates: Some(Rates { input: 150, cached: 75, cache_write: 150, output: 600 }) },
    Model {
        name: "haiku",
        rates: Some(Rates { input: 1_000, cached: 100, cache_write: 1_250, output: 5_000 }),
    },
    Model { name: "flash", rates: Some(Rates { input: 300, cached: 30, cache_write: 300, output: 2_500 }) },
    // Of a provider without a price.
    Model { name: "own", rates: None },
];

/// The client's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Chat,
    Responses,
    Messages,
    Gemini,
}

const DIALECTS: [Speaks; 4] = [Speaks::Chat, Speaks::Responses, Speaks::Messages, Speaks::Gemini];

/// When the client leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaves {
    Never,
    /// So long after it has asked, whatever has come by then.
    After(Duration),
    /// With so many pieces of the body read.
    Having(u32),
}

/// A request in the plan.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) number: usize,
    pub(crate) model: &'static Model,
    pub(crate) speaks: Speaks,
    pub(crate) stream: bool,
    pub(crate) fault: Option<&'static str>,
    pub(crate) leaves: Leaves,
    text: String,
}

/// All that the simulator can do to an answer.
pub(crate) const FAULTS: [&str; 16] = [
    "status=400",
    "status=401",
    "status=404",
    "status=429",
    "status=500",
    "status=503",
    "status=529",
    "html",
    "empty",
    "reset",
    "stall",
    "mid_stall",
    "cut",
    "mid_reset",
    "malformed",
    "error_event",
];

impl Ask {
    fn new(number: usize, random: &mut Rng) -> Self {
        let fault = (random.u8(..10) < 4).then(|| FAULTS[random.usize(..FAULTS.len())]);
        let tokens = random.usize(5..60);
        let mut orders = vec![format!("tokens={tokens},gap_ms={}", random.u8(..4))];
        if random.bool() {
            orders.push(format!("latency_ms={},first_ms={}", random.u8(..20), random.u8(..5)));
        }
        if random.u8(..5) == 0 {
            orders.push(format!("cached={}", random.u8(1..6)));
        }
        if random.u8(..8) == 0 {
            orders.push(format!("chunk_bytes={},split_unicode", random.u8(8..200)));
        }
        if let Some(fault) = fault {
            orders.push(fault.to_owned());
            if random.bool() {
                orders.push(format!("after={}", random.usize(1..6)));
            }
        }
        let orders = orders.join(",");
        let leaves = match random.u8(..6) {
            0 => Leaves::After(Duration::from_micros(random.u64(..60_000))),
            1 => Leaves::Having(random.u32(..12)),
            _ => Leaves::Never,
        };
        Self {
            number,
            model: &MODELS[random.usize(..MODELS.len())],
            speaks: DIALECTS[random.usize(..DIALECTS.len())],
            stream: random.bool(),
            fault,
            leaves,
            text: format!("[n={number}] What does it cost to say so many words? [sim:{orders}]"),
        }
    }

    /// As it is known in every record and log.
    pub(crate) fn id(&self) -> String {
        format!("fault-run-{}", self.number)
    }

    pub(crate) fn path(&self) -> String {
        match (self.speaks, self.stream) {
            (Speaks::Chat, _) => "/v1/chat/completions".into(),
            (Speaks::Responses, _) => "/v1/responses".into(),
            (Speaks::Messages, _) => "/v1/messages".into(),
            (Speaks::Gemini, false) => format!("/v1beta/models/{}:generateContent", self.model.name),
            (Speaks::Gemini, true) => {
                format!("/v1beta/models/{}:streamGenerateContent?alt=sse", self.model.name)
            }
        }
    }

    pub(crate) fn body(&self) -> Value {
        let (model, stream) = (self.model.name, self.stream);
        let said = json!([{"role": "user", "content": self.text}]);
        match self.speaks {
            Speaks::Chat => json!({"model": model, "messages": said, "stream": stream}),
            Speaks::Responses => json!({"model": model, "input": self.text, "stream": stream}),
            Speaks::Messages => {
                json!({"model": model, "max_tokens": 400, "messages": said, "stream": stream})
            }
            Speaks::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": self.text}]}]}),
        }
    }
}

/// So many requests.
pub(crate) fn plan(requests: usize, seed: u64) -> Vec<Ask> {
    let mut random = Rng::with_seed(seed);
    (0..requests).map(|number| Ask::new(number, &mut random)).collect()
}
