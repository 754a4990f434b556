//! The parameters of a client's URL that its provider is to see.

use http::Uri;
use url::form_urlencoded::{Serializer, parse};

/// A provider's URL with the parameters of a client's of the same dialect, such as Anthropic's
/// `beta=true`. Keys do not leave, and the form of a stream is chosen with the endpoint.
pub(super) fn joined(uri: Uri, query: &str) -> Uri {
    let doomed = |name: &str| matches!(name, "key" | "access_token" | "api_key" | "alt" | "$alt");
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
        for none in ["", "key=secret", "alt=json&%24alt=sse"] {
            assert_eq!(with("https://h/m", none), "https://h/m", "{none}");
        }
    }
}
