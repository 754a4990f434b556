//! Takes the provider's key out of what the provider says.
//!
//! Some servers repeat the key they refuse. What they say reaches the client, who must not learn it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use memchr::memmem;

/// What stands in the key's place.
const REDACTED: &[u8] = b"[redacted]";

/// Shorter keys are placeholders, and would be found in ordinary words.
const SHORTEST: usize = 8;

/// The body without the key; the same bytes when it does not hold it.
pub(super) fn body(body: Bytes, key: Option<&str>) -> Bytes {
    let Some(key) = told(&body, key) else { return body };
    let mut out = Vec::with_capacity(body.len());
    let mut rest = &*body;
    for at in memmem::find_iter(&body, key) {
        let from = body.len() - rest.len();
        out.extend_from_slice(rest.get(..at - from).unwrap_or_default());
        out.extend_from_slice(REDACTED);
        rest = body.get(at + key.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.into()
}

/// Puts another value in place of each that holds the key.
pub(super) fn headers(headers: &mut HeaderMap, key: Option<&str>) {
    for value in headers.values_mut() {
        if told(value.as_bytes(), key).is_some() {
            *value = HeaderValue::from_static("[redacted]");
        }
    }
}

/// The key, if it stands in the text.
fn told<'k>(text: &[u8], key: Option<&'k str>) -> Option<&'k [u8]> {
    let key = key.filter(|key| key.len() >= SHORTEST)?.as_bytes();
    memmem::find(text, key).map(|_| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_key_is_taken_out() {
        let key = Some("sk-12345678");
        let clean = |text: &'static str| body(Bytes::from_static(text.as_bytes()), key);
        assert_eq!(clean("sk-12345678, sk-12345678!"), "[redacted], [redacted]!");
        assert_eq!(clean("no sk-1234567 here"), "no sk-1234567 here");
        assert_eq!(clean(""), "");
        assert_eq!(body(Bytes::from_static(b"a key k"), Some("k")), "a key k");
        assert_eq!(body(Bytes::from_static(b"sk-12345678"), None), "sk-12345678");

        let mut map = HeaderMap::new();
        map.insert("www-authenticate", HeaderValue::from_static("Bearer sk-12345678"));
        map.insert("x-other", HeaderValue::from_static("kept"));
        headers(&mut map, key);
        assert_eq!(
            (&map["www-authenticate"], &map["x-other"]),
            (&"[redacted]".parse().unwrap(), &"kept".parse().unwrap())
        );
    }
}
