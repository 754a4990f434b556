use std::fmt;

use http::uri::{Authority, Scheme};

/// Where a provider is: scheme, authority and the beginning of every path.
///
/// The beginning may hold `{model}`, as in Azure's `/openai/deployments/{model}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: Box<str>,
}

impl BaseUrl {
    /// Reads a URL. The error says what is wrong with it, and never shows it: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("not a URL with http:// or https://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::HTTPS,
            "http" => Scheme::HTTP,
            _ => return Err("neither http nor https"),
        };
        let (authority, prefix) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("a user or password in a URL; use `api_key`");
        }
        if prefix.contains(['?', '#']) {
            return Err("a query or fragment in a URL; use `query`");
        }
        let authority: Authority = authority.parse().map_err(|_| "a URL without a sane host")?;
        let port = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        if authority.host().is_empty() || (!port.is_empty() && authority.port_u16().is_none()) {
            return Err("a URL without a sane host");
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.replace("{model}", "model").bytes().all(is_path_byte) {
            return Err(
                "a URL with signs in its path that must be percent-encoded; only `{model}` may stand in braces",
            );
        }
        Ok(Self { scheme, authority, prefix: prefix.into() })
    }

    /// The same place under another path.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').into(), ..self.clone() }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host and port.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The beginning of every path, without a slash at its end; empty for none.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether what is sent there can be read on the way by others than this machine.
    pub fn is_in_the_clear(&self) -> bool {
        let host = self.authority.host().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        self.scheme == Scheme::HTTP && !local
    }
}

/// Whether a byte may stand in a path as it is: RFC 3986's `pchar`, the slash, and percent signs.
pub(super) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_urls() {
        for (text, shown) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTP://localhost:11434/v1/", "http://localhost:11434/v1"),
            (
                "https://x.openai.azure.com/openai/deployments/{model}",
                "https://x.openai.azure.com/openai/deployments/{model}",
            ),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "api.openai.com",
            "ftp://x",
            "https://",
            "https:///v1",
            "https://me:secret@host",
            "https://host/?key=1",
            "https://host/a b",
            "https://host/{other}",
            "https://ho st/",
            "https://host:/v1",
            "https://host:99999999/",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn knows_what_others_can_read() {
        let in_the_clear = |text| BaseUrl::parse(text).unwrap().is_in_the_clear();
        assert!(in_the_clear("http://example.com") && in_the_clear("http://10.0.0.1:80"));
        assert!(
            !in_the_clear("https://example.com")
                && !in_the_clear("http://[::1]:80")
                && !in_the_clear("http://localhost")
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in r"(https?://)?[a-z0-9:/@?#{}\[\]%. é]{0,24}") {
            if let Ok(url) = BaseUrl::parse(&text) {
                prop_assert_eq!(BaseUrl::parse(&url.to_string()), Ok(url));
            }
        }
    }
}
