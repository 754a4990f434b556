//! A conversation in the order OpenAI's format wants, where another's has an order of its own.

use std::borrow::Cow;

use crate::chat::{Audio, Content, Document, Message, Part, Role, Source, ToolResult};

/// What stands in a result whose file had to be moved.
const MOVED: &str = "(the file is in the next message of the user)";

/// The messages and the place each had, changed where they must be:
///
/// - All calls that wait for results stand in one message, and their results directly behind it:
///   neighbouring messages of the assistant become one (Gemini's turns may follow each other).
/// - Results hold no files: these go to a message of the user behind the results (Anthropic's results
///   hold them).
pub(super) fn laid_out(messages: &[Message]) -> Vec<(usize, Cow<'_, Message>)> {
    let mut out: Vec<(usize, Cow<'_, Message>)> = Vec::with_capacity(messages.len());
    let mut files = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if !has_results(message)
            && let Some(said) = of_user(&mut files)
        {
            out.push((at.saturating_sub(1), Cow::Owned(said)));
        }
        match out.last_mut() {
            Some((_, last)) if is_calling(last) && message.role == Role::Assistant => {
                last.to_mut().content.extend_from_slice(&message.content);
            }
            _ => out.push((at, without_files(message, &mut files))),
        }
    }
    out.extend(of_user(&mut files).map(|said| (messages.len().saturating_sub(1), Cow::Owned(said))));
    out
}

fn has_results(message: &Message) -> bool {
    message.content.iter().any(|part| matches!(part.content, Content::ToolResult(_)))
}

fn is_calling(message: &Message) -> bool {
    message.role == Role::Assistant
        && message.content.iter().any(|part| matches!(part.content, Content::ToolCall(_)))
}

/// The message with the files of its results taken out. They stand before what else it says, if it
/// says anything, else they wait.
fn without_files<'a>(message: &'a Message, files: &mut Vec<Part>) -> Cow<'a, Message> {
    let holds = |part: &Part| matches!(&part.content, Content::ToolResult(result) if result.content.iter().any(is_file));
    let speaks = message.content.iter().any(|part| !matches!(part.content, Content::ToolResult(_)));
    let waits = speaks && has_results(message) && !files.is_empty();
    if !waits && !message.content.iter().any(holds) {
        return Cow::Borrowed(message);
    }
    let mut results = Vec::with_capacity(message.content.len());
    let mut said = Vec::new();
    for part in &message.content {
        match &part.content {
            Content::ToolResult(result) if result.content.iter().any(is_file) => {
                let (moved, mut kept): (Vec<Part>, Vec<Part>) =
                    result.content.iter().cloned().partition(is_file);
                kept.push(Part::text(MOVED));
                files.push(Part::text(format!("File of the result of tool call {}:", result.call_id)));
                files.extend(moved);
                let result = ToolResult { content: kept, ..result.clone() };
                results.push(Part { content: Content::ToolResult(result), ..part.clone() });
            }
            Content::ToolResult(_) => results.push(part.clone()),
            _ => said.push(part.clone()),
        }
    }
    if !said.is_empty() {
        results.append(files);
    }
    results.append(&mut said);
    Cow::Owned(Message { content: results, ..message.clone() })
}

fn of_user(files: &mut Vec<Part>) -> Option<Message> {
    let content = std::mem::take(files);
    (!content.is_empty()).then_some(Message { role: Role::User, name: None, content })
}

fn is_file(part: &Part) -> bool {
    match &part.content {
        Content::Document(Document { source, .. }) => !matches!(source, Source::Text(_)),
        Content::Audio(Audio { data, .. }) => data.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use Role::{Assistant, Tool, User};

    use super::*;
    use crate::chat::ToolCall;

    fn message(role: Role, content: Vec<Part>) -> Message {
        Message { role, name: None, content }
    }

    fn call(id: &str) -> Part {
        Content::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: String::new(),
            custom: false,
        })
        .into()
    }

    fn result(id: &str, content: Vec<Part>) -> Part {
        Content::ToolResult(ToolResult { call_id: id.into(), name: None, content, is_error: false }).into()
    }

    fn file() -> Part {
        let source = Source::Base64 { media_type: "application/pdf".into(), data: "JVBE".into() };
        Content::Document(Document { source, name: None }).into()
    }

    #[test]
    fn what_is_in_order_is_not_copied() {
        let asked = message(Role::User, vec![file()]);
        let calls = message(Role::Assistant, vec![call("1"), call("2")]);
        let results = message(Role::Tool, vec![result("1", vec![Part::text("a")]), result("2", vec![])]);
        let all = [asked.clone(), calls, results, asked.clone(), message(Role::Assistant, vec![]), asked];
        let out = laid_out(&all);
        assert!(out.iter().all(|(_, message)| matches!(message, Cow::Borrowed(_))));
        assert_eq!(out.len(), all.len());
    }

    #[test]
    fn neighbouring_calls_are_of_one_message() {
        let all = [
            message(Role::Assistant, vec![call("1")]),
            message(Role::Assistant, vec![Part::text("and"), call("2")]),
            message(Role::Tool, vec![result("1", vec![])]),
        ];
        let out = laid_out(&all);
        assert_eq!(out.len(), 2);
        assert_eq!(out[0].1.content, [call("1"), Part::text("and"), call("2")]);
        assert_eq!(out[1].0, 2);
    }

    #[test]
    fn files_of_results_stand_behind_all_results() {
        let all = [
            message(Role::Tool, vec![result("1", vec![Part::text("a"), file()])]),
            message(Role::Tool, vec![result("2", vec![file()])]),
            message(Role::Assistant, vec![Part::text("b")]),
            message(Role::User, vec![result("3", vec![file()]), Part::text("c")]),
            message(Role::Tool, vec![result("4", vec![file()])]),
        ];
        let out = laid_out(&all);
        let roles: Vec<Role> = out.iter().map(|(_, message)| message.role).collect();
        assert_eq!(roles, [Tool, Tool, User, Assistant, User, Tool, User]);
        assert_eq!(out[0].1.content, [result("1", vec![Part::text("a"), Part::text(MOVED)])]);
        assert_eq!(out[2].1.content.iter().filter(|part| is_file(part)).count(), 2);
        assert_eq!(out[4].1.content.len(), 4);
        assert!(is_file(&out[4].1.content[2]) && !is_file(&out[4].1.content[3]));
        assert!(is_file(&out[6].1.content[1]));
    }
}
