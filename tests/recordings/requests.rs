//! Requests: what a provider is sent for a recorded request is right by that provider's rules.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tollway::{
    BoxError,
    simulate::{Fault, validate},
};

use super::{
    carried,
    providers::{Format, endpoint},
};
use crate::{
    gateway::Gateway,
    recording::Recording,
    score::{Exception, Score},
    upstream::{Script, Upstream},
};

/// Requests that are refused for a reason, and why that is right.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: &[],
        says: &["takes no audio"],
        why: "Anthropic has no sound; the gateway says so, with the field",
    },
    Exception {
        name: &["openrouter/"],
        says: &["for this tool of openai", "for this block of openai", "Gemini has no such tool"],
        why: "OpenRouter's own server tools and videos have no equivalent; the gateway says so, with the field",
    },
    Exception {
        name: &["uploaded_file", "→ gemini/"],
        says: &["no file of Gemini's"],
        why: "a file kept at OpenAI cannot be read from elsewhere; the gateway says so, with the field",
    },
    Exception {
        name: &["→ gemini/gemini-2"],
        says: &["Function calling with a response mime type"],
        why: "Gemini 2 cannot be given tools and a schema of the answer at once, and says so itself",
    },
    Exception {
        name: &["→ groq/"],
        says: &["json mode cannot be combined with tool"],
        why: "Groq cannot be given tools and a schema of the answer at once, and says so itself",
    },
    Exception {
        name: &["→ openai/gpt-4o"],
        says: &["reasoning_effort", "Invalid value: 'default'"],
        why: "gpt-4o does not reason, and says so itself: relayed as the client wrote it",
    },
    Exception {
        name: &["openai/embeddings", "→ mistral/mistral-embed"],
        says: &["\"dimensions\""],
        why: "Mistral's vectors have one size, and it says so itself: other vectors than asked for are no answer",
    },
    Exception {
        name: &["openrouter/", "→ openai/"],
        says: OPENROUTERS,
        why: "OpenRouter's own fields are relayed as the client wrote them; OpenAI does not know them",
    },
    Exception {
        name: &["openrouter/", "→ mistral/"],
        says: OPENROUTERS,
        why: "OpenRouter's own fields are relayed as the client wrote them; Mistral does not know them",
    },
    Exception {
        name: &["openrouter/", "→ groq/"],
        says: OPENROUTERS,
        why: "OpenRouter's own fields are relayed as the client wrote them; Groq does not know them",
    },
    Exception {
        name: &["mistral/", "→ openai/"],
        says: MISTRALS,
        why: "Mistral's own ways are relayed as the client wrote them; OpenAI does not know them",
    },
    Exception {
        name: &["mistral/", "→ groq/"],
        says: MISTRALS,
        why: "Mistral's own ways are relayed as the client wrote them; Groq does not know them",
    },
    Exception {
        name: &["groq/completions"],
        says: &["reasoning_format", "search_settings"],
        why: "Groq's own fields are relayed as the client wrote them; others do not know them",
    },
    Exception {
        name: &["openai/chat-completions", "→ groq/"],
        says: &[
            "value must be one of 'text', 'image_url', 'document'",
            "'service_tier' : value must be",
            "'moderation' is unsupported",
            "'prompt_cache_breakpoint' is unsupported",
            "'web_search_options' is unsupported",
        ],
        why: "features that only OpenAI has: to leave them out would change the answer",
    },
    Exception {
        name: &["openai/chat-completions", "→ mistral/"],
        says: &["\"moderation\"", "prompt_cache_breakpoint"],
        why: "features that only OpenAI has: to leave them out would change the answer",
    },
];

/// What OpenRouter has beyond OpenAI's format.
const OPENROUTERS: &[&str] = &[
    "cache_control",
    "eager_input_streaming",
    "openrouter:",
    "\"tools\",0,\"function\"",
    "'parameters' is unsupported",
    "provider",
    "reasoning",
    "usage",
    "models",
    "video_url",
    "\"file\",\"file_id\"",
    "value must be one of 'text', 'image_url', 'document'",
    "'nullable' is not permitted",
];

/// Where Mistral departs from OpenAI's format.
const MISTRALS: &[&str] = &[
    "tools[0].type",
    "'tools.0' : property 'type' is missing",
    "prefix",
    "prompt_cache_key",
    "empty array",
    "'any'",
    "'tool_choice' : value must be",
];

/// Every format, each at the scripted upstream
const CONFIGURATION: &str = "
providers:
  openai: { base_url: '{upstream}/v1', api_key: test-key }
  anthropic: { base_url: '{upstream}', api_key: test-key }
  gemini: { base_url: '{upstream}/v1beta', api_key: test-key }
  mistral: { base_url: '{upstream}/v1', api_key: test-key }
  groq: { base_url: '{upstream}/openai/v1', api_key: test-key }
log: { access: 'off' }
";

/// How many requests are on their way at once.
pub(crate) const AT_ONCE: usize = 32;

type Judge = fn(&str, &Value) -> Result<(), Fault>;

/// The provider, the model, and who judges what it is sent.
type Target = (&'static str, &'static str, Judge);

/// Where chats are sent.
const CHAT: &[Target] = &[
    ("openai", "gpt-4o", validate::openai_chat),
    ("mistral", "mistral-large-latest", validate::mistral_chat),
    ("mistral", "mistral-large-2512", validate::mistral_chat),
    ("groq", "openai/gpt-oss-120b", validate::groq_chat),
    ("anthropic", "claude-3-5-haiku-latest", validate::anthropic_messages),
    ("anthropic", "claude-sonnet-4-5", validate::anthropic_messages),
    ("anthropic", "claude-opus-4-8", validate::anthropic_messages),
    ("anthropic", "claude-sonnet-5-5", validate::anthropic_messages),
    ("gemini", "gemini-2.0-flash", validate::gemini_generate),
    ("gemini", "gemini-2.5-flash", validate::gemini_generate),
    ("gemini", "gemini-3-flash-preview", validate::gemini_generate),
];

/// The same for legacy completions.
const COMPLETION: &[Target] = &[
    ("openai", "gpt-3.5-turbo-instruct", validate::openai_completions),
    ("anthropic", "claude-sonnet-4-5", validate::anthropic_messages),
    ("gemini", "gemini-2.5-flash", validate::gemini_generate),
];

/// The same for embeddings.
const EMBEDDING: &[Target] = &[
    ("openai", "text-embedding-3-small", validate::openai_embeddings),
    ("mistral", "mistral-embed", validate::mistral_embeddings),
    ("gemini", "gemini-embedding-001", validate::gemini_batch_embed),
];

/// A picture of one point.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdacd`\0\0\0\x06\0\x020\x81\xd0/\0\0\0\0IEND\xaeB`\x82";

/// Sends every recorded request of OpenAI's dialect to every target.
pub(crate) async fn check(recordings: Vec<Recording>, score: &mut Score) -> Result<(), BoxError> {
    let gateway = Arc::new(Gateway::start(CONFIGURATION).await?);
    let media = Upstream::start(|_| Script::new(200, Some("image/png"), PICTURE)).await?;
    let url = media.url();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = Vec::new();
    for recording in recordings {
        if Format::of(&recording.provider) != Format::OpenAi {
            continue;
        }
        let recording = Arc::new(recording);
        let targets = match endpoint(&recording) {
            "/v1/embeddings" => EMBEDDING,
            "/v1/completions" => COMPLETION,
            _ => CHAT,
        };
        for target in targets {
            let (gateway, sent, url, turn) = (gateway.clone(), recording.clone(), url.clone(), turns.clone());
            let check = tokio::spawn(async move {
                let _turn = turn.acquire().await;
                send(&gateway, &sent, target, &url).await
            });
            checks.push((recording.clone(), target, check));
        }
    }
    for (recording, (provider, model, _), check) in checks {
        let result = check.await.unwrap_or_else(|panic| Err(panic.to_string()));
        score.count(&recording.provider, model, &format!("{} → {provider}/{model}", recording.name), result);
    }
    Ok(())
}

async fn send(gateway: &Gateway, recording: &Recording, target: &Target, media: &str) -> Result<(), String> {
    let (provider, model, judge) = *target;
    let model = own_model(recording, provider).unwrap_or(model);
    let mut request = recording.request.clone();
    if provider == "gemini" {
        fetch_from(&mut request, media);
    }
    request["model"] = format!("{provider}/{model}").into();
    let refusal = json!({ "error": { "message": "enough", "type": "server_error" } });
    let script = Script::new(500, Some("application/json"), refusal.to_string());
    let answer = gateway.post(endpoint(recording), &request, script).await;
    let Some(sent) = &answer.sent else {
        let error = &answer.json()["error"];
        return Err(format!("{}: {} ({})", answer.status, error["message"], error["param"]));
    };
    let Ok(body) = serde_json::from_slice(&sent.body) else { return Err("sent no JSON".to_owned()) };
    judge(model, &body).map_err(|fault| format!("{fault}\n      sent {body:.1500}"))?;
    let dropped =
        answer.headers.get("x-tollway-dropped").and_then(|names| names.to_str().ok()).unwrap_or_default();
    carried::check(&request, &body, dropped)
}

/// The recorded model, where the recording is of the target itself.
fn own_model<'a>(recording: &'a Recording, provider: &str) -> Option<&'a str> {
    (recording.provider == provider).then(|| recording.request["model"].as_str()).flatten()
}

/// Puts a server of this machine in the place of those that served the pictures when they were
/// recorded, as the gateway fetches them for Gemini.
fn fetch_from(value: &mut Value, server: &str) {
    match value {
        Value::String(url) if url.starts_with("https://") && !url.contains(' ') => {
            if let Some((_, path)) = url.trim_start_matches("https://").split_once('/') {
                *url = format!("{server}/{path}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| fetch_from(value, server)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fetch_from(value, server)),
        _ => {}
    }
}
