use std::time::{Duration, SystemTime};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::AttributeTypeAndValue;

use crate::CertificateFault;
use crate::time::millis;

/// What a certificate says of its owner.
#[derive(Debug)]
pub(super) struct Identity {
    names: Vec<(NameField, Box<str>)>,
    /// When it is good, in seconds since 1970.
    from: i64,
    until: i64,
}

/// Where in a certificate a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameField {
    /// A DNS name among the alternative names, in small letters.
    Dns,
    /// A URI among them: the SPIFFE ID of a workload.
    Uri,
    /// An email address among them.
    Email,
    /// `CN` of the subject.
    CommonName,
    /// `O` of the subject.
    Organization,
    /// `OU` of the subject.
    OrganizationalUnit,
}

impl Identity {
    /// Reads a certificate. `None`: it is none, though TLS has verified it.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut names = Vec::new();
        let mut add = |field, name: &str| {
            // What would end a name early, or a line of a log, names nobody.
            if !name.is_empty() && !name.contains(char::is_control) {
                names.push((field, name.into()));
            }
        };
        if let Some(alternative) = certificate.subject_alternative_name().ok()? {
            for name in &alternative.value.general_names {
                match name {
                    GeneralName::DNSName(name) => add(NameField::Dns, &name.to_ascii_lowercase()),
                    GeneralName::URI(uri) => add(NameField::Uri, uri),
                    GeneralName::RFC822Name(address) => add(NameField::Email, address),
                    _ => {}
                }
            }
        }
        let subject = certificate.subject();
        let mut add_all = |field, all: &mut dyn Iterator<Item = &AttributeTypeAndValue<'_>>| {
            all.filter_map(|one| one.as_str().ok()).for_each(|name| add(field, name));
        };
        add_all(NameField::CommonName, &mut subject.iter_common_name());
        add_all(NameField::Organization, &mut subject.iter_organization());
        add_all(NameField::OrganizationalUnit, &mut subject.iter_organizational_unit());
        let validity = certificate.validity();
        Some(Self { names, from: validity.not_before.timestamp(), until: validity.not_after.timestamp() })
    }

    /// The names that stand in one field.
    pub(super) fn names(&self, field: NameField) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(at, _)| *at == field).map(|(_, name)| &**name)
    }

    /// Refuses what is not good now. A connection may outlive the certificate it began with.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), CertificateFault> {
        let now = millis(now);
        match () {
            // Both ends belong to it (RFC 5280 §4.1.2.5).
            () if self.until.saturating_add(1).saturating_mul(1000) <= now => Err(CertificateFault::Expired),
            () if self.from.saturating_mul(1000).saturating_sub(LEEWAY) > now => {
                Err(CertificateFault::NotYetValid)
            }
            () => Ok(()),
        }
    }
}

/// TLS has looked at the time by its own clock a moment before.
const LEEWAY: i64 = Duration::from_mins(1).as_secs().cast_signed() * 1000;
