#![doc = include_str!("../README.md")]

mod address;
pub mod audit;
mod auth;
mod error;
mod failures;
mod future;
pub mod keys;
mod layer;
mod method;
mod presented;
mod service;
mod settings;
mod time;

pub use self::{
    address::{ClientAddress, ForwardedBy, TrustedProxies, TrustedProxiesError},
    auth::Auth,
    error::Error,
    future::ResponseFuture,
    keys::{KeyLimits, Keys, Limit},
    layer::{AuthLayer, Peer, no_peer},
    method::{Decision, Method, Pending, Verified},
    presented::{Credential, Presented, Way},
    service::AuthService,
    settings::{Mode, Settings},
};
