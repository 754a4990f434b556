use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Extensions;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tollway_auth::ClientAddress;
use tollway_auth::audit::Act;
use tollway_auth::keys::{ChangeError, Grant, Key, KeyId, Keyring, StoreError, store::verify_audit};
use tollway_core::Caller;

use super::answer::Fault;
use super::form::{AuditForm, GrantForm, KeyForm, hex};
use crate::auth::Auth;
use crate::config::span_of;

/// Where administrators are served.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    auth: Auth,
}

/// A piece of a list, and whether there is more.
#[derive(Debug, Serialize)]
pub(super) struct Listed<T> {
    data: Vec<T>,
    has_more: bool,
}

/// Whether the audit log is as it was written.
#[derive(Debug, Serialize)]
pub(super) struct Verified {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How a key is to be rotated.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rotation {
    /// For how long the old token is good: `24h`. Default: not at all.
    overlap: Option<String>,
}

impl Desk {
    pub(super) const fn new(auth: Auth) -> Self {
        Self { auth }
    }

    pub(super) async fn create(&self, body: &[u8], who: &Extensions) -> Result<KeyForm, Fault> {
        let form: GrantForm = read(body)?;
        let now = SystemTime::now();
        let grant = form.read_new(now).map_err(|(field, what)| Fault::field(&field, what))?;
        let (key, token) = self.keyring().await?.create(grant, act(who, now)).await?;
        Ok(KeyForm::of(&key, now).with_token(token.expose()))
    }

    pub(super) async fn list(&self, after: Option<&str>, limit: u32) -> Result<Listed<KeyForm>, Fault> {
        let after = after.map(id).transpose()?;
        let mut keys = self.keyring().await?.store().list(after, limit.saturating_add(1)).await?;
        let has_more = keys.len() > limit as usize;
        keys.truncate(limit as usize);
        let now = SystemTime::now();
        Ok(Listed { data: keys.iter().map(|key| KeyForm::of(key, now)).collect(), has_more })
    }

    pub(super) async fn show(&self, name: &str) -> Result<KeyForm, Fault> {
        let (_, key) = self.find(name).await?;
        Ok(KeyForm::of(&key, SystemTime::now()))
    }

    /// Changes what is said, as RFC 7396 has it: what is null goes, what is left out stays.
    pub(super) async fn change(&self, name: &str, body: &[u8], who: &Extensions) -> Result<KeyForm, Fault> {
        let patch: Value = read(body)?;
        let Value::Object(patch) = patch else { return Err(Fault::field("", "the body is no JSON object")) };
        for _ in 0..TRIES {
            let (keyring, key) = self.find(name).await?;
            let now = SystemTime::now();
            let grant = patched(&key.grant, patch.clone(), now)?;
            match keyring.update(&key, grant, act(who, now)).await {
                // Between our reading and writing somebody else was quicker: theirs stays too.
                Err(StoreError::Refused(ChangeError::Changed(_))) => {}
                changed => return Ok(KeyForm::of(&changed?, now)),
            }
        }
        Err(StoreError::Refused(ChangeError::Changed(id(name)?)).into())
    }

    pub(super) async fn revoke(&self, name: &str, who: &Extensions) -> Result<KeyForm, Fault> {
        let now = SystemTime::now();
        let key = self.keyring().await?.revoke(id(name)?, act(who, now)).await?;
        Ok(KeyForm::of(&key, now))
    }

    pub(super) async fn rotate(&self, name: &str, body: &[u8], who: &Extensions) -> Result<KeyForm, Fault> {
        let rotation: Rotation = if body.is_empty() { Rotation::default() } else { read(body)? };
        let overlap = rotation.overlap.map_or(Ok(Duration::ZERO), |text| {
            span_of(&text).map_err(|what| Fault::field("overlap", format!("{what}: {text}")))
        })?;
        let now = SystemTime::now();
        let (key, token) = self.keyring().await?.rotate(id(name)?, overlap, act(who, now)).await?;
        Ok(KeyForm::of(&key, now).with_token(token.expose()))
    }

    pub(super) async fn audit(&self, after: i64, limit: u32) -> Result<Listed<AuditForm>, Fault> {
        let page = self.keyring().await?.store().audit(after, limit).await?;
        let last = page.entries.last().map_or(after, |entry| entry.sequence);
        let data = page.entries.iter().map(AuditForm::of).collect();
        Ok(Listed { data, has_more: last < page.head.sequence })
    }

    pub(super) async fn verify(&self) -> Result<Verified, Fault> {
        match verify_audit(&**self.keyring().await?.store()).await {
            Ok(head) => Ok(Verified {
                valid: true,
                sequence: Some(head.sequence),
                hash: Some(hex(head.hash)),
                error: None,
            }),
            Err(StoreError::Audit(error)) => {
                Ok(Verified { valid: false, sequence: None, hash: None, error: Some(error.to_string()) })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, name: &str) -> Result<(Keyring, Key), Fault> {
        let (id, keyring) = (id(name)?, self.keyring().await?);
        let key = keyring.store().find(id).await?;
        key.map(|key| (keyring, key)).ok_or_else(|| missing(name))
    }

    /// What administers keys, with a store that is ready.
    async fn keyring(&self) -> Result<Keyring, Fault> {
        let keyring = self.auth.keyring().ok_or_else(Fault::homeless)?;
        // The first one who writes may come before the one who reads.
        keyring.store().prepare(self.auth.fingerprint()).await?;
        Ok(keyring.clone())
    }
}

/// How often a change is tried that others come in the way of.
const TRIES: usize = 8;

/// Who does something, from where, and when.
fn act(who: &Extensions, at: SystemTime) -> Act {
    let caller = who.get::<Arc<Caller>>();
    let actor = caller.and_then(|caller| match (&caller.key, &caller.user) {
        (Some(key), Some(user)) => Some(format!("{key} of {user}")),
        (one, other) => one.as_ref().or(other.as_ref()).map(ToString::to_string),
    });
    let address = who.get::<ClientAddress>().map(|client| client.0);
    Act { actor: actor.unwrap_or_else(|| "somebody".to_owned()), address, at }
}

fn id(name: &str) -> Result<KeyId, Fault> {
    name.parse().map_err(|_| missing(name))
}

fn missing(name: &str) -> Fault {
    let shown: String = name.chars().filter(|sign| !sign.is_control()).take(100).collect();
    Fault::unknown(&shown)
}

/// Reads a body, and says which field is wrong.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let reader = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| wrong(&error))?;
    reader.end().map_err(|error| Fault::field("", error.to_string()))?;
    Ok(value)
}

fn of_value<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let path = error.path().to_string();
    Fault::field(if path == "." { "" } else { &path }, error.inner().to_string())
}

/// What a grant becomes by a patch.
fn patched(grant: &Grant, patch: Map<String, Value>, now: SystemTime) -> Result<Grant, Fault> {
    let mut form = serde_json::to_value(GrantForm::of(grant)).unwrap_or_default();
    // What says when it expires in one way takes the place of what did in the other.
    if patch.contains_key("expires_in")
        && let Some(fields) = form.as_object_mut()
    {
        fields.remove("expires_at");
    }
    merge(&mut form, Value::Object(patch));
    let form: GrantForm = of_value(form)?;
    form.read(now).map_err(|(field, what)| Fault::field(&field, what))
}

/// Merges a patch in (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else { return *target = patch };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Some(fields) = target.as_object_mut() {
        for (name, value) in patch {
            if value.is_null() {
                fields.remove(&name);
            } else {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}
