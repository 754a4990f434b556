use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

/// Tokens are given up this long before they end: a request takes time to arrive, and clocks differ.
const MARGIN: Duration = Duration::from_secs(10);

/// The longest that a token is renewed before its end.
const EARLY: Duration = Duration::from_mins(5);

/// What an issuer gave.
#[derive(Clone)]
pub(crate) struct Grant {
    /// The token.
    pub(crate) token: String,
    /// How long it is good for, from when it was asked for.
    pub(crate) life: Duration,
    /// The project it belongs to, where the issuer was to tell.
    pub(crate) project: Option<Arc<str>>,
}

/// Without the token.
impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant")
            .field("life", &self.life)
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

/// A token as requests carry it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    /// The value of `authorization`, marked sensitive.
    pub(crate) header: HeaderValue,
    /// The project it belongs to, where the issuer was to tell.
    pub(crate) project: Option<Arc<str>>,
    /// The how-manieth token of its source it is.
    pub(super) number: u64,
}

/// A token and its times.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) bearer: Bearer,
    /// When to get another.
    pub(super) due: Instant,
    /// When it is of no more use.
    pub(super) ends: Instant,
}

impl Token {
    /// The token of a grant that was asked for at `asked`. None where no header can carry it.
    pub(super) fn new(grant: &Grant, number: u64, asked: Instant) -> Option<Self> {
        let mut header = HeaderValue::try_from(["Bearer ", grant.token.trim()].concat()).ok()?;
        header.set_sensitive(true);
        let life = grant.life.saturating_sub(MARGIN);
        // A day more or less is no matter; an overflow would be.
        let life = life.min(Duration::from_hours(24));
        let due = life.saturating_sub((life / 5).min(EARLY));
        let bearer = Bearer { header, project: grant.project.clone(), number };
        Some(Self { bearer, due: asked + due, ends: asked + life })
    }

    /// The token itself.
    pub(super) fn text(&self) -> &str {
        self.bearer.header.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
    }
}

/// Why there is no token. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct TokenError {
    /// What went wrong, and what to do about it.
    pub(crate) message: String,
    /// Whether it may go well in a moment.
    pub(crate) passing: bool,
}

impl TokenError {
    /// Something that may go well in a moment.
    pub(super) fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), passing: true }
    }

    /// Something that somebody must mend.
    pub(super) fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), passing: false }
    }
}
