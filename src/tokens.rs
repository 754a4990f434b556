//! How many tokens a text is, for what no provider has counted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tiktoken_rs::CoreBPE;
use tollway_wire::estimate::{Family, text_tokens};

/// The tokens of a text, by OpenAI's own tokenizer for its models, else by what text costs with the model's
/// family in recorded exchanges.
///
/// A tokenizer takes a quarter of a second and tens of megabytes to load, so it is loaded beside, when it is
/// wanted first: until it is there, its models are estimated as the others are.
pub(crate) fn count(model: &str, text: &str) -> u64 {
    let family = Family::of(model);
    let vocabulary = match family {
        Family::OpenAi | Family::Gpt5 => Some(Vocabulary::of(model)),
        _ => None,
    };
    match vocabulary.and_then(Vocabulary::loaded) {
        Some(tokenizer) => tokenizer.encode_ordinary(text).len() as u64,
        None => text_tokens(text.as_bytes(), family),
    }
}

/// What OpenAI's models cut texts into.
struct Vocabulary {
    load: fn() -> Option<CoreBPE>,
    loaded: OnceLock<Option<CoreBPE>>,
    is_wanted: AtomicBool,
}

/// Of GPT-4o, the o series, and all that came after.
static O200K: Vocabulary = Vocabulary::new(|| tiktoken_rs::o200k_base().ok());

/// Of GPT-4 and GPT-3.5.
static CL100K: Vocabulary = Vocabulary::new(|| tiktoken_rs::cl100k_base().ok());

impl Vocabulary {
    const fn new(load: fn() -> Option<CoreBPE>) -> Self {
        Self { load, loaded: OnceLock::new(), is_wanted: AtomicBool::new(false) }
    }

    fn of(model: &str) -> &'static Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let is_old =
            name.starts_with("gpt-3.5") || name.starts_with("gpt-35") || name.starts_with("text-embedding-");
        let is_four = name == "gpt-4" || name.starts_with("gpt-4-");
        if is_old || is_four { &CL100K } else { &O200K }
    }

    /// The tokenizer, once it is there; the first to ask has it loaded.
    fn loaded(&'static self) -> Option<&'static CoreBPE> {
        if let Some(loaded) = self.loaded.get() {
            return loaded.as_ref();
        }
        if !self.is_wanted.swap(true, Ordering::Relaxed) {
            let load = || {
                let _ = self.loaded.set((self.load)());
            };
            // Without a thread the estimate has to do.
            let _ = thread::Builder::new().name("tokenizer".to_owned()).spawn(load);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenAI's tiktoken has them.
    #[test]
    fn openai_s_texts_are_counted_by_its_own_tokenizer_once_it_is_there() {
        let text = "tiktoken is great! 東京は日本の首都です。";
        let estimated = count("gpt-4o", text);
        assert!((8..40).contains(&estimated), "{estimated}");
        for vocabulary in [&O200K, &CL100K] {
            vocabulary.loaded();
            assert!(vocabulary.loaded.wait().is_some());
        }
        assert_eq!(count("gpt-4o-mini", "hello world"), 2);
        assert_eq!(count("gpt-4", "tiktoken is great!"), 6);
        assert_eq!(count("openai/gpt-5.6-sol", "tiktoken is great!"), 6);
        // Others have their own, which are not public.
        assert!((2..6).contains(&count("claude-sonnet-4-5", "hello world")));
    }
}
