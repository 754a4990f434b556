//! What each feature is to come to, in the client's own words.

use crate::answer::Answer;
use crate::cell::{Cell, Step};
use crate::dialect::Dialect;
use crate::ends::{self, End};
use crate::errors;
use crate::feature::{Feature, LIMIT};

/// Fails with the message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// Holds an exchange to what its feature promises, and to what the provider itself says.
pub(crate) fn check(cell: Cell, steps: &[Step], reference: Option<&Answer>) -> Result<(), String> {
    for (i, step) in steps.iter().enumerate() {
        let faults = &step.answer.faults;
        ensure!(faults.is_empty(), "step {}: {}", i + 1, faults.join("; "));
    }
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Err("nothing was asked".into());
    };
    if cell.feature.fails() {
        return errors::check(cell, first, reference);
    }
    for (i, step) in steps.iter().enumerate() {
        succeeded(step).map_err(|fault| format!("step {}: {fault}", i + 1))?;
    }
    if let Some(reference) = reference {
        same(cell, &first.answer, reference)?;
    }
    said(cell, &first.answer)?;
    let steps_due = match cell.feature {
        Feature::Moved => 3,
        feature if feature.has_results() => 2,
        _ => 1,
    };
    ensure!(steps.len() == steps_due, "ended after {} of {steps_due} steps", steps.len());
    went_on(cell, steps, &last.answer)
}

fn succeeded(step: &Step) -> Result<(), String> {
    let (raw, answer) = (&step.raw, &step.answer);
    let text = String::from_utf8_lossy(&raw.body);
    ensure!(raw.status == 200, "status {}: {text:.400}", raw.status);
    ensure!(answer.error.is_none(), "an error: {:?}", answer.error);
    ensure!(answer.complete, "not complete: {text:.400}");
    ensure!(answer.usage.is_some(), "no usage: {text:.400}");
    Ok(())
}

/// The client hears what the provider says.
fn same(cell: Cell, answer: &Answer, own: &Answer) -> Result<(), String> {
    let words = |answer: &Answer| format!("{}{}", answer.text, answer.refusal);
    ensure!(words(answer) == words(own), "says {:?}, the provider {:?}", words(answer), words(own));
    let calls = |answer: &Answer| -> Vec<_> {
        answer.calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect()
    };
    ensure!(calls(answer) == calls(own), "calls {:?}, the provider {:?}", calls(answer), calls(own));
    if let (Some(usage), Some(mut counted)) = (answer.usage, own.usage) {
        if cell.client == Dialect::Gemini {
            // Gemini has no word for what is written to a cache.
            counted.written = 0;
        }
        ensure!(usage == counted, "counts {usage:?}, the provider {counted:?}");
    }
    Ok(())
}

/// What the first answer says.
fn said(cell: Cell, answer: &Answer) -> Result<(), String> {
    let says = |text: &str| -> Result<(), String> {
        ensure!(answer.text == text, "says {:?}, and not {text:?}", answer.text);
        ends::check(cell, answer, End::Done)
    };
    let calls = |names: &[&str]| -> Result<(), String> {
        let made: Vec<&str> = answer.calls.iter().map(|call| call.name.as_str()).collect();
        ensure!(made == names, "calls {made:?}, and not {names:?}");
        for call in &answer.calls {
            ensure!(call.arguments["city"].is_string(), "arguments {}", call.arguments);
        }
        if let [one, other] = answer.calls.as_slice() {
            ensure!(one.id.is_none() || one.id != other.id, "two calls of one id {:?}", one.id);
        }
        ends::check(cell, answer, End::Calls)
    };
    match cell.feature {
        Feature::Text => says("Why is the sky blue?"),
        Feature::System => says("system: Be brief."),
        Feature::Turns => says("turns: user: Hello | assistant: Hi. | user: and now?"),
        Feature::Image => says("see [image/png, 70 bytes]"),
        Feature::Pdf => says("read [application/pdf, 15 bytes]"),
        Feature::Silent => says(""),
        Feature::Unicode => says("hi naïve 日本語 🚀🇨🇭 né"),
        Feature::Tool | Feature::ToolError | Feature::Moved => calls(&["look"]),
        Feature::ParallelTools | Feature::ToolResults => calls(&["look", "walk"]),
        Feature::ForcedTool => calls(&["walk"]),
        Feature::Reasoning => {
            ensure!(answer.thinking.contains("I answer in kind"), "thinks {:?}", answer.thinking);
            calls(&["look"])
        }
        Feature::Redacted => {
            ensure!(answer.thinking.is_empty(), "shows what is hidden: {:?}", answer.thinking);
            calls(&["look"])
        }
        Feature::Structured => {
            let made: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
            ensure!(made["name"].is_string() && made["age"].is_i64(), "says {:?}", answer.text);
            ends::check(cell, answer, End::Done)
        }
        Feature::StopSequence => {
            ensure!(answer.text == "one two ", "says {:?}", answer.text);
            ends::check(cell, answer, End::Sequence)
        }
        Feature::MaxTokens => {
            let words = answer.text.split(' ').count() as u64;
            ensure!(words == LIMIT, "says {words} words: {:?}", answer.text);
            ends::check(cell, answer, End::Length)
        }
        Feature::Refusal => {
            let words = format!("{}{}", answer.text, answer.refusal);
            ensure!(words.contains("cannot help"), "says {words:?}");
            ends::check(cell, answer, End::Refusal)
        }
        Feature::Filter => {
            ensure!(answer.text == "one two", "says {:?}", answer.text);
            ends::check(cell, answer, End::Filter)
        }
        Feature::CachedUsage => {
            let usage = answer.usage.unwrap_or_default();
            ensure!(usage.input == 10 && usage.cached == 4, "counts {usage:?}");
            let written = if [cell.client, cell.upstream].contains(&Dialect::Gemini) { 0 } else { 2 };
            ensure!(usage.written == written, "counts {usage:?}");
            says("one two three four five six")
        }
        Feature::Status(_) | Feature::ErrorInStream | Feature::Cut | Feature::NoBody => Ok(()),
    }
}

/// What the turns after the first say.
fn went_on(cell: Cell, steps: &[Step], last: &Answer) -> Result<(), String> {
    let second = steps.get(1).map(|step| step.answer.text.as_str()).unwrap_or_default();
    // A server that hides its reasoning gives nothing to bring back.
    let kept = match (cell.upstream, cell.feature) {
        (Dialect::Chat, Feature::Redacted) => 0,
        _ => 1,
    };
    // A result that is an object at Gemini is its JSON where results are text.
    let sunny = |i: usize| {
        let plain = format!("sunny-{i}");
        let object = format!("{{\"result\":\"{plain}\"}}");
        if second.contains(&object) { object } else { plain }
    };
    match cell.feature {
        Feature::ToolResults => {
            let due = format!("The tool says: {}; {}", sunny(0), sunny(1));
            ensure!(second == due, "then says {second:?}, and not {due:?}");
        }
        Feature::ToolError => ensure!(second == "The tool says: failed: dark", "then says {second:?}"),
        Feature::Reasoning | Feature::Redacted => {
            let due = format!("The tool says: {}\nthoughts: {kept}", sunny(0));
            ensure!(second == due, "then says {second:?}, and not {due:?}");
        }
        Feature::Moved => {
            let due = format!("The tool says: {}\n", sunny(0));
            ensure!(second.starts_with(&due), "then says {second:?}, and not {due:?}");
            let thoughts = last.text.strip_prefix("thoughts: ").and_then(|count| count.parse::<u64>().ok());
            ensure!(thoughts.is_some_and(|thoughts| thoughts >= 1), "at last says {:?}", last.text);
        }
        _ => return Ok(()),
    }
    ends::check(cell, last, End::Done)
}
