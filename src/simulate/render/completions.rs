//! OpenAI's legacy completions.

use super::super::answer::{Answer, Finish, Reply, log_probability};
use super::super::hash::identifier;
use super::super::prompt::Prompt;
use super::super::tokens::tokens;
use super::{CREATED, Rendered, data, json, stream};
use bytes::Bytes;
use serde_json::{Value, json};

/// Writes a completion, streamed when the prompt asks for it.
pub(crate) fn completions(prompt: &Prompt, answer: &Answer) -> Rendered {
    let id = identifier("cmpl-", answer.seed, 29);
    let whole = |choices: Value| {
        json!({
            "id": id, "object": "text_completion", "created": CREATED, "model": prompt.model, "choices": choices,
        })
    };
    let usage = json!({
        "prompt_tokens": answer.usage.input,
        "completion_tokens": answer.usage.output,
        "total_tokens": answer.usage.input + answer.usage.output,
    });
    let choice = |i: usize, text: &str, finish: Option<&str>| {
        json!({
            "text": text, "index": i, "finish_reason": finish,
            "logprobs": prompt.logprobs.map(|_| logprobs(text)),
        })
    };
    if !prompt.stream {
        let choices =
            answer.choices.iter().enumerate().map(|(i, reply)| choice(i, &reply.text, Some(finish(reply))));
        let mut body = whole(choices.collect());
        body["usage"] = usage;
        return json(&body);
    }
    let mut frames = Vec::new();
    for (i, reply) in answer.choices.iter().enumerate() {
        frames.extend(tokens(&reply.text).map(|token| data(&whole(json!([choice(i, token, None)])))));
        frames.push(data(&whole(json!([choice(i, "", Some(finish(reply)))]))));
    }
    if prompt.include_usage {
        let mut last = whole(json!([]));
        last["usage"] = usage;
        frames.push(data(&last));
    }
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    stream(frames)
}

fn finish(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Length => "length",
        Finish::Filter => "content_filter",
        _ => "stop",
    }
}

fn logprobs(text: &str) -> Value {
    let mut offset = 0;
    let offsets: Vec<usize> = tokens(text)
        .map(|token| {
            offset += token.chars().count();
            offset - token.chars().count()
        })
        .collect();
    let values: Vec<f64> = tokens(text).map(log_probability).collect();
    let top: Vec<Value> = tokens(text).map(|token| json!({token: log_probability(token)})).collect();
    json!({
        "tokens": tokens(text).collect::<Vec<_>>(), "token_logprobs": values,
        "top_logprobs": top, "text_offset": offsets,
    })
}
