//! Takes what only the gateway and the provider may know out of what the provider says.
//!
//! Some servers repeat the key they refuse. What they say reaches the client, who must not learn it.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};
use memchr::memmem;
use tollway_wire::ApiError;

use super::google::TokenSource;
use crate::config::Provider;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// Shorter ones are placeholders, and would be found in ordinary words.
const SHORTEST: usize = 8;

/// The secrets of one provider: its key, and the values of configured headers and parameters but for
/// those whose names say that they hold none.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    fixed: Vec<String>,
    /// Whose tokens are secret too.
    tokens: Option<TokenSource>,
}

impl Secrets {
    pub(super) fn new(provider: &Provider, tokens: Option<TokenSource>) -> Self {
        let mut secrets = Self { tokens, ..Self::default() };
        if let Some(key) = &provider.credentials {
            secrets.add(key.expose());
        }
        for (name, value) in &provider.headers {
            if let (false, Ok(value)) = (is_public_header(name), value.to_str()) {
                secrets.add(value);
                // `Bearer …` and its like may be repeated without the scheme.
                if let Some((_, rest)) = value.split_once(' ') {
                    secrets.add(rest);
                }
            }
        }
        for (name, value) in &provider.query {
            if !matches!(name.as_str(), "api-version" | "api_version" | "version" | "alt") {
                secrets.add(value);
                // As we send it, and as others write it.
                secrets.add(&url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>());
                secrets.add(
                    &percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
                        .to_string(),
                );
            }
        }
        // One that holds another is looked for first, or its rest would stay.
        secrets.fixed.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.fixed.dedup();
        secrets
    }

    /// Adds a secret as it is, and as it stands in JSON.
    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST {
            return;
        }
        self.fixed.push(secret.to_owned());
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_matches('"');
        for escaped in [json.to_owned(), json.replace('/', "\\/")] {
            if escaped != secret {
                self.fixed.push(escaped);
            }
        }
    }

    fn each(&self, mut see: impl FnMut(&str)) {
        self.fixed.iter().for_each(|secret| see(secret));
        if let Some(tokens) = &self.tokens {
            // An empty one would be found everywhere.
            tokens.each(|token| {
                if token.len() >= SHORTEST {
                    see(token);
                }
            });
        }
    }

    /// The body without the secrets; the same bytes when it holds none.
    pub(super) fn body(&self, mut body: Bytes) -> Bytes {
        self.each(|secret| {
            if memmem::find(&body, secret.as_bytes()).is_some() {
                body = without(&body, secret.as_bytes()).into();
            }
        });
        body
    }

    /// Puts another value in place of each that holds a secret.
    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            self.each(|secret| {
                if memmem::find(value.as_bytes(), secret.as_bytes()).is_some() {
                    *value = HeaderValue::from_static(REDACTED);
                }
            });
        }
    }

    /// Takes the secrets out of an error's words.
    pub(super) fn error(&self, error: &mut ApiError) {
        let words = [Some(&mut error.message), error.code.as_mut(), error.param.as_mut()];
        for text in words.into_iter().flatten() {
            self.each(|secret| {
                if text.contains(secret) {
                    *text = text.replace(secret, REDACTED);
                }
            });
        }
    }
}

/// How many there are, and none of them.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.fixed.len())
    }
}

/// Headers that operators configure and anybody may know. What is not known to be public is secret.
fn is_public_header(name: &HeaderName) -> bool {
    matches!(*name, header::USER_AGENT | header::REFERER | header::ACCEPT | header::CONTENT_TYPE)
        || matches!(
            name.as_str(),
            "http-referer" | "x-title" | "anthropic-version" | "anthropic-beta" | "openai-beta"
        )
}

fn without(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for at in memmem::find_iter(text, secret) {
        out.extend_from_slice(text.get(done..at).unwrap_or_default());
        out.extend_from_slice(REDACTED.as_bytes());
        done = at + secret.len();
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use tollway_wire::ErrorKind;

    use super::*;
    use crate::config::{Env, Settings, Source};

    fn secrets(provider: &str) -> Secrets {
        let text = format!("providers: {{openai: {{{provider}}}}}\n");
        let settings = Settings::load(&Source::text(text), &Env::default()).unwrap();
        Secrets::new(&settings.providers[0], None)
    }

    #[test]
    fn every_place_of_the_key_is_taken_out() {
        let key = secrets("api_key: sk-12345678");
        let clean = |text: &'static str| key.body(Bytes::from_static(text.as_bytes()));
        assert_eq!(clean("sk-12345678, sk-12345678!"), "[redacted], [redacted]!");
        assert_eq!(clean("no sk-1234567 here"), "no sk-1234567 here");
        assert_eq!(clean(""), "");
        assert_eq!(secrets("api_key: k").body(Bytes::from_static(b"a key k")), "a key k");
        assert_eq!(Secrets::default().body(Bytes::from_static(b"sk-12345678")), "sk-12345678");

        let mut map = HeaderMap::new();
        map.insert("www-authenticate", HeaderValue::from_static("Bearer sk-12345678"));
        map.insert("x-other", HeaderValue::from_static("kept"));
        key.headers(&mut map);
        assert_eq!(
            (&map["www-authenticate"], &map["x-other"]),
            (&"[redacted]".parse().unwrap(), &"kept".parse().unwrap())
        );
        assert!(!format!("{key:?}").contains("1234"));
    }

    #[test]
    fn what_is_configured_in_headers_and_parameters_is_secret_unless_it_is_known_not_to_be() {
        let all = secrets(
            "api_key: sk-12345678, headers: {x-gate: 'Bearer tok/en-12', x-title: My application}, query: {code: 'c0de c0de', api-version: '2024-10-21'}",
        );
        let clean = |text: &'static str| all.body(Bytes::from_static(text.as_bytes()));
        assert_eq!(clean("Bearer tok/en-12 and tok/en-12"), "[redacted] and [redacted]");
        assert_eq!(clean(r#""tok\/en-12""#), r#""[redacted]""#);
        assert_eq!(
            clean("?code=c0de%20c0de, c0de+c0de or c0de c0de"),
            "?code=[redacted], [redacted] or [redacted]"
        );
        assert_eq!(clean("My application 2024-10-21"), "My application 2024-10-21");
    }

    #[test]
    fn an_errors_words_are_cleaned() {
        let mut error = ApiError {
            status: 401,
            kind: ErrorKind::Authentication,
            message: "wrong: sk-12345678".into(),
            code: Some("sk-12345678".into()),
            param: None,
            retry_after: None,
        };
        secrets("api_key: sk-12345678").error(&mut error);
        assert_eq!((&*error.message, error.code.as_deref()), ("wrong: [redacted]", Some(REDACTED)));
    }
}
