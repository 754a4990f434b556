use std::hash::Hasher as _;

use ring::hmac;
use siphasher::sip::SipHasher13;
use tollway_usage::Fingerprint;
use tollway_wire::peek::Peek;

/// Tells prompts apart without keeping any: by a keyed hash, of no use to anybody without the key.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprints([u8; 16]);

impl Fingerprints {
    /// With a key made of a secret, the same for all replicas and after a restart; without one it is random.
    pub(crate) fn new(secret: Option<&[u8]>) -> Self {
        let Some(secret) = secret else { return Self(fastrand::u128(..).to_ne_bytes()) };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"tollway: fingerprints of prompts");
        let mut key = [0; 16];
        for (byte, made) in key.iter_mut().zip(tag.as_ref()) {
            *byte = *made;
        }
        Self(key)
    }

    /// Of what a request says to a model, in the order in which providers cache it: tools, system prompt,
    /// messages. Of a long one its beginning, its end and its length count, so that it takes some ten
    /// microseconds at most.
    pub(crate) fn of(self, peek: &Peek) -> Fingerprint {
        let parts: [&[u8]; SAID.len()] = SAID.map(|name| peek.value(name).unwrap_or_default());
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut prompt = SipHasher13::new_with_key(&self.0);
        prompt.write_usize(length);
        for part in parts {
            let (begin, rest) = part.split_at(part.len().min(END));
            prompt.write(begin);
            prompt.write(rest.get(rest.len().saturating_sub(END)..).unwrap_or_default());
        }
        let has_prefix = length >= PREFIX;
        Fingerprint {
            prompt: prompt.finish(),
            prefix: if has_prefix { self.of_prefix(&parts) } else { 0 },
            prefix_tokens: if has_prefix { PREFIX_TOKENS } else { 0 },
        }
    }

    fn of_prefix(self, parts: &[&[u8]]) -> u64 {
        let mut prefix = SipHasher13::new_with_key(&self.0);
        let mut left = PREFIX;
        for part in parts {
            let first = part.get(..left.min(part.len())).unwrap_or_default();
            prefix.write(first);
            left -= first.len();
        }
        prefix.finish()
    }
}

impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprints")
    }
}

/// The members that reach a model, in any dialect.
const SAID: [&str; 9] = [
    "tools",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "messages",
    "contents",
    "input",
    "prompt",
];

/// How much of a part's beginning and end is told apart.
const END: usize = 8 * 1024;

/// The shortest prefix that OpenAI, Anthropic and Google cache is 1,024 tokens for most models, of some four
/// bytes each.
const PREFIX_TOKENS: u32 = 1_024;
const PREFIX: usize = 4 * 1_024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tollway_core::{Dialect, Endpoint, Operation};

    use super::*;

    fn of(key: Fingerprints, body: &str) -> Fingerprint {
        let operation = Operation::new(Dialect::OpenAi, Endpoint::Chat);
        key.of(&Peek::new(&operation, Bytes::from(body.to_owned())).unwrap())
    }

    #[test]
    fn what_is_said_counts_and_not_how() {
        let key = Fingerprints::new(Some(b"a secret of some length"));
        let ask = |more: &str, text: &str| {
            of(
                key,
                &format!(
                    "{{\"model\":\"m\"{more},\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
                ),
            )
        };
        assert_eq!(ask("", "a"), ask(",\"stream\":true,\"user\":\"x\"", "a"));
        assert_ne!(ask("", "a").prompt, ask("", "b").prompt);
        assert_ne!(ask("", "a").prompt, ask(",\"tools\":[]", "a").prompt);
        assert_eq!(ask("", "a").prefix_tokens, 0);
        let other = Fingerprints::new(Some(b"another secret of a length"));
        let body = "{\"model\":\"m\",\"messages\":[1]}";
        assert_ne!(of(key, body).prompt, of(other, body).prompt);
    }

    #[test]
    fn long_prompts_share_their_beginning() {
        let key = Fingerprints::new(None);
        let ask = |text: &str| of(key, &format!("{{\"model\":\"m\",\"messages\":[\"{text}\"]}}"));
        let long = "x".repeat(40_000);
        let (one, two) = (ask(&format!("{long}1")), ask(&format!("{long}2")));
        assert_eq!((one.prefix, one.prefix_tokens), (two.prefix, PREFIX_TOKENS));
        assert_ne!(one.prompt, two.prompt);
        assert_ne!(ask(&format!("y{long}1")).prefix, one.prefix);
    }
}
