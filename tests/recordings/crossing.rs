//! Requests of Anthropic's and Gemini's dialects, written in every other format through the canonical
//! form: right by the other provider's rules, or refused for a reason, and nothing lost without a word.

use serde_json::{Map, Value};
use tollway::{
    BoxError,
    config::{Env, Settings, Source},
    simulate::{Fault, validate},
};
use tollway_core::{Dialect, Endpoint, Operation};
use tollway_wire::{Encoded, Refusal, Target, anthropic, chat::Chat, format, gemini, peek::Peek, relay};

use super::{carried::Said, providers::Format};
use crate::{
    recording::Recording,
    score::{Exception, Score},
};

/// Requests that are refused, and why that is right.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: &[],
        says: &["Gemini has no such tool", "own tool"],
        why: "a provider's advisor, and code it runs or pages it reads where the other has no such tool: to leave them out would be another answer",
    },
    Exception {
        name: &[],
        says: &["another provider's own block", "no equivalent for this block"],
        why: "the user gives a file to a provider's container, which cannot be read from elsewhere; the refusal names the block",
    },
    Exception {
        name: &["→ groq/"],
        says: &["'web_search_options' is unsupported"],
        why: "Groq has no web search beside its own systems, and says so itself",
    },
    Exception {
        name: &["→ openai/gpt-5.4"],
        says: &["Invalid value: 'input_audio'"],
        why: "OpenAI's Responses take no sound, and say so themselves",
    },
    Exception {
        name: &["→ openai/gpt-5.4"],
        says: &["has no texts that end an answer"],
        why: "OpenAI's Responses have no stop sequences: an answer would go on behind them",
    },
    Exception {
        name: &["→ gemini/gemini-2"],
        says: &["Tool use with function calling is unsupported"],
        why: "Gemini 2 cannot be given functions and a search at once, and says so itself",
    },
    Exception {
        name: &["invalid_temperature"],
        says: &["temperature"],
        why: "a temperature of a thousand is refused by everyone",
    },
    Exception {
        name: &["AudioUrl", "→ anthropic/"],
        says: &["not audio/wav"],
        why: "Anthropic has no sound; the refusal names the part",
    },
    Exception {
        name: &["→ anthropic/"],
        says: &["takes no audio", "not audio/", "not video/", "fetches https URLs only", "log probabilities"],
        why: "Anthropic has no sound, films, log probabilities nor Google's URLs; the refusal names the part",
    },
    Exception {
        name: &["→ anthropic/"],
        says: &["free keys", "refers to itself"],
        why: "Anthropic cannot be held to such a schema; the refusal names it",
    },
    Exception {
        name: &["→ gemini/gemini-2"],
        says: &["Function calling with a response mime type"],
        why: "Gemini 2 cannot be given tools and a schema of the answer at once, and says so itself",
    },
    Exception {
        name: &["uploaded_file", "→ gemini/"],
        says: &["no file of Gemini's"],
        why: "a file kept at Anthropic cannot be read from elsewhere; the refusal names the part",
    },
    Exception {
        name: &["→ openai/gpt-5.5"],
        says: &["'logprobs' is not supported"],
        why: "a thinking model has no log probabilities, and OpenAI says so itself",
    },
    Exception {
        name: &[],
        says: &["content cached at another provider", "no word for cachedContent", "no word for mcp_servers"],
        why: "what another provider caches or calls is not at hand; the refusal names the field",
    },
    Exception {
        name: &["vertex/", "→ openai/"],
        says: &["Invalid file data", "Invalid image URL"],
        why: "OpenAI takes documents as data and pictures by http, and says so itself",
    },
    Exception {
        name: &["gemini/", "→ openai/"],
        says: &["Invalid file data", "Invalid image URL"],
        why: "OpenAI takes documents as data and pictures by http, and says so itself",
    },
    Exception {
        name: &["anthropic/", "→ openai/"],
        says: &["Invalid file data"],
        why: "OpenAI takes documents as data, and says so itself",
    },
    Exception {
        name: &["→ groq/"],
        says: &[
            "value must be one of 'text', 'image_url', 'document'",
            "Invalid image URL",
            "json mode cannot be combined with tool",
            "does not support streaming",
        ],
        why: "Groq takes no files, nor a schema beside tools or a stream, and says so itself",
    },
];

const CONFIGURATION: &str = "
providers:
  openai: { api_key: test-key }
  anthropic: { api_key: test-key }
  gemini: { api_key: test-key }
  mistral: { api_key: test-key }
  groq: { api_key: test-key }
";

type Judge = fn(&str, &Value) -> Result<(), Fault>;

/// A provider, a model, the format it is asked in, and who judges what it is sent.
const TARGETS: &[(&str, &str, Dialect, Judge)] = &[
    ("openai", "gpt-4o", Dialect::OpenAi, validate::openai_chat),
    ("openai", "gpt-5.5", Dialect::OpenAi, validate::openai_chat),
    ("openai", "gpt-5.4", Dialect::Responses, validate::openai_responses),
    ("mistral", "mistral-large-latest", Dialect::OpenAi, validate::mistral_chat),
    ("groq", "openai/gpt-oss-120b", Dialect::OpenAi, validate::groq_chat),
    ("anthropic", "claude-sonnet-4-5", Dialect::Anthropic, validate::anthropic_messages),
    ("anthropic", "claude-sonnet-5-5", Dialect::Anthropic, validate::anthropic_messages),
    ("gemini", "gemini-2.5-flash", Dialect::Gemini, validate::gemini_generate),
    ("gemini", "gemini-3-flash-preview", Dialect::Gemini, validate::gemini_generate),
];

/// Writes every recorded request of another dialect than OpenAI's for every target.
pub(crate) fn check(recordings: &[Recording], score: &mut Score) -> Result<(), BoxError> {
    let settings = Settings::load(&Source::text(CONFIGURATION.to_owned()), &Env::default())?;
    for recording in recordings.iter().filter(|recording| recording.request.is_object()) {
        let format = Format::of(&recording.provider);
        let Some(chat) = decode(recording, format) else { continue };
        for (provider, model, dialect, judge) in TARGETS {
            if format.dialect() == *dialect {
                continue;
            }
            let result = cross(&chat, &settings, provider, model, *dialect).and_then(|(sent, dropped)| {
                judge(model, &sent).map_err(|fault| format!("{fault}\n      sent {sent:.1500}"))?;
                carried(&recording.request, format, &sent, &dropped)
            });
            score.count(
                &recording.provider,
                model,
                &format!("{} → {provider}/{model}", recording.name),
                result,
            );
        }
    }
    Ok(())
}

/// The canonical form; none of what its own provider refuses too.
fn decode(recording: &Recording, format: Format) -> Option<Chat> {
    let body = recording.request.to_string();
    let chat = match format {
        Format::OpenAi => return None,
        Format::Anthropic => anthropic::decode_request(body.as_bytes()),
        Format::Gemini => {
            let model = recording.path.split("/models/").nth(1)?.split(':').next()?;
            gemini::decode_request(model, recording.is_stream, body.as_bytes())
        }
    };
    chat.ok()
}

fn cross(
    chat: &Chat,
    settings: &Settings,
    provider: &str,
    model: &str,
    dialect: Dialect,
) -> Result<(Value, Vec<String>), String> {
    let refused = |refusal: Refusal| format!("refused: {refusal} ({:?})", refusal.param);
    let resolved =
        settings.catalogue.resolve(&format!("{provider}/{model}")).map_err(|why| why.to_string())?;
    let target = Target { model: model.to_owned(), traits: (*resolved.traits).clone() };
    let mut chat = chat.clone();
    if dialect == Dialect::Gemini {
        for medium in &mut gemini::remote_media(&mut chat) {
            medium.replace("image/png", "AAAA");
        }
    }
    let Encoded { body, mut dropped, .. } =
        format::encode_request(dialect, &chat, &target).map_err(refused)?;
    let mut body = bytes::Bytes::from(body);
    if dialect == Dialect::OpenAi {
        let known = settings.providers.iter().find(|known| *known.name == *provider).ok_or("no provider")?;
        let peek = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body).map_err(refused)?;
        let request = relay::Request {
            model,
            read_usage: true,
            quirks: &known.quirks,
            traits: &target.traits,
            anthropic_version: None,
        };
        let relayed = request.relay(&peek);
        dropped.extend(relayed.dropped);
        body = relayed.body.into_bytes();
    }
    Ok((serde_json::from_slice(&body).map_err(|error| error.to_string())?, dropped))
}

/// Holds what was sent against the request, read by its dialect's documents alone.
fn carried(request: &Value, format: Format, sent: &Value, dropped: &[String]) -> Result<(), String> {
    let (mut said, mut known) = (Said::default(), Said::default());
    match format {
        Format::Anthropic => of_anthropic(request, &mut said),
        _ => of_gemini(request, &mut said),
    }
    known.everything(sent);
    said.missing(&known).map_or(Ok(()), |what| Err(format!("lost: {what}\n      sent {sent:.3000}")))?;
    let mut fields: Vec<(&String, &Value)> = request.as_object().into_iter().flatten().collect();
    for nested in ["generationConfig", "generation_config", "output_config"] {
        if !dropped.iter().any(|path| path == nested) {
            fields.extend(request[nested].as_object().into_iter().flatten());
        }
    }
    for (name, value) in fields {
        let name = if name == "responseLogprobs" { &"logprobs".to_owned() } else { name };
        let is_told = dropped.iter().any(|path| path.contains(name.as_str()) || path.contains(&snake(name)));
        let is_idle =
            super::carried::is_idle(value) || (snake(name) == "response_modalities" && asks_for_text(value));
        // OpenAI's Responses are asked for log probabilities by another's name.
        let is_said = super::carried::has(sent, value)
            || (name == "logprobs" && super::carried::has(sent, &"message.output_text.logprobs".into()));
        if !is_told && !UNDERSTOOD.contains(&snake(name).as_str()) && !is_said && !is_idle {
            return Err(format!(
                "this field is lost without a word: {name}\n      dropped {dropped:?}, sent {sent:.1500}"
            ));
        }
    }
    Ok(())
}

/// Text is what every model answers with.
fn asks_for_text(modalities: &Value) -> bool {
    list(modalities).all(|kind| *kind == "TEXT" || *kind == "text")
}

const UNDERSTOOD: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "thinking",
    "output_config",
    "output_format",
    "effort",
    "format",
    "metadata",
    "service_tier",
    "contents",
    "system_instruction",
    "tool_config",
    "generation_config",
    "max_output_tokens",
    "response_mime_type",
    "response_schema",
    "response_json_schema",
    "thinking_config",
    "candidate_count",
];

fn snake(name: &str) -> String {
    name.chars()
        .flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
        .collect()
}

fn of_anthropic(request: &Value, said: &mut Said) {
    said.content(&request["system"]);
    for message in list(&request["messages"]) {
        said.content(&message["content"]);
        for block in list(&message["content"]) {
            if block["type"] == "tool_use" {
                said.text(&block["name"]);
                said.objects.extend(object(&block["input"]));
            } else if block["type"] == "tool_result" {
                said.content(&block["content"]);
            }
        }
    }
    let ours = list(&request["tools"]).filter(|tool| tool.get("input_schema").is_some());
    // A tool that may not be called need not be offered.
    let named = request["tool_choice"]["name"].as_str();
    for tool in ours.filter(|tool| named.is_none_or(|named| tool["name"] == named)) {
        said.text(&tool["name"]);
        said.text(&tool["description"]);
    }
}

fn of_gemini(request: &Value, said: &mut Said) {
    let either = |value: &Value, camel: &str, snake: &str| -> Value {
        value.get(camel).or(value.get(snake)).cloned().unwrap_or_default()
    };
    let mut parts: Vec<Value> =
        list(&either(request, "systemInstruction", "system_instruction")["parts"]).cloned().collect();
    for turn in list(&request["contents"]) {
        parts.extend(list(&turn["parts"]).cloned());
    }
    for part in parts.iter().filter(|part| part["thought"] != true) {
        said.text(&part["text"]);
        let call = either(part, "functionCall", "function_call");
        said.text(&call["name"]);
        said.objects.extend(object(&call["args"]));
    }
    let config = either(request, "toolConfig", "tool_config");
    let config = either(&config, "functionCallingConfig", "function_calling_config");
    let allowed = either(&config, "allowedFunctionNames", "allowed_function_names");
    let may = |function: &&Value| {
        list(&allowed).next().is_none() || list(&allowed).any(|name| *name == function["name"])
    };
    for tool in list(&request["tools"]) {
        for function in list(&either(tool, "functionDeclarations", "function_declarations")).filter(may) {
            said.text(&function["name"]);
            said.text(&function["description"]);
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(value: &Value) -> Option<Map<String, Value>> {
    value.as_object().filter(|fields| !fields.is_empty()).cloned()
}
