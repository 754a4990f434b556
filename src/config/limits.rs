//! Limits on requests, tokens and concurrency, from their file form to rules.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::Allowed;
use tollway_rate_limit::{Algorithm, Dimension, Lease, Measure, OnFailure, Per, Place, Rule, RuleError};

use super::{
    KeyDeclaration, Path,
    document::{Short, Words, whole_number},
    error::Problem,
    keys::patterns,
    nearest::{did_you_mean, list},
    units::Span,
};

/// A limit, as written. It names one amount.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitFile {
    /// The most requests in a window.
    #[schemars(schema_with = "whole_number")]
    requests: Option<u64>,
    /// The most input and output tokens in a window.
    #[schemars(schema_with = "whole_number")]
    tokens: Option<u64>,
    /// The most input tokens in a window.
    #[schemars(schema_with = "whole_number")]
    input_tokens: Option<u64>,
    /// The most output tokens in a window.
    #[schemars(schema_with = "whole_number")]
    output_tokens: Option<u64>,
    /// The most requests at the same time.
    #[schemars(schema_with = "whole_number")]
    concurrent_requests: Option<u64>,
    /// The most streamed answers at the same time.
    #[schemars(schema_with = "whole_number")]
    concurrent_streams: Option<u64>,
    /// The length of the window. Default: 1m.
    window: Option<Span>,
    /// Let this much pass at once and the rest flow evenly (GCRA). Left out, the window slides.
    #[schemars(schema_with = "whole_number")]
    burst: Option<u64>,
    /// What is counted apart: one or more of `key`, `user`, `team`, `model`, `provider`, `route`,
    /// `address`. Left out, all requests are counted together.
    per: Option<Words>,
    /// The requests that are under the limit, by the same words: `{model: gpt-*}`; a key by its name in `keys`,
    /// or by its id. Default: all.
    only: BTreeMap<String, Words>,
    /// Whether all replicas share the limit, by Redis: true, false, or a section. Default: true where
    /// `state.redis` is given.
    shared: Option<Short<SharingFile>>,
}

/// How replicas share a limit, in full.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SharingFile {
    /// How much a replica may take in advance, to decide without asking Redis; each replica may
    /// overshoot by that much. Default: 0.
    #[schemars(schema_with = "whole_number")]
    lease: Option<u64>,
    /// After what time what is left of it goes back. Default: 1s.
    lease_lifetime: Option<Span>,
    /// What holds while Redis does not answer: `local` (each replica grants its share), `open`
    /// (everything passes) or `closed` (nothing). Default: local.
    on_failure: Option<String>,
}

/// Reads all limits, in the order of their names.
pub(super) fn rules(
    files: BTreeMap<String, LimitFile>,
    has_store: bool,
    keys: &[KeyDeclaration],
) -> Result<Vec<Rule>, Problem> {
    files.into_iter().map(|(name, file)| file.rule(&name, has_store, keys)).collect()
}

impl LimitFile {
    fn rule(self, name: &str, has_store: bool, keys: &[KeyDeclaration]) -> Result<Rule, Problem> {
        let path = Path::of(&["limits", name]);
        let (measure, limit) = self.amount(&path)?;
        if limit == 0 {
            return Err(Problem::value(path.key(word(measure)), "nothing could pass")
                .hint("to keep somebody out, revoke the key or leave the model out of what it allows"));
        }
        if measure.is_concurrent() && (self.window.is_some() || self.burst.is_some()) {
            let field = if self.window.is_some() { "window" } else { "burst" };
            return Err(Problem::plain(path.key(field), "what goes on at the same time has no window")
                .hint("leave it out"));
        }
        let window = match self.window {
            _ if measure.is_concurrent() => Duration::ZERO,
            Some(Span(window)) => window,
            None => Duration::from_mins(1),
        };
        let algorithm = self.burst.map_or(Algorithm::SlidingWindow, |burst| Algorithm::Gcra { burst });
        let per = self.per.iter().flat_map(Words::iter);
        let per: Per = per.map(|word| dimension(word, &path.key("per"))).collect::<Result<Per, Problem>>()?;
        let only = self.only.iter().map(|(word, values)| {
            let dimension = dimension(word, &path.key("only"))?;
            let patterns = patterns(word, values, keys, &path.key("only"))?;
            Ok((dimension, Allowed::new(patterns.iter().map(String::as_str))))
        });
        let only = only.collect::<Result<Vec<_>, Problem>>()?;
        let place = self.place(&path, has_store)?;
        let rule = Rule { name: name.into(), measure, per, limit, window, algorithm, only, place };
        rule.check().map_err(|error| wrong(&path, &error))?;
        Ok(rule)
    }

    /// What is limited, and how much of it may pass.
    fn amount(&self, path: &Path) -> Result<(Measure, u64), Problem> {
        let amounts = [
            (Measure::Requests, self.requests),
            (Measure::TotalTokens, self.tokens),
            (Measure::InputTokens, self.input_tokens),
            (Measure::OutputTokens, self.output_tokens),
            (Measure::ConcurrentRequests, self.concurrent_requests),
            (Measure::ConcurrentStreams, self.concurrent_streams),
        ];
        let mut given = amounts.into_iter().filter_map(|(measure, amount)| Some((measure, amount?)));
        match (given.next(), given.next()) {
            (Some(amount), None) => Ok(amount),
            (None, _) => {
                let words = amounts.map(|(measure, _)| word(measure));
                Err(Problem::plain(path.clone(), "no amount").hint(format!("give {}", list(&words, "or"))))
            }
            (Some(_), Some((second, _))) => {
                Err(Problem::plain(path.key(word(second)), "a second amount in one limit")
                    .hint("a refusal names its limit: write one for each amount"))
            }
        }
    }

    fn place(&self, path: &Path, has_store: bool) -> Result<Place, Problem> {
        let path = path.key("shared");
        let sharing = match &self.shared {
            None if has_store => SharingFile::default(),
            None => return Ok(Place::Local),
            Some(Short::Text(word)) if word == "false" => return Ok(Place::Local),
            Some(Short::Text(word)) if word != "true" => {
                return Err(Problem::value(path, "neither true nor false, nor a section of fields"));
            }
            Some(_) if !has_store => {
                return Err(Problem::plain(path, "nothing to share it by")
                    .hint("give `state.redis`, or leave it out"));
            }
            Some(Short::Text(_)) => SharingFile::default(),
            Some(Short::Full(sharing)) => sharing.clone(),
        };
        let on_failure = match sharing.on_failure.as_deref().unwrap_or("local") {
            "local" => OnFailure::Local,
            "open" => OnFailure::Open,
            "closed" => OnFailure::Closed,
            other => {
                let hint = did_you_mean(other, ["local", "open", "closed"]);
                return Err(Problem::value(path.key("on_failure"), "not one of the words known here")
                    .hint(hint.unwrap_or_else(|| "say `local`, `open` or `closed`".to_owned())));
            }
        };
        let lifetime = sharing.lease_lifetime.map_or(Duration::from_secs(1), |Span(span)| span);
        let lease = Lease { amount: sharing.lease.unwrap_or(0), lifetime };
        Ok(Place::Shared { lease, on_failure })
    }
}

/// The field that gives an amount of a measure.
const fn word(measure: Measure) -> &'static str {
    match measure {
        Measure::TotalTokens => "tokens",
        other => other.as_str(),
    }
}

fn dimension(word: &str, path: &Path) -> Result<Dimension, Problem> {
    Dimension::ALL.into_iter().find(|dimension| dimension.as_str() == word).ok_or_else(|| {
        let words = Dimension::ALL.map(Dimension::as_str);
        let hint = did_you_mean(word, words).unwrap_or_else(|| format!("say {}", list(&words, "or")));
        Problem::plain(path.clone(), format!("nothing that requests can be told apart by: {word}")).hint(hint)
    })
}

/// What the rule itself finds wrong, at the field it names.
fn wrong(path: &Path, error: &RuleError) -> Problem {
    let text = match error {
        RuleError::Field { what, .. } => (*what).to_owned(),
        other => other.to_string(),
    };
    match text.split_once(": ") {
        Some(("lease", what)) => Problem::plain(path.key("shared").key("lease"), what),
        Some((field, what)) if !field.contains(' ') => Problem::plain(path.key(field), what),
        _ => Problem::plain(path.clone(), text),
    }
}
