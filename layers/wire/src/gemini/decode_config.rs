//! `generationConfig`, `tools` and `toolConfig` → the canonical request.

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::openapi::to_json_schema;
use crate::{
    Effort, Refusal,
    chat::{Chat, Native, ReasoningRequest, ResponseFormat, Tool, ToolChoice, ToolKind},
};

/// Reads how the answer is to be made. What has no canonical place stays in `chat.extra`.
pub(super) fn generation(chat: &mut Chat, config: Map<String, Value>) -> Result<(), Refusal> {
    let mut config = Taken { fields: config, path: "generationConfig" };
    chat.sampling.temperature = config.number("temperature", "temperature")?;
    chat.sampling.top_p = config.number("topP", "top_p")?;
    chat.sampling.top_k = config.count("topK", "top_k")?;
    chat.sampling.presence_penalty = config.number("presencePenalty", "presence_penalty")?;
    chat.sampling.frequency_penalty = config.number("frequencyPenalty", "frequency_penalty")?;
    chat.sampling.seed = config.integer("seed")?;
    chat.max_tokens = config.count("maxOutputTokens", "max_output_tokens")?;
    let n = config.count("candidateCount", "candidate_count")?;
    chat.n = n.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    chat.logprobs = config.truth("responseLogprobs", "response_logprobs")?;
    let top = config.count("logprobs", "logprobs")?;
    chat.top_logprobs = top.map(|top| u32::try_from(top).unwrap_or(u32::MAX));
    chat.stop = config.texts("stopSequences", "stop_sequences")?;
    response_format(chat, &mut config)?;
    if let Some(thinking) = config.object("thinkingConfig", "thinking_config")? {
        self::thinking(chat, thinking, &mut config)?;
    }
    if !config.fields.is_empty() {
        chat.extra.insert("generationConfig".to_owned(), Value::Object(config.fields));
    }
    Ok(())
}

fn response_format(chat: &mut Chat, config: &mut Taken) -> Result<(), Refusal> {
    let wide = config
        .take("responseJsonSchema", "response_json_schema")
        .or_else(|| config.take("_responseJsonSchema", "_response_json_schema"));
    let narrow = config.take("responseSchema", "response_schema");
    let schema = wide.or_else(|| narrow.map(to_json_schema));
    let media_type = config.text("responseMimeType", "response_mime_type")?;
    chat.response_format = match (schema, media_type.as_deref()) {
        (Some(schema), Some("application/json") | None) => {
            Some(ResponseFormat::JsonSchema { name: None, description: None, schema, strict: None })
        }
        (None, Some("application/json")) => Some(ResponseFormat::JsonObject),
        (None, Some("text/plain")) => Some(ResponseFormat::Text),
        (None, None) => None,
        // `text/x.enum` and what may come have no canonical place.
        (schema, Some(_)) => {
            config.fields.extend(media_type.map(|it| ("responseMimeType".to_owned(), it.into())));
            config.fields.extend(schema.map(|it| ("responseJsonSchema".to_owned(), it)));
            None
        }
    };
    Ok(())
}

fn thinking(chat: &mut Chat, thinking: Map<String, Value>, config: &mut Taken) -> Result<(), Refusal> {
    let mut thinking = Taken { fields: thinking, path: "generationConfig.thinkingConfig" };
    let mut asked = ReasoningRequest::default();
    if let Some(budget) = thinking.take("thinkingBudget", "thinking_budget") {
        asked.budget_tokens = budget.as_u64();
        if !budget.is_i64() && !budget.is_u64() {
            return Err(thinking.refuse("thinkingBudget", "must be an integer", &budget));
        }
        if asked.budget_tokens.is_none() {
            // -1: as the model sees fit.
            thinking.fields.insert("thinkingBudget".to_owned(), budget);
        }
    }
    if let Some(level) = thinking.take("thinkingLevel", "thinking_level") {
        let word = level.as_str().unwrap_or_default();
        let effort = Effort::from_wire(&word.to_ascii_lowercase());
        if effort.is_none() && word != "THINKING_LEVEL_UNSPECIFIED" {
            let field = "generationConfig.thinkingConfig.thinkingLevel";
            return Err(Refusal::at(field, format!("not a level of thinking: {level}")));
        }
        asked.effort = effort;
    }
    asked.include_thoughts = thinking.truth("includeThoughts", "include_thoughts")?;
    if asked != ReasoningRequest::default() {
        chat.reasoning = Some(asked);
    }
    if !thinking.fields.is_empty() {
        config.fields.insert("thinkingConfig".to_owned(), Value::Object(thinking.fields));
    }
    Ok(())
}

/// Reads the tools: functions, and tools Google runs itself.
pub(super) fn tools(chat: &mut Chat, tools: Vec<Map<String, Value>>) -> Result<(), Refusal> {
    for (at, entry) in tools.into_iter().enumerate() {
        for (key, value) in entry {
            match (key.as_str(), value) {
                ("functionDeclarations" | "function_declarations", value) => {
                    let declarations = match value {
                        Value::Array(declarations) => declarations,
                        one => vec![one],
                    };
                    for (place, declaration) in declarations.into_iter().enumerate() {
                        let path = || format!("tools[{at}].functionDeclarations[{place}]");
                        let tool = function(declaration, path, &mut chat.extra)?;
                        chat.tools.push(tool);
                    }
                }
                (_, Value::Null) => {}
                (key, value) => {
                    let mut definition = Map::new();
                    definition.insert(key.to_owned(), value);
                    let native = Native { dialect: Dialect::Gemini, value: Value::Object(definition) };
                    chat.tools.push(tool(key.to_owned(), None, ToolKind::Server(native)));
                }
            }
        }
    }
    Ok(())
}

/// Reads a function. What no other format has (`behavior`, `response`) stays in `extra`, by path.
fn function(
    declaration: Value,
    path: impl Fn() -> String,
    extra: &mut Map<String, Value>,
) -> Result<Tool, Refusal> {
    let Value::Object(fields) = declaration else {
        return Err(Refusal::at(path(), "must be a function declaration"));
    };
    let mut fields = Taken { fields, path: "" };
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let Some(name) = text(fields.take("name", "name")) else {
        return Err(Refusal::at(format!("{}.name", path()), "must be told"));
    };
    let description = text(fields.take("description", "description"));
    let wide = fields.take("parametersJsonSchema", "parameters_json_schema");
    let narrow = fields.take("parameters", "parameters");
    let parameters = wide.or_else(|| narrow.map(to_json_schema));
    for (field, value) in fields.fields {
        extra.insert(format!("{}.{field}", path()), value);
    }
    Ok(tool(name, description, ToolKind::Function { parameters }))
}

fn tool(name: String, description: Option<String>, kind: ToolKind) -> Tool {
    Tool { name, description, kind, strict: None, cache_control: None }
}

/// Reads which tools are to be called. `VALIDATED` has no canonical word beside `Auto` and stays in
/// `chat.extra`, as does what else stands there.
pub(super) fn tool_config(chat: &mut Chat, config: Map<String, Value>) -> Result<(), Refusal> {
    let mut config = Taken { fields: config, path: "toolConfig" };
    if let Some(calling) = config.object("functionCallingConfig", "function_calling_config")? {
        let mut calling = Taken { fields: calling, path: "toolConfig.functionCallingConfig" };
        let names = calling.texts("allowedFunctionNames", "allowed_function_names")?;
        let mode = calling.take("mode", "mode");
        let word = match &mode {
            Some(Value::String(word)) => word.to_ascii_uppercase(),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(1) => "AUTO".to_owned(),
                Some(2) => "ANY".to_owned(),
                Some(3) => "NONE".to_owned(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        chat.tool_choice = match (word.as_str(), names.len()) {
            ("" | "MODE_UNSPECIFIED", 0) => None,
            ("AUTO" | "VALIDATED", 0) => Some(ToolChoice::Auto),
            ("NONE", _) => Some(ToolChoice::None),
            ("ANY", 0) => Some(ToolChoice::Required),
            ("ANY", 1) => names.into_iter().next().map(ToolChoice::Named),
            ("ANY", _) => Some(ToolChoice::Allowed { names, required: true }),
            ("" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED", _) => {
                Some(ToolChoice::Allowed { names, required: false })
            }
            _ => {
                let field = "toolConfig.functionCallingConfig.mode";
                return Err(Refusal::at(field, format!("not a calling mode: {}", mode.unwrap_or_default())));
            }
        };
        if word == "VALIDATED" {
            calling.fields.insert("mode".to_owned(), json!("VALIDATED"));
        }
        if !calling.fields.is_empty() {
            config.fields.insert("functionCallingConfig".to_owned(), Value::Object(calling.fields));
        }
    }
    if !config.fields.is_empty() {
        chat.extra.insert("toolConfig".to_owned(), Value::Object(config.fields));
    }
    Ok(())
}

/// An object of which fields are taken by either spelling.
struct Taken {
    fields: Map<String, Value>,
    path: &'static str,
}

impl Taken {
    fn take(&mut self, camel: &str, snake: &str) -> Option<Value> {
        self.fields.remove(camel).or_else(|| self.fields.remove(snake)).filter(|value| !value.is_null())
    }

    fn number(&mut self, camel: &str, snake: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.take(camel, snake) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.refuse(camel, "must be a number", &value))
    }

    fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(name, name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| self.refuse(name, "must be an integer", &value))
    }

    /// A count; protobuf's JSON takes `40.0` for one.
    fn count(&mut self, camel: &str, snake: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.take(camel, snake) else { return Ok(None) };
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64().filter(|float| float.fract() == 0.0 && *float >= 0.0)?;
            format!("{float:.0}").parse().ok()
        });
        whole.map(Some).ok_or_else(|| self.refuse(camel, "must be a count", &value))
    }

    fn truth(&mut self, camel: &str, snake: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.take(camel, snake) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.refuse(camel, "must be true or false", &value))
    }

    fn text(&mut self, camel: &str, snake: &str) -> Result<Option<String>, Refusal> {
        match self.take(camel, snake) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.refuse(camel, "must be a text", &other)),
        }
    }

    fn object(&mut self, camel: &str, snake: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        match self.take(camel, snake) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(fields)),
            Some(other) => Err(self.refuse(camel, "must be an object", &other)),
        }
    }

    /// A list of texts, empty where there is none.
    fn texts(&mut self, camel: &str, snake: &str) -> Result<Vec<String>, Refusal> {
        let Some(value) = self.take(camel, snake) else { return Ok(Vec::new()) };
        let list = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Option<_>>().ok_or_else(|| self.refuse(camel, "must be a list of texts", &value))
    }

    fn refuse(&self, name: &str, why: &str, value: &Value) -> Refusal {
        Refusal::at(format!("{}.{name}", self.path), format!("{why}: {value}"))
    }
}
