//! The same through the gateway's stack, in every client's dialect: what is lost in translation would be
//! billed wrong.

use std::{collections::BTreeMap, io::Write as _, time::SystemTime};

use serde_json::{Value, json};
use tollway_core::Money;
use tollway_cost::{Day, PriceBook, PriceFile};

use crate::{gateway::Gateway, read, recording, section, upstream::Script};

/// The endpoints of chats, each with the gateway's provider.
const CHATS: &[&str] = &[
    "openai/chat-completions",
    "openai/responses",
    "azure/completions",
    "azure/responses",
    "anthropic/messages",
    "gemini/generateContent",
    "gemini/streamGenerateContent",
    "mistral/completions",
    "groq/completions",
    "deepseek/completions",
];

/// Each speaks one format, so that every answer crosses into the others. What is spent is seen by a budget
/// that is never reached.
const CONFIGURATION: &str = "
providers:
  openai: {base_url: '{upstream}/v1', api_key: sk-1, formats: [chat]}
  openai-responses: {kind: openai, base_url: '{upstream}/v1', api_key: sk-1, formats: [responses]}
  azure: {kind: azure-openai, base_url: '{upstream}/openai/v1', api_key: sk-1, formats: [chat]}
  azure-responses: {kind: azure-openai, base_url: '{upstream}/openai/v1', api_key: sk-1, formats: [responses]}
  anthropic: {base_url: '{upstream}', api_key: sk-2}
  gemini: {base_url: '{upstream}', api_key: sk-3}
  mistral: {base_url: '{upstream}/v1', api_key: sk-4}
  groq: {base_url: '{upstream}/openai/v1', api_key: sk-5}
  deepseek: {base_url: '{upstream}', api_key: sk-6}
endpoints: {responses: openai-responses}
auth: {mode: open}
budgets: {all: {dollars: 1000000, every: month, unpriced: allow}}
";

/// A question to a model in each client's dialect.
fn questions(model: &str, stream: bool) -> [(String, Value); 4] {
    let said = json!([{"role": "user", "content": "Well?"}]);
    let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let named = model.replace('/', "%2F");
    [
        ("/v1/chat/completions".into(), json!({"model": model, "messages": said, "stream": stream})),
        ("/v1/responses".into(), json!({"model": model, "input": "Well?", "stream": stream})),
        ("/v1/messages".into(), json!({"model": model, "max_tokens": 9, "messages": said, "stream": stream})),
        (
            format!("/v1beta/models/{named}:{method}"),
            json!({"contents": [{"role": "user", "parts": [{"text": "Well?"}]}]}),
        ),
    ]
}

fn spent(gateway: &Gateway) -> Money {
    let budgets = gateway.shared().costs.budgets();
    budgets.into_iter().flat_map(|budgets| budgets.spent(SystemTime::now())).map(|spent| spent.spent).sum()
}

#[tokio::test]
async fn every_recorded_answer_costs_the_same_in_every_dialect() {
    let Some(recordings) = recording::load(CHATS).unwrap() else {
        writeln!(std::io::stdout(), "no recordings beside the checkout (../shared), nothing is compared")
            .unwrap();
        return;
    };
    let list: PriceFile = serde_saphyr::from_str(include_str!("../../config/pricing.yaml")).unwrap();
    let book = PriceBook::try_from(list).unwrap();
    let gateway = Gateway::start(CONFIGURATION).await.unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for recording in recordings.iter().filter(|one| one.status == 200 && !one.path.contains("count_tokens")) {
        let today = Day::of(SystemTime::now());
        let Some((_, Ok(cost))) = read(&book, section(&recording.provider), recording, today) else {
            continue;
        };
        // An array is Gemini's form of a stream, which no gateway asks a provider for.
        if recording.body.trim_ascii_start().starts_with(b"[") {
            continue;
        }
        let is_responses = recording.name.contains("/responses/");
        let provider = match recording.provider.as_str() {
            name @ ("openai" | "azure") if is_responses => format!("{name}-responses"),
            name => name.to_owned(),
        };
        let asked = recording.request.get("model").and_then(Value::as_str);
        let in_path = || {
            recording
                .path
                .rsplit_once("models/")
                .and_then(|(_, rest)| rest.split_once(':'))
                .map(|(name, _)| name)
        };
        let Some(model) = asked.or_else(in_path) else { continue };
        for (path, body) in questions(&format!("{provider}/{model}"), recording.is_stream) {
            let kind = if recording.is_stream { "text/event-stream" } else { "application/json" };
            let before = spent(&gateway);
            let answer =
                gateway.post(&path, &body, Script::new(200, Some(kind), recording.body.clone())).await;
            let found = spent(&gateway).saturating_sub(before);
            if answer.status != 200 {
                *refused.entry(format!("{} {path}: {}", recording.provider, answer.status)).or_default() += 1;
            }
            compared += 1;
            if found != cost.total() {
                wrong.push(format!(
                    "{} in {path} ({}): {found}, not {}",
                    recording.name,
                    answer.status,
                    cost.total()
                ));
            }
        }
    }
    writeln!(std::io::stdout(), "{compared} compared, refused {refused:?}").unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 1_500, "only {compared} were compared");
}
