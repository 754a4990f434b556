use std::sync::Arc;
use std::time::SystemTime;

use super::rule::ReadyRule;
use super::{CertificateRule, CertificateRuleError, PeerCertificate};
use crate::{CertificateFault, Decision, Error, Method, Presented, Verified, Way};

/// Knows callers by the certificates they present in TLS, which stand in the extensions as
/// [`PeerCertificate`].
#[derive(Clone, Debug)]
pub struct Certificates {
    rules: Arc<[ReadyRule]>,
}

impl Certificates {
    /// Knows whom the rules name. The first that a certificate is of counts.
    pub fn new(rules: impl IntoIterator<Item = CertificateRule>) -> Result<Self, CertificateRuleError> {
        let rules = rules.into_iter().map(ReadyRule::new).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }
}

impl Method for Certificates {
    fn name(&self) -> &'static str {
        "certificate"
    }

    fn decide(&self, presented: &Presented<'_>, now: SystemTime) -> Decision {
        let Some(certificate) = presented.extensions.get::<PeerCertificate>() else {
            return Decision::NotMine;
        };
        let refused = |fault| Decision::Refused(Error::Certificate(fault));
        let Some(identity) = certificate.identity() else { return refused(CertificateFault::Malformed) };
        if let Err(fault) = identity.check(now) {
            return refused(fault);
        }
        // One that no rule is about may still belong to somebody who presents a key as well.
        let known = self.rules.iter().find_map(|rule| Some((rule, rule.caller(identity)?)));
        match known {
            None => Decision::NotMine,
            Some((rule, _)) if rule.expires.is_some_and(|expires| expires <= now) => {
                Decision::Refused(Error::Expired)
            }
            Some((rule, caller)) => {
                let verified = Verified::new(Arc::new(caller), Way::Connection);
                Decision::Verified(Verified { limits: rule.limits.clone(), ..verified })
            }
        }
    }

    fn is_in_use(&self) -> bool {
        !self.rules.is_empty()
    }
}
