use crate::{BookError, Class, file::RatesFile};

/// What a unit of each class costs, in femto-dollars (1e-15); `None` where that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates([Option<u64>; Class::COUNT]);

impl Rates {
    /// Reads listed prices. What is not listed is billed as this says:
    ///
    /// | not listed | billed as |
    /// |---|---|
    /// | `cached_input`, `cache_write_5m` | `input`: who lists no cache price bills ordinary input |
    /// | `cache_write_1h` | `input`, unless a write price is listed: then it is not known |
    /// | `input_audio`, `input_image` | `input` |
    /// | `cached_input_audio` | as cached text where audio costs what text does, as audio where no cache price is listed, else not known |
    /// | `reasoning`, `output_audio` | `output` |
    /// | `request` | nothing |
    /// | `search`, `searching_request` | nothing where the other is listed, else not known |
    pub(crate) fn read(file: &RatesFile, path: &str) -> Result<Self, BookError> {
        let mut listed = Self([None; Class::COUNT]);
        for (class, price) in file {
            let rate = price.scaled(class.decimals()).ok_or_else(|| BookError {
                path: format!("{path}.{class}"),
                what: format!("too large, or of more than {} decimals: {price}", class.decimals()),
                hint: "write dollars per million tokens, dollars a second, or dollars a fee".to_owned(),
            })?;
            listed.set(*class, Some(rate));
        }
        Ok(listed.with_defaults())
    }

    fn with_defaults(self) -> Self {
        let of = |class| self.of(class);
        let or = |class, other: Option<u64>| of(class).or(other);
        let (input, output) = (of(Class::Input), of(Class::Output));
        let audio = or(Class::InputAudio, input);
        let cached_audio = match of(Class::CachedInput) {
            None => audio,
            cached if audio == input => cached,
            Some(_) => None,
        };
        let searches = of(Class::Search).or(of(Class::SearchingRequest)).map(|_| 0);
        let mut whole = self;
        whole.set(Class::CachedInput, or(Class::CachedInput, input));
        whole.set(Class::CacheWrite5m, or(Class::CacheWrite5m, input));
        let longer = if of(Class::CacheWrite5m).is_some() { None } else { input };
        whole.set(Class::CacheWrite1h, or(Class::CacheWrite1h, longer));
        whole.set(Class::InputAudio, audio);
        whole.set(Class::CachedInputAudio, or(Class::CachedInputAudio, cached_audio));
        whole.set(Class::InputImage, or(Class::InputImage, input));
        whole.set(Class::Reasoning, or(Class::Reasoning, output));
        whole.set(Class::OutputAudio, or(Class::OutputAudio, output));
        whole.set(Class::Request, or(Class::Request, Some(0)));
        whole.set(Class::Search, or(Class::Search, searches));
        whole.set(Class::SearchingRequest, or(Class::SearchingRequest, searches));
        whole
    }

    /// What a unit of a class costs.
    pub(crate) fn of(&self, class: Class) -> Option<u64> {
        self.0.get(class.index()).copied().flatten()
    }

    fn set(&mut self, class: Class, rate: Option<u64>) {
        if let Some(place) = self.0.get_mut(class.index()) {
            *place = rate;
        }
    }
}
