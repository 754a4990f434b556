//! What a provider is sent for a client's request, and its verdict on it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::Value;
use tollway::{
    config::{Env, Settings, Source},
    simulate::{Fault, validate},
};
use tollway_core::{Dialect, Endpoint, Operation};
use tollway_wire::{format, gemini, holds_foreign, peek::Peek, relay};

use crate::clients::Client;

/// A provider's model, and who judges what it is sent.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) model: &'static str,
    pub(crate) dialect: Dialect,
    /// Whether calls have ids there.
    pub(crate) takes_ids: bool,
    provider: &'static str,
    judge: fn(&str, &Value) -> Result<(), Fault>,
}

pub(crate) const TARGETS: &[Target] = &[
    target("openai", "gpt-5.5", Dialect::OpenAi, true, validate::openai_chat),
    target("openai", "gpt-4o", Dialect::OpenAi, true, validate::openai_chat),
    target("openai", "gpt-5.4", Dialect::Responses, true, validate::openai_responses),
    // Its ids have nine letters and digits.
    target("mistral", "mistral-large-latest", Dialect::OpenAi, false, validate::mistral_chat),
    target("groq", "openai/gpt-oss-120b", Dialect::OpenAi, true, validate::groq_chat),
    target("anthropic", "claude-sonnet-4-5", Dialect::Anthropic, true, validate::anthropic_messages),
    target("anthropic", "claude-sonnet-5-5", Dialect::Anthropic, true, validate::anthropic_messages),
    target("gemini", "gemini-2.5-flash", Dialect::Gemini, false, validate::gemini_generate),
    target("gemini", "gemini-3-flash-preview", Dialect::Gemini, true, validate::gemini_generate),
];

const fn target(
    provider: &'static str,
    model: &'static str,
    dialect: Dialect,
    takes_ids: bool,
    judge: fn(&str, &Value) -> Result<(), Fault>,
) -> Target {
    Target { model, dialect, takes_ids, provider, judge }
}

/// The providers as they are configured by nothing but a key.
pub(crate) fn settings() -> Settings {
    let text = "providers: { openai: { api_key: k }, anthropic: { api_key: k }, gemini: { api_key: k }, \
        mistral: { api_key: k }, groq: { api_key: k } }";
    Settings::load(&Source::text(text.to_owned()), &Env::default()).expect("settings")
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) body: Value,
    dialect: Dialect,
}

impl Target {
    /// Says a client's request in the provider's words, as the gateway does: relayed where they are the
    /// client's own and hold nothing of another provider's, else decoded and encoded.
    pub(crate) fn send(&self, settings: &Settings, client: Dialect, request: &[u8]) -> Result<Sent, String> {
        let named = format!("{}/{}", self.provider, self.model);
        let resolved = settings.catalogue.resolve(&named).map_err(|why| why.to_string())?;
        let known =
            settings.providers.iter().find(|known| *known.name == *self.provider).ok_or("no provider")?;
        let traits = (*resolved.traits).clone();
        let relayed = client == self.dialect && !holds_foreign(client, request);
        let mut body = if relayed {
            request.to_vec()
        } else {
            let mut chat = format::decode_request(client, self.model, false, request)
                .map_err(|refusal| format!("not read: {refusal} {:?}", refusal.param))?;
            assert!(gemini::remote_media(&mut chat).is_empty());
            let target = tollway_wire::Target { model: self.model.to_owned(), traits: traits.clone() };
            let encoded = format::encode_request(self.dialect, &chat, &target)
                .map_err(|refusal| format!("refused: {refusal} {:?}", refusal.param))?;
            encoded.body
        };
        if self.dialect == Dialect::OpenAi {
            let operation = Operation::new(Dialect::OpenAi, Endpoint::Chat);
            let peek = Peek::new(&operation, body.into()).map_err(|refusal| refusal.to_string())?;
            let quirks = &known.quirks;
            let request = relay::Request {
                model: self.model,
                read_usage: false,
                quirks,
                traits: &traits,
                anthropic_version: None,
            };
            let spliced = request.relay(&peek);
            body = spliced.body.into_bytes().to_vec();
        }
        let body: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        (self.judge)(self.model, &body).map_err(|fault| format!("{fault} in {body}"))?;
        Ok(Sent { body, dialect: self.dialect })
    }
}

impl Sent {
    /// The turns of the conversation.
    pub(crate) fn turns(&self) -> Vec<Value> {
        let field = match self.dialect {
            Dialect::Gemini => "contents",
            Dialect::Responses => "input",
            _ => "messages",
        };
        self.body[field].as_array().cloned().unwrap_or_default()
    }

    /// The ids of calls and of their results, in order.
    pub(crate) fn call_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for turn in &self.turns() {
            gather_ids(turn, &mut ids);
        }
        ids
    }

    /// Whether a text stands somewhere in it as it is.
    pub(crate) fn has(&self, text: &str) -> bool {
        any(&self.body, &|value| value == text)
    }

    /// Whether a seal stands in it, by its bytes.
    pub(crate) fn has_seal(&self, seal: &str) -> bool {
        let bytes = STANDARD.decode(seal).expect("base64");
        any(&self.body, &|value| {
            STANDARD.decode(value).or_else(|_| URL_SAFE.decode(value)).is_ok_and(|other| other == bytes)
        })
    }

    /// A seal stands on the very words it was given for.
    pub(crate) fn check_pairs(&self, client: &Client, target: &Target) -> Result<(), String> {
        let blocks: Vec<Value> = self
            .turns()
            .iter()
            .flat_map(|turn| turn["content"].as_array().cloned().unwrap_or_default())
            .collect();
        for block in
            blocks.iter().filter(|block| target.dialect == Dialect::Anthropic && block["type"] == "thinking")
        {
            let words = match block["signature"].as_str() {
                Some("QW50aHJvcGljIG9uZQ==") => "First I search.",
                Some("QW50aHJvcGljIHR3bw==") => "Now both tools.",
                other => return Err(format!("an unknown seal goes to Anthropic: {other:?}")),
            };
            if block["thinking"] != words {
                return Err(format!("{}: the words of a seal are changed: {block}", client.name));
            }
        }
        Ok(())
    }
}

fn gather_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|inner| gather_ids(inner, ids)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                match inner {
                    Value::String(id)
                        if matches!(name.as_str(), "id" | "call_id" | "tool_call_id" | "tool_use_id") =>
                    {
                        ids.push(id.clone());
                    }
                    _ => gather_ids(inner, ids),
                }
            }
        }
        _ => {}
    }
}

fn any(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(values) => values.iter().any(|inner| any(inner, is)),
        Value::Object(fields) => fields.values().any(|inner| any(inner, is)),
        _ => false,
    }
}
