//! Every failure of every provider, plain and streamed, over HTTP/1.1 and HTTP/2.

use std::io::Write as _;

use serde_json::{Value, json};

use super::road::{Answer, Gateway, MODELS, Providers, chat, provider, with};

const TEXT: &str = "one two three four five six seven eight";

/// One way an exchange may go wrong.
#[derive(Debug, Clone, Copy)]
struct Case {
    model: &'static str,
    stream: bool,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Status(u16),
    Html,
    Reset,
    Stall,
    Empty,
    Cut,
    MidReset,
    MidStall,
    Malformed,
    ErrorEvent,
    /// Nothing goes wrong, but the bytes come in an odd way.
    None(&'static str, &'static str),
}

/// Those that do not take long.
const QUICK: [Fault; 18] = [
    Fault::Status(400),
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(503),
    Fault::Status(529),
    Fault::Html,
    Fault::Reset,
    Fault::Empty,
    Fault::Cut,
    Fault::MidReset,
    Fault::Malformed,
    Fault::ErrorEvent,
    Fault::None("x-sim-split-unicode", "1"),
    Fault::None("x-sim-chunk-bytes", "7"),
    Fault::None("x-sim-fault", "none"),
];

/// Those that do.
const SLOW: [Fault; 3] = [Fault::Stall, Fault::MidStall, Fault::None("x-sim-drip", "1")];

#[tokio::test]
async fn every_failure_reaches_the_client_in_its_own_dialect_and_never_as_a_whole_answer() {
    let mut passed = 0;
    let mut failed = Vec::new();
    let mut judge = |case: Case, answer: &Answer| match case.judged(answer) {
        Ok(()) => passed += 1,
        Err(why) => failed.push(why),
    };
    for http in ["http2: never", "http2: prior-knowledge"] {
        let providers = Providers::start().await;
        let gateway = providers.gateway(http);
        for case in cases(&QUICK) {
            // One after the other: a reset of a shared connection would hit the others.
            judge(case, &case.run(&gateway).await);
        }
        let hasty = [
            providers.gateway(&format!("{http}, timeouts: {{first_byte: 500ms}}")),
            providers.gateway(&format!("{http}, timeouts: {{idle: 500ms}}")),
            gateway,
        ];
        let mut running = tokio::task::JoinSet::new();
        for case in cases(&SLOW) {
            let at = SLOW.iter().position(|fault| *fault == case.fault).unwrap();
            let gateway = hasty[at].clone();
            running.spawn(async move { (case, case.run(&gateway).await) });
        }
        while let Some(done) = running.join_next().await {
            let (case, answer) = done.unwrap();
            judge(case, &answer);
        }
        let stats = providers.idle().await;
        assert!(stats["requests"].as_u64() >= Some(200), "{stats}");
    }
    let all = passed + failed.len();
    // Past the test's captured output, so that it is seen.
    let _ = writeln!(std::io::stderr(), "faults: {passed} of {all} combinations passed");
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(all, 2 * MODELS.len() * 2 * (QUICK.len() + SLOW.len()));
}

fn cases(faults: &[Fault]) -> Vec<Case> {
    let mut cases = Vec::new();
    for model in MODELS {
        for stream in [false, true] {
            cases.extend(faults.iter().map(|fault| Case { model, stream, fault: *fault }));
        }
    }
    cases
}

impl Case {
    async fn run(self, gateway: &Gateway) -> Answer {
        let mut request = chat(self.model, TEXT, json!({"stream": self.stream}));
        request = match self.fault {
            Fault::Status(status) => with(request, "x-sim-status", &status.to_string()),
            Fault::None(name, value) => with(request, name, value),
            fault => with(request, "x-sim-fault", fault.name()),
        };
        if let Fault::Status(429 | 503) = self.fault {
            request = with(request, "x-sim-retry-after", "7");
        }
        let before = if provider(self.model) == "anthropic" { "6" } else { "4" };
        if self.stream {
            request = with(request, "x-sim-after", before);
        }
        gateway.send(request).await
    }

    /// Whether the answer is as it should be; else what is wrong with it.
    fn judged(self, answer: &Answer) -> Result<(), String> {
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.check(answer)));
        checked.map_err(|why| {
            let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
            format!("{self:?}: {why}")
        })
    }

    #[track_caller]
    fn check(self, answer: &Answer) {
        assert_eq!(answer.headers["x-tollway-upstream"], self.model, "{self:?}");
        let line = &answer.line;
        assert_eq!(line["gen_ai.provider.name"], provider(self.model), "{self:?}: {line}");
        assert_eq!(line["http.response.status_code"], answer.status.as_u16(), "{self:?}: {line}");
        assert_eq!(line["http.response.body.size"], answer.body.len(), "{self:?}: {line}");
        let outcome = match self.fault {
            Fault::Status(status) => self.refused(answer, status),
            Fault::Html => {
                let error = self.refused_plainly(answer, 502);
                let message = error["message"].as_str().unwrap();
                assert!(message.contains("502") && !message.contains('<'), "{self:?}: {message}");
                "refused"
            }
            Fault::Stall => self.failed(answer, 504, "upstream_timeout"),
            Fault::Empty if self.stream => self.broken_off(answer, "upstream_broken", false),
            Fault::Empty | Fault::Reset => self.failed(answer, 502, "upstream_broken"),
            Fault::Cut | Fault::MidReset if self.stream => self.broken_off(answer, "upstream_broken", true),
            Fault::MidStall if self.stream => self.broken_off(answer, "upstream_timeout", true),
            Fault::ErrorEvent if self.stream => self.given_up(answer),
            Fault::Cut | Fault::MidReset => self.cut(answer, "upstream_broken"),
            Fault::MidStall => self.cut(answer, "upstream_timeout"),
            Fault::Malformed if self.stream => self.nonsense(answer),
            // They have no meaning for a plain answer.
            Fault::None(..) | Fault::Malformed | Fault::ErrorEvent => self.whole(answer),
        };
        assert_eq!(line["outcome"], outcome, "{self:?}: {line}");
    }

    /// Whether the bytes go to the client as they came.
    fn relays(self) -> bool {
        matches!(provider(self.model), "openai" | "groq")
    }

    /// The provider refused with a status before it answered.
    fn refused(self, answer: &Answer, status: u16) -> &'static str {
        // Anthropic's own status is one that clients do not know. Google has no such.
        let unknown = status == 529 && !self.relays() && provider(self.model) != "gemini";
        let error = self.refused_plainly(answer, if unknown { 503 } else { status });
        if matches!(status, 429 | 503) {
            assert_eq!(answer.headers["retry-after"], "7", "{self:?}");
        }
        let kind = match status {
            // OpenAI's and Groq's own words.
            401 if provider(self.model) == "openai" => "invalid_request_error",
            429 if self.relays() => "rate_limit_exceeded",
            500.. if self.relays() => "server_error",
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            503 if provider(self.model) == "anthropic" => "server_error",
            503 | 529 => "overloaded_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        assert_eq!(error["type"], kind, "{self:?}: {error}");
        "refused"
    }

    #[track_caller]
    fn refused_plainly(self, answer: &Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{self:?}: {}", answer.text());
        self.error_of(&answer.json())
    }

    /// The gateway had to tell the failure itself.
    fn failed(self, answer: &Answer, status: u16, code: &str) -> &'static str {
        assert_eq!(answer.status, status, "{self:?}: {}", answer.text());
        assert!(answer.is_whole);
        self.blamed(&self.error_of(&answer.json()), code)
    }

    /// The error frame of a stream that broke off behind its first words.
    fn broken_off(self, answer: &Answer, code: &str, begun: bool) -> &'static str {
        self.blamed(&self.last_error(answer, begun), code)
    }

    /// The provider told an error in its stream.
    fn given_up(self, answer: &Answer) -> &'static str {
        let error = self.last_error(answer, true);
        let known = ["overloaded", "Overloaded", "The server had an error"];
        let message = error["message"].as_str().unwrap();
        assert!(known.iter().any(|words| message.contains(words)), "{self:?}: {message}");
        "refused"
    }

    /// An event that is no JSON: relayed as it came, an error where it must be understood.
    fn nonsense(self, answer: &Answer) -> &'static str {
        if self.relays() {
            assert!(
                answer.text().contains("data: {\"id\": \"broken\", \"choices\": [{\n\n"),
                "{}",
                answer.text()
            );
            return "complete";
        }
        self.last_error(answer, true);
        "refused"
    }

    /// A plain answer that broke in the middle: one that is relayed cannot be taken back once it has
    /// begun.
    fn cut(self, answer: &Answer, code: &str) -> &'static str {
        if !self.relays() || !answer.status.is_success() {
            return self.failed(answer, if code == "upstream_timeout" { 504 } else { 502 }, code);
        }
        assert!(answer.status.is_success() && !answer.is_whole, "{self:?}");
        assert!(!answer.body.is_empty() && serde_json::from_slice::<Value>(&answer.body).is_err());
        if code == "upstream_timeout" { "timed_out" } else { "broken" }
    }

    fn whole(self, answer: &Answer) -> &'static str {
        assert!(answer.status.is_success() && answer.is_whole, "{self:?}: {}", answer.text());
        let said = answer.said();
        if matches!(self.fault, Fault::None("x-sim-split-unicode", _)) {
            assert!(!said.is_ascii() && !said.contains('\u{fffd}'), "{self:?}: {said}");
        } else {
            assert_eq!(said, TEXT, "{self:?}: {}", answer.text());
        }
        assert_eq!(self.stream, answer.text().ends_with("data: [DONE]\n\n"), "{self:?}: {}", answer.text());
        let usage = answer.line["gen_ai.usage.output_tokens"].as_u64();
        assert!(usage > Some(0), "{self:?}: {}", answer.line);
        "complete"
    }

    /// The error that a stream ends with; checks that nothing else says it is whole.
    #[track_caller]
    fn last_error(self, answer: &Answer, begun: bool) -> Value {
        assert!(answer.status.is_success() && answer.is_whole, "{self:?}: {}", answer.text());
        assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8", "{self:?}");
        let mut events = answer.events();
        let end = events.pop().unwrap();
        assert_eq!(end.place.end, answer.body.len(), "{self:?}: {}", answer.text());
        for event in &events {
            assert_ne!(event.data, "[DONE]", "{self:?}");
            let chunk = event.json();
            assert!(chunk["choices"].is_array(), "{self:?}: {}", event.data);
            assert!(chunk["choices"][0]["finish_reason"].is_null(), "{self:?}: {chunk}");
        }
        let said = answer.said();
        assert_eq!(said, if begun { self.begun() } else { "" }, "{self:?}: {}", answer.text());
        self.error_of(&end.json())
    }

    /// What was said in the frames before the fault.
    fn begun(self) -> &'static str {
        match provider(self.model) {
            // A role comes first.
            "openai" | "groq" | "mistral" => "one two three",
            // With Anthropic the message's start and the block's start, with Gemini nothing.
            _ => "one two three four",
        }
    }

    fn error_of(self, body: &Value) -> Value {
        let error = &body["error"];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}: {body}");
        assert!(error["type"].is_string(), "{self:?}: {body}");
        error.clone()
    }

    /// Checks that an error of the gateway's says who is to blame.
    fn blamed(self, error: &Value, code: &str) -> &'static str {
        assert_eq!(error["code"], code, "{self:?}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(provider(self.model)), "{self:?}: {message}");
        if code == "upstream_timeout" { "timed_out" } else { "broken" }
    }
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Empty => "empty",
            Self::Cut => "cut",
            Self::MidReset => "mid_reset",
            Self::MidStall => "mid_stall",
            Self::Malformed => "malformed",
            Self::ErrorEvent => "error_event",
            Self::Status(_) | Self::None(..) => "none",
        }
    }
}
