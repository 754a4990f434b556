use std::fmt;

use serde::Deserialize;

/// What is paid for apart: a class of tokens, a time, a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// Input tokens that are none of the following.
    Input,
    /// Input tokens read from the provider's cache.
    CachedInput,
    /// Input tokens written to the cache that lives five minutes, or the provider's only or shorter one.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Input tokens written to the longer-lived cache: an hour at Anthropic, twelve at OpenAI.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Input tokens that are audio.
    InputAudio,
    /// Input tokens that are audio and read from the cache.
    CachedInputAudio,
    /// Input tokens that are images.
    InputImage,
    /// Audio that is paid for by its length: dollars a second.
    AudioSecond,
    /// Output tokens that are none of the following.
    Output,
    /// Output tokens spent on reasoning.
    Reasoning,
    /// Output tokens that are audio.
    OutputAudio,
    /// A fee for each request: dollars.
    Request,
    /// A fee for each web search: dollars.
    Search,
    /// A fee for each request that searched the web, however often: dollars.
    SearchingRequest,
}

impl Class {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// Every class, in the order in which they are added up.
    pub const ALL: [Self; 14] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::InputAudio,
        Self::CachedInputAudio,
        Self::InputImage,
        Self::AudioSecond,
        Self::Output,
        Self::Reasoning,
        Self::OutputAudio,
        Self::Request,
        Self::Search,
        Self::SearchingRequest,
    ];

    /// The name in the price list, and for metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::InputAudio => "input_audio",
            Self::CachedInputAudio => "cached_input_audio",
            Self::InputImage => "input_image",
            Self::AudioSecond => "audio_second",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::OutputAudio => "output_audio",
            Self::Request => "request",
            Self::Search => "search",
            Self::SearchingRequest => "searching_request",
        }
    }

    /// Whether it is a fee: neither regions nor speeds multiply it, and a tier that does not list it
    /// takes the standard one.
    pub const fn is_fee(self) -> bool {
        matches!(self, Self::Request | Self::Search | Self::SearchingRequest)
    }

    /// By which power of ten the number in the price list is multiplied to be femto-dollars for one
    /// unit: dollars per million tokens for a token, dollars a second for a millisecond, dollars for a fee.
    pub(crate) const fn decimals(self) -> u8 {
        match self {
            Self::AudioSecond => 12,
            _ if self.is_fee() => 15,
            _ => 9,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, value::Error};

    use super::*;

    #[test]
    fn every_class_is_found_by_its_name_and_place() {
        for (place, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), place);
            let name = IntoDeserializer::<Error>::into_deserializer(class.as_str());
            assert_eq!(Class::deserialize(name), Ok(class));
        }
    }
}
