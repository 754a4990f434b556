//! Calls whose arguments arrive side by side, as servers of OpenAI's format may send them.
//!
//! Blocks of Anthropic's follow each other, and clients run a tool as soon as its block ends: while the
//! arguments of a call are not whole, what else comes has to wait.

use std::collections::HashMap;

use crate::chat::Delta;

/// What waited, in groups that follow each other: a call is one with all its arguments.
pub(super) fn grouped(held: Vec<Delta>) -> Vec<Vec<Delta>> {
    let mut groups: Vec<Vec<Delta>> = Vec::new();
    let mut calls = HashMap::new();
    for delta in held {
        match &delta {
            Delta::ToolArguments { index, .. } => {
                let group = calls.get(index).and_then(|place: &usize| groups.get_mut(*place));
                match group {
                    Some(group) => group.push(delta),
                    None => groups.push(vec![delta]),
                }
            }
            Delta::ToolCall { index, .. } => {
                calls.insert(*index, groups.len());
                groups.push(vec![delta]);
            }
            _ => groups.push(vec![delta]),
        }
    }
    groups
}
