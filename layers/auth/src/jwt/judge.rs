//! What a token comes to, decided by what is held in memory.

use std::sync::Arc;
use std::time::SystemTime;

use tollway_core::Caller;

use super::Issuer;
use super::claims::Span;
use super::held::{Held, HeldKeys};
use super::jwk::Jwk;
use super::remembered::{Entry, Fingerprint, Remembered};
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

    /// Whether the issuer accepts what a token says, if it has signed it.
    fn check(&self, token: &Token<'_>, now: SystemTime) -> Result<Span, TokenFault> {
        if !self.issuer.algorithms.contains(&token.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        let mut span = token.claims.check_time(self.issuer.leeway, now)?;
        span.until = span.until.min(self.until);
        span.check(now)?;
        token.claims.check_audience(&self.issuer.audiences)?;
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
        self.verify(text, fingerprint, way, now).unwrap_or_else(Verdict::Bad)
    }

    /// Judges a token that was not seen before.
    fn verify(
        &self,
        text: &[u8],
        fingerprint: Fingerprint,
        way: &Way,
        now: SystemTime,
    ) -> Result<Verdict, TokenFault> {
        let token = Token::read(text)?;
        let (index, accepted) = self.choose(&token, way, now)?;
        let known = self.issuers.get(index).ok_or(TokenFault::Issuer)?;
        // What costs nothing was looked at first. But only who has signed learns what tokens must say.
        if let Err(fault) = &accepted
            && !matches!(fault, TokenFault::Audience | TokenFault::Claim(_))
        {
            return Err(fault.clone());
        }
        let signed = known.held.with_keys(now, |keys| keys.verify(&token)).transpose()?;
        let (revision, span) = match (signed, accepted) {
            (Some(Some(revision)), accepted) => (revision, accepted?),
            // Nor does it make anybody fetch keys.
            (Some(None), Err(_)) => return Err(TokenFault::Key),
            (Some(None), Ok(_)) | (None, _) => return Ok(Verdict::Needs(index)),
        };
        let caller = Arc::new(known.issuer.mapping.caller(&token.claims, &known.template)?);
        let entry = Entry { fingerprint, issuer: index, revision, span, caller: caller.clone() };
        self.remembered.insert(entry, now);
        Ok(Verdict::Good { caller, limits: known.limits.clone() })
    }

    /// The issuer that accepts what a token says, if it has signed it, or else one that does not, and why.
    /// Several may have the same name, and differ in what they ask for.
    fn choose(
        &self,
        token: &Token<'_>,
        way: &Way,
        now: SystemTime,
    ) -> Result<(usize, Result<Span, TokenFault>), TokenFault> {
        let mut first = None;
        for (index, known) in self.issuers.iter().enumerate().filter(|(_, known)| known.is_of(token, way)) {
            let accepted = known.check(token, now);
            if accepted.is_ok() {
                return Ok((index, accepted));
            }
            first = first.or(Some((index, accepted)));
        }
        first.ok_or(TokenFault::Issuer)
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

impl HeldKeys {
    /// By which revision of the keys a token is signed. `None`: the key that it names is not among them.
    fn verify(&self, token: &Token<'_>) -> Result<Option<u64>, TokenFault> {
        if token.kid.as_deref().is_some_and(|kid| !self.set.has(kid)) {
            return Ok(None);
        }
        let mut fitting = self.set.fitting(token.kid.as_deref(), token.algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(TokenFault::Algorithm);
        }
        let has_signed = |key: &Jwk| key.has_signed(token.algorithm, token.signed, &token.signature);
        if fitting.any(has_signed) { Ok(Some(self.revision)) } else { Err(TokenFault::Signature) }
    }
}
