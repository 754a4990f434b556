//! Google's credentials: the forms of its credential files, and the metadata server.

use std::sync::Arc;

use serde::Deserialize;

use super::{BaseUrl, Secret, rsa_key::RsaKey};

/// Where access tokens of Google Cloud come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoogleCredentials {
    /// A service account, by its key.
    ServiceAccount(ServiceAccount),
    /// A person who signed in by `gcloud auth application-default login`.
    AuthorizedUser(AuthorizedUser),
    /// The identity of the machine or service it runs on.
    Metadata {
        /// The metadata server: a host, with or without a port.
        host: Arc<str>,
    },
}

/// A service account, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name, in the form of a mail address.
    pub email: Arc<str>,
    /// The key it signs with.
    pub key: RsaKey,
    /// The key's name.
    pub key_id: Option<Arc<str>>,
    /// Who changes a signed statement into a token.
    pub token_url: BaseUrl,
}

/// A person who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedUser {
    /// The application the person trusts.
    pub client_id: Arc<str>,
    /// Its secret, which is none to its makers.
    pub client_secret: Secret,
    /// What is changed into tokens.
    pub refresh_token: Secret,
    /// Who changes it.
    pub token_url: BaseUrl,
    /// The project whose quota is used.
    pub quota_project: Option<Arc<str>>,
}

/// What a credentials file says.
#[derive(Debug)]
pub(super) struct CredentialsFile {
    pub(super) credentials: GoogleCredentials,
    /// The project it belongs to.
    pub(super) project: Option<String>,
}

/// The metadata server's usual name.
const METADATA_HOST: &str = "metadata.google.internal";

/// Who changes what for tokens, unless the file says.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

impl GoogleCredentials {
    /// The metadata server that a variable names, or the usual one.
    pub(super) fn metadata(host: Option<&str>) -> Option<Self> {
        let host = host.unwrap_or(METADATA_HOST);
        host.parse::<http::uri::Authority>().is_ok().then(|| Self::Metadata { host: host.into() })
    }

    /// Reads a credentials file. The error says what is wrong with it, and never shows what it holds.
    pub(super) fn parse(text: &str, origin: &str) -> Result<CredentialsFile, String> {
        // serde's own words would show values.
        let file: File = serde_json::from_str(text)
            .map_err(|error| format!("no credentials of Google, at line {}", error.line()))?;
        match file.kind.as_deref() {
            Some("service_account") => file.service_account(origin),
            Some("authorized_user") => file.authorized_user(origin),
            Some(
                kind @ ("external_account"
                | "external_account_authorized_user"
                | "impersonated_service_account"
                | "gdch_service_account"),
            ) => Err(format!("credentials of a type that cannot be used: {kind}")),
            _ => {
                Err("no credentials of Google: `type` is neither service_account nor authorized_user"
                    .to_owned())
            }
        }
    }

    /// The project whose quota is used, where that is not the one of the request.
    pub fn quota_project(&self) -> Option<&str> {
        match self {
            Self::AuthorizedUser(user) => user.quota_project.as_deref(),
            _ => None,
        }
    }

    /// Where they come from, in words: what kind they are, and of which file or server.
    pub fn origin(&self) -> String {
        match self {
            Self::ServiceAccount(account) => format!("service account {}", account.key.origin()),
            Self::AuthorizedUser(user) => format!("signed-in user {}", user.refresh_token.origin()),
            Self::Metadata { host } => format!("from the metadata server {host}"),
        }
    }
}

/// The fields of both forms.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    project_id: Option<String>,
    quota_project_id: Option<String>,
    client_email: Option<String>,
    private_key: Option<String>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

impl File {
    fn service_account(self, origin: &str) -> Result<CredentialsFile, String> {
        let token_url = self.token_url()?;
        let pem = needed(self.private_key, "private_key")?;
        let account = ServiceAccount {
            email: needed(self.client_email, "client_email")?.into(),
            key: RsaKey::from_pem(Secret::new(pem, origin))
                .map_err(|what| format!("`private_key` is {what}"))?,
            key_id: self.private_key_id.map(Arc::from),
            token_url,
        };
        Ok(CredentialsFile {
            credentials: GoogleCredentials::ServiceAccount(account),
            project: self.project_id,
        })
    }

    fn authorized_user(self, origin: &str) -> Result<CredentialsFile, String> {
        let token_url = self.token_url()?;
        let user = AuthorizedUser {
            client_id: needed(self.client_id, "client_id")?.into(),
            client_secret: Secret::new(needed(self.client_secret, "client_secret")?, origin),
            refresh_token: Secret::new(needed(self.refresh_token, "refresh_token")?, origin),
            token_url,
            quota_project: self.quota_project_id.as_deref().map(Arc::from),
        };
        let project = self.project_id.or(self.quota_project_id);
        Ok(CredentialsFile { credentials: GoogleCredentials::AuthorizedUser(user), project })
    }

    fn token_url(&self) -> Result<BaseUrl, String> {
        let url = BaseUrl::parse(self.token_uri.as_deref().unwrap_or(TOKEN_URL))
            .map_err(|what| format!("`token_uri` is {what}"))?;
        if url.is_in_the_clear() {
            return Err("`token_uri` would have secrets go over the network in the clear".to_owned());
        }
        Ok(url)
    }
}

fn needed(field: Option<String>, name: &str) -> Result<String, String> {
    field.filter(|text| !text.trim().is_empty()).ok_or_else(|| format!("`{name}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/support/rsa_test_key.b64");

    fn pem() -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n")
    }

    fn account(change: impl Fn(&mut serde_json::Value)) -> Result<CredentialsFile, String> {
        let mut file = serde_json::json!({
            "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": pem(),
            "client_email": "me@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
        });
        change(&mut file);
        GoogleCredentials::parse(&file.to_string(), "from the file key.json")
    }

    #[test]
    fn a_service_account_is_read() {
        let CredentialsFile { credentials, project } = account(|_| {}).unwrap();
        assert_eq!(project.as_deref(), Some("p"));
        assert_eq!(credentials.origin(), "service account from the file key.json");
        let GoogleCredentials::ServiceAccount(account) = credentials else { panic!("{credentials:?}") };
        assert_eq!(
            (&*account.email, account.key_id.as_deref()),
            ("me@p.iam.gserviceaccount.com", Some("k1"))
        );
        assert_eq!(account.token_url.to_string(), "https://oauth2.googleapis.com/token");
        assert!(!format!("{account:?}").contains(&KEY[..30]));
    }

    #[test]
    fn a_signed_in_user_is_read() {
        let text = r#"{"type":"authorized_user","client_id":"c","client_secret":"s3cret","refresh_token":"r3fresh","quota_project_id":"q"}"#;
        let file = GoogleCredentials::parse(text, "from ADC").unwrap();
        assert_eq!(file.project.as_deref(), Some("q"));
        assert_eq!(file.credentials.origin(), "signed-in user from ADC");
        let shown = format!("{file:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("r3fresh"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        for (told, says) in [
            (account(|file| file["type"] = "external_account".into()), "cannot be used: external_account"),
            (account(|file| file["type"] = "key".into()), "`type` is neither"),
            (account(|file| file["private_key"] = "s3cret".into()), "`private_key` is"),
            (account(|file| file["private_key"] = serde_json::Value::Null), "`private_key` is missing"),
            (account(|file| file["client_email"] = " ".into()), "`client_email` is missing"),
            (account(|file| file["token_uri"] = "http://example.com/s3cret".into()), "in the clear"),
            (account(|file| file["token_uri"] = "https://me:s3cret@host".into()), "`token_uri` is"),
            (GoogleCredentials::parse("{\n\"private_key\": s3cret", "x"), "at line 2"),
            (GoogleCredentials::parse(r#"{"private_key": ["s3cret"]}"#, "x"), "no credentials"),
        ] {
            let told = told.unwrap_err();
            assert!(told.contains(says) && !told.contains("s3cret"), "{told}");
        }
    }
}
