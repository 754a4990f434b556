//! The turns of an Anthropic conversation: their order, their blocks, and tool calls with their results.

use super::super::fault::Fault;
use super::super::models::ClaudeModel;
use super::anthropic::name_like;
use super::anthropic_shape::refuse;
use serde_json::Value;

/// Holds the turns to Anthropic's rules. Neighbours of one role are one turn, as the API joins them.
pub(super) fn check_turns(caps: ClaudeModel, body: &Value) -> Result<(), Fault> {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
        return Err(refuse("messages: at least one message is required"));
    };
    if first["role"] != "user" {
        return Err(refuse("messages: first message must use the \"user\" role"));
    }
    for (i, message) in messages.iter().enumerate() {
        if message["role"] == "system" && !caps.system_turns {
            return Err(refuse(format!(
                "messages.{i}.role: Input should be 'user' or 'assistant'. role 'system' is not supported on this model"
            )));
        }
        check_blocks(i, message, i + 1 == messages.len())?;
    }
    check_system(body)?;
    if last["role"] == "assistant" {
        check_prefill(caps, last)?;
    }
    check_pairs(messages)?;
    check_thinking_first(body, messages)
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn check_system(body: &Value) -> Result<(), Fault> {
    let blocks = body["system"].as_array().map(Vec::as_slice).unwrap_or_default();
    let empty = |block: &Value| block["text"].as_str().is_some_and(str::is_empty);
    if blocks.iter().any(empty) {
        return Err(refuse("system: text content blocks must be non-empty"));
    }
    Ok(())
}

fn check_blocks(i: usize, message: &Value, last: bool) -> Result<(), Fault> {
    let role = message["role"].as_str().unwrap_or_default();
    let prefilled = role == "assistant" && last;
    let text = message["content"].as_str();
    if !prefilled && (text == Some("") || (text.is_none() && blocks(message).is_empty())) {
        return Err(refuse(format!("messages.{i}: {role} messages must have non-empty content")));
    }
    if text.is_some_and(|text| !text.is_empty() && text.trim().is_empty()) {
        return Err(refuse("messages: text content blocks must contain non-whitespace text"));
    }
    for (j, block) in blocks(message).iter().enumerate() {
        check_block(role, block, &format!("messages.{i}.content.{j}"))?;
    }
    Ok(())
}

fn check_block(role: &str, block: &Value, at: &str) -> Result<(), Fault> {
    let kind = block["type"].as_str().unwrap_or_default();
    let users = matches!(kind, "image" | "document" | "tool_result" | "container_upload" | "search_result");
    let assistants = matches!(kind, "tool_use" | "thinking" | "redacted_thinking" | "server_tool_use");
    if (role == "assistant" && users) || (role == "user" && assistants) {
        let other = if users { "user" } else { "assistant" };
        return Err(refuse(format!("{at}: `{kind}` blocks can only be in `{other}` messages")));
    }
    match kind {
        "text" => check_text(block),
        "image" | "document" => check_source(&block["source"], at, kind),
        "tool_use" | "tool_result" => {
            let field = if kind == "tool_use" { "id" } else { "tool_use_id" };
            if !block[field].as_str().is_some_and(name_like) {
                return Err(refuse(format!(
                    "{at}.{kind}.{field}: String should match pattern '^[a-zA-Z0-9_-]+$'"
                )));
            }
            if kind == "tool_use" && !block["name"].as_str().is_some_and(name_like) {
                return Err(refuse(format!(
                    "{at}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
                )));
            }
            for (j, inner) in blocks(block).iter().enumerate() {
                check_block("result", inner, &format!("{at}.{kind}.content.{j}"))?;
            }
            Ok(())
        }
        "thinking" => {
            let signature = block["signature"].as_str().unwrap_or_default();
            if super::base64_form(signature) {
                return Ok(());
            }
            Err(refuse(format!("{at}: Invalid `signature` in `thinking` block")))
        }
        "redacted_thinking" if !block["data"].as_str().is_some_and(super::base64_form) => {
            Err(refuse(format!("{at}: Invalid `data` in `redacted_thinking` block")))
        }
        _ => Ok(()),
    }
}

fn check_text(block: &Value) -> Result<(), Fault> {
    let text = block["text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(refuse("messages: text content blocks must be non-empty"));
    }
    if text.trim().is_empty() {
        return Err(refuse("messages: text content blocks must contain non-whitespace text"));
    }
    Ok(())
}

fn check_source(source: &Value, at: &str, kind: &str) -> Result<(), Fault> {
    match source["type"].as_str() {
        Some("base64") if !source["data"].as_str().is_some_and(super::base64_form) => {
            Err(refuse(format!("{at}.{kind}.source.base64.data: invalid base64 data")))
        }
        Some("url") if !source["url"].as_str().is_some_and(|url| url.starts_with("https://")) => {
            Err(refuse(format!("{at}.{kind}.source.url.url: Only HTTPS URLs are supported.")))
        }
        _ => Ok(()),
    }
}

fn check_prefill(caps: ClaudeModel, last: &Value) -> Result<(), Fault> {
    if !caps.prefill {
        return Err(refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    let text =
        last["content"].as_str().or_else(|| blocks(last).last().and_then(|block| block["text"].as_str()));
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return Err(refuse("messages: final assistant content cannot end with trailing whitespace"));
    }
    Ok(())
}

/// Every `tool_use` is answered at the head of the next user turn, and nothing else is.
fn check_pairs(messages: &[Value]) -> Result<(), Fault> {
    let mut at = 0;
    let mut asked: Vec<&str> = Vec::new();
    while let Some(message) = messages.get(at) {
        // System turns stand between others without ending the wait for results.
        if message["role"] == "system" {
            at += 1;
            continue;
        }
        let end = (at..messages.len())
            .find(|next| messages.get(*next).is_some_and(|next| next["role"] != message["role"]))
            .unwrap_or(messages.len());
        let turn = messages.get(at..end).unwrap_or_default();
        if message["role"] == "user" {
            check_results(at, turn, &asked)?;
            asked.clear();
        } else {
            asked = uses(at, turn)?;
        }
        at = end;
    }
    unanswered(messages.len().saturating_sub(1), &asked)
}

fn uses(at: usize, turn: &[Value]) -> Result<Vec<&str>, Fault> {
    let mut asked = Vec::new();
    for block in turn.iter().flat_map(blocks).filter(|block| block["type"] == "tool_use") {
        let id = block["id"].as_str().unwrap_or_default();
        if asked.contains(&id) {
            return Err(refuse(format!("messages.{at}.content: `tool_use` ids must be unique")));
        }
        asked.push(id);
    }
    Ok(asked)
}

fn check_results(at: usize, turn: &[Value], asked: &[&str]) -> Result<(), Fault> {
    let mut open = asked.to_vec();
    let mut answered: Vec<&str> = Vec::new();
    for (i, message) in turn.iter().enumerate() {
        for (j, block) in blocks(message).iter().enumerate() {
            if block["type"] != "tool_result" {
                // Results come first: what follows other content does not answer.
                unanswered(at.saturating_sub(1), &open)?;
                continue;
            }
            let id = block["tool_use_id"].as_str().unwrap_or_default();
            let place = format!("messages.{}.content.{j}", at + i);
            if answered.contains(&id) {
                return Err(refuse(format!(
                    "{place}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
                )));
            }
            let Some(position) = open.iter().position(|open| *open == id) else {
                return Err(refuse(format!(
                    "{place}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )));
            };
            open.remove(position);
            answered.push(id);
        }
    }
    unanswered(at.saturating_sub(1), &open)
}

fn unanswered(at: usize, open: &[&str]) -> Result<(), Fault> {
    if open.is_empty() {
        return Ok(());
    }
    Err(refuse(format!(
        "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        open.join(", ")
    )))
}

/// With a thinking budget, the assistant turn whose tools are being answered begins with its thinking.
fn check_thinking_first(body: &Value, messages: &[Value]) -> Result<(), Fault> {
    if body["thinking"]["type"] != "enabled" {
        return Ok(());
    }
    let answers =
        messages.last().is_some_and(|last| blocks(last).iter().any(|block| block["type"] == "tool_result"));
    let turn = messages.iter().rposition(|message| message["role"] == "assistant");
    let (true, Some(i)) = (answers, turn) else { return Ok(()) };
    let first = messages.get(i).and_then(|message| blocks(message).first());
    let kind = first.and_then(|block| block["type"].as_str()).unwrap_or("text");
    if matches!(kind, "thinking" | "redacted_thinking") {
        return Ok(());
    }
    Err(refuse(format!(
        "messages.{i}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
    )))
}
