use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::{Algorithm, strict};
use crate::TokenFault;

/// A token in three parts (RFC 7515 §3.1), read and not yet believed.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Claims,
    /// What the signature is of.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// Whether something may be meant as a token: whatever stands before its first dot begins as an object
/// in base64url does.
pub(super) fn looks_like_token(text: &[u8]) -> bool {
    let begins = matches!(text, [b'e', b'w'..=b'z' | b'0'..=b'9' | b'-' | b'_', ..]);
    begins && text.contains(&b'.')
}

impl<'t> Token<'t> {
    /// Reads a token. Its length is looked at first, its signature not at all.
    pub(super) fn read(text: &'t [u8]) -> Result<Self, TokenFault> {
        if text.len() > MOST_BYTES {
            return Err(TokenFault::TooLong);
        }
        let mut parts = text.split(|&byte| byte == b'.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenFault::Malformed);
        };
        match parts.count() {
            0 => {}
            // RFC 7516 §3.1.
            2 => return Err(TokenFault::Encrypted),
            _ => return Err(TokenFault::Malformed),
        }
        if signature == REMOVED {
            return Err(TokenFault::SignatureRemoved);
        }
        let (algorithm, kid) = read_header(&object(header)?)?;
        let claims = Claims::new(object(payload)?);
        let signed = text.get(..header.len() + 1 + payload.len()).ok_or(TokenFault::Malformed)?;
        Ok(Self { algorithm, kid, claims, signed, signature: decode(signature)? })
    }
}

/// Looks at all of the header that could change what the token means. Keys that it brings along or
/// points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at: the issuer's keys are known from elsewhere.
fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenFault> {
    if header.contains_key("enc") {
        return Err(TokenFault::Encrypted);
    }
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(TokenFault::Critical);
    }
    let text = |name| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(TokenFault::Malformed),
    };
    if text("cty")?.is_some_and(|kind| without_application(kind).eq_ignore_ascii_case("jwt")) {
        return Err(TokenFault::Nested);
    }
    // One that was made for something else, such as to log out (RFC 8725 §3.11).
    let kind = without_application(text("typ")?.unwrap_or("JWT"));
    if !KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(TokenFault::Kind);
    }
    let name = text("alg")?.ok_or(TokenFault::Malformed)?;
    let algorithm = Algorithm::of_name(name).ok_or(TokenFault::Algorithm)?;
    Ok((algorithm, text("kid")?.map(str::to_owned)))
}

fn object(part: &[u8]) -> Result<Map<String, Value>, TokenFault> {
    strict::object(&decode(part)?).ok_or(TokenFault::Malformed)
}

fn decode(part: &[u8]) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)
}

/// A media type, of which the first half may be left out (RFC 7515 §4.1.9).
fn without_application(kind: &str) -> &str {
    match kind.split_at_checked("application/".len()) {
        Some((first, rest)) if first.eq_ignore_ascii_case("application/") => rest,
        _ => kind,
    }
}

/// More than issuers make. Servers of HTTP seldom take longer headers.
pub(super) const MOST_BYTES: usize = 16 << 10;

/// Kinds of tokens that say who somebody is: RFC 7519 §5.1, RFC 9068 §2.1.
const KINDS: [&str; 3] = ["JWT", "at+jwt", "JOSE"];

/// What Cloud Run writes in place of a signature that it has checked.
const REMOVED: &[u8] = b"SIGNATURE_REMOVED_BY_GOOGLE";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    fn fault(header: &str, payload: &str) -> TokenFault {
        Token::read(token(header, payload).as_bytes()).unwrap_err()
    }

    #[test]
    fn a_token_has_three_parts() {
        let good = token(r#"{"alg":"RS256","kid":"a","typ":"application/at+JWT"}"#, r#"{"iss":"x"}"#);
        let read = Token::read(good.as_bytes()).unwrap();
        assert_eq!((read.algorithm, read.kid.as_deref()), (Algorithm::Rs256, Some("a")));
        assert!(good.as_bytes().starts_with(read.signed) && good.len() == read.signed.len() + 5);
        assert_eq!(read.signature, [0; 3]);
        for wrong in
            ["", ".", "..", "a.b.c", "....", "eyJ.eyJ", &good[1..], &format!("{good}="), &format!(" {good}")]
        {
            let fault = Token::read(wrong.as_bytes()).unwrap_err();
            let expected = if wrong == "...." { TokenFault::Encrypted } else { TokenFault::Malformed };
            assert_eq!(fault, expected, "{wrong}");
        }
        assert_eq!(Token::read(format!("{good}.b.c").as_bytes()).unwrap_err(), TokenFault::Encrypted);
        assert_eq!(Token::read(format!("{good}.b").as_bytes()).unwrap_err(), TokenFault::Malformed);
    }

    #[test]
    fn the_length_is_looked_at_first() {
        let long = "e.".repeat(MOST_BYTES);
        assert_eq!(Token::read(long.as_bytes()).unwrap_err(), TokenFault::TooLong);
    }

    #[test]
    fn each_header_is_refused_for_its_own_reason() {
        for name in
            ["none", "None", "NONE", "nOne", "nonE", "none ", "", "HS256", "HS384", "HS512", "rs256", "dir"]
        {
            assert_eq!(fault(&format!(r#"{{"alg":"{name}"}}"#), "{}"), TokenFault::Algorithm, "{name}");
        }
        for (header, expected) in [
            ("{}", TokenFault::Malformed),
            (r#"{"alg":null}"#, TokenFault::Malformed),
            (r#"{"alg":["RS256"]}"#, TokenFault::Malformed),
            (r#"{"alg":"none","alg":"RS256"}"#, TokenFault::Malformed),
            (r#"{"alg":"RS256","kid":7}"#, TokenFault::Malformed),
            (r#"["RS256"]"#, TokenFault::Malformed),
            (r#"{"alg":"RS256","crit":["exp"]}"#, TokenFault::Critical),
            (r#"{"alg":"RS256","crit":[]}"#, TokenFault::Critical),
            (r#"{"alg":"RS256","b64":false}"#, TokenFault::Critical),
            (r#"{"alg":"RS256","enc":"A256GCM"}"#, TokenFault::Encrypted),
            (r#"{"alg":"RS256","cty":"JWT"}"#, TokenFault::Nested),
            (r#"{"alg":"RS256","typ":"logout+jwt"}"#, TokenFault::Kind),
            (r#"{"alg":"RS256","typ":"secevent+jwt"}"#, TokenFault::Kind),
        ] {
            assert_eq!(fault(header, "{}"), expected, "{header}");
        }
        for payload in ["", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "[]", r#"{"aud":"a","aud":"b"}"#, "{}{}"] {
            assert_eq!(fault(r#"{"alg":"RS256"}"#, payload), TokenFault::Malformed, "{payload}");
        }
    }

    #[test]
    fn what_a_platform_has_checked_says_nothing_here() {
        let good = token(r#"{"alg":"RS256"}"#, "{}");
        let removed = good.replace(".AAAA", ".SIGNATURE_REMOVED_BY_GOOGLE");
        assert_eq!(Token::read(removed.as_bytes()).unwrap_err(), TokenFault::SignatureRemoved);
        assert!(!TokenFault::SignatureRemoved.is_forgery());
    }

    #[test]
    fn tokens_are_told_from_keys() {
        for text in ["eyJhbGciOiJub25lIn0.e30.", "ewogImFsZyI6.x", "e30."] {
            assert!(looks_like_token(text.as_bytes()), "{text}");
        }
        for text in ["", "tw-eyJ.a.b", "sk-a.b.c", "ya29.a0AfH6", "eyJrIjoiT0", "a.b.c", ".eyJ"] {
            assert!(!looks_like_token(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (looks_like_token(&bytes), Token::read(&bytes).is_ok());
        }

        #[test]
        fn no_parts_are_too_strange(
            header in r#"\{"alg":"(RS256|none|)"(,"[a-z]{1,4}":("[ -~]{0,9}"|null|1e9|\[\]|\{\})){0,4}\}"#,
            payload in prop::collection::vec(any::<u8>(), 0..100),
            parts in 1..7_usize,
        ) {
            let parts: Vec<String> = [header.into_bytes(), payload].iter().cycle().take(parts)
                .map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            let _ = Token::read(parts.join(".").as_bytes()).is_ok();
        }
    }
}
