use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tollway_core::Priority;

use super::{Digest, KeyId, Limit};

/// A key, as it is kept. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Its public name.
    pub id: KeyId,
    /// The hash of its token.
    pub digest: Digest,
    /// The token it had before, while that one is still good.
    pub previous: Option<Previous>,
    /// What was said when it was made, or later.
    pub grant: Grant,
    /// When it was made.
    pub created: SystemTime,
    /// When it was revoked.
    pub revoked: Option<SystemTime>,
    /// By which change of the store it became what it is. Declared keys have zero.
    pub revision: i64,
}

/// A token that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its hash.
    pub digest: Digest,
    /// Until when it is good.
    pub until: SystemTime,
}

/// What a key says and allows. Times are kept in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// What people call the key.
    pub name: String,
    /// Who uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For which team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What it may do than ask models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The models it may ask, with `*` for any run of characters. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The providers it may be served by, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// The paths it may use, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Words for reports, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How much its requests matter.
    #[serde(with = "priority")]
    pub priority: Priority,
    /// Limits of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// When it expires.
    #[serde(
        rename = "expires_ms",
        with = "crate::time::moment_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<SystemTime>,
}

impl Key {
    /// A key as it is when it is made.
    pub fn new(id: KeyId, digest: Digest, grant: Grant, created: SystemTime) -> Self {
        let created = crate::time::whole(created);
        Self { id, digest, previous: None, grant, created, revoked: None, revision: 0 }
    }

    /// Whether the key is good, if its newest token is presented.
    pub fn standing(&self, now: SystemTime) -> Standing {
        match (self.revoked, self.grant.expires) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(expires)) if expires <= now => Standing::Expired,
            _ => Standing::Good,
        }
    }
}

/// Whether a key is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Good,
    /// It was, until its time was over.
    Expired,
    /// It was, until it was taken back.
    Revoked,
}

/// A priority as a word.
mod priority {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use tollway_core::Priority;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(priority: &Priority, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match priority {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Priority, D::Error> {
        match &*String::deserialize(from)? {
            "low" => Ok(Priority::Low),
            "normal" => Ok(Priority::Normal),
            "high" => Ok(Priority::High),
            other => Err(D::Error::unknown_variant(other, &["low", "normal", "high"])),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_grant_is_read_as_it_is_written() {
        let text = concat!(
            r#"{"name":"ci","team":"blue","scopes":["keys"],"models":["gpt-*"],"tags":{"cost":"42"},"#,
            r#""priority":"high","limits":[{"measure":"total_tokens","limit":9,"window_ms":60000}],"#,
            r#""expires_ms":1500}"#
        );
        let grant: Grant = serde_json::from_str(text).unwrap();
        assert_eq!(grant.expires, Some(UNIX_EPOCH + Duration::from_millis(1500)));
        assert_eq!(serde_json::to_string(&grant).unwrap(), text);
        assert!(serde_json::from_str::<Grant>(r#"{"modles":["x"]}"#).is_err(), "a typo must not allow all");
    }

    #[test]
    fn a_key_is_good_until_the_moment_it_expires() {
        let moment = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let grant = Grant { expires: Some(moment(10)), ..Grant::default() };
        let mut key = Key::new(KeyId::of_name("a"), Digest::from([0; 32]), grant, moment(1));
        assert_eq!(key.standing(moment(9)), Standing::Good);
        assert_eq!(key.standing(moment(10)), Standing::Expired);
        key.revoked = Some(moment(2));
        assert_eq!(key.standing(moment(9)), Standing::Revoked);
    }
}
