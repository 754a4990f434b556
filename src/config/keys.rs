//! Keys that stand in the configuration, so that a deployment needs no database.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollway_auth::keys::{Digest, Grant, KeyId, Limit, Measure};
use tollway_core::Allowed;
use tollway_rate_limit::{Algorithm, Dimension, Place, Rule, RuleError};

use super::{
    Path, Secret,
    context::Context,
    document::{Words, whole_number},
    error::Problem,
    grant::GrantFile,
    secret::{Found, SecretFile, find},
    units::Span,
};

/// A key that is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDeclaration {
    /// Its name.
    pub name: String,
    /// By what it is known.
    pub known_by: KnownBy,
    /// What it says and allows.
    pub grant: Grant,
}

/// By what a declared key is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// The token itself.
    Token(Secret),
    /// The hash of a token that was made by `tollway keys hash`.
    Hash(Digest),
}

/// A key, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeyFile {
    /// The token: `${NAME}`, `{env: NAME}` or `{file: PATH}`.
    token: Option<SecretFile>,
    /// In its place, what `tollway keys hash` prints.
    hash: Option<String>,
    /// Who uses it.
    user: Option<String>,
    /// For which team.
    team: Option<String>,
    /// What it may do than ask models: `admin`.
    scopes: Option<Words>,
    /// The models it may ask, with `*` for any run of characters. Default: all.
    models: Option<Words>,
    /// The providers it may be served by. Default: all.
    providers: Option<Words>,
    /// The paths it may use. Default: all.
    routes: Option<Words>,
    /// Words for reports, by name.
    tags: BTreeMap<String, String>,
    /// How much its requests matter when not all can be served: low, normal or high.
    priority: Option<String>,
    /// When it expires: `2027-01-31`, or with a time as in `2027-01-31T18:00:00Z`.
    expires: Option<String>,
    /// Limits of its own.
    limits: Vec<KeyLimit>,
}

/// A limit of one key, as it is written in the configuration and in the administration's API. It names
/// one amount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyLimit {
    /// The most requests in a window.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    /// The most input and output tokens in a window.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// The most input tokens in a window.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    /// The most output tokens in a window.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    /// The most requests at the same time.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent_requests: Option<u64>,
    /// The most streamed answers at the same time.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent_streams: Option<u64>,
    /// The length of the window. Default: 1m.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Span>,
    /// Let this much pass at once and the rest flow evenly.
    #[schemars(schema_with = "whole_number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
}

/// Reads all keys, in the order of their names.
pub(super) fn keys(
    files: BTreeMap<String, KeyFile>,
    context: &Context<'_>,
) -> Result<Vec<KeyDeclaration>, Problem> {
    let keys = files.into_iter().map(|(name, file)| file.validate(name, context));
    let keys: Vec<KeyDeclaration> = keys.collect::<Result<_, _>>()?;
    for (at, key) in keys.iter().enumerate() {
        // Which of the two somebody is, and what may be asked, would be chance.
        if let Some(same) = keys.iter().take(at).find(|before| before.known_by.is_same(&key.known_by)) {
            let path = Path::of(&["keys", &key.name]);
            return Err(Problem::plain(path, format!("has the token of another: keys.{}", same.name))
                .hint("give each a token of its own"));
        }
    }
    Ok(keys)
}

/// The patterns of a limit's or budget's `only` at `path`, where names of declared keys become the ids by which
/// callers are known.
pub(super) fn patterns(
    word: &str,
    values: &Words,
    keys: &[KeyDeclaration],
    path: &Path,
) -> Result<Vec<String>, Problem> {
    if word != "key" {
        return Ok(values.iter().cloned().collect());
    }
    let pattern = |value: &String| match keys.iter().find(|key| *key.name == **value) {
        Some(key) => Ok(key.id().to_string()),
        None if value.contains('*') || value.parse::<KeyId>().is_ok() => Ok(value.clone()),
        // It would hold for nobody, and nothing would show it.
        None => Err(Problem::plain(path.key(word), format!("no key of that name is declared: {value}"))
            .hint("name one under `keys`, or write an id as `tollway keys list` tells it: key_…")),
    };
    values.iter().map(pattern).collect()
}

impl KnownBy {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token(one), Self::Token(two)) => one.expose() == two.expose(),
            (Self::Hash(one), Self::Hash(two)) => one == two,
            _ => false,
        }
    }
}

impl KeyDeclaration {
    /// The id by which logs name it.
    pub fn id(&self) -> KeyId {
        KeyId::of_name(&self.name)
    }

    /// What it says, and may not mean. `providers` are those there are.
    pub(super) fn warnings(&self, providers: &[&str], now: SystemTime) -> Vec<String> {
        let Self { name, grant, .. } = self;
        let mut warnings = Vec::new();
        if grant.expires.is_some_and(|expires| expires <= now) {
            warnings.push(format!("keys.{name}: has expired"));
        }
        let is_known = |pattern: &&String| {
            let pattern = Allowed::new([pattern.as_str()]);
            providers.iter().any(|provider| pattern.allows(provider))
        };
        if let Some(unknown) = grant.providers.iter().find(|pattern| !is_known(pattern)) {
            warnings.push(format!("keys.{name}.providers: no such provider: {unknown}"));
        }
        if let Some(wrong) = grant.routes.iter().find(|route| !route.starts_with(['/', '*'])) {
            warnings.push(format!("keys.{name}.routes: a path begins with a slash: {wrong}"));
        }
        warnings
    }
}

impl KeyFile {
    fn validate(self, name: String, context: &Context<'_>) -> Result<KeyDeclaration, Problem> {
        let path = Path::of(&["keys", &name]);
        let known_by = match (&self.token, &self.hash) {
            (Some(token), None) => {
                let at = path.key("token");
                match find(token, &at, context)? {
                    Found::Key(token) => KnownBy::Token(token),
                    Found::Unset(variables) => {
                        return Err(
                            Problem::plain(at, "no key").hint(format!("set {}", variables.join(" or ")))
                        );
                    }
                }
            }
            (None, Some(hash)) => KnownBy::Hash(hash.trim().parse().map_err(|error| {
                Problem::plain(path.key("hash"), format!("{error}"))
                    .hint("`tollway keys hash` makes a key and prints its hash")
            })?),
            _ => {
                return Err(Problem::plain(path, "neither or both of `token` and `hash` given")
                    .hint("write `token: ${NAME}`, or the hash that `tollway keys hash` prints"));
            }
        };
        let grant = GrantFile {
            user: self.user,
            team: self.team,
            scopes: self.scopes,
            models: self.models,
            providers: self.providers,
            routes: self.routes,
            tags: self.tags,
            priority: self.priority,
            limits: self.limits,
        };
        let grant = Grant {
            name: name.clone(),
            expires: self.expires.map(|text| moment(&text, &path.key("expires"))).transpose()?,
            ..grant.read(&path)?
        };
        Ok(KeyDeclaration { name, known_by, grant })
    }
}

impl KeyLimit {
    /// The limit, or the field at fault and what is wrong with it.
    pub fn read(&self) -> Result<Limit, (&'static str, String)> {
        let amounts = [
            ("requests", Measure::Requests, self.requests),
            ("tokens", Measure::TotalTokens, self.tokens),
            ("input_tokens", Measure::InputTokens, self.input_tokens),
            ("output_tokens", Measure::OutputTokens, self.output_tokens),
            ("concurrent_requests", Measure::ConcurrentRequests, self.concurrent_requests),
            ("concurrent_streams", Measure::ConcurrentStreams, self.concurrent_streams),
        ];
        let mut given =
            amounts.into_iter().filter_map(|(word, measure, amount)| Some((word, measure, amount?)));
        let (Some((word, measure, limit)), None) = (given.next(), given.next()) else {
            let words = amounts.map(|(word, ..)| word).join(", ");
            return Err(("", format!("a limit has one amount, of {words}")));
        };
        if limit == 0 {
            return Err((word, "nothing could pass; to keep somebody out, revoke the key".to_owned()));
        }
        let usual = if measure.is_concurrent() { Duration::ZERO } else { Duration::from_mins(1) };
        if measure.is_concurrent() && (self.window.is_some() || self.burst.is_some()) {
            let field = if self.window.is_some() { "window" } else { "burst" };
            return Err((field, "what goes on at the same time has no window".to_owned()));
        }
        let window = self.window.map_or(usual, |Span(window)| window);
        let limit = Limit { measure, limit, window, burst: self.burst };
        rule_of_key(&limit, Dimension::Key, Place::Local).check().map_err(|error| match error {
            RuleError::Field { what, .. } => ("", what.to_owned()),
            other => ("", other.to_string()),
        })?;
        Ok(limit)
    }

    /// How a limit is written.
    pub fn of(limit: &Limit) -> Self {
        let mut this = Self { burst: limit.burst, ..Self::default() };
        let amount = match limit.measure {
            Measure::InputTokens => &mut this.input_tokens,
            Measure::OutputTokens => &mut this.output_tokens,
            Measure::TotalTokens => &mut this.tokens,
            Measure::ConcurrentRequests => &mut this.concurrent_requests,
            Measure::ConcurrentStreams => &mut this.concurrent_streams,
            _ => &mut this.requests,
        };
        *amount = Some(limit.limit);
        this.window = (!limit.measure.is_concurrent()).then_some(Span(limit.window));
        this
    }
}

/// The rule that keeps each key, or each user, to a limit of its own. Those with the same limit share its
/// name.
pub fn rule_of_key(limit: &Limit, per: Dimension, place: Place) -> Rule {
    let measure = match limit.measure {
        Measure::InputTokens => tollway_rate_limit::Measure::InputTokens,
        Measure::OutputTokens => tollway_rate_limit::Measure::OutputTokens,
        Measure::TotalTokens => tollway_rate_limit::Measure::TotalTokens,
        Measure::ConcurrentRequests => tollway_rate_limit::Measure::ConcurrentRequests,
        Measure::ConcurrentStreams => tollway_rate_limit::Measure::ConcurrentStreams,
        _ => tollway_rate_limit::Measure::Requests,
    };
    let name = match (measure.is_concurrent(), limit.burst) {
        (true, _) => format!("{} {}", per.as_str(), measure.as_str()),
        (false, None) => format!("{} {} {}", per.as_str(), measure.as_str(), Span(limit.window)),
        (false, Some(burst)) => {
            format!("{} {} {} {burst}", per.as_str(), measure.as_str(), Span(limit.window))
        }
    };
    let algorithm = limit.burst.map_or(Algorithm::SlidingWindow, |burst| Algorithm::Gcra { burst });
    let window = if measure.is_concurrent() { Duration::ZERO } else { limit.window };
    let rule = Rule::new(name, measure, limit.limit, window).per(per);
    Rule { algorithm, place, ..rule }
}

fn moment(text: &str, path: &Path) -> Result<SystemTime, Problem> {
    moment_of(text).ok_or_else(|| {
        Problem::value(path.clone(), "not a moment").hint("as in 2027-01-31, or 2027-01-31T18:00:00Z")
    })
}

/// The moment that a text tells in UTC; of a day, its beginning.
pub fn moment_of(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let read = |text: &str| humantime::parse_rfc3339_weak(text).ok();
    read(text).or_else(|| read(&format!("{text}T00:00:00Z")))
}
