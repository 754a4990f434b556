//! Tool names OpenAI's format can say: letters, digits, `_` and `-`, 64 at most.

use std::borrow::Cow;

use crate::chat::{Chat, ToolKind};

const LONGEST: usize = 64;

/// The names that had to change.
#[derive(Debug, Default)]
pub(crate) struct ToolNames {
    /// As sent → as the client gave them.
    pub(crate) renamed: Vec<(String, String)>,
}

impl ToolNames {
    /// Finds a name for every tool whose own will not do, different from all others. Tools the
    /// provider runs itself are not called by a name of ours.
    pub(crate) fn of(chat: &Chat) -> Self {
        let mut names = Self::default();
        let ours = chat.tools.iter().filter(|tool| !matches!(tool.kind, ToolKind::Server(_)));
        for tool in ours.filter(|tool| !is_valid(&tool.name)) {
            if names.renamed.iter().any(|(_, original)| *original == tool.name) {
                continue;
            }
            let base: String = tool.name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
            let base = if base.is_empty() { "tool".to_owned() } else { base };
            let mut sent: String = base.chars().take(LONGEST).collect();
            let mut count = 2_u32;
            while chat.tools.iter().any(|other| other.name == sent)
                || names.renamed.iter().any(|(taken, _)| *taken == sent)
            {
                let suffix = format!("_{count}");
                sent = base.chars().take(LONGEST - suffix.len()).collect();
                sent.push_str(&suffix);
                count += 1;
            }
            names.renamed.push((sent, tool.name.clone()));
        }
        names
    }

    /// The name to send for a tool.
    pub(crate) fn sent<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        if is_valid(name) {
            return Cow::Borrowed(name);
        }
        if let Some((sent, _)) = self.renamed.iter().find(|(_, original)| original == name) {
            return Cow::Borrowed(sent);
        }
        // A call in the history of a tool no longer on offer.
        let plain = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(LONGEST);
        Cow::Owned(plain.collect())
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_valid(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Tool;

    fn offering(names: &[&str]) -> Chat {
        let tools = names.iter().map(|name| Tool {
            name: (*name).to_owned(),
            description: None,
            kind: ToolKind::Function { parameters: None },
            strict: None,
            cache_control: None,
        });
        Chat { tools: tools.collect(), ..Chat::default() }
    }

    #[test]
    fn only_names_that_will_not_do_are_changed_and_none_collide() {
        let long = "x".repeat(70);
        let names = ToolNames::of(&offering(&["a.b", "a_b", "a b", "fine-1", &long]));
        assert_eq!(names.sent("a_b"), "a_b");
        assert_eq!(names.sent("fine-1"), "fine-1");
        assert_eq!(names.sent("a.b"), "a_b_2");
        assert_eq!(names.sent("a b"), "a_b_3");
        assert_eq!(names.sent(&long), "x".repeat(64));
        assert_eq!(names.renamed.len(), 3);
    }
}
