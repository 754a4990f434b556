//! What token servers answer.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::token::{Grant, TokenError};

/// How long a token is good for where its issuer does not tell.
const UNTOLD: Duration = Duration::from_mins(5);

/// How much of a server's words is repeated.
const MOST_WORDS: usize = 300;

/// Who was asked, and by which secrets.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) who: &'a str,
    pub(super) secrets: &'a [&'a str],
}

impl<'a> Asked<'a> {
    /// Somebody who was told no secret.
    pub(super) const fn plainly(who: &'a str) -> Self {
        Self { who, secrets: &[] }
    }

    /// No answer came.
    pub(super) fn unreached(&self, why: &str) -> TokenError {
        TokenError::passing(format!("{} gave no access token: {}", self.who, self.words(why)))
    }

    /// A server's words in one line, without secrets.
    fn words(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets {
            if !secret.is_empty() {
                text = text.replace(*secret, "[redacted]");
            }
        }
        let plain = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign });
        plain.take(MOST_WORDS).collect()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: serde_json::Value,
    error_description: String,
}

/// The token in an answer, or why there is none (RFC 6749 §5).
pub(super) fn grant(asked: &Asked<'_>, status: StatusCode, body: &[u8]) -> Result<Grant, TokenError> {
    if !status.is_success() {
        return Err(refusal(asked, status, body));
    }
    // Not serde's words: they may show the token.
    let granted =
        serde_json::from_slice::<Granted>(body).ok().filter(|one| !one.access_token.trim().is_empty());
    let Some(Granted { access_token, expires_in }) = granted else {
        return Err(TokenError::passing(format!("{} answered without an access token", asked.who)));
    };
    let life = expires_in.map_or(UNTOLD, |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(UNTOLD));
    Ok(Grant { token: access_token, life, project: None })
}

/// The project in an answer of the metadata server.
pub(super) fn project(host: &str, status: StatusCode, body: &[u8]) -> Result<Arc<str>, TokenError> {
    if !status.is_success() {
        return Err(refusal(&Asked::plainly(host), status, body));
    }
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    if !crate::config::is_path_segment(text) {
        return Err(TokenError::lasting(format!("{host} told no project; set `project` of the provider")));
    }
    Ok(text.into())
}

/// A refusal in words: whose it is, what it says, and what to do.
fn refusal(asked: &Asked<'_>, status: StatusCode, body: &[u8]) -> TokenError {
    let Refused { error, error_description } = serde_json::from_slice(body).unwrap_or_default();
    let code = error.as_str().unwrap_or_default();
    let hint = match code {
        "invalid_grant" => {
            "; check the clock of this machine, and whether the key was revoked or the sign-in has ended"
        }
        "invalid_client" | "unauthorized_client" => "; check the credentials",
        _ if status == StatusCode::NOT_FOUND => "; give this machine or service a service account",
        _ => "",
    };
    let mut message = format!("{} refused an access token with {}", asked.who, status.as_u16());
    for words in [code, &error_description] {
        if !words.is_empty() {
            message.push_str(if words == code { ", " } else { ": " });
            message.push_str(&asked.words(words));
        }
    }
    message.push_str(hint);
    let passing = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    TokenError { message, passing }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked { who: "oauth2.example.com", secrets: &["s3cret-assertion"] };

    fn told(status: u16, body: &str) -> TokenError {
        grant(&ASKED, StatusCode::from_u16(status).unwrap(), body.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_token_and_its_life_are_read() {
        let life = |body: &str| grant(&ASKED, StatusCode::OK, body.as_bytes()).unwrap().life.as_secs();
        assert_eq!(life(r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer"}"#), 3599);
        assert_eq!(life(r#"{"access_token":"t","expires_in":-1}"#), 300);
        assert_eq!(life(r#"{"access_token":"t"}"#), 300);
        let granted = grant(&ASKED, StatusCode::OK, br#"{"access_token":"ya29.x"}"#).unwrap();
        assert!(!format!("{granted:?}").contains("ya29"));
    }

    #[test]
    fn refusals_say_what_to_do_and_show_no_secret() {
        let error = told(400, r#"{"error":"invalid_grant","error_description":"Bad s3cret-assertion\n."}"#);
        assert!(!error.passing);
        assert_eq!(
            error.message,
            "oauth2.example.com refused an access token with 400, invalid_grant: Bad [redacted] .; check the clock of this machine, and whether the key was revoked or the sign-in has ended"
        );
        assert!(told(503, "down").passing && told(429, "{}").passing && !told(401, "").passing);
        assert!(told(200, r#"{"access_token":" "}"#).passing);
        assert!(!told(200, r#"{"access_token":["ya29"]}"#).message.contains("ya29"));
        let odd = told(400, r#"{"error":{"code":400,"message":"x"}}"#);
        assert_eq!(odd.message, "oauth2.example.com refused an access token with 400");
        assert!(told(404, "").message.contains("service account"));
    }

    #[test]
    fn a_project_is_a_segment_of_a_path() {
        assert_eq!(&*project("h", StatusCode::OK, b"my-project\n").unwrap(), "my-project");
        for wrong in ["", "a/b", "a?b", "<html>"] {
            assert!(project("h", StatusCode::OK, wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(project("h", StatusCode::FORBIDDEN, b"").is_err());
    }
}
