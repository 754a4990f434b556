use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Path,
    document::truth,
    error::Problem,
    units::{Size, Span},
};

/// Limits on pictures and documents that the gateway fetches for providers which take only bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The most bytes of one.
    pub max_bytes: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// Whether `http` and addresses that are not public may be fetched from: everyone who can send
    /// a request can then make the gateway ask servers in its own network.
    pub allow_private: bool,
}

impl Default for Media {
    fn default() -> Self {
        Self { max_bytes: 20 << 20, timeout: Duration::from_secs(10), allow_private: false }
    }
}

/// Limits on fetched media, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MediaFile {
    /// The most bytes of one picture or document. Default: 20MiB.
    max_bytes: Option<Size>,
    /// How long fetching one may take. Default: 10s.
    timeout: Option<Span>,
    /// Whether `http` URLs and private addresses may be fetched from. Default: false.
    #[schemars(schema_with = "truth")]
    allow_private: Option<bool>,
}

impl MediaFile {
    pub(super) fn validate(self) -> Result<Media, Problem> {
        let default = Media::default();
        let timeout = self.timeout.map_or(default.timeout, |Span(span)| span);
        if timeout.is_zero() {
            return Err(Problem::value(Path::of(&["media", "timeout"]), "no time at all"));
        }
        Ok(Media {
            max_bytes: self.max_bytes.map_or(default.max_bytes, |Size(bytes)| bytes),
            timeout,
            allow_private: self.allow_private.unwrap_or(default.allow_private),
        })
    }
}
