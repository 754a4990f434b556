use std::fmt;
use std::sync::{Arc, OnceLock};

use super::identity::Identity;

/// The certificate that a client has presented and TLS has verified. The server puts it into the extensions
/// of each request of the connection; a clone is one count, and the certificate is read once.
#[derive(Clone)]
pub struct PeerCertificate(Arc<Presented>);

struct Presented {
    der: Box<[u8]>,
    /// `None` where it cannot be read.
    identity: OnceLock<Option<Identity>>,
}

impl PeerCertificate {
    /// Takes a certificate in DER. It must have been verified: whatever stands in it is believed.
    pub fn new(der: impl Into<Box<[u8]>>) -> Self {
        Self(Arc::new(Presented { der: der.into(), identity: OnceLock::new() }))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        self.0.identity.get_or_init(|| Identity::read(&self.0.der)).as_ref()
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeerCertificate").field(&self.identity()).finish()
    }
}
