use bytes::Bytes;
use http::HeaderValue;

/// The name of a request in logs and headers: the client's own when it is sane, else a random one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The longest id taken over from a client, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Takes over a client's id when it is 1 to [`Self::MAX_LEN`] bytes of letters, digits and
    /// `-_.:/+=@`: safe in a header, a log line and a URL.
    pub fn from_client(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let sane = !bytes.is_empty()
            && bytes.len() <= Self::MAX_LEN
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(b));
        sane.then(|| Self(value.clone()))
    }

    /// Makes an id of the form `req_` and 32 hexadecimal digits from 128 random bits.
    pub fn from_random(bits: u128) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = *b"req_00000000000000000000000000000000";
        let (_, digits) = text.split_at_mut(4);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bits.to_be_bytes()) {
            pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        // Hexadecimal digits are always a valid header value.
        let text = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        Self(text.unwrap_or(HeaderValue::from_static("req_0")))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as a header value; cloning it does not copy the text.
    pub fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bits_become_hex_in_order() {
        let id = RequestId::from_random(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(id.as_str(), "req_0123456789abcdef0011223344556677");
    }

    #[test]
    fn only_sane_client_ids_are_taken_over() {
        let take = |text: &str| RequestId::from_client(&HeaderValue::from_str(text).unwrap());
        assert_eq!(take("trace-1.a:b").unwrap().as_str(), "trace-1.a:b");
        assert!(take("").is_none());
        assert!(take("two words").is_none());
        assert!(take("\"quoted\"").is_none());
        assert!(take(&"x".repeat(128)).is_some());
        assert!(take(&"x".repeat(129)).is_none());
        assert!(RequestId::from_client(&HeaderValue::from_bytes(b"\xff").unwrap()).is_none());
    }
}
