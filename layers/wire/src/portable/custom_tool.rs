//! OpenAI's custom tools, which take free text, as functions of one text for models that have none.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::chat::{Chat, Content, Delta, Event, Reply, Tool, ToolCall, ToolKind};
use crate::whole::Whole;

/// The one argument of such a function.
const INPUT: &str = "input";

/// What the calls of custom tools were said as, and what was lost by it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CustomTools {
    /// Their names, as the client gave them.
    pub names: Vec<String>,
    /// Grammars, which the model is told of but not held to, by path.
    pub dropped: Vec<String>,
}

/// Makes custom tools functions, and calls of them calls of functions.
pub fn custom_tools_as_functions(chat: &mut Chat) -> CustomTools {
    let mut said = CustomTools::default();
    for (index, tool) in chat.tools.iter_mut().enumerate() {
        let ToolKind::Custom { format } = &mut tool.kind else { continue };
        let format = format.take();
        if let Some(grammar) = format.as_ref().and_then(grammar_of) {
            said.dropped.push(format!("tools[{index}].custom.format"));
            describe(tool, &grammar);
        }
        let schema = json!({
            "type": "object",
            "properties": { INPUT: { "type": "string", "description": "The whole input of the tool, as plain text." } },
            "required": [INPUT],
            "additionalProperties": false,
        });
        tool.kind = ToolKind::Function { parameters: Some(schema) };
        said.names.push(tool.name.clone());
    }
    for part in chat.messages.iter_mut().flat_map(|message| &mut message.content) {
        if let Content::ToolCall(call) = &mut part.content
            && call.custom
        {
            call.custom = false;
            call.arguments = json!({ INPUT: call.arguments }).to_string();
        }
    }
    said
}

/// Makes calls of such functions calls of custom tools again.
pub(crate) fn restore(reply: &mut Reply, names: &[String]) {
    for part in reply.choices.iter_mut().flat_map(|choice| &mut choice.content) {
        if let Content::ToolCall(call) = &mut part.content
            && names.contains(&call.name)
        {
            *call = ToolCall { custom: true, arguments: input_of(&call.arguments), ..std::mem::take(call) };
        }
    }
}

/// The same in a stream. A call's input is told when it is there as a whole, as it stands in JSON.
#[derive(Debug, Default)]
pub(crate) struct Restoring {
    names: Vec<String>,
    open: Vec<Open>,
    ready: VecDeque<Event>,
}

/// A call whose arguments are on their way.
#[derive(Debug)]
struct Open {
    choice: u32,
    index: u32,
    arguments: String,
    whole: Whole,
}

impl Restoring {
    /// For tools of these names.
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self { names, ..Self::default() }
    }

    /// Whether there is nothing to do.
    pub(crate) const fn is_idle(&self) -> bool {
        self.names.is_empty()
    }

    /// What is to be told next, if it is known.
    pub(crate) fn ready(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// Takes an event in; what becomes of it is ready afterwards.
    pub(crate) fn take(&mut self, mut event: Event) {
        match &mut event {
            Event::Delta { choice, delta: Delta::ToolArguments { index, fragment } } => {
                let (choice, index) = (*choice, *index);
                if let Some(open) =
                    self.open.iter_mut().find(|open| (open.choice, open.index) == (choice, index))
                {
                    open.arguments.push_str(fragment);
                    open.whole.feed(fragment);
                    return;
                }
            }
            Event::Delta { choice, delta } => {
                self.close(*choice, true);
                if let Delta::ToolCall { index, name, custom, .. } = delta
                    && self.names.contains(name)
                {
                    *custom = true;
                    let (arguments, whole) = (String::new(), Whole::default());
                    self.open.push(Open { choice: *choice, index: *index, arguments, whole });
                }
            }
            Event::Finish { choice, .. } => self.close(*choice, false),
            _ => {}
        }
        self.ready.push_back(event);
    }

    /// Tells the input of a choice's calls; only of those that are whole where others may still grow.
    fn close(&mut self, choice: u32, only_whole: bool) {
        let mut kept = Vec::new();
        for open in std::mem::take(&mut self.open) {
            if open.choice != choice || (only_whole && !open.whole.is_whole()) {
                kept.push(open);
                continue;
            }
            let delta = Delta::ToolArguments { index: open.index, fragment: input_of(&open.arguments) };
            self.ready.push_back(Event::Delta { choice, delta });
        }
        self.open = kept;
    }
}

/// The text in the arguments; what is not as it was asked for is handed on as it is.
fn input_of(arguments: &str) -> String {
    let fields: Option<Map<String, Value>> = serde_json::from_str(arguments).ok();
    match fields.and_then(|mut fields| fields.remove(INPUT)) {
        Some(Value::String(input)) => input,
        _ => arguments.to_owned(),
    }
}

/// The grammar an input must follow, in words.
fn grammar_of(format: &Value) -> Option<String> {
    let grammar = format.get("grammar")?;
    let definition = grammar.get("definition")?.as_str()?;
    let syntax = grammar.get("syntax").and_then(Value::as_str).unwrap_or_default();
    Some(format!("The input must follow this {syntax} grammar:\n{definition}"))
}

fn describe(tool: &mut Tool, more: &str) {
    tool.description = Some(match tool.description.take() {
        Some(description) => format!("{description}\n\n{more}"),
        None => more.to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{FinishReason, Message, Role};

    fn event(delta: Delta) -> Event {
        Event::Delta { choice: 0, delta }
    }

    fn begins(index: u32, name: &str, custom: bool) -> Event {
        let (id, name) = (index.to_string(), name.to_owned());
        event(Delta::ToolCall { index, id, name, custom, signature: None })
    }

    fn grows(index: u32, fragment: &str) -> Event {
        event(Delta::ToolArguments { index, fragment: fragment.to_owned() })
    }

    #[test]
    fn tools_and_calls_become_functions() {
        let format = json!({ "type": "grammar", "grammar": { "syntax": "lark", "definition": "start: x" } });
        let custom = |format| Tool {
            name: "patch".to_owned(),
            description: Some("Edits.".to_owned()),
            kind: ToolKind::Custom { format },
            strict: None,
            cache_control: None,
        };
        let call =
            ToolCall { id: "1".into(), name: "patch".into(), arguments: "*** \"a\"".into(), custom: true };
        let message =
            Message { role: Role::Assistant, name: None, content: vec![Content::ToolCall(call).into()] };
        let mut chat = Chat {
            tools: vec![custom(Some(format)), custom(None)],
            messages: vec![message],
            ..Chat::default()
        };
        let said = custom_tools_as_functions(&mut chat);
        assert_eq!(said.names, ["patch", "patch"]);
        assert_eq!(said.dropped, ["tools[0].custom.format"]);
        let told = chat.tools[0].description.as_deref().unwrap();
        assert!(told.starts_with("Edits.") && told.ends_with("start: x"), "{told}");
        assert_eq!(chat.tools[1].description.as_deref(), Some("Edits."));
        let Content::ToolCall(call) = &chat.messages[0].content[0].content else { panic!() };
        assert_eq!((call.custom, &*call.arguments), (false, r#"{"input":"*** \"a\""}"#));
        assert_eq!(input_of(&call.arguments), "*** \"a\"");
        for odd in ["", "{}", "text", r#"{"input":1}"#] {
            assert_eq!(input_of(odd), odd);
        }
    }

    #[test]
    fn streamed_calls_are_told_when_they_are_whole() {
        let mut restoring = Restoring::new(vec!["patch".to_owned()]);
        let finish = Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() };
        for event in [
            begins(0, "patch", false),
            grows(0, "{\"input\":\"a"),
            // Calls may grow side by side.
            begins(1, "other", false),
            grows(1, "{}"),
            grows(0, "\\n\"}"),
            begins(2, "patch", false),
            grows(2, "{\"input\":\"cut"),
            finish.clone(),
        ] {
            restoring.take(event);
        }
        let told: Vec<Event> = std::iter::from_fn(|| restoring.ready()).collect();
        let wanted = [
            begins(0, "patch", true),
            begins(1, "other", false),
            grows(1, "{}"),
            grows(0, "a\n"),
            begins(2, "patch", true),
            grows(2, "{\"input\":\"cut"),
            finish,
        ];
        assert_eq!(told, wanted);
    }
}
