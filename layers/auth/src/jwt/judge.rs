//! What a token comes to, decided by what is held in memory.

use std::sync::Arc;
use std::time::SystemTime;

use tollway_core::Caller;

use super::Issuer;
use super::claims::Span;
use super::held::Held;
use super::remembered::{Entry, Remembered};
use super::token::{MOST_BYTES, Token};
use crate::time::millis;
use crate::{Limit, TokenFault, Way, grant};

/// Knows tokens by their issuers.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) issuers: Vec<KnownIssuer>,
    pub(super) remembered: Remembered,
}

/// An issuer, and what is held of it.
#[derive(Debug)]
pub(super) struct KnownIssuer {
    pub(super) issuer: Issuer,
    pub(super) held: Held,
    /// What holds for every caller of its.
    template: Caller,
    limits: Option<Arc<[Limit]>>,
    /// When the grant ends, in milliseconds.
    until: i64,
}

/// What a token comes to.
#[derive(Debug)]
pub(super) enum Verdict {
    Good {
        caller: Arc<Caller>,
        limits: Option<Arc<[Limit]>>,
    },
    Bad(TokenFault),
    /// The issuer of that number must be asked for its keys first.
    Needs(usize),
}

impl KnownIssuer {
    pub(super) fn new(issuer: Issuer, held: Held) -> Self {
        let (template, limits) = grant::caller(&issuer.grant);
        let until = issuer.grant.expires.map_or(i64::MAX, millis);
        Self { issuer, held, template, limits, until }
    }

    /// Whether it may be this issuer that a token is of.
    fn is_of(&self, token: &Token<'_>, way: &Way) -> bool {
        let of_name =
            |name: &str| self.issuer.issuer == name || self.issuer.aliases.iter().any(|one| one == name);
        token.claims.issuer().is_some_and(of_name) && self.issuer.place.covers(way)
    }

    /// All that does not cost a verification.
    fn check(&self, token: &Token<'_>, now: SystemTime) -> Result<Span, TokenFault> {
        if !self.issuer.algorithms.contains(&token.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        token.claims.check_audience(&self.issuer.audiences)?;
        let mut span = token.claims.check_time(self.issuer.leeway, now)?;
        span.until = span.until.min(self.until);
        span.check(now)?;
        self.issuer.required.iter().try_for_each(|required| required.check(&token.claims))?;
        Ok(span)
    }
}

impl Judge {
    /// Judges a token that was found some way.
    pub(super) fn judge(&self, text: &[u8], way: &Way, now: SystemTime) -> Verdict {
        if text.len() > MOST_BYTES {
            return Verdict::Bad(TokenFault::TooLong);
        }
        let fingerprint = self.remembered.fingerprint(text);
        if let Some(entry) = self.remembered.find(&fingerprint)
            && let Some(verdict) = self.recall(&entry, way, now)
        {
            return verdict;
        }
        let token = match Token::read(text) {
            Ok(token) => token,
            Err(fault) => return Verdict::Bad(fault),
        };
        let (index, known, span) = match self.choose(&token, way, now) {
            Ok(chosen) => chosen,
            Err(fault) => return Verdict::Bad(fault),
        };
        let verified = known.held.with_keys(now, |keys| {
            if let Some(kid) = &token.kid
                && !keys.set.has(kid)
            {
                return Ok(None);
            }
            let mut fitting = keys.set.fitting(token.kid.as_deref(), token.algorithm).peekable();
            if fitting.peek().is_none() {
                return Err(TokenFault::Algorithm);
            }
            let is_signed =
                fitting.any(|key| key.has_signed(token.algorithm, token.signed, &token.signature));
            if is_signed { Ok(Some(keys.revision)) } else { Err(TokenFault::Signature) }
        });
        let revision = match verified {
            Some(Ok(Some(revision))) => revision,
            Some(Err(fault)) => return Verdict::Bad(fault),
            None | Some(Ok(None)) => return Verdict::Needs(index),
        };
        let caller = match known.issuer.mapping.caller(&token.claims, &known.template) {
            Ok(caller) => Arc::new(caller),
            Err(fault) => return Verdict::Bad(fault),
        };
        let entry = Entry { fingerprint, issuer: index, revision, span, caller: caller.clone() };
        self.remembered.insert(entry, now);
        Verdict::Good { caller, limits: known.limits.clone() }
    }

    /// The issuer that accepts what a token says, if it has signed it. Several may have the same name, and
    /// differ in what they ask for.
    fn choose(
        &self,
        token: &Token<'_>,
        way: &Way,
        now: SystemTime,
    ) -> Result<(usize, &KnownIssuer, Span), TokenFault> {
        let mut first = None;
        for (index, known) in self.issuers.iter().enumerate().filter(|(_, known)| known.is_of(token, way)) {
            match known.check(token, now) {
                Ok(span) => return Ok((index, known, span)),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        Err(first.unwrap_or(TokenFault::Issuer))
    }

    /// What a token comes to that was verified before. `None`: it must be verified again, the issuer having
    /// other keys now.
    fn recall(&self, entry: &Entry, way: &Way, now: SystemTime) -> Option<Verdict> {
        let known = self.issuers.get(entry.issuer).filter(|known| known.issuer.place.covers(way))?;
        known.held.with_keys(now, |keys| keys.revision).filter(|revision| *revision == entry.revision)?;
        Some(match entry.span.check(now) {
            Ok(()) => Verdict::Good { caller: entry.caller.clone(), limits: known.limits.clone() },
            Err(fault) => Verdict::Bad(fault),
        })
    }
}
