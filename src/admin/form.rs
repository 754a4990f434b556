//! Keys as administrators write and read them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tollway_auth::audit::{AuditEntry, AuditHash};
use tollway_auth::keys::{Digest, Grant, Key, Standing};
use tollway_core::Priority;

use crate::config::{KeyLimit, moment_of, priority_of, span_of};

/// What a key says and allows. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrantForm {
    /// What people call the key.
    pub name: String,
    /// Who uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For which team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What it may do than ask models: `admin`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The models it may ask, with `*` for any run of characters. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The providers it may be served by. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// The paths it may use. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Words for reports, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How much its requests matter: low, normal or high.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Limits of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<KeyLimit>,
    /// When it expires: `2027-01-31`, `2027-01-31T18:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// In its place, in how long a time: `12h`. Never shown.
    #[serde(skip_serializing)]
    pub expires_in: Option<String>,
}

/// What is wrong with a form: the field, and in words.
pub type Wrong = (String, String);

impl GrantForm {
    /// What the form says, at a moment.
    pub fn read(self, now: SystemTime) -> Result<Grant, Wrong> {
        if self.name.trim().is_empty() {
            return Err(("name".to_owned(), "the key needs a name".to_owned()));
        }
        self.check()?;
        let priority = match self.priority.as_deref() {
            None => Priority::Normal,
            Some(word) => priority_of(word)
                .ok_or_else(|| ("priority".to_owned(), format!("neither low, normal nor high: {word}")))?,
        };
        let limits = self.limits.iter().enumerate().map(|(at, limit)| {
            limit.read().map_err(|(field, what)| {
                let dot = if field.is_empty() { "" } else { "." };
                (format!("limits[{at}]{dot}{field}"), what)
            })
        });
        let expires = match (self.expires_at, self.expires_in) {
            (Some(at), None) => Some(moment_of(&at).ok_or_else(|| {
                ("expires_at".to_owned(), format!("not a moment such as 2027-01-31T18:00:00Z: {at}"))
            })?),
            (None, Some(text)) => {
                let wrong = |what: &str| ("expires_in".to_owned(), format!("{what}: {text}"));
                let span = span_of(&text).map_err(wrong)?;
                Some(now.checked_add(span).ok_or_else(|| wrong("too long"))?)
            }
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(("expires_in".to_owned(), "given as well as expires_at".to_owned()));
            }
        };
        if let Some(at) = expires
            && at > far()
        {
            return Err(("expires_at".to_owned(), "later than the year 9999".to_owned()));
        }
        Ok(Grant {
            name: self.name,
            user: self.user,
            team: self.team,
            scopes: self.scopes,
            models: self.models,
            providers: self.providers,
            routes: self.routes,
            tags: self.tags,
            priority,
            limits: limits.collect::<Result<_, _>>()?,
            expires,
        })
    }

    /// Whether its words are such as logs and terminals can show, and patterns that can match something.
    fn check(&self) -> Result<(), Wrong> {
        let one = |field: &str, text: &str| match text {
            "" => Err((field.to_owned(), "empty, leave it out where there is none".to_owned())),
            long if long.len() > LONGEST => Err((field.to_owned(), format!("longer than {LONGEST} bytes"))),
            text if text.contains(char::is_control) => {
                Err((field.to_owned(), "holds control characters".to_owned()))
            }
            _ => Ok(()),
        };
        for (field, text) in
            [("name", Some(&self.name)), ("user", self.user.as_ref()), ("team", self.team.as_ref())]
        {
            text.map_or(Ok(()), |text| one(field, text))?;
        }
        let lists = [
            ("scopes", &self.scopes),
            ("models", &self.models),
            ("providers", &self.providers),
            ("routes", &self.routes),
        ];
        for (field, list) in lists {
            if list.len() > MOST {
                return Err((field.to_owned(), format!("more than {MOST}")));
            }
            list.iter().enumerate().try_for_each(|(at, text)| one(&format!("{field}[{at}]"), text))?;
        }
        if self.tags.len() > MOST || self.limits.len() > MOST {
            return Err(("tags".to_owned(), format!("more than {MOST} tags or limits")));
        }
        self.tags.iter().try_for_each(|(tag, value)| {
            one("tags", tag)?;
            if value.is_empty() { Ok(()) } else { one(&format!("tags.{tag}"), value) }
        })?;
        if let Some(at) = self.routes.iter().position(|route| !route.starts_with(['/', '*'])) {
            return Err((format!("routes[{at}]"), "a path begins with a slash".to_owned()));
        }
        Ok(())
    }

    /// What the form says of a key that is to be made.
    pub fn read_new(self, now: SystemTime) -> Result<Grant, Wrong> {
        let field = if self.expires_in.is_some() { "expires_in" } else { "expires_at" };
        let grant = self.read(now)?;
        match grant.expires {
            Some(at) if at <= now => {
                Err((field.to_owned(), format!("the key would be expired when it is made: {}", time(at))))
            }
            _ => Ok(grant),
        }
    }

    /// How a grant is written.
    pub fn of(grant: &Grant) -> Self {
        let priority = match grant.priority {
            Priority::Low => Some("low"),
            Priority::Normal => None,
            Priority::High => Some("high"),
        };
        Self {
            name: grant.name.clone(),
            user: grant.user.clone(),
            team: grant.team.clone(),
            scopes: grant.scopes.clone(),
            models: grant.models.clone(),
            providers: grant.providers.clone(),
            routes: grant.routes.clone(),
            tags: grant.tags.clone(),
            priority: priority.map(str::to_owned),
            limits: grant.limits.iter().map(KeyLimit::of).collect(),
            expires_at: grant.expires.map(time),
            expires_in: None,
        }
    }
}

/// A key, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct KeyForm {
    id: String,
    /// The token, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    status: &'static str,
    #[serde(flatten)]
    grant: GrantForm,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// Until when the token before is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_token_until: Option<String>,
}

impl KeyForm {
    /// How a key is shown at a moment.
    pub fn of(key: &Key, now: SystemTime) -> Self {
        let previous = key.previous.filter(|previous| previous.until > now);
        Self {
            id: key.id.to_string(),
            token: None,
            status: status(key, now),
            grant: GrantForm::of(&key.grant),
            created_at: time(key.created),
            revoked_at: key.revoked.map(time),
            previous_token_until: previous.map(|previous| time(previous.until)),
        }
    }

    /// With the token, which is shown this once.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }
}

/// Whether a key is good, in a word.
pub fn status(key: &Key, now: SystemTime) -> &'static str {
    match key.standing(now) {
        Standing::Good => "active",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
    }
}

/// A row of the audit log, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct AuditForm {
    sequence: i64,
    at: String,
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    action: String,
    subject: String,
    detail: serde_json::Value,
    hash: String,
}

impl AuditForm {
    /// How a row is shown.
    pub fn of(entry: &AuditEntry) -> Self {
        Self {
            sequence: entry.sequence,
            at: time(entry.act.at),
            actor: entry.act.actor.clone(),
            address: entry.act.address.map(|address| address.to_string()),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            hash: hex(entry.hash()),
        }
    }
}

impl AuditForm {
    /// With what something was done, as JSON; nothing where there is nothing to say.
    pub fn detail(&self) -> String {
        if self.detail.is_null() { String::new() } else { self.detail.to_string() }
    }
}

/// A hash, as it is shown.
pub fn hex(hash: AuditHash) -> String {
    Digest::from(hash).to_string()
}

/// A moment, as it is shown.
pub fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at.min(far())).to_string()
}

/// How many bytes a word of a key may have.
const LONGEST: usize = 512;

/// How many models, tags and so on a key may have.
const MOST: usize = 1000;

/// The last moment that can be written.
fn far() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)
}
