//! What the model says: derived from the prompt alone, so that the same request has the same answer.

use super::directive::{Directives, Tell, without_markers};
use super::hash::{Numbers, hash};
use super::instance::instance;
use super::prompt::{Choice, Format, Prompt, Tool, Turn};
use super::tokens;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// An answer, before any dialect.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) choices: Vec<Reply>,
    pub(super) usage: Usage,
    /// From which ids are made.
    pub(super) seed: u64,
    /// The prompt itself was stopped by a filter: there is no reply.
    pub(super) blocked: bool,
}

/// One of the replies asked for.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) reasoning: Option<String>,
    /// The reasoning is kept from the reader.
    pub(super) redacted: bool,
    pub(super) text: String,
    /// The text is the model's refusal.
    pub(super) refusal: bool,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Finish,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Value,
    /// From which the call's id is made.
    pub(super) seed: u64,
}

/// Why a reply ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    /// A stop sequence was met.
    Sequence(String),
    Length,
    Calls,
    Refusal,
    Filter,
}

/// Tokens as every dialect can show them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// All input, cached included.
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    /// All output, reasoning included.
    pub(super) output: u64,
    pub(super) reasoning: u64,
}

/// Answers `prompt`. The seed makes ids; it comes from the whole request, so that rounds differ.
pub(super) fn answer(prompt: &Prompt, directives: &Directives, seed: u64) -> Answer {
    let steer = &directives.steer;
    let choices: Vec<Reply> = if steer.block {
        Vec::new()
    } else {
        (0..prompt.n.max(1)).map(|i| reply(prompt, directives, seed, i)).collect()
    };
    let mut usage = Usage { input: prompt.input_tokens, ..Usage::default() };
    usage.cached = steer.cached.min(usage.input);
    usage.cache_write = steer.cache_write.min(usage.input - usage.cached);
    for reply in &choices {
        let reasoning = reply.reasoning.as_deref().map_or(0, tokens::count);
        usage.reasoning += reasoning;
        usage.output += reasoning + spoken(reply);
    }
    Answer { choices, usage, seed, blocked: steer.block }
}

/// Tokens of a reply beside its reasoning.
fn spoken(reply: &Reply) -> u64 {
    let call = |call: &Call| tokens::count(&call.name) + tokens::count(&call.arguments.to_string());
    tokens::count(&reply.text) + reply.calls.iter().map(call).sum::<u64>()
}

const REFUSAL: &str = "I'm sorry, but I cannot help with that.";

fn reply(prompt: &Prompt, directives: &Directives, seed: u64, i: usize) -> Reply {
    let steer = &directives.steer;
    let reasoning = (prompt.reasons || steer.reason).then(|| reasoning(prompt));
    let mut reply = Reply {
        reasoning,
        redacted: steer.redacted,
        text: String::new(),
        refusal: steer.refuse,
        calls: Vec::new(),
        finish: Finish::Stop,
    };
    if steer.refuse {
        REFUSAL.clone_into(&mut reply.text);
        reply.finish = Finish::Refusal;
    } else {
        reply.calls = calls(prompt, directives, hash(seed, &i.to_be_bytes()));
        if reply.calls.is_empty() {
            reply.text = text(prompt, directives);
            if i > 0 {
                reply.text = format!("{} ({})", reply.text, i + 1);
            }
            cut_at_stop(&mut reply, &prompt.stops);
        } else {
            reply.finish = Finish::Calls;
        }
    }
    cut_at_limit(&mut reply, prompt.max_tokens);
    if steer.filter {
        let half = tokens::count(&reply.text).div_ceil(2);
        reply.text = first_tokens(&reply.text, half).to_owned();
        reply.calls.clear();
        reply.finish = Finish::Filter;
    }
    reply
}

fn reasoning(prompt: &Prompt) -> String {
    let asked = without_markers(&prompt.user);
    format!("The user says: {}. I answer in kind.", first_tokens(&asked, 12))
}

fn calls(prompt: &Prompt, directives: &Directives, seed: u64) -> Vec<Call> {
    let steer = &directives.steer;
    let forced = matches!(prompt.choice, Choice::Required | Choice::Named(_));
    let wanted = !steer.text && prompt.results.is_empty() && directives.tokens.is_none();
    if prompt.choice == Choice::None || !(forced || wanted) {
        return Vec::new();
    }
    let allowed: Vec<&Tool> = match &prompt.choice {
        Choice::Named(names) => prompt.tools.iter().filter(|tool| names.contains(&tool.name)).collect(),
        _ => prompt.tools.iter().collect(),
    };
    let named = steer.tool.as_deref().and_then(|name| allowed.iter().position(|tool| tool.name == name));
    let count = if prompt.parallel { steer.calls.unwrap_or(1) } else { 1 };
    // Several calls go round the tools, from the one that is to be called first.
    let round = allowed.iter().cycle().skip(named.unwrap_or(0));
    round
        .take(if allowed.is_empty() { 0 } else { count })
        .zip(Numbers(seed))
        .map(|(tool, seed)| Call { name: tool.name.clone(), arguments: arguments(tool), seed })
        .collect()
}

/// Arguments are an object, whatever the schema says.
fn arguments(tool: &Tool) -> Value {
    Some(instance(&tool.schema)).filter(Value::is_object).unwrap_or_else(|| json!({}))
}

fn text(prompt: &Prompt, directives: &Directives) -> String {
    if let Some(count) = directives.tokens {
        return filler(count);
    }
    let told = told(prompt, &directives.steer.tells);
    if !prompt.results.is_empty() {
        let said = format!("The tool says: {}", prompt.results.join("; "));
        return told.map_or(said.clone(), |told| format!("{said}\n{told}"));
    }
    if let Some(told) = told {
        return told;
    }
    let echo = without_markers(&prompt.user);
    match &prompt.format {
        Format::Schema(schema) => instance(schema).to_string(),
        Format::Json => json!({"echo": echo}).to_string(),
        Format::Text => {
            let mut text = if echo.is_empty() && prompt.media.is_empty() {
                "Hello from the simulated provider.".to_owned()
            } else {
                echo.into_owned()
            };
            for media in &prompt.media {
                if !text.is_empty() {
                    text.push(' ');
                }
                let _ = write!(text, "[{media}]");
            }
            if directives.split_unicode {
                text.push_str(" naïve 日本語 🚀🇨🇭 né");
            }
            text
        }
    }
}

/// What the answer is to tell of the request, a line each.
fn told(prompt: &Prompt, tells: &[Tell]) -> Option<String> {
    let lines = tells.iter().map(|tell| match tell {
        Tell::System => format!("system: {}", prompt.system.join(" / ")),
        Tell::Turns => {
            let turn = |turn: &Turn| format!("{}: {}", turn.side.as_str(), without_markers(&turn.text));
            format!("turns: {}", prompt.turns.iter().map(turn).collect::<Vec<_>>().join(" | "))
        }
        Tell::Thoughts => format!("thoughts: {}", prompt.thoughts),
    });
    (!tells.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n"))
}

/// `count` tokens of text.
fn filler(count: usize) -> String {
    const WORDS: [&str; 8] = ["the", "road", "goes", "ever", "on", "and", "on", "again"];
    let words: Vec<&str> = WORDS.iter().copied().cycle().take(count).collect();
    words.join(" ")
}

fn cut_at_stop(reply: &mut Reply, stops: &[String]) {
    let met = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| reply.text.find(stop.as_str()).map(|at| (at, stop)))
        .min_by_key(|(at, _)| *at);
    if let Some((at, stop)) = met {
        reply.text.truncate(at);
        reply.finish = Finish::Sequence(stop.clone());
    }
}

/// Reasoning is paid from the same limit, first.
fn cut_at_limit(reply: &mut Reply, limit: Option<u64>) {
    let Some(limit) = limit else { return };
    let thought = reply.reasoning.as_deref().map_or(0, tokens::count);
    if thought > limit {
        reply.reasoning = reply.reasoning.take().map(|text| first_tokens(&text, limit).to_owned());
    }
    let left = limit.saturating_sub(thought);
    if spoken(reply) <= left && thought <= limit {
        return;
    }
    // A call that does not fit is not made: half of its arguments would be no use to anyone.
    reply.calls.clear();
    reply.text = first_tokens(&reply.text, left).to_owned();
    reply.finish = Finish::Length;
}

fn first_tokens(text: &str, count: u64) -> &str {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let end: usize = tokens::tokens(text).take(count).map(str::len).sum();
    text.get(..end).unwrap_or(text)
}

/// The logarithm of a token's probability: between −1 and 0, the same for the same token.
pub(super) fn log_probability(token: &str) -> f64 {
    let share = u32::try_from(hash(5, token.as_bytes()) % 1_000).unwrap_or(0);
    -f64::from(share) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(user: &str) -> Prompt {
        Prompt { user: user.into(), n: 1, parallel: true, ..Prompt::default() }
    }

    fn read(prompt: &Prompt) -> Answer {
        let directives = Directives::default().read(&http::HeaderMap::new(), &prompt.user).unwrap();
        answer(prompt, &directives, 1)
    }

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.into(),
            schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        }
    }

    #[test]
    fn echoes_and_quotes() {
        assert_eq!(read(&prompt("hello [sim:gap_ms=1]")).choices[0].text, "hello");
        let mut results = prompt("weather?");
        results.tools = vec![tool("look")];
        results.results = vec!["sunny".into()];
        assert_eq!(read(&results).choices[0].text, "The tool says: sunny");
    }

    #[test]
    fn calls_obey_choice_and_markers() {
        let mut asked = prompt("go [parallel]");
        asked.tools = vec![tool("look"), tool("walk")];
        let calls = |prompt: &Prompt| {
            let answer = read(prompt);
            answer.choices[0].calls.iter().map(|call| call.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(calls(&asked), ["look", "walk"]);
        assert_ne!(read(&asked).choices[0].calls[0].seed, read(&asked).choices[0].calls[1].seed);
        asked.parallel = false;
        assert_eq!(calls(&asked), ["look"]);
        asked.choice = Choice::Named(vec!["walk".into()]);
        assert_eq!(calls(&asked), ["walk"]);
        asked.choice = Choice::None;
        assert!(calls(&asked).is_empty());
        asked.choice = Choice::Auto;
        asked.user = "go [sim:tool=walk]".into();
        assert_eq!(calls(&asked), ["walk"]);
        asked.user = "go [sim:text]".into();
        assert!(calls(&asked).is_empty());
        asked.choice = Choice::Required;
        assert_eq!(calls(&asked), ["look"]);
    }

    #[test]
    fn limits_and_stops_end_a_text() {
        let mut limited = prompt("one two three four");
        limited.max_tokens = Some(2);
        let answer = read(&limited);
        assert_eq!(
            (answer.choices[0].text.as_str(), &answer.choices[0].finish),
            ("one two", &Finish::Length)
        );
        assert_eq!(answer.usage.output, 2);
        limited.max_tokens = None;
        limited.stops = vec!["four".into(), " three".into()];
        let reply = &read(&limited).choices[0];
        assert_eq!((reply.text.as_str(), &reply.finish), ("one two", &Finish::Sequence(" three".into())));
        let counted = read(&prompt("[sim:tokens=500]"));
        assert_eq!(counted.usage.output, 500);
    }

    #[test]
    fn reasoning_is_counted_and_paid_first() {
        let mut asked = prompt("why");
        asked.reasons = true;
        let usage = read(&asked).usage;
        assert!(usage.reasoning > 0 && usage.output == usage.reasoning + 1);
        asked.max_tokens = Some(3);
        let answer = read(&asked);
        assert_eq!((answer.usage.output, answer.usage.reasoning), (3, 3));
        assert_eq!(answer.choices[0].finish, Finish::Length);
    }
}
