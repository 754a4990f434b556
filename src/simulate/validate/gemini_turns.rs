//! The turns of a Gemini conversation: roles, parts, function calls with their responses and signatures.

use super::super::fault::Fault;
use super::super::models::GeminiModel;
use super::gemini::{check_name, field, items};
use super::gemini_shape::refuse;
use serde_json::Value;

/// Holds `contents` and `systemInstruction` to Gemini's rules.
pub(super) fn check_contents(caps: GeminiModel, body: &Value) -> Result<(), Fault> {
    let contents = items(body, "contents");
    if contents.is_empty() {
        return Err(refuse("* GenerateContentRequest.contents: contents is not specified\n"));
    }
    for (i, content) in contents.iter().enumerate() {
        let role = content["role"].as_str();
        if !matches!(role, None | Some("user" | "model" | "function"))
            || (role.is_none() && contents.len() > 1)
        {
            return Err(refuse("Please use a valid role: user, model."));
        }
        check_parts(content, &format!("contents[{i}]"))?;
        check_calls(caps, content, i)?;
    }
    if let Some(system) = field(body, "systemInstruction") {
        check_parts(system, "system_instruction")?;
        if items(system, "parts").iter().any(|part| field(part, "text").is_none()) {
            return Err(refuse("Developer instruction should only contain text."));
        }
    }
    check_pairs(contents)?;
    check_signatures(caps, contents)
}

/// Holds the parts of one content: at least one, each with exactly one kind of data.
pub(super) fn check_parts(content: &Value, at: &str) -> Result<(), Fault> {
    const DATA: [&str; 9] = [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ];
    let parts = items(content, "parts");
    if parts.is_empty() {
        return Err(refuse(format!(
            "* GenerateContentRequest.{at}.parts: contents.parts must not be empty.\n"
        )));
    }
    for (j, part) in parts.iter().enumerate() {
        let place = format!("{at}.parts[{j}]");
        match DATA.iter().filter(|name| field(part, name).is_some()).count() {
            1 => check_media(part, &place)?,
            0 => {
                return Err(refuse(format!(
                    "* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field\n"
                )));
            }
            _ => {
                return Err(refuse(format!(
                    "Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set more than one"
                )));
            }
        }
    }
    Ok(())
}

fn check_media(part: &Value, at: &str) -> Result<(), Fault> {
    if let Some(blob) = field(part, "inlineData") {
        if field(blob, "mimeType").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(refuse(format!(
                "* GenerateContentRequest.{at}.inline_data.mime_type: missing field\n"
            )));
        }
        let data = blob["data"].as_str().unwrap_or_default();
        if !super::base64_form(data) {
            return Err(refuse(format!(
                "Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed"
            )));
        }
    }
    if let Some(file) = field(part, "fileData")
        && field(file, "fileUri").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        return Err(refuse(format!("* GenerateContentRequest.{at}.file_data.file_uri: missing field\n")));
    }
    Ok(())
}

fn check_calls(caps: GeminiModel, content: &Value, i: usize) -> Result<(), Fault> {
    for (j, part) in items(content, "parts").iter().enumerate() {
        for (name, snake) in [("functionCall", "function_call"), ("functionResponse", "function_response")] {
            let Some(call) = field(part, name) else { continue };
            let at = format!("contents[{i}].parts[{j}].{snake}");
            let function = call["name"].as_str().unwrap_or_default();
            if function.is_empty() {
                return Err(refuse(format!("* GenerateContentRequest.{at}.name: Name cannot be empty.\n")));
            }
            check_name(function, &format!("{at}.name"))?;
            if field(call, "id").is_some() && !caps.call_ids() {
                return Err(refuse(format!(
                    "Invalid JSON payload received. Unknown name \"id\" at '{at}': Cannot find field."
                )));
            }
            if name == "functionResponse" && field(call, "response").is_none() {
                return Err(refuse(format!("* GenerateContentRequest.{at}.response: missing field\n")));
            }
            let model = content["role"] == "model";
            if model != (name == "functionCall") {
                return Err(refuse(if model {
                    "Please ensure that function response turn comes immediately after a function call turn."
                } else {
                    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
                }));
            }
        }
        if let Some(signature) = field(part, "thoughtSignature").and_then(Value::as_str)
            && !super::base64_form(signature)
        {
            return Err(refuse(format!(
                "Invalid value at 'contents[{i}].parts[{j}].thought_signature' (TYPE_BYTES), Base64 decoding failed"
            )));
        }
    }
    Ok(())
}

fn count(content: &Value, name: &str) -> usize {
    items(content, "parts").iter().filter(|part| field(part, name).is_some()).count()
}

/// Every turn of calls is followed by one turn with as many responses, and by the same names.
fn check_pairs(contents: &[Value]) -> Result<(), Fault> {
    let mut at = 0;
    let mut open: Vec<&Value> = Vec::new();
    while let Some(content) = contents.get(at) {
        let role = content["role"].as_str();
        let end = (at..contents.len())
            .find(|next| contents.get(*next).is_some_and(|next| next["role"].as_str() != role))
            .unwrap_or(contents.len());
        let turn = contents.get(at..end).unwrap_or_default();
        let parts = || turn.iter().flat_map(|content| items(content, "parts"));
        if role == Some("model") {
            open = parts().filter_map(|part| field(part, "functionCall")).collect();
            let responds = turn.iter().any(|content| count(content, "functionCall") > 0);
            if responds && at == 0 {
                return Err(refuse(
                    "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
                ));
            }
        } else {
            let responses: Vec<&Value> = parts().filter_map(|part| field(part, "functionResponse")).collect();
            if open.is_empty() && !responses.is_empty() {
                return Err(refuse(
                    "Please ensure that function response turn comes immediately after a function call turn.",
                ));
            }
            if responses.len() != open.len() {
                return Err(refuse(
                    "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
                ));
            }
            same_names(&open, &responses)?;
            open.clear();
        }
        at = end;
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(refuse(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    ))
}

fn same_names(calls: &[&Value], responses: &[&Value]) -> Result<(), Fault> {
    let mut names: Vec<Option<&str>> = calls.iter().map(|call| call["name"].as_str()).collect();
    for response in responses {
        let name = response["name"].as_str();
        match names.iter().position(|known| *known == name) {
            Some(at) => {
                names.swap_remove(at);
            }
            None => {
                return Err(refuse(format!(
                    "Please ensure that function response name {} matches a function call of the previous turn.",
                    name.unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}

/// On Gemini 3 the first function call of every step of the current turn carries its signature. The
/// current turn begins at the last user content that is not made of function responses.
fn check_signatures(caps: GeminiModel, contents: &[Value]) -> Result<(), Fault> {
    if !caps.demands_signature() {
        return Ok(());
    }
    let spoken = |content: &Value| content["role"] != "model" && count(content, "functionResponse") == 0;
    let start = contents.iter().rposition(spoken).unwrap_or(0);
    for (i, content) in contents.iter().enumerate().skip(start) {
        let calls = items(content, "parts").iter().filter(|part| field(part, "functionCall").is_some());
        let Some(first) = calls.into_iter().next() else { continue };
        if field(first, "thoughtSignature").is_none() {
            let name =
                field(first, "functionCall").and_then(|call| call["name"].as_str()).unwrap_or_default();
            return Err(refuse(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                i + 1
            )));
        }
    }
    Ok(())
}
