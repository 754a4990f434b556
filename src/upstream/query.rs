//! The parameters of a client's URL that its provider is to see.

use http::Uri;
use url::form_urlencoded::{Serializer, parse};

/// Parameters in which clients send credentials, or name the account that these belong to, and those
/// for the gateway. Google's have a `$` before them or not; others are written in many ways.
pub(crate) fn is_private(name: &str) -> bool {
    const PRIVATE: [&str; 7] =
        ["key", "apikey", "accesstoken", "oauthtoken", "bearertoken", "authtoken", "userproject"];
    let letters = || name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    PRIVATE.iter().any(|known| letters().eq(known.bytes()))
        || name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("x-tollway-"))
}

/// A provider's URL with the parameters of a client's of the same dialect, such as Anthropic's
/// `beta=true`. Keys do not leave, what is configured wins, and the form of a stream is chosen with the
/// endpoint.
pub(super) fn joined(uri: Uri, query: &str) -> Uri {
    let ours = uri.query().unwrap_or_default().as_bytes();
    let doomed = |name: &str| {
        matches!(name, "alt" | "$alt") || is_private(name) || parse(ours).any(|(known, _)| known == name)
    };
    let mut pairs = parse(query.as_bytes()).filter(|(name, _)| !doomed(name)).peekable();
    if pairs.peek().is_none() {
        return uri;
    }
    let added = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut text = uri.to_string();
    text.push(if uri.query().is_some() { '&' } else { '?' });
    text.push_str(&added);
    text.parse().unwrap_or(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_through_but_keys() {
        let with = |uri: &str, query| joined(uri.parse().unwrap(), query).to_string();
        assert_eq!(with("https://h/v1/messages", "beta=true"), "https://h/v1/messages?beta=true");
        assert_eq!(
            with("https://h/m?alt=sse", "alt=sse&key=secret&fields=a%2Cb"),
            "https://h/m?alt=sse&fields=a%2Cb"
        );
        assert_eq!(
            with("https://h/m?api-version=v2", "api-version=v1&a=b"),
            "https://h/m?api-version=v2&a=b"
        );
        let keys =
            "KEY=s&%24key=s&api-key=s&api_key=s&apikey=s&oauth_token=s&access_token=s&%24userProject=p";
        for none in ["", "key=secret", "alt=json&%24alt=sse", keys, "x-tollway-provider=gemini"] {
            assert_eq!(with("https://h/m", none), "https://h/m", "{none}");
        }
        assert_eq!(
            with("https://h/m", "keys=1&pageToken=2&\u{e9}=3"),
            "https://h/m?keys=1&pageToken=2&%C3%A9=3"
        );
    }
}
