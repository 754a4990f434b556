use std::num::NonZeroU32;
use std::time::Duration;

use crate::TrustedProxies;

/// How strict authentication is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether a request needs a credential.
    pub mode: Mode,
    /// How many credentials that nobody knows may come from one subscriber at once.
    pub failures: NonZeroU32,
    /// In what time as many may come again. Zero: failures are not limited.
    pub failures_window: Duration,
    /// Of how many addresses failures are counted apart, so that memory is bounded.
    pub failures_addresses: usize,
    /// Who may say whom a request comes from.
    pub proxies: TrustedProxies,
}

/// Whether a request needs a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does. A request without is refused.
    Required,
    /// It does not, as on a laptop: who presents nothing that is known passes as nobody in
    /// particular. A credential that is known to be bad is refused all the same.
    Open,
    /// It does as soon as some method is in use: once there is a key.
    #[default]
    Automatic,
}

impl Default for Settings {
    /// Ten failures a minute from each of at most 65,536 addresses, and nobody believed about others.
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            failures: const { NonZeroU32::new(10).unwrap() },
            failures_window: Duration::from_mins(1),
            failures_addresses: 1 << 16,
            proxies: TrustedProxies::default(),
        }
    }
}
