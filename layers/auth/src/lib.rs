#![doc = include_str!("../README.md")]

mod address;
pub mod audit;
mod auth;
#[cfg(feature = "mtls")]
pub mod certificate;
mod error;
mod failures;
mod fault;
mod future;
#[cfg(any(feature = "jwt", feature = "mtls"))]
mod grant;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod keys;
mod layer;
pub mod metered;
mod method;
mod presented;
mod service;
mod settings;
mod time;

#[cfg(feature = "mtls")]
pub use self::certificate::{Certificates, PeerCertificate};
#[cfg(feature = "jwt")]
pub use self::jwt::Jwt;
pub use self::{
    address::{ClientAddress, ForwardedBy, TrustedProxies, TrustedProxiesError},
    auth::Auth,
    error::Error,
    fault::{CertificateFault, TokenFault},
    future::ResponseFuture,
    keys::{KeyLimits, Keys, Limit},
    layer::{AuthLayer, Peer, no_peer},
    method::{Decision, Method, Pending, Verified},
    presented::{Credential, Presented, Way},
    service::AuthService,
    settings::{Mode, Settings},
};
