use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque},
};

use super::format::ANSWER_TOOL;
use crate::{
    Refusal,
    chat::{Chat, Content, ToolChoice, ToolKind},
    portable::WebSearch,
};
use tollway_core::Dialect;

/// The longest tool name Anthropic takes, in bytes.
const MAX_NAME: usize = 128;

/// Tool names as Anthropic takes them (`^[a-zA-Z0-9_-]{1,128}$`), the same in tools, choice and
/// history, and each for one tool only.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    renamed: HashMap<&'a str, String>,
    /// Names that no tool of the client's may have.
    reserved: Vec<&'static str>,
    taken: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Gathers the names of a request and renames those Anthropic would refuse.
    pub(super) fn of(chat: &'a Chat) -> Result<Self, Refusal> {
        let mut names = Self { reserved: reserved(chat), ..Self::default() };
        let mut odd = Vec::new();
        for (at, tool) in chat.tools.iter().enumerate() {
            // The provider names its own tools.
            if !matches!(tool.kind, ToolKind::Server(_)) {
                names.note(&tool.name, &mut odd, || format!("tools[{at}].function.name"))?;
            }
        }
        let chosen = match &chat.tool_choice {
            Some(ToolChoice::Named(name)) => std::slice::from_ref(name),
            Some(ToolChoice::Allowed { names, .. }) => names.as_slice(),
            _ => &[],
        };
        for name in chosen {
            names.note(name, &mut odd, || "tool_choice".to_owned())?;
        }
        for (at, message) in chat.messages.iter().enumerate() {
            for part in &message.content {
                if let Content::ToolCall(call) = &part.content {
                    names.note(&call.name, &mut odd, || format!("messages[{at}].tool_calls"))?;
                }
            }
        }
        // Names that can stay are all known by now, so that no new name takes one of theirs.
        let mut counter = Counter::default();
        for name in odd {
            if !names.renamed.contains_key(name) {
                let base: String = name.chars().take(MAX_NAME).map(sanitised).collect();
                let sent =
                    counter.unused(base, |name| names.taken.contains(name) || names.reserved.contains(&name));
                names.taken.insert(Cow::Owned(sent.clone()));
                names.renamed.insert(name, sent);
            }
        }
        Ok(names)
    }

    /// The name to send for the client's.
    pub(super) fn sent(&self, name: &'a str) -> Cow<'a, str> {
        self.renamed.get(name).map_or(Cow::Borrowed(name), |sent| Cow::Owned(sent.clone()))
    }

    fn note(
        &mut self,
        name: &'a str,
        odd: &mut Vec<&'a str>,
        path: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        if name.is_empty() {
            return Err(Refusal::at(path(), "tool has no name"));
        }
        if name.len() <= MAX_NAME && is_valid(name) && !self.reserved.contains(&name) {
            self.taken.insert(Cow::Borrowed(name));
        } else {
            odd.push(name);
        }
        Ok(())
    }

    /// Names as sent → as the client gave them, in the order of the former.
    pub(super) fn into_renamed(self) -> Vec<(String, String)> {
        let mut renamed: Vec<_> =
            self.renamed.into_iter().map(|(name, sent)| (sent, name.to_owned())).collect();
        renamed.sort_unstable();
        renamed
    }
}

/// The names of tools that we add.
fn reserved(chat: &Chat) -> Vec<&'static str> {
    let searches = |kind: &ToolKind| matches!(kind, ToolKind::Server(tool) if tool.dialect != Dialect::Anthropic && WebSearch::of_tool(tool).is_some());
    let mut reserved = vec![ANSWER_TOOL];
    if chat.extra.contains_key("web_search_options") || chat.tools.iter().any(|tool| searches(&tool.kind)) {
        reserved.push("web_search");
    }
    reserved
}

/// Ids of tool calls as Anthropic takes them: `^[a-zA-Z0-9_-]+$`, each once in a turn.
///
/// Some servers count calls anew in every turn, so that calls of different turns share an id. That
/// is taken (recorded), and a result belongs to the call of the turn before it.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    /// The ids sent for each of the client's, in the order of the calls that wait for a result.
    waiting: HashMap<&'a str, VecDeque<Cow<'a, str>>>,
    used: HashSet<Cow<'a, str>>,
    counter: Counter,
}

impl<'a> Ids<'a> {
    /// Begins a turn of calls.
    pub(super) fn turn(&mut self) {
        self.waiting.clear();
        self.used.clear();
        self.counter.0.clear();
    }

    /// The id to send for a call.
    pub(super) fn call(&mut self, id: &'a str) -> Cow<'a, str> {
        let sent = if is_valid(id) && !self.used.contains(id) {
            Cow::Borrowed(id)
        } else {
            let base: String = id.chars().map(sanitised).collect();
            let base = if base.is_empty() { "call".to_owned() } else { base };
            Cow::Owned(self.counter.unused(base, |id| self.used.contains(id)))
        };
        self.used.insert(sent.clone());
        self.waiting.entry(id).or_default().push_back(sent.clone());
        sent
    }

    /// The id to send for a result; `None` when no call of its id waits for one.
    pub(super) fn result(&mut self, id: &str) -> Option<Cow<'a, str>> {
        self.waiting.get_mut(id)?.pop_front()
    }
}

pub(super) fn is_valid(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn sanitised(letter: char) -> char {
    if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') { letter } else { '_' }
}

/// Counts names up, so that many that fall on one are told apart in linear time.
#[derive(Debug, Default)]
struct Counter(HashMap<String, u64>);

impl Counter {
    /// `base`, or `base_2`, `base_3`, … whichever is not in use, within [`MAX_NAME`].
    fn unused(&mut self, mut base: String, in_use: impl Fn(&str) -> bool) -> String {
        base.truncate(MAX_NAME);
        let count = self.0.entry(base.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = if *count == 1 {
                base.clone()
            } else {
                let suffix = format!("_{count}");
                let kept = base.get(..MAX_NAME.saturating_sub(suffix.len())).unwrap_or(&base);
                format!("{kept}{suffix}")
            };
            if !in_use(&name) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Part, Role, Tool, ToolCall};

    fn chat(names: &[&str]) -> Chat {
        let tool = |name: &&str| Tool {
            name: (*name).to_owned(),
            description: None,
            kind: ToolKind::Function { parameters: None },
            strict: None,
            cache_control: None,
        };
        Chat { tools: names.iter().map(tool).collect(), ..Chat::default() }
    }

    #[test]
    fn names_anthropic_refuses_are_replaced_by_unused_ones() {
        let chat = chat(&["a.b", "a_b", "a/b", "größe", ANSWER_TOOL, "fine-1"]);
        let names = Names::of(&chat).expect("valid");
        let sent: Vec<_> = chat.tools.iter().map(|tool| names.sent(&tool.name).into_owned()).collect();
        assert_eq!(sent, ["a_b_2", "a_b", "a_b_3", "gr__e", "tollway_answer_2", "fine-1"]);
        assert_eq!(names.into_renamed().len(), 4);
    }

    #[test]
    fn long_names_stay_apart() {
        let (long, longer) = (format!("{}.a", "x".repeat(200)), format!("{}.b", "x".repeat(200)));
        let chat = chat(&[&long, &longer]);
        let names = Names::of(&chat).expect("valid");
        assert_ne!(names.sent(&long), names.sent(&longer));
        assert!(names.sent(&longer).len() <= MAX_NAME);
    }

    #[test]
    fn a_name_in_history_only_is_renamed_too() {
        let call = ToolCall {
            id: "1".to_owned(),
            name: "old.tool".to_owned(),
            arguments: String::new(),
            custom: false,
        };
        let part = Part::from(Content::ToolCall(call));
        let message = Message { role: Role::Assistant, name: None, content: vec![part] };
        let chat = Chat { messages: vec![message], ..Chat::default() };
        assert_eq!(Names::of(&chat).expect("valid").sent("old.tool"), "old_tool");
    }

    #[test]
    fn ids_that_collide_are_told_apart() {
        // Several gateways and servers count calls anew each round (`call_0`, `call_0`, …): a result
        // must reach the call of its own round.
        let mut ids = Ids::default();
        for _ in 0..2 {
            ids.turn();
            assert_eq!(ids.call("call_0"), "call_0");
            assert_eq!(ids.result("call_0").as_deref(), Some("call_0"));
            assert_eq!(ids.result("call_0"), None);
        }
        assert_eq!((ids.call("a:b"), ids.call("a_b")), ("a_b".into(), "a_b_2".into()));
        assert_eq!((ids.result("a_b"), ids.result("a:b")), (Some("a_b_2".into()), Some("a_b".into())));
        assert_eq!((ids.call(""), ids.call("")), ("call".into(), "call_2".into()));
        assert_eq!((ids.result(""), ids.result("")), (Some("call".into()), Some("call_2".into())));
    }
}
