//! Who gives out access tokens: Google's token endpoint and the metadata server.
//!
//! The statement of a service account is held to its form and its claims. Whose key signed it is not
//! known here.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

/// How long the tokens are said to be good for, in seconds.
const LIFE: u64 = 3599;

/// The project that the metadata server tells.
const PROJECT: &str = "simulated";

/// An endpoint that gives out tokens, or tells of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Identity {
    /// `POST /vertex/token`, in the stead of `oauth2.googleapis.com`.
    Exchange,
    /// The token of the machine's service account.
    MachineToken,
    /// The machine's project.
    Project,
}

impl Identity {
    /// The endpoint of a path.
    pub(in super::super) fn of(path: &str) -> Option<Self> {
        match path {
            "/vertex/token" => Some(Self::Exchange),
            "/computeMetadata/v1/instance/service-accounts/default/token" => Some(Self::MachineToken),
            "/computeMetadata/v1/project/project-id" => Some(Self::Project),
            _ => None,
        }
    }

    /// Its answer; a text where it is a JSON string.
    pub(in super::super) fn answer(
        self,
        method: &Method,
        headers: &HeaderMap,
        body: &[u8],
    ) -> (StatusCode, Value) {
        let wanted = if self == Self::Exchange { Method::POST } else { Method::GET };
        if *method != wanted {
            return (StatusCode::METHOD_NOT_ALLOWED, json!({"error": "method_not_allowed"}));
        }
        if self != Self::Exchange && headers.get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
            return (StatusCode::FORBIDDEN, json!("Missing Metadata-Flavor:Google header."));
        }
        match self {
            Self::Project => (StatusCode::OK, json!(PROJECT)),
            Self::MachineToken => (StatusCode::OK, token("machine")),
            Self::Exchange => match exchange(body, now()) {
                Ok(token) => (StatusCode::OK, token),
                Err((error, words)) => {
                    (StatusCode::BAD_REQUEST, json!({"error": error, "error_description": words}))
                }
            },
        }
    }
}

type Refused = (&'static str, String);

fn exchange(body: &[u8], now: u64) -> Result<Value, Refused> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        field(name).ok_or_else(|| ("invalid_request", format!("Missing required parameter: {name}")))
    };
    match needed("grant_type")? {
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            let account = statement(needed("assertion")?, now).map_err(|what| ("invalid_grant", what))?;
            Ok(token(&account))
        }
        "refresh_token" => {
            let (id, _) = (needed("client_id")?, needed("client_secret")?);
            match needed("refresh_token")? {
                "sim-invalid" => Err(("invalid_grant", "Token has been expired or revoked.".to_owned())),
                _ => Ok(token(id)),
            }
        }
        other => Err(("unsupported_grant_type", format!("Invalid grant_type: {other}"))),
    }
}

/// The account that a signed statement speaks of (RFC 7523).
fn statement(text: &str, now: u64) -> Result<String, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else {
        return Err("Invalid JWT: not three parts".to_owned());
    };
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (Some(head), Some(claims)) = (read(head), read(claims)) else {
        return Err("Invalid JWT: not JSON in base64".to_owned());
    };
    if head["alg"] != "RS256" {
        return Err("Invalid JWT: the algorithm must be RS256".to_owned());
    }
    // As long as the modulus of a key of 2048 bits, at least.
    if URL_SAFE_NO_PAD.decode(signature).map_or(0, |bytes| bytes.len()) < 256 {
        return Err("Invalid JWT Signature.".to_owned());
    }
    let times = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let (Some(issued), Some(ends)) = times else {
        return Err("Invalid JWT: Token must be a short-lived token".to_owned());
    };
    if ends.saturating_sub(issued) > 3600 || issued > now + 300 || ends + 300 < now {
        return Err(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
                .to_owned(),
        );
    }
    if !claims["aud"].as_str().is_some_and(|audience| audience.ends_with("/token")) {
        return Err("Invalid JWT: Failed audience check.".to_owned());
    }
    if !claims["scope"].as_str().is_some_and(|scope| scope.contains("/auth/cloud-platform")) {
        return Err("Invalid OAuth scope or ID token audience provided.".to_owned());
    }
    match claims["iss"].as_str() {
        Some(account) if account.contains('@') => Ok(account.to_owned()),
        _ => Err("Invalid grant: account not found".to_owned()),
    }
}

fn token(whose: &str) -> Value {
    let name = URL_SAFE_NO_PAD.encode(whose);
    json!({"access_token": format!("ya29.sim-{name}"), "expires_in": LIFE, "token_type": "Bearer"})
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn signed(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([7_u8; 256]);
        format!("{}.{}.{signature}", part(&json!({"alg": "RS256"})), part(claims))
    }

    fn claims() -> Value {
        json!({
            "iss": "me@p.iam.gserviceaccount.com", "aud": "http://127.0.0.1/token", "iat": NOW, "exp": NOW + 3600,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
        })
    }

    #[test]
    fn a_statement_is_held_to_its_claims() {
        assert_eq!(statement(&signed(&claims()), NOW).unwrap(), "me@p.iam.gserviceaccount.com");
        for (field, value) in [
            ("exp", json!(NOW + 7200)),
            ("iat", json!(NOW + 1000)),
            ("iat", Value::Null),
            ("aud", json!("http://127.0.0.1/other")),
            ("scope", json!("openid")),
            ("iss", json!("nobody")),
        ] {
            let mut claims = claims();
            claims[field] = value;
            assert!(statement(&signed(&claims), NOW).is_err(), "{claims}");
        }
        assert!(statement(&signed(&claims()), NOW + 4000).is_err());
        assert!(statement("a.b", NOW).is_err() && statement("a.b.c", NOW).is_err());
    }

    #[test]
    fn a_refresh_token_is_exchanged_unless_it_was_revoked() {
        let asked = |token: &str| {
            let form = format!("grant_type=refresh_token&client_id=c&client_secret=s&refresh_token={token}");
            exchange(form.as_bytes(), NOW)
        };
        assert!(asked("1%2F%2Fr").is_ok());
        assert_eq!(asked("sim-invalid").unwrap_err().0, "invalid_grant");
        assert_eq!(asked("").unwrap_err().0, "invalid_request");
        assert_eq!(exchange(b"grant_type=password", NOW).unwrap_err().0, "unsupported_grant_type");
    }

    #[test]
    fn the_metadata_server_wants_its_header() {
        let mut headers = HeaderMap::new();
        let asked = |headers: &HeaderMap| Identity::Project.answer(&Method::GET, headers, b"").0;
        assert_eq!(asked(&headers), StatusCode::FORBIDDEN);
        headers.insert("metadata-flavor", http::HeaderValue::from_static("Google"));
        assert_eq!(asked(&headers), StatusCode::OK);
    }
}
