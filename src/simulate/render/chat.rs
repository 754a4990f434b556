//! OpenAI chat completions, and what Mistral, Groq and compatible servers make of them.

use super::super::answer::{Answer, Call, Finish, Reply, log_probability};
use super::super::fault::Provider;
use super::super::hash::{hash, hexadecimal, identifier};
use super::super::prompt::Prompt;
use super::super::tokens::tokens;
use super::{CREATED, Rendered, data, json, stream};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Writes a chat answer, streamed when the prompt asks for it.
pub(crate) fn chat(provider: Provider, prompt: &Prompt, answer: &Answer) -> Rendered {
    let writer = Writer { provider, prompt, answer };
    if prompt.stream { stream(writer.stream()) } else { json(&writer.whole()) }
}

struct Writer<'a> {
    provider: Provider,
    prompt: &'a Prompt,
    answer: &'a Answer,
}

impl Writer<'_> {
    fn whole(&self) -> Value {
        let blocked = self.answer.blocked.then(|| {
            json!([{
                "index": 0, "logprobs": null, "finish_reason": "content_filter",
                "message": {"role": "assistant", "content": null, "refusal": null},
            }])
        });
        let choices = blocked.unwrap_or_else(|| {
            self.answer.choices.iter().enumerate().map(|(i, reply)| self.choice(i, reply)).collect()
        });
        let mut whole = self.envelope("chat.completion");
        whole.insert("choices".into(), choices);
        whole.insert("usage".into(), self.usage());
        if self.provider == Provider::Groq {
            whole.insert("usage_breakdown".into(), Value::Null);
            whole.insert("x_groq".into(), json!({"id": self.groq_id()}));
        }
        Value::Object(whole)
    }

    fn envelope(&self, object: &str) -> Map<String, Value> {
        let seed = self.answer.seed;
        let id = match self.provider {
            Provider::Mistral => hexadecimal("", seed, 32),
            _ => identifier("chatcmpl-", seed, 29),
        };
        let mut envelope = Map::new();
        envelope.insert("id".into(), json!(id));
        envelope.insert("object".into(), json!(object));
        envelope.insert("created".into(), json!(CREATED));
        envelope.insert("model".into(), json!(self.prompt.model));
        match self.provider {
            Provider::OpenAi => {
                envelope.insert("service_tier".into(), json!("default"));
                envelope.insert("system_fingerprint".into(), json!("fp_simulated"));
            }
            Provider::Groq => {
                envelope.insert("system_fingerprint".into(), json!("fp_simulated"));
            }
            _ => {}
        }
        envelope
    }

    fn choice(&self, i: usize, reply: &Reply) -> Value {
        let mut choice =
            json!({"index": i, "message": self.message(reply), "finish_reason": self.finish(reply)});
        if self.provider != Provider::Mistral {
            choice["logprobs"] = self.logprobs(&reply.text).unwrap_or(Value::Null);
        }
        choice
    }

    fn message(&self, reply: &Reply) -> Value {
        let calls: Vec<Value> =
            reply.calls.iter().enumerate().map(|(i, call)| self.call(i, call, true)).collect();
        let text = if reply.text.is_empty() && !calls.is_empty() { Value::Null } else { json!(reply.text) };
        let shown = reply.reasoning.as_deref().filter(|_| self.prompt.shows_reasoning && !reply.redacted);
        let mut message = json!({"role": "assistant", "content": text});
        match self.provider {
            Provider::Mistral => {
                message["content"] = match shown {
                    Some(reasoning) => {
                        json!([thinking_chunk(reasoning), {"type": "text", "text": reply.text}])
                    }
                    None => json!(reply.text),
                };
                message["tool_calls"] = if calls.is_empty() { Value::Null } else { json!(calls) };
                return message;
            }
            Provider::Groq => {
                if text.is_null() {
                    message = json!({"role": "assistant"});
                }
                if let Some(reasoning) = shown {
                    message["reasoning"] = json!(reasoning);
                }
            }
            Provider::OpenAi => {
                message["refusal"] = Value::Null;
                message["annotations"] = json!([]);
                if reply.refusal {
                    message["refusal"] = json!(reply.text);
                    message["content"] = Value::Null;
                }
            }
            _ => {
                if let Some(reasoning) = shown {
                    message["reasoning_content"] = json!(reasoning);
                }
            }
        }
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        message
    }

    fn call(&self, i: usize, call: &Call, whole: bool) -> Value {
        let id = match self.provider {
            Provider::Mistral | Provider::Groq => identifier("", call.seed, 9),
            _ => identifier("call_", call.seed, 24),
        };
        let arguments = if whole { call.arguments.to_string() } else { String::new() };
        let mut value = json!({"id": id, "function": {"name": call.name, "arguments": arguments}});
        if self.provider != Provider::Mistral {
            value["type"] = json!("function");
        }
        if self.provider == Provider::Mistral || self.prompt.stream {
            value["index"] = json!(i);
        }
        value
    }

    fn finish(&self, reply: &Reply) -> &'static str {
        match reply.finish {
            Finish::Stop | Finish::Sequence(_) | Finish::Refusal => "stop",
            Finish::Length => "length",
            Finish::Calls => "tool_calls",
            // Mistral and Groq have no filter of their own.
            Finish::Filter if matches!(self.provider, Provider::Mistral | Provider::Groq) => "stop",
            Finish::Filter => "content_filter",
        }
    }

    fn logprobs(&self, text: &str) -> Option<Value> {
        let alternatives = self.prompt.logprobs?;
        let entry =
            |token: &str, value: f64| json!({"token": token, "logprob": value, "bytes": token.as_bytes()});
        let content: Vec<Value> = tokens(text)
            .map(|token| {
                let own = log_probability(token);
                let mut shown = entry(token, own);
                let others = (1..alternatives).map(|i| {
                    let other = format!("{token}{i}");
                    let less = f64::from(u8::try_from(i).unwrap_or(u8::MAX));
                    entry(&other, own - less)
                });
                let top: Vec<Value> =
                    (alternatives > 0).then(|| entry(token, own)).into_iter().chain(others).collect();
                shown["top_logprobs"] = json!(top);
                shown
            })
            .collect();
        Some(json!({"content": content, "refusal": null}))
    }

    fn usage(&self) -> Value {
        let usage = self.answer.usage;
        let mut value = json!({
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
        });
        match self.provider {
            Provider::Mistral => {
                if usage.cached > 0 {
                    value["num_cached_tokens"] = json!(usage.cached);
                    value["prompt_tokens_details"] = json!({"cached_tokens": usage.cached});
                }
            }
            Provider::Groq => {
                for (name, seconds) in [
                    ("queue_time", 0.01),
                    ("prompt_time", 0.002),
                    ("completion_time", 0.05),
                    ("total_time", 0.052),
                ] {
                    value[name] = json!(seconds);
                }
                if usage.reasoning > 0 {
                    value["completion_tokens_details"] = json!({"reasoning_tokens": usage.reasoning});
                }
                if usage.cached > 0 {
                    value["prompt_tokens_details"] = json!({"cached_tokens": usage.cached});
                }
            }
            _ => {
                value["prompt_tokens_details"] = json!({"cached_tokens": usage.cached, "audio_tokens": 0});
                if usage.cache_write > 0 {
                    value["prompt_tokens_details"]["cache_write_tokens"] = json!(usage.cache_write);
                }
                value["completion_tokens_details"] = json!({
                    "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
                });
            }
        }
        value
    }

    fn groq_id(&self) -> String {
        identifier("req_", hash(self.answer.seed, b"groq"), 26)
    }

    /// One frame an event. Replies come one after the other, as chunks name their choice.
    fn stream(&self) -> Vec<Bytes> {
        let mut frames = Vec::new();
        if self.answer.blocked {
            frames.push(self.chunk(
                0,
                &json!({"role": "assistant", "content": ""}),
                Some("content_filter"),
                None,
            ));
        }
        for (i, reply) in self.answer.choices.iter().enumerate() {
            self.stream_reply(i, reply, &mut frames);
        }
        if self.prompt.include_usage && self.provider != Provider::Mistral {
            let mut last = self.envelope("chat.completion.chunk");
            last.insert("choices".into(), json!([]));
            last.insert("usage".into(), self.usage());
            frames.push(data(&Value::Object(last)));
        }
        frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
        frames
    }

    fn stream_reply(&self, i: usize, reply: &Reply, frames: &mut Vec<Bytes>) {
        let finish = self.finish(reply);
        let mut head = json!({"role": "assistant", "content": ""});
        if self.provider == Provider::OpenAi {
            head["refusal"] = Value::Null;
        }
        frames.push(self.chunk(i, &head, None, None));
        if let Some(reasoning) =
            reply.reasoning.as_deref().filter(|_| self.prompt.shows_reasoning && !reply.redacted)
        {
            for token in tokens(reasoning) {
                frames.push(self.chunk(i, &self.reasoning_delta(token), None, None));
            }
        }
        let field = if reply.refusal && self.provider == Provider::OpenAi { "refusal" } else { "content" };
        for token in tokens(&reply.text) {
            frames.push(self.chunk(i, &json!({field: token}), None, self.logprobs(token)));
        }
        if matches!(self.provider, Provider::Mistral | Provider::Groq) && !reply.calls.is_empty() {
            // These two send calls whole, Mistral in the same chunk as the finish.
            let calls: Vec<Value> =
                reply.calls.iter().enumerate().map(|(at, call)| self.call(at, call, true)).collect();
            let mistral = self.provider == Provider::Mistral;
            let mut delta = json!({"tool_calls": calls});
            if mistral {
                delta["content"] = json!("");
            }
            frames.push(self.chunk(i, &delta, mistral.then_some(finish), None));
            if mistral {
                return;
            }
        } else {
            for (at, call) in reply.calls.iter().enumerate() {
                frames.push(self.chunk(i, &json!({"tool_calls": [self.call(at, call, false)]}), None, None));
                for piece in tokens(&call.arguments.to_string()) {
                    let delta = json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]});
                    frames.push(self.chunk(i, &delta, None, None));
                }
            }
        }
        let end = if self.provider == Provider::Mistral { json!({"content": ""}) } else { json!({}) };
        frames.push(self.chunk(i, &end, Some(finish), None));
    }

    fn reasoning_delta(&self, token: &str) -> Value {
        match self.provider {
            Provider::Mistral => json!({"content": [thinking_chunk(token)]}),
            Provider::Groq => json!({"reasoning": token}),
            _ => json!({"content": null, "reasoning_content": token}),
        }
    }

    fn chunk(&self, i: usize, delta: &Value, finish: Option<&str>, logprobs: Option<Value>) -> Bytes {
        let mut chunk = self.envelope("chat.completion.chunk");
        let mut choice = json!({"index": i, "delta": delta, "finish_reason": finish});
        if self.provider != Provider::Mistral {
            choice["logprobs"] = logprobs.unwrap_or(Value::Null);
        }
        chunk.insert("choices".into(), json!([choice]));
        let last = finish.is_some() && i + 1 >= self.answer.choices.len();
        match self.provider {
            // Mistral's usage stands beside the last choice.
            Provider::Mistral if last => {
                chunk.insert("usage".into(), self.usage());
            }
            Provider::Groq if last => {
                chunk.insert("x_groq".into(), json!({"id": self.groq_id(), "usage": self.usage()}));
            }
            Provider::OpenAi if self.prompt.include_usage => {
                chunk.insert("usage".into(), Value::Null);
            }
            _ => {}
        }
        data(&Value::Object(chunk))
    }
}

fn thinking_chunk(text: &str) -> Value {
    json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]})
}
