//! Certificates that clients present in TLS, and whom they come to.

mod identity;
mod method;
mod peer;
mod rule;

pub use self::{
    identity::NameField,
    method::Certificates,
    peer::PeerCertificate,
    rule::{CertificateRule, CertificateRuleError, NamePart, NamePattern},
};
