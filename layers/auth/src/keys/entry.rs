use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use tollway_core::{Allowed, Caller};

use super::{Digest, Key, KeyId, Limit, Standing};
use crate::time::millis;

/// What memory holds of a key: all that a decision needs, made beforehand.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: KeyId,
    pub(super) revision: i64,
    pub(super) digest: Digest,
    /// The token it had before, and until when, in milliseconds, it is good.
    pub(super) previous: Option<Box<(Digest, i64)>>,
    /// When it expires, in milliseconds.
    expires: i64,
    revoked: bool,
    pub(super) declared: bool,
    /// Whether its token is such that somebody might guess it.
    pub(super) guessable: bool,
    pub(super) caller: Arc<Caller>,
    pub(super) limits: Option<Arc<[Limit]>>,
}

impl Entry {
    pub(super) fn new(key: Key, declared: bool, guessable: bool, words: &mut Words) -> Arc<Self> {
        let grant = key.grant;
        let mut caller = Caller::anonymous();
        caller.key = Some(key.id.to_string().into());
        caller.user = grant.user.map(|user| words.word(user));
        caller.team = grant.team.map(|team| words.word(team));
        caller.scopes = grant.scopes.into_iter().map(|scope| words.word(scope)).collect();
        caller.models = words.list(grant.models);
        caller.providers = words.list(grant.providers);
        caller.routes = words.list(grant.routes);
        caller.tags =
            grant.tags.into_iter().map(|(tag, value)| (words.word(tag), words.word(value))).collect();
        caller.priority = grant.priority;
        Arc::new(Self {
            id: key.id,
            revision: key.revision,
            digest: key.digest,
            previous: key.previous.map(|previous| Box::new((previous.digest, millis(previous.until)))),
            expires: grant.expires.map_or(i64::MAX, millis),
            revoked: key.revoked.is_some(),
            declared,
            guessable,
            caller: Arc::new(caller),
            limits: (!grant.limits.is_empty()).then(|| grant.limits.into()),
        })
    }

    /// Whether one of the key's tokens is good: the newest, or the one before.
    pub(super) fn standing(&self, is_previous: bool, now: SystemTime) -> Standing {
        let now = millis(now);
        let replaced = || self.previous.as_ref().is_none_or(|previous| previous.1 <= now);
        match () {
            () if self.revoked => Standing::Revoked,
            () if self.expires <= now || (is_previous && replaced()) => Standing::Expired,
            () => Standing::Good,
        }
    }
}

/// Words that many keys share, kept once. Lives as long as a batch of keys is read.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: HashSet<Arc<str>>,
    lists: BTreeMap<Vec<String>, Allowed>,
}

impl Words {
    fn word(&mut self, word: String) -> Arc<str> {
        if let Some(known) = self.words.get(&*word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        self.words.insert(word.clone());
        word
    }

    fn list(&mut self, patterns: Vec<String>) -> Allowed {
        if patterns.is_empty() {
            return Allowed::default();
        }
        let known = self.lists.entry(patterns);
        known.or_insert_with_key(|patterns| Allowed::new(patterns.iter().map(String::as_str))).clone()
    }
}
