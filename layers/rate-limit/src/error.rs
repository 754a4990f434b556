use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::{Decision, Measure, Rule};

/// Why a request may not pass. Holds nothing about other callers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A limit is reached. Where several are, the one that takes longest to pass.
    #[error("rate limit reached: {rule} allows {limit} {measure}{}", Within(*.window))]
    Limited {
        /// The rule's name.
        rule: Arc<str>,
        /// What it counts.
        measure: Measure,
        /// How much at most.
        limit: u64,
        /// In how long a time; zero where the measure is concurrent.
        window: Duration,
        /// After what time the same request may pass.
        retry_after: Duration,
        /// How the caller stands with its limits.
        decision: Box<Decision>,
    },
    /// The request alone is more than a rule ever lets pass at once.
    #[error("request too large: {rule} allows {limit} {measure} at once, requested {requested}")]
    TooLarge {
        /// The rule's name.
        rule: Arc<str>,
        /// What it counts.
        measure: Measure,
        /// How much at most.
        limit: u64,
        /// How much the request was expected to take.
        requested: u64,
        /// How the caller stands with its limits.
        decision: Box<Decision>,
    },
    /// The store of a rule does not answer, and the rule says that nothing passes then.
    #[error("the state of the rate limit cannot be read: {rule}")]
    Unavailable {
        /// The rule's name.
        rule: Arc<str>,
        /// After what time the store will have been asked again.
        retry_after: Duration,
    },
}

impl Refused {
    pub(crate) fn limited(rule: &Rule, retry_after: Duration, decision: Decision) -> Self {
        Self::Limited {
            rule: rule.name.clone(),
            measure: rule.measure,
            limit: rule.limit,
            window: if rule.measure.is_concurrent() { Duration::ZERO } else { rule.window },
            retry_after,
            decision: Box::new(decision),
        }
    }

    /// The status to answer with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Limited { .. } | Self::TooLarge { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The name of the rule that refused.
    pub fn rule(&self) -> &Arc<str> {
        match self {
            Self::Limited { rule, .. } | Self::TooLarge { rule, .. } | Self::Unavailable { rule, .. } => rule,
        }
    }

    /// After what time the same request may pass; nothing where it never will.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::TooLarge { .. } => None,
        }
    }

    /// How the caller stands with its limits, where that is known.
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Limited { decision, .. } | Self::TooLarge { decision, .. } => Some(decision),
            Self::Unavailable { .. } => None,
        }
    }
}

impl From<&Refused> for StatusCode {
    fn from(refused: &Refused) -> Self {
        refused.status()
    }
}

/// Why rules cannot be kept as they are written. Guilty is who wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A field has a value that makes no sense.
    #[error("limit {rule}: {what}")]
    Field {
        /// The rule's name.
        rule: Arc<str>,
        /// The field and what is wrong with it.
        what: &'static str,
    },
    /// Two rules have one name.
    #[error("there are two limits of one name: {0}")]
    Twice(Arc<str>),
    /// A rule is shared, and there is no store.
    #[error("a shared limit needs a store: {0}")]
    NoStore(Arc<str>),
    /// There are more rules than can be told apart.
    #[error("there are more than 65535 limits: {0}")]
    TooMany(usize),
}

/// A window in a sentence.
struct Within(Duration);

impl std::fmt::Display for Within {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_zero() { Ok(()) } else { write!(f, " in {}", humantime::format_duration(self.0)) }
    }
}
