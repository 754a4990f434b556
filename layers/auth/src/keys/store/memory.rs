use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{AuditPage, Changes, KeyStore, Pending, StoreError};
use crate::audit::{Act, AuditEntry, AuditHead};
use crate::keys::{Change, Digest, Key, KeyId};

/// Keeps keys as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: BTreeMap<KeyId, Key>,
    by_revision: BTreeMap<i64, KeyId>,
    audit: Vec<AuditEntry>,
    fingerprint: Option<Digest>,
}

impl MemoryStore {
    /// A store without keys.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn revision(&self) -> i64 {
        self.by_revision.last_key_value().map_or(0, |(revision, _)| *revision)
    }

    fn head(&self) -> AuditHead {
        self.audit.last().map(AuditEntry::head).unwrap_or_default()
    }

    fn change(&mut self, id: KeyId, change: Change, act: Act) -> Result<Key, StoreError> {
        let (action, detail) = (change.action(), change.detail());
        let mut key = change.apply(id, self.keys.get(&id).cloned(), act.at)?;
        key.revision = self.revision() + 1;
        if let Some(before) = self.keys.insert(id, key.clone()) {
            self.by_revision.remove(&before.revision);
        }
        self.by_revision.insert(key.revision, id);
        self.record(act, action, &id.to_string(), &detail);
        Ok(key)
    }

    fn record(&mut self, act: Act, action: &str, subject: &str, detail: &str) -> AuditEntry {
        let entry = AuditEntry::after(self.head(), act, action, subject, detail);
        self.audit.push(entry.clone());
        entry
    }

    fn changes(&self, after: i64, limit: usize) -> Changes {
        let changed = self.by_revision.range(after.saturating_add(1)..).take(limit);
        let keys = changed.filter_map(|(_, id)| self.keys.get(id).cloned()).collect();
        Changes { keys, revision: self.revision(), head: self.head() }
    }

    fn list(&self, after: Option<KeyId>, limit: usize) -> Vec<Key> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let keys = self.keys.range((from, std::ops::Bound::Unbounded)).take(limit);
        keys.map(|(_, key)| key.clone()).collect()
    }

    fn audit(&self, after: i64, limit: usize) -> AuditPage {
        let after = usize::try_from(after).unwrap_or_default();
        AuditPage { entries: self.audit.iter().skip(after).take(limit).cloned().collect(), head: self.head() }
    }
}

impl KeyStore for MemoryStore {
    fn prepare(&self, fingerprint: Digest) -> Pending<'_, ()> {
        let same = *self.lock().fingerprint.get_or_insert(fingerprint) == fingerprint;
        ready(if same { Ok(()) } else { Err(StoreError::OtherPepper) })
    }

    fn change(&self, id: KeyId, change: Change, act: Act) -> Pending<'_, Key> {
        ready(self.lock().change(id, change, act))
    }

    fn find(&self, id: KeyId) -> Pending<'_, Option<Key>> {
        ready(Ok(self.lock().keys.get(&id).cloned()))
    }

    fn list(&self, after: Option<KeyId>, limit: u32) -> Pending<'_, Vec<Key>> {
        ready(Ok(self.lock().list(after, limit as usize)))
    }

    fn changes(&self, after: i64, limit: u32) -> Pending<'_, Changes> {
        ready(Ok(self.lock().changes(after, limit as usize)))
    }

    fn record<'s>(
        &'s self,
        act: Act,
        action: &'s str,
        subject: &'s str,
        detail: &'s str,
    ) -> Pending<'s, AuditEntry> {
        ready(Ok(self.lock().record(act, action, subject, detail)))
    }

    fn audit(&self, after: i64, limit: u32) -> Pending<'_, AuditPage> {
        ready(Ok(self.lock().audit(after, limit as usize)))
    }
}

fn ready<'s, T: Send + 's>(answer: Result<T, StoreError>) -> Pending<'s, T> {
    Box::pin(std::future::ready(answer))
}
