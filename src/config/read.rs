use serde::Deserialize;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{
    Path,
    document::Document,
    error::Problem,
    lenient::Lenient,
    nearest::{did_you_mean, list},
    path::Step,
};

/// Reads a filled-in tree as the document it should be.
pub(super) fn read(tree: Value) -> Result<Document, Problem> {
    let mut track = serde_path_to_error::Track::new();
    let result = Document::deserialize(serde_path_to_error::Deserializer::new(Lenient(tree), &mut track));
    result.map_err(|fault| problem(&track.path(), &fault.to_string()))
}

/// Says in our words what serde found. Its own words hold the offending value, which may be a key
/// out of the environment; ours never do.
pub(super) fn problem(path: &serde_path_to_error::Path, words: &str) -> Problem {
    let path: Path = path.iter().filter_map(step).collect();
    let mut quoted = words.split('`').skip(1).step_by(2);
    let first = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let near = did_you_mean(first, known.iter().copied());
    if words.starts_with("unknown field") {
        return Problem::plain(ending_in(path, first), "unknown field")
            .hint(near.unwrap_or_else(|| fields(&known)));
    }
    if words.starts_with("unknown variant") {
        return Problem::value(path, "not one of the words known here")
            .hint(near.unwrap_or_else(|| format!("say {}", list(&known, "or"))));
    }
    if words.starts_with("missing field") {
        return Problem::plain(path.key(first), "missing").hint("it has no default");
    }
    match words.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid") => {
            Problem::value(path, format!("expected {}", expectation(expected)))
        }
        _ => Problem::value(path, words.to_owned()),
    }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The path to an unknown field, which is or is not already the last step of what was tracked.
fn ending_in(path: Path, field: &str) -> Path {
    if path.ends_in(field) { path } else { path.key(field) }
}

fn fields(known: &[&str]) -> String {
    if known.is_empty() { "it has no fields".to_owned() } else { format!("known are {}", list(known, "and")) }
}

fn expectation(expected: &str) -> String {
    let plain = match expected {
        "u16" | "u32" | "u64" | "usize" => "a whole number in range",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a section of fields",
        _ if expected.starts_with("struct ") => "a section of fields",
        other => other,
    };
    plain.to_owned()
}
