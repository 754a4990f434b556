use std::sync::Arc;
use std::time::Duration;

use super::{Change, Grant, Key, KeyId, KeyStore, KeyTable, StoreError, Token};
use crate::audit::Act;

/// Makes keys and takes them back: what an administrator's commands come down to.
#[derive(Clone, Debug)]
pub struct Keyring {
    store: Arc<dyn KeyStore>,
    table: Arc<KeyTable>,
}

impl Keyring {
    /// Changes keys in a store, and in a table at once. The tables of other processes learn it by their
    /// feeds.
    pub const fn new(store: Arc<dyn KeyStore>, table: Arc<KeyTable>) -> Self {
        Self { store, table }
    }

    /// Where the keys are kept, to list them and to read the log.
    pub fn store(&self) -> &Arc<dyn KeyStore> {
        &self.store
    }

    /// Makes a key. Its token is not to be had again.
    pub async fn create(&self, grant: Grant, act: Act) -> Result<(Key, Token), StoreError> {
        let token = Token::random()?;
        let digest = self.table.pepper().hash(token.expose().as_bytes());
        let key = self.change(KeyId::random()?, Change::Create { digest, grant: grant.into() }, act).await?;
        Ok((key, token))
    }

    /// Lets a key say and allow something else. Of two who read the same key and change it, the second is
    /// refused: [`ChangeError::Changed`](super::ChangeError::Changed).
    pub async fn update(&self, key: &Key, grant: Grant, act: Act) -> Result<Key, StoreError> {
        let change = Change::Update { grant: grant.into(), since: Some(key.revision) };
        self.change(key.id, change, act).await
    }

    /// Gives a key another token. The one it has stays good for `overlap`.
    pub async fn rotate(&self, id: KeyId, overlap: Duration, act: Act) -> Result<(Key, Token), StoreError> {
        let token = Token::random()?;
        let digest = self.table.pepper().hash(token.expose().as_bytes());
        Ok((self.change(id, Change::Rotate { digest, overlap }, act).await?, token))
    }

    /// Takes a key back, for good.
    pub async fn revoke(&self, id: KeyId, act: Act) -> Result<Key, StoreError> {
        self.change(id, Change::Revoke, act).await
    }

    async fn change(&self, id: KeyId, change: Change, act: Act) -> Result<Key, StoreError> {
        let answer = tokio::time::timeout(PATIENCE, self.store.change(id, change, act)).await;
        let key = answer.unwrap_or(Err(StoreError::Timeout(PATIENCE)))?;
        self.table.apply([key.clone()]);
        Ok(key)
    }
}

/// How long an administrator waits for the store.
const PATIENCE: Duration = Duration::from_secs(10);
