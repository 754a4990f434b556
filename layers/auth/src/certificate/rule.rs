use std::sync::Arc;

use tollway_core::{Allowed, Caller};

use super::NameField;
use super::identity::Identity;
use crate::keys::Grant;
use crate::{Limit, grant};

/// Whose certificates come to which caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRule {
    /// What the certificate must say: all of it.
    pub names: Vec<NamePattern>,
    /// What its owner may do.
    pub grant: Grant,
    /// Which of its names is the user, in the place of the grant's. A certificate that has none is not of
    /// this rule.
    pub user: Option<NamePart>,
    /// Which is the team, likewise.
    pub team: Option<NamePart>,
}

/// A name that a certificate must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// Where it stands.
    pub field: NameField,
    /// What it is, with `*` for any run of characters, dots and slashes among them.
    pub pattern: String,
}

/// A name that is taken from a certificate: from the first that the rule's patterns for the field match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePart {
    /// Where it stands.
    pub field: NameField,
    /// What the name must begin with, and is left out.
    pub after: String,
    /// With what the rest is cut off, from where it first comes. Empty: with nothing.
    pub before: String,
}

/// Why a rule cannot be held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateRuleError {
    /// Every certificate would be of it. Who wants that says `*`.
    #[error("a rule for certificates needs a name that they must have")]
    NoName,
    /// No certificate would be of it.
    #[error("a name that certificates must have cannot be empty")]
    EmptyName,
}

/// A rule, made ready.
#[derive(Debug)]
pub(super) struct ReadyRule {
    names: Vec<(NameField, Allowed)>,
    user: Option<NamePart>,
    team: Option<NamePart>,
    template: Caller,
    pub(super) limits: Option<Arc<[Limit]>>,
    pub(super) expires: Option<std::time::SystemTime>,
}

impl NamePart {
    /// The whole of a name.
    pub const fn whole(field: NameField) -> Self {
        Self { field, after: String::new(), before: String::new() }
    }

    fn of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(&*self.after)?;
        let part = if self.before.is_empty() { rest } else { rest.split_once(&*self.before)?.0 };
        (!part.is_empty()).then_some(part)
    }
}

impl ReadyRule {
    pub(super) fn new(rule: CertificateRule) -> Result<Self, CertificateRuleError> {
        if rule.names.is_empty() {
            return Err(CertificateRuleError::NoName);
        }
        let mut names = Vec::with_capacity(rule.names.len());
        for NamePattern { field, mut pattern } in rule.names {
            if pattern.is_empty() {
                return Err(CertificateRuleError::EmptyName);
            }
            if field == NameField::Dns {
                pattern.make_ascii_lowercase();
            }
            names.push((field, Allowed::new([pattern])));
        }
        let (template, limits) = grant::caller(&rule.grant);
        Ok(Self { names, user: rule.user, team: rule.team, template, limits, expires: rule.grant.expires })
    }

    /// Who a certificate's owner is, if it is of this rule.
    pub(super) fn caller(&self, identity: &Identity) -> Option<Caller> {
        let has =
            |(field, pattern): &(NameField, Allowed)| identity.names(*field).any(|name| pattern.allows(name));
        if !self.names.iter().all(has) {
            return None;
        }
        let mut caller = self.template.clone();
        for (part, to) in [(&self.user, &mut caller.user), (&self.team, &mut caller.team)] {
            if let Some(part) = part {
                *to = Some(self.take(part, identity)?.into());
            }
        }
        Some(caller)
    }

    /// Takes a name from where the rule's patterns have matched: what else the certificate says was not
    /// asked for.
    fn take<'i>(&self, part: &NamePart, identity: &'i Identity) -> Option<&'i str> {
        let mut patterns = self.names.iter().filter(|(field, _)| *field == part.field).peekable();
        let is_free = patterns.peek().is_none();
        let patterns: Vec<_> = patterns.map(|(_, pattern)| pattern).collect();
        let matched = |name: &&str| is_free || patterns.iter().any(|pattern| pattern.allows(name));
        identity.names(part.field).filter(matched).find_map(|name| part.of(name))
    }
}
