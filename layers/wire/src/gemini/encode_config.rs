//! Sampling, limits, the answer's shape and thinking → `generationConfig`.

use serde_json::{Map, Value};

use super::schema;
use crate::{
    Effort, ReasoningStyle, Refusal, Traits,
    chat::{Chat, ReasoningRequest, ResponseFormat},
};

/// The most stop sequences Gemini takes.
const MOST_STOPS: usize = 5;

/// The most answers Gemini gives.
const MOST_ANSWERS: u32 = 8;

/// Writes how the answer is to be made; empty where nothing is asked.
pub(super) fn generation(
    chat: &Chat,
    traits: &Traits,
    dropped: &mut Vec<String>,
) -> Result<Map<String, Value>, Refusal> {
    let mut config = match chat.extra.get("generationConfig") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    sampling(chat, traits, &mut config, dropped);
    limits(chat, traits, &mut config)?;
    if chat.logprobs == Some(true) {
        put(&mut config, "responseLogprobs", true);
    }
    if let Some(top) = chat.top_logprobs.filter(|top| *top > 0) {
        put(&mut config, "logprobs", top);
        // They may only be asked for together.
        put(&mut config, "responseLogprobs", true);
    }
    modalities(chat, &mut config)?;
    response_format(chat, traits, &mut config, dropped)?;
    if let Some(asked) = &chat.reasoning {
        thinking(asked, traits, &mut config, dropped);
    }
    Ok(config)
}

fn put(config: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    config.insert(key.to_owned(), value.into());
}

fn sampling(chat: &Chat, traits: &Traits, config: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    let sampling = &chat.sampling;
    let drawn = [
        ("temperature", "temperature", sampling.temperature.map(Value::from)),
        ("topP", "top_p", sampling.top_p.map(Value::from)),
        ("topK", "top_k", sampling.top_k.map(Value::from)),
    ];
    // Models that think by level know no penalties.
    let penalised = traits.sampling && !thinks_by_level(traits);
    let penalties = [
        ("presencePenalty", "presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("frequencyPenalty", "frequency_penalty", sampling.frequency_penalty.map(Value::from)),
    ];
    let drawn = drawn.into_iter().map(|field| (traits.sampling, field));
    let penalties = penalties.into_iter().map(|field| (penalised, field));
    for (taken, (key, path, value)) in drawn.chain(penalties) {
        match value {
            Some(value) if taken => put(config, key, value),
            // Zero is no penalty, which is what leaving it out says.
            Some(value) if path.ends_with("penalty") && value.as_f64() == Some(0.0) => {}
            Some(_) => dropped.push(path.to_owned()),
            None => {}
        }
    }
    if let Some(seed) = sampling.seed {
        put(config, "seed", folded(seed));
    }
    if sampling.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()) {
        dropped.push("logit_bias".to_owned());
    }
}

/// Gemini's seed has 32 bits. A longer one is folded: the same seed still draws the same.
#[expect(clippy::cast_possible_truncation, reason = "the upper half is folded in before it is cut off")]
fn folded(seed: i64) -> i32 {
    i32::try_from(seed).unwrap_or((seed ^ (seed >> 32)) as i32)
}

fn limits(chat: &Chat, traits: &Traits, config: &mut Map<String, Value>) -> Result<(), Refusal> {
    if let Some(wanted) = chat.max_tokens {
        // An answer no longer than the model can give is no longer than asked, too.
        put(config, "maxOutputTokens", wanted.min(traits.max_output_tokens.unwrap_or(u64::MAX)));
    }
    let stops: Vec<&String> = chat.stop.iter().filter(|stop| !stop.is_empty()).collect();
    if stops.len() > MOST_STOPS {
        let why = format!("Gemini takes at most {MOST_STOPS} texts that end an answer: {}", stops.len());
        return Err(Refusal::at("stop", why));
    }
    if !stops.is_empty() {
        put(config, "stopSequences", stops.into_iter().map(String::as_str).collect::<Vec<_>>());
    }
    match chat.n {
        Some(0) => return Err(Refusal::at("n", "must be at least 1: 0")),
        Some(n) if n > MOST_ANSWERS => {
            return Err(Refusal::at("n", format!("Gemini gives at most {MOST_ANSWERS} answers: {n}")));
        }
        Some(n) if n > 1 => put(config, "candidateCount", n),
        _ => {}
    }
    Ok(())
}

/// OpenAI's and OpenRouter's `modalities`.
fn modalities(chat: &Chat, config: &mut Map<String, Value>) -> Result<(), Refusal> {
    let Some(wanted) = chat.extra.get("modalities").and_then(Value::as_array) else { return Ok(()) };
    let mut modalities = Vec::with_capacity(wanted.len());
    for modality in wanted.iter().filter_map(Value::as_str) {
        match modality {
            "text" => modalities.push("TEXT"),
            "image" => modalities.push("IMAGE"),
            other => {
                return Err(Refusal::at("modalities", format!("cannot be asked of Gemini here: {other}")));
            }
        }
    }
    if modalities.contains(&"IMAGE") {
        put(config, "responseModalities", modalities);
    }
    Ok(())
}

fn response_format(
    chat: &Chat,
    traits: &Traits,
    config: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) -> Result<(), Refusal> {
    match &chat.response_format {
        None => {}
        Some(ResponseFormat::Text) => put(config, "responseMimeType", "text/plain"),
        Some(ResponseFormat::JsonObject) => put(config, "responseMimeType", "application/json"),
        Some(ResponseFormat::JsonSchema { name, description, schema, strict: _ }) => {
            if !traits.structured_output {
                return Err(Refusal::at("response_format", "the model does not answer by a schema"));
            }
            let mut adapted = schema::adapt(schema, "response_format.json_schema.schema")?;
            dropped.append(&mut adapted.lost);
            // Gemini has one place for the schema's name and purpose: the schema.
            if let Value::Object(fields) = &mut adapted.schema {
                for (key, told) in [("title", name), ("description", description)] {
                    if let (false, Some(told)) = (fields.contains_key(key), told) {
                        fields.insert(key.to_owned(), told.as_str().into());
                    }
                }
            }
            put(config, "responseMimeType", "application/json");
            put(config, "responseJsonSchema", adapted.schema);
        }
    }
    Ok(())
}

fn thinking(
    asked: &ReasoningRequest,
    traits: &Traits,
    config: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) {
    let mut thinking = match config.remove("thinkingConfig") {
        Some(Value::Object(thinking)) => thinking,
        _ => Map::new(),
    };
    let effort = asked.effort.or(asked.budget_tokens.map(Effort::from_budget));
    match traits.reasoning {
        ReasoningStyle::None => {
            if effort.is_some_and(|effort| effort != Effort::None) || asked.include_thoughts == Some(true) {
                dropped.push("reasoning_effort".to_owned());
            }
            return;
        }
        ReasoningStyle::Budget => {
            let by_level = asked.effort.map(|effort| traits.nearest_effort(effort).budget_tokens());
            if let Some(tokens) = asked.budget_tokens.or(by_level) {
                let most = traits.max_thinking_tokens.unwrap_or(u64::MAX);
                if tokens > most {
                    dropped.push("reasoning.max_tokens".to_owned());
                }
                put(&mut thinking, "thinkingBudget", tokens.min(most));
            }
        }
        ReasoningStyle::Effort | ReasoningStyle::Always => {
            if let Some(effort) = effort {
                put(&mut thinking, "thinkingLevel", level(effort, traits));
            }
        }
    }
    if let Some(include) = asked.include_thoughts {
        put(&mut thinking, "includeThoughts", include);
    }
    if !thinking.is_empty() {
        put(config, "thinkingConfig", thinking);
    }
}

/// The level that is nearest to the effort asked for. Thinking by level cannot be switched off: no
/// effort is the least there is.
fn level(effort: Effort, traits: &Traits) -> &'static str {
    let effort = match effort {
        Effort::None if traits.efforts.is_empty() => Effort::Low,
        other => traits.nearest_effort(other),
    };
    match effort {
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::Xhigh | Effort::Max => "HIGH",
    }
}

/// Whether a model is one that is told its thinking by level (Gemini 3 and later).
fn thinks_by_level(traits: &Traits) -> bool {
    matches!(traits.reasoning, ReasoningStyle::Effort | ReasoningStyle::Always)
}
