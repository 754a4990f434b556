/// Tokens a provider counted for one attempt, normalised.
///
/// `input` **includes** cached and cache-written tokens, whatever the provider's own convention;
/// `output` includes reasoning. The difference between providers is resolved in `wire`, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, cache reads and writes included.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cached_input: u64,
    /// Input tokens written to a cache that lives five minutes (or the provider's only class).
    pub cache_write_5m: u64,
    /// Input tokens written to a cache that lives one hour.
    pub cache_write_1h: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
    /// Input tokens that were audio.
    pub input_audio: u64,
    /// Input tokens that were audio and read from the cache: of `cached_input` and of `input_audio`.
    pub cached_input_audio: u64,
    /// Input audio that was counted by its length and not in tokens, in milliseconds.
    pub input_audio_ms: u64,
    /// Output tokens that were audio.
    pub output_audio: u64,
    /// Input tokens that were images.
    pub input_image: u64,
    /// Predicted tokens that appeared in the answer.
    pub accepted_prediction: u64,
    /// Predicted tokens that did not, and are billed all the same.
    pub rejected_prediction: u64,
    /// Web searches the provider ran.
    pub web_searches: u64,
}

impl Usage {
    /// Input and output together.
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl std::ops::AddAssign for Usage {
    /// Adds what was counted beside it, as by several answers of one session.
    fn add_assign(&mut self, more: Self) {
        let Self { input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, .. } = self;
        let pairs = [
            (input, more.input),
            (cached_input, more.cached_input),
            (cache_write_5m, more.cache_write_5m),
            (cache_write_1h, more.cache_write_1h),
            (output, more.output),
            (reasoning, more.reasoning),
            (&mut self.input_audio, more.input_audio),
            (&mut self.cached_input_audio, more.cached_input_audio),
            (&mut self.input_audio_ms, more.input_audio_ms),
            (&mut self.output_audio, more.output_audio),
            (&mut self.input_image, more.input_image),
            (&mut self.accepted_prediction, more.accepted_prediction),
            (&mut self.rejected_prediction, more.rejected_prediction),
            (&mut self.web_searches, more.web_searches),
        ];
        for (count, more) in pairs {
            *count = count.saturating_add(more);
        }
    }
}
