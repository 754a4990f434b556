use super::Found;

/// Whose model it is, as far as tokens go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// OpenAI's models before GPT-5.
    OpenAi,
    /// OpenAI's models from GPT-5 on.
    Gpt5,
    /// Anthropic's models.
    Anthropic,
    /// Google's models.
    Gemini,
    /// Mistral's models.
    Mistral,
    /// Meta's models.
    Llama,
    /// Any other.
    #[default]
    Other,
}

impl Family {
    /// The family of a model, by its name.
    pub fn of(model: &str) -> Self {
        let families: [(&[&str], Self); 6] = [
            (&["claude"], Self::Anthropic),
            (&["gemini", "gemma"], Self::Gemini),
            (&["mistral", "magistral", "ministral", "codestral", "devstral", "pixtral"], Self::Mistral),
            (&["gpt-oss"], Self::Other),
            (&["llama"], Self::Llama),
            (&["gpt-5"], Self::Gpt5),
        ];
        let named = |names: &&(&[&str], Self)| names.0.iter().any(|name| contains(model, name));
        if let Some((_, family)) = families.iter().find(named) {
            return *family;
        }
        let own = model.rsplit('/').next().unwrap_or(model);
        let is_openais = ["gpt-", "chatgpt", "o1", "o3", "o4", "text-embedding-", "codex"]
            .iter()
            .any(|name| own.starts_with(name));
        if is_openais { Self::OpenAi } else { Self::Other }
    }

    /// The tokens of text that costs so many thousandths.
    pub(super) fn text_tokens(self, cost: u64) -> u64 {
        cost.saturating_mul(self.weights().text).div_ceil(100_000)
    }

    /// The tokens of what was found.
    pub(super) fn tokens(self, found: &Found) -> u64 {
        let Weights { text, message, base, tools, any_tools, schema, any_schema } = self.weights();
        let percent = |cost: u64, weight: u64| cost.saturating_mul(weight) / 100_000;
        let mut tokens = percent(found.text, text)
            .saturating_add(percent(found.messages.saturating_mul(1000), message))
            .saturating_add(percent(found.tools, tools))
            .saturating_add(percent(found.schema, schema))
            .saturating_add(base);
        if found.tools > 0 {
            tokens = tokens.saturating_add(any_tools);
        }
        if found.schema > 0 {
            tokens = tokens.saturating_add(any_schema);
        }
        // A picture of a megabyte comes to a thousand tokens or two with every provider, and a page of
        // a document to as many; in base64 that is about a token for each thousand bytes.
        tokens.saturating_add(found.data.div_ceil(1000))
    }

    #[rustfmt::skip]
    const fn weights(self) -> Weights {
        match self {
            Self::OpenAi => Weights { text: 105, message: 500, base: 2, tools: 47, any_tools: 6, schema: 52, any_schema: 0 },
            Self::Gpt5 => Weights { text: 105, message: 500, base: 2, tools: 50, any_tools: 40, schema: 52, any_schema: 0 },
            Self::Anthropic => Weights { text: 117, message: 460, base: 5, tools: 45, any_tools: 510, schema: 101, any_schema: 109 },
            Self::Gemini => Weights { text: 101, message: 60, base: 0, tools: 46, any_tools: 0, schema: 0, any_schema: 0 },
            Self::Mistral => Weights { text: 94, message: 410, base: 1, tools: 91, any_tools: 4, schema: 0, any_schema: 0 },
            Self::Llama => Weights { text: 110, message: 400, base: 12, tools: 80, any_tools: 590, schema: 50, any_schema: 0 },
            Self::Other => Weights { text: 115, message: 400, base: 12, tools: 80, any_tools: 50, schema: 50, any_schema: 0 },
        }
    }
}

/// As `str::contains`, which makes ready for texts far longer than a model's name.
fn contains(model: &str, name: &str) -> bool {
    let (model, name) = (model.as_bytes(), name.as_bytes());
    model.windows(name.len()).any(|part| part.first() == name.first() && part == name)
}

/// What a family adds, in hundredths where it is a weight, else in tokens.
struct Weights {
    /// Of text.
    text: u64,
    /// Of each message, in hundredths of a token.
    message: u64,
    base: u64,
    /// Of the JSON of tools.
    tools: u64,
    any_tools: u64,
    /// Of the JSON of the answer's schema.
    schema: u64,
    any_schema: u64,
}
