use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::AbortHandle;
use tollway_auth::jwt::{IssuerError, Jwt, JwtSettings, KeyRefresh};

use crate::config::Settings;
use crate::upstream::{Connector, Published};

/// The issuers whose tokens are believed, and what fetches their keys once it is started.
#[derive(Debug)]
pub(super) struct Issuers {
    pub(super) jwt: Option<Jwt>,
    refresh: Mutex<Refresh>,
}

#[derive(Debug)]
enum Refresh {
    Waiting(Option<KeyRefresh>),
    Running(AbortHandle),
}

impl Issuers {
    /// The issuers of the settings, with the keys that are known of them.
    pub(super) fn new(
        settings: &Settings,
        connector: &Connector,
        before: Option<&Self>,
    ) -> Result<Self, IssuerError> {
        let issuers = settings.auth.issuers.clone();
        if issuers.is_empty() {
            return Ok(Self { jwt: None, refresh: Mutex::new(Refresh::Waiting(None)) });
        }
        let published = Arc::new(Published::new(connector));
        let (jwt, refresh) = Jwt::new(JwtSettings { issuers, ..JwtSettings::default() }, published)?;
        if let Some(before) = before.and_then(|before| before.jwt.as_ref()) {
            jwt.inherit(before);
        }
        Ok(Self { jwt: Some(jwt), refresh: Mutex::new(Refresh::Waiting(Some(refresh))) })
    }

    /// Begins to fetch keys, in this runtime. A second time it does nothing.
    pub(super) fn start(&self) {
        let mut refresh = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
        if let Refresh::Waiting(waiting) = &mut *refresh
            && let Some(waiting) = waiting.take()
        {
            *refresh = Refresh::Running(tokio::spawn(waiting.run()).abort_handle());
        }
    }
}

/// With the last clone of what it fetches for, fetching ends.
impl Drop for Issuers {
    fn drop(&mut self) {
        let refresh = self.refresh.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Refresh::Running(running) = refresh {
            running.abort();
        }
    }
}
