use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret of a key: `tw-` and 32 random bytes in base64url. Shown once, and kept nowhere.
pub struct Token(String);

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes could be had")]
pub struct RandomnessError;

impl Token {
    /// Makes a new one. Fails where the system gives no randomness.
    pub fn random() -> Result<Self, RandomnessError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| RandomnessError)?;
        let mut text = String::with_capacity(PREFIX.len() + 43);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Ok(Self(text))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(tw-…)")
    }
}

/// Whether something looks like a token of this gateway, known or not.
pub(crate) fn looks_ours(secret: &[u8]) -> bool {
    secret.starts_with(PREFIX.as_bytes())
}

/// Whether something is written as a token is, and so holds more than anybody guesses.
pub(crate) fn is_token(secret: &[u8]) -> bool {
    let digits = secret.strip_prefix(PREFIX.as_bytes());
    digits.and_then(|digits| URL_SAFE_NO_PAD.decode(digits).ok()).is_some_and(|bytes| bytes.len() == 32)
}

/// How our tokens begin.
const PREFIX: &str = "tw-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_written_in_46_characters_that_need_no_escape() {
        let token = Token::random().unwrap();
        assert_eq!(token.expose().len(), 46);
        assert!(is_token(token.expose().as_bytes()) && looks_ours(token.expose().as_bytes()));
        assert!(token.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(token.expose(), Token::random().unwrap().expose());
        assert_eq!(format!("{token:?}"), "Token(tw-…)");
    }

    #[test]
    fn what_a_person_made_up_is_no_token() {
        for wrong in ["tw-", "tw-password", "sk-abc", &"tw-".repeat(20)] {
            assert!(!is_token(wrong.as_bytes()), "{wrong}");
        }
    }
}
