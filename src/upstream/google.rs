//! Access tokens of Google Cloud: gotten, kept, renewed before they end.
//!
//! ```text
//! request ─ TokenSource ─ a token at hand ───────────────────────────── request with its header
//!                      └─ none: wait for the one task that tends it ── Issuer ─ Google, metadata
//! ```

mod issuer;
mod reply;
mod source;
mod sources;
mod token;

pub(crate) use self::source::TokenSource;
pub(crate) use self::sources::Sources;
pub(crate) use self::token::{Bearer, TokenError};
