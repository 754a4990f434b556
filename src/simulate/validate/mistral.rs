//! Mistral chat and embeddings.

use super::super::fault::{Fault, Provider};
use super::mistral_shape::{CHAT, EMBEDDINGS, Mistral};
use super::path::Path;
use super::shape::{Kind, check};
use serde_json::Value;

/// Holds a chat request to Mistral's rules.
pub fn mistral_chat(_model: &str, body: &Value) -> Result<(), Fault> {
    check(&Mistral, &Path::ROOT, &Kind::Object(&CHAT), body)?;
    check_order(&body["messages"])?;
    check_names(body)?;
    let format = &body["response_format"];
    if format["type"] == "json_schema" && format["json_schema"].is_null() {
        return Err(refuse("response_format json_schema must be set", "invalid_request_format", "3051"));
    }
    Ok(())
}

/// Holds an embeddings request to Mistral's rules.
pub fn mistral_embeddings(_model: &str, body: &Value) -> Result<(), Fault> {
    check(&Mistral, &Path::ROOT, &Kind::Object(&EMBEDDINGS), body)?;
    if body["input"].as_array().is_some_and(Vec::is_empty) {
        return Err(refuse("Input cannot be empty", "invalid_request_prompt", "3210"));
    }
    Ok(())
}

/// Holds messages to the order of roles and the pairing of calls with their results.
fn check_order(messages: &Value) -> Result<(), Fault> {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut before = "";
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            check_result(message, before, &mut open)?;
        } else if !open.is_empty() {
            return Err(order("Not the same number of function calls and responses"));
        }
        if role == "user" && before == "tool" {
            return Err(order("Unexpected role 'user' after role 'tool'"));
        }
        // `mistral-common`, `_validate_message_order`.
        if role == "system" && (before == "assistant" || before == "tool") {
            return Err(order(&format!("Unexpected role 'system' after role '{before}'")));
        }
        if role == "assistant" {
            open = check_assistant(message)?;
        }
        before = role;
    }
    let last = messages.last();
    let prefix = last.is_some_and(|message| message["prefix"] == true);
    match before {
        _ if !open.is_empty() => Err(order("Not the same number of function calls and responses")),
        "user" | "tool" => Ok(()),
        "assistant" if prefix => Ok(()),
        role => Err(order(&format!(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got {role}"
        ))),
    }
}

fn check_result<'m>(message: &'m Value, before: &str, open: &mut Vec<&'m str>) -> Result<(), Fault> {
    if before != "assistant" && before != "tool" {
        return Err(order(&format!("Unexpected role 'tool' after role '{before}'")));
    }
    let Some(id) = message["tool_call_id"].as_str() else {
        return Err(order("Tool call id has to be defined."));
    };
    let Some(at) = open.iter().position(|open| *open == id) else {
        return Err(order(&format!("Unexpected tool call id {id} in tool results")));
    };
    open.remove(at);
    Ok(())
}

fn check_assistant(message: &Value) -> Result<Vec<&str>, Fault> {
    let content = &message["content"];
    let silent = content.is_null()
        || content.as_str().is_some_and(str::is_empty)
        || content.as_array().is_some_and(Vec::is_empty);
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if silent && calls.is_empty() {
        let message = "Assistant message must have either content or tool_calls, but not none.";
        return Err(refuse(message, "invalid_request_assistant_message", "3240"));
    }
    let mut ids = Vec::new();
    for call in calls {
        let id = call["id"].as_str().unwrap_or("null");
        if id.len() != 9 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.");
            return Err(refuse(&message, "invalid_function_call", "3280"));
        }
        check_name(call["function"]["name"].as_str().unwrap_or_default())?;
        ids.push(id);
    }
    Ok(ids)
}

fn check_names(body: &Value) -> Result<(), Fault> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = || tools.iter().filter_map(|tool| tool["function"]["name"].as_str());
    names().try_for_each(check_name)?;
    if let Some(name) = body["tool_choice"]["function"]["name"].as_str()
        && !names().any(|known| known == name)
    {
        let message = format!("Tool choice function {name} is not among the tools");
        return Err(refuse(&message, "invalid_request_tool_choice", "3052"));
    }
    if ["any", "required"].iter().any(|forced| body["tool_choice"] == *forced) && tools.is_empty() {
        return Err(refuse("Tool choice any needs tools", "invalid_request_tool_choice", "3052"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Fault> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(good) {
        return Ok(());
    }
    let message = format!(
        "Function name was {name} but must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
    );
    Err(refuse(&message, "invalid_function_call", "3270"))
}

fn order(message: &str) -> Fault {
    refuse(message, "invalid_request_message_order", "3230")
}

fn refuse(message: &str, kind: &'static str, code: &str) -> Fault {
    Fault::new(Provider::Mistral, 400, message).kind(kind).code(code)
}
