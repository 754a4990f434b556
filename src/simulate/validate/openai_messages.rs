//! The order and content of OpenAI's messages.

use super::super::fault::{Fault, Provider};
use super::openai_shape::{quoted_list, refuse};
use serde_json::Value;

/// Holds messages to role order, content by role, and the pairing of tool calls with their answers.
pub(super) fn check_messages(messages: &Value) -> Result<(), Fault> {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut open: Vec<&str> = Vec::new();
    let mut answering = false;
    for (i, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            answer(i, message, &mut open, answering)?;
        } else {
            all_answered(i, &open)?;
            open = calls(message);
            answering = !open.is_empty();
        }
        check_content(i, role, message)?;
    }
    all_answered(messages.len(), &open)
}

/// Whether any message speaks of JSON, as `json_object` demands.
pub(super) fn mentions_json(messages: &Value) -> bool {
    let says = |text: &Value| text.as_str().is_some_and(|text| text.to_ascii_lowercase().contains("json"));
    messages.as_array().is_some_and(|messages| {
        messages.iter().any(|message| {
            let content = &message["content"];
            says(content)
                || content.as_array().is_some_and(|parts| parts.iter().any(|part| says(&part["text"])))
        })
    })
}

fn calls(message: &Value) -> Vec<&str> {
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    calls.iter().filter_map(|call| call["id"].as_str()).collect()
}

fn answer<'m>(i: usize, message: &'m Value, open: &mut Vec<&'m str>, answering: bool) -> Result<(), Fault> {
    if !answering {
        let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        return Err(at_role(message, i));
    }
    let Some(id) = message["tool_call_id"].as_str() else {
        let param = format!("messages[{i}].tool_call_id");
        let message = format!("Missing required parameter: '{param}'.");
        return Err(refuse(message, "missing_required_parameter").param(param));
    };
    match open.iter().position(|open| *open == id) {
        Some(at) => {
            open.remove(at);
            Ok(())
        }
        None => Err(Fault::new(
            Provider::OpenAi,
            400,
            format!(
                "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous message."
            ),
        )
        .param(format!("messages.[{i}].tool_call_id"))),
    }
}

fn all_answered(i: usize, open: &[&str]) -> Result<(), Fault> {
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(at_role(&message, i))
}

fn at_role(message: &str, i: usize) -> Fault {
    Fault::new(Provider::OpenAi, 400, message).param(format!("messages.[{i}].role"))
}

fn check_content(i: usize, role: &str, message: &Value) -> Result<(), Fault> {
    let content = &message["content"];
    if role != "assistant" && !message["tool_calls"].is_null() {
        let param = format!("messages[{i}].tool_calls");
        return Err(refuse(format!("Unknown parameter: '{param}'."), "unknown_parameter").param(param));
    }
    if content.is_null() {
        let speaks = ["tool_calls", "function_call", "refusal", "audio"];
        return match role {
            "assistant" if speaks.iter().any(|field| !message[field].is_null()) => Ok(()),
            "function" => Ok(()),
            _ => Err(Fault::new(
                Provider::OpenAi,
                400,
                "Invalid value for 'content': expected a string, got null.",
            )
            .param(format!("messages.[{i}].content"))),
        };
    }
    let Some(parts) = content.as_array() else { return Ok(()) };
    let allowed: &[&str] = match role {
        "user" => return parts.iter().enumerate().try_for_each(|(j, part)| check_part(i, j, part)),
        "assistant" => &["text", "refusal"],
        "tool" => &["text", "image_url"],
        _ => &["text"],
    };
    let kind = |part: &&Value| part["type"].as_str().is_some_and(|kind| !allowed.contains(&kind));
    if !parts.iter().any(|part| kind(&part)) {
        return Ok(());
    }
    let message = if role == "tool" {
        format!("Invalid 'messages[{i}]'. Content blocks are expected to be either text or image_url type.")
    } else {
        format!("Invalid value: content parts of role '{role}' are {}.", quoted_list(allowed))
    };
    Err(refuse(message, "invalid_value").param(format!("messages[{i}]")))
}

/// Holds a media part to what OpenAI can read.
fn check_part(i: usize, j: usize, part: &Value) -> Result<(), Fault> {
    if let Some(url) = part["image_url"]["url"].as_str() {
        let param = format!("messages[{i}].content[{j}].image_url.url");
        return check_image_url(url, &param);
    }
    let file = &part["file"];
    if !file.is_object() {
        return Ok(());
    }
    let param = format!("messages[{i}].content[{j}].file");
    match (file["file_data"].as_str(), file["file_id"].as_str()) {
        (None, None) => {
            let message = format!("Missing required parameter: '{param}.file_id'.");
            Err(refuse(message, "missing_required_parameter").param(format!("{param}.file_id")))
        }
        (Some(data), _) if !data_url(data, "") => {
            let message = format!(
                "Invalid file data: '{param}.file_data'. Expected a base64-encoded data URL with a valid file MIME type (e.g. 'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ==')."
            );
            Err(refuse(message, "invalid_value").param(format!("{param}.file_data")))
        }
        (Some(_), None) if file["filename"].as_str().is_none_or(str::is_empty) => {
            let message = format!("Missing required parameter: '{param}.filename'.");
            Err(refuse(message, "missing_required_parameter").param(format!("{param}.filename")))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_image_url(url: &str, param: &str) -> Result<(), Fault> {
    let readable = ["png", "jpeg", "jpg", "gif", "webp"];
    let good = url.starts_with("https://")
        || url.starts_with("http://")
        || readable.iter().any(|kind| data_url(url, &format!("image/{kind}")));
    if good {
        return Ok(());
    }
    let (message, code) = if url.starts_with("data:image/") {
        (
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
            "invalid_image_format",
        )
    } else if url.starts_with("data:") {
        ("Invalid MIME type. Only image types are supported.", "invalid_image_format")
    } else {
        ("Invalid image URL. Expected a valid URL, but got a value with an invalid format.", "invalid_value")
    };
    Err(refuse(format!("Invalid '{param}': {message}"), code).param(param))
}

/// Whether `url` is base64 data of a media type that begins with `media`.
pub(super) fn data_url(url: &str, media: &str) -> bool {
    let Some((head, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) else {
        return false;
    };
    head.starts_with(media) && head.contains('/') && super::base64_form(data)
}
