//! OpenAI Responses.

use serde_json::{Value, json};

use super::{Event, failure};
use crate::answer::{Answer, Call, Failure, Usage, count, list, text};
use crate::dialect::Dialect;

pub(super) fn whole(body: &Value, answer: &mut Answer) {
    envelope(body, answer);
    ended(body, answer);
    answer.complete = true;
    for item in list(&body["output"]) {
        read_item(item, answer);
    }
    answer.turn = list(&body["output"]).cloned().collect();
}

pub(super) fn stream(events: &[Event<'_>], answer: &mut Answer) {
    let mut state = State::default();
    for (number, event) in events.iter().enumerate() {
        let data = event.json(answer);
        answer
            .must(data["type"] == event.name, format!("an event {} that says {}", event.name, data["type"]));
        let told = answer.error.is_some() && event.name == "response.failed";
        if answer.complete || (answer.error.is_some() && !told) {
            answer.fault(format!("an event behind the last: {}", event.name));
        }
        if event.name == "error" {
            broken(&data, answer);
            continue;
        }
        answer.must(
            data["sequence_number"] == number,
            format!("event {number} is numbered {}", data["sequence_number"]),
        );
        state.take(event.name, &data, answer);
    }
    for (item, _) in &state.items {
        read_item(item, answer);
    }
    answer.turn = state.items.into_iter().filter_map(|(item, done)| done.then_some(item)).collect();
}

/// An error event has its fields beside its type; the older form has them in `error`.
fn broken(data: &Value, answer: &mut Answer) {
    if data["error"].is_object() {
        failure(Dialect::Responses, 200, data, answer);
        return;
    }
    answer.must(
        data["message"].is_string() && data.get("code").is_some() && data.get("param").is_some(),
        format!("an error without code, message or param: {data}"),
    );
    answer.error =
        Some(Failure { message: text(&data["message"]), kind: text(&data["code"]), ..Failure::default() });
}

/// The items so far, and whether each is done. Several may grow at once.
#[derive(Default)]
struct State {
    items: Vec<(Value, bool)>,
}

impl State {
    fn take(&mut self, name: &str, data: &Value, answer: &mut Answer) {
        match name {
            "response.created" | "response.in_progress" | "response.queued" => {
                envelope(&data["response"], answer);
                answer.must(data["response"]["output"] == json!([]), "a beginning with output");
            }
            "response.output_item.added" => {
                let index = &data["output_index"];
                answer.must(*index == self.items.len(), format!("item {index}"));
                self.items.push((data["item"].clone(), false));
            }
            "response.output_item.done" => {
                let Some((open, done)) = self.at(data) else {
                    answer.fault("an item is done that is not open");
                    return;
                };
                let item = &data["item"];
                answer.must(open["id"] == item["id"] && open["type"] == item["type"], "another item is done");
                for field in ["content", "arguments", "summary"] {
                    answer.must(
                        open[field] == item[field],
                        format!("{field} is {} and was {}", item[field], open[field]),
                    );
                }
                item.clone_into(open);
                *done = true;
            }
            "response.completed" | "response.incomplete" => {
                let response = &data["response"];
                answer.must(self.items.iter().all(|(_, done)| *done), "an end inside of an item");
                envelope(response, answer);
                let items: Vec<&Value> = self.items.iter().map(|(item, _)| item).collect();
                answer.must(
                    response["output"] == json!(items),
                    format!("an output of {} and not {}", response["output"], json!(items)),
                );
                let said = if response["status"] == "incomplete" {
                    "response.incomplete"
                } else {
                    "response.completed"
                };
                answer.must(said == name, format!("{name} of status {}", response["status"]));
                ended(response, answer);
                answer.complete = true;
            }
            "response.failed" => {
                let error = &data["response"]["error"];
                answer.must(data["response"]["status"] == "failed", "a failure of another status");
                answer.error = Some(Failure {
                    message: text(&error["message"]),
                    kind: text(&error["code"]),
                    ..Failure::default()
                });
            }
            _ => self.grow(name, data, answer),
        }
    }

    /// The open item that an event is about.
    fn at(&mut self, data: &Value) -> Option<&mut (Value, bool)> {
        let index = usize::try_from(data["output_index"].as_u64()?).ok()?;
        self.items.get_mut(index).filter(|(_, done)| !done)
    }

    fn grow(&mut self, name: &str, data: &Value, answer: &mut Answer) {
        let Some((item, _)) = self.at(data) else {
            answer.fault(format!("{name} outside of an item"));
            return;
        };
        answer.must(data["item_id"] == item["id"], format!("{name} of another item"));
        let place = |field: &str, index: &str| {
            let at = data[index].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
            (field.to_owned(), at)
        };
        let (list, at) = if name.contains("reasoning_summary") {
            place("summary", "summary_index")
        } else {
            place("content", "content_index")
        };
        match name {
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                answer.must(item[&list].as_array().map(Vec::len) == Some(at), format!("part {at}"));
                if let Some(parts) = item[&list].as_array_mut() {
                    parts.push(data["part"].clone());
                }
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                answer.must(item[&list][at] == data["part"], format!("a part that was {}", item[&list][at]));
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta" => {
                let field = if name.contains("refusal") { "refusal" } else { "text" };
                let known = text(&item[&list][at][field]);
                match item[&list].get_mut(at) {
                    Some(part) => part[field] = json!(known + &text(&data["delta"])),
                    None => answer.fault(format!("{name} outside of a part")),
                }
            }
            "response.output_text.done"
            | "response.refusal.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done" => {
                let field = if name.contains("refusal") { "refusal" } else { "text" };
                answer.must(item[&list][at][field] == data[field], format!("{name} of another text"));
            }
            "response.function_call_arguments.delta" => {
                item["arguments"] = json!(text(&item["arguments"]) + &text(&data["delta"]));
            }
            "response.function_call_arguments.done" => {
                answer.must(item["arguments"] == data["arguments"], "other arguments are done");
            }
            other => answer.fault(format!("an event {other}")),
        }
    }
}

fn envelope(response: &Value, answer: &mut Answer) {
    let good = response["object"] == "response"
        && response["id"].as_str().is_some_and(|id| id.starts_with("resp_"))
        && response["model"].as_str().is_some_and(|model| !model.is_empty())
        && response["created_at"].is_number()
        && response["output"].is_array()
        && response["tools"].is_array()
        && response["parallel_tool_calls"].is_boolean()
        && !response["tool_choice"].is_null();
    answer.must(good, format!("not a response: {response:.200}"));
}

fn ended(response: &Value, answer: &mut Answer) {
    answer.stop = match response["status"].as_str() {
        Some("incomplete") => text(&response["incomplete_details"]["reason"]),
        other => other.unwrap_or_default().to_owned(),
    };
    let known = ["completed", "max_output_tokens", "content_filter"];
    answer.must(known.contains(&answer.stop.as_str()), format!("status {}", response["status"]));
    answer.usage = usage(&response["usage"], answer);
    answer.must(answer.usage.is_some(), "no usage");
}

fn read_item(item: &Value, answer: &mut Answer) {
    let begins = |prefix: &str| item["id"].as_str().is_some_and(|id| id.starts_with(prefix));
    match item["type"].as_str().unwrap_or_default() {
        "message" => {
            answer.must(begins("msg_") && item["role"] == "assistant", format!("not a message: {item:.160}"));
            for part in list(&item["content"]) {
                match part["type"].as_str().unwrap_or_default() {
                    "output_text" => {
                        answer.must(part["annotations"].is_array(), "text without annotations");
                        answer.text += &text(&part["text"]);
                    }
                    "refusal" => answer.refusal += &text(&part["refusal"]),
                    other => answer.fault(format!("a part {other}")),
                }
            }
        }
        "reasoning" => {
            answer.must(begins("rs_") && item["summary"].is_array(), format!("not reasoning: {item:.160}"));
            for part in list(&item["summary"]).chain(list(&item["content"])) {
                answer.thinking += &text(&part["text"]);
            }
        }
        "function_call" => {
            answer.must(begins("fc_"), format!("a call of id {}", item["id"]));
            let id = text(&item["call_id"]);
            answer.must(!id.is_empty() && id.len() <= 64, format!("a call_id {id:?}"));
            if !answer.complete {
                return;
            }
            let arguments = serde_json::from_str(item["arguments"].as_str().unwrap_or_default());
            answer.must(arguments.is_ok(), format!("arguments that are no JSON: {}", item["arguments"]));
            let arguments = arguments.unwrap_or_default();
            answer.calls.push(Call { id: Some(id), name: text(&item["name"]), arguments });
        }
        other => answer.fault(format!("an item {other}")),
    }
}

fn usage(usage: &Value, answer: &mut Answer) -> Option<Usage> {
    usage.is_object().then(|| {
        let read = Usage {
            input: count(&usage["input_tokens"]),
            cached: count(&usage["input_tokens_details"]["cached_tokens"]),
            written: count(&usage["input_tokens_details"]["cache_write_tokens"]),
            output: count(&usage["output_tokens"]),
        };
        let total = count(&usage["total_tokens"]);
        answer.must(total == read.input + read.output, format!("a total of {total}: {usage}"));
        read
    })
}
