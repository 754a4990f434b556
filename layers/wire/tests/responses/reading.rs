//! An independent reading of recorded answers.

use serde_json::{Value, json};
use tollway_core::Usage;
use tollway_wire::chat::{Finish, FinishReason};

use crate::support::Said;

/// What a `response` object says, read without the crate's decoders.
pub(crate) fn read(response: &Value) -> Said {
    let mut said = Said::default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for item in response["output"].as_array().unwrap() {
        match item["type"].as_str().unwrap() {
            "message" => {
                for part in item["content"].as_array().unwrap() {
                    assert_eq!(part["type"], "output_text", "a new part");
                    let offset = said.text.chars().count();
                    for cited in part["annotations"].as_array().unwrap() {
                        said.annotations.push(nested(cited, offset));
                    }
                    said.text.push_str(part["text"].as_str().unwrap());
                }
            }
            "reasoning" => {
                let parts = item["summary"].as_array().unwrap().iter();
                let words: Vec<String> = parts.map(|part| text(&part["text"])).collect();
                if !words.is_empty() {
                    said.reasoning.push(words.join("\n\n"));
                }
                if let Some(seal) = item["encrypted_content"].as_str() {
                    said.seals.push(format!("{}:{seal}", text(&item["id"])));
                }
            }
            "function_call" => {
                said.calls.push((text(&item["call_id"]), text(&item["name"]), text(&item["arguments"])));
            }
            _ => said.natives.push(item.clone()),
        }
    }
    assert!(matches!(response["status"].as_str(), Some("completed" | "complete")));
    let calls = !said.calls.is_empty();
    said.finish = Some(Finish::from(if calls { FinishReason::ToolCalls } else { FinishReason::Stop }));
    said.usage = Some(usage(response, &said.natives));
    said
}

fn nested(cited: &Value, offset: usize) -> Value {
    if cited["type"] != "url_citation" {
        return cited.clone();
    }
    let at = |name: &str| cited[name].as_u64().unwrap() + offset as u64;
    json!({ "type": "url_citation", "url_citation": { "start_index": at("start_index"),
        "end_index": at("end_index"), "url": cited["url"], "title": cited["title"] } })
}

fn usage(response: &Value, natives: &[Value]) -> Usage {
    let usage = &response["usage"];
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let told = count(&response["tool_usage"]["web_search"]["num_requests"]);
    let is_search = |item: &&Value| item["type"] == "web_search_call" && item["action"]["type"] == "search";
    let seen = natives.iter().filter(is_search).count() as u64;
    Usage {
        input: count(&usage["input_tokens"]),
        cached_input: count(&usage["input_tokens_details"]["cached_tokens"]),
        cache_write_5m: count(&usage["input_tokens_details"]["cache_write_tokens"]),
        output: count(&usage["output_tokens"]),
        reasoning: count(&usage["output_tokens_details"]["reasoning_tokens"]),
        web_searches: if told > 0 { told } else { seen },
        ..Usage::default()
    }
}
