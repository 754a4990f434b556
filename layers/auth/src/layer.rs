use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::Extensions;
use tollway_core::StatusOnly;
use tower_layer::Layer;

use crate::{Auth, AuthService};

/// Lets those pass whom [`Auth`] knows, and answers the others by `R`.
#[derive(Clone, Debug)]
pub struct AuthLayer<R = StatusOnly> {
    auth: Arc<Auth>,
    respond: R,
    asks: Asks,
}

/// Where the layer takes from what a request does not say itself, and what it asks of callers.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    pub(crate) peer: Peer,
    pub(crate) clock: fn() -> SystemTime,
    pub(crate) scope: Option<Arc<str>>,
}

/// Finds the peer's address among what is known of a request.
pub type Peer = fn(&Extensions) -> Option<IpAddr>;

/// Knows no peer: failures are counted for all together, and no proxy is believed.
pub const fn no_peer(_: &Extensions) -> Option<IpAddr> {
    None
}

impl AuthLayer {
    /// Decides by `auth`, and answers refusals by their status alone.
    pub const fn new(auth: Arc<Auth>) -> Self {
        let asks = Asks { peer: no_peer, clock: SystemTime::now, scope: None };
        Self { auth, respond: StatusOnly, asks }
    }
}

impl<R> AuthLayer<R> {
    /// Answers refusals by `respond`.
    pub fn respond_with<R2>(self, respond: R2) -> AuthLayer<R2> {
        AuthLayer { auth: self.auth, respond, asks: self.asks }
    }

    /// Learns by `peer` from which address a connection came.
    #[must_use]
    pub fn peer(mut self, peer: Peer) -> Self {
        self.asks.peer = peer;
        self
    }

    /// Asks for a scope as well. Who is nobody in particular never has one.
    #[must_use]
    pub fn require_scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.asks.scope = Some(scope.into());
        self
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.asks.clock = clock;
        self
    }
}

impl<S, R: Clone> Layer<S> for AuthLayer<R> {
    type Service = AuthService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(inner, self.auth.clone(), self.respond.clone(), self.asks.clone())
    }
}
