//! How many tokens a request will be, guessed from its bytes in about a nanosecond each.
//!
//! For what must be decided before a provider has counted: limits and budgets reserve by it, and settle
//! by what the provider tells. Nothing is decoded or tokenized. Text costs by the run of its characters
//! (`cost`), and each family of models adds what its own words around messages and tools come to
//! (`family`). Long data, as of pictures, is taken out and counted by its size.
//!
//! The figures were fitted to the usage told in recorded exchanges of OpenAI, Anthropic, Google, Mistral
//! and others by least absolute deviations; `tests/estimates` measures the error.

mod cost;
mod family;

pub use self::family::Family;
use crate::peek::Peek;
use crate::scan::Scanner;

/// What a request will come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the input, those read from a cache too.
    pub input: u64,
    /// The most tokens of output that the client asked for, all answers together, if it set a limit.
    pub output: Option<u64>,
}

/// Guesses what a request to a model of a family will come to.
pub fn estimate(request: &Peek, family: Family) -> Estimate {
    let body = request.body();
    let mut found = Found { answers: request.n(), ..Found::default() };
    for (key, value) in request.members() {
        let name = body.get(key.start + 1..key.end - 1);
        if let Some((name, raw)) = name.zip(body.get(value)) {
            found.member(name, raw, 0);
        }
    }
    let output = found.output.map(|output| output.saturating_mul(found.answers.unwrap_or(1).max(1)));
    Estimate { input: family.tokens(&found), output }
}

/// Guesses what a text that a model has written comes to, escaped or not.
pub fn text_tokens(text: &[u8], family: Family) -> u64 {
    family.text_tokens(cost::of_all(text))
}

/// What was found in a request. Text is in thousandths of a token.
#[derive(Debug, Default)]
struct Found {
    text: u64,
    tools: u64,
    schema: u64,
    messages: u64,
    /// Bytes of data within the text, as base64.
    data: u64,
    /// The most tokens of an answer.
    output: Option<u64>,
    answers: Option<u64>,
}

impl Found {
    /// Takes a member in, which stands so deep in the request.
    fn member(&mut self, name: &[u8], raw: &[u8], depth: u8) {
        match name {
            b"messages"
            | b"contents"
            | b"input"
            | b"system"
            | b"systemInstruction"
            | b"system_instruction"
            | b"instructions"
            | b"prompt"
            | b"requests" => self.text(raw),
            b"tools" | b"functions" => self.tools(raw),
            b"responseSchema" | b"responseJsonSchema" | b"response_schema" => self.schema(raw),
            // All else that is set here costs nothing.
            b"response_format" | b"output_format" | b"text" | b"output_config"
                if memchr::memmem::find(raw, b"schema\"").is_some() =>
            {
                self.schema(raw);
            }
            b"max_tokens" | b"max_completion_tokens" | b"max_output_tokens" | b"maxOutputTokens" => {
                self.output = number(raw).or(self.output);
            }
            b"candidateCount" | b"candidate_count" => self.answers = number(raw).or(self.answers),
            // Gemini's settings, and its request whose tokens are to be counted, which holds them.
            b"generationConfig"
            | b"generation_config"
            | b"generateContentRequest"
            | b"generate_content_request"
                if depth < 2 =>
            {
                each_member(raw, |name, raw| self.member(name, raw, depth + 1));
            }
            _ => {}
        }
    }

    fn text(&mut self, raw: &[u8]) {
        let words = cost::of_values(raw);
        self.text = self.text.saturating_add(words.cost);
        self.data = self.data.saturating_add(words.data);
        self.messages = self.messages.saturating_add(words.messages.max(1));
    }

    fn tools(&mut self, raw: &[u8]) {
        // `[]` and `null` are no tools.
        if raw.len() > 4 {
            self.tools = self.tools.saturating_add(cost::of_all(raw));
        }
    }

    fn schema(&mut self, raw: &[u8]) {
        self.schema = self.schema.saturating_add(cost::of_all(raw));
    }
}

/// A limit as clients write it.
fn number(raw: &[u8]) -> Option<u64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

fn each_member<'a>(raw: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) {
    let read = Scanner::new(raw, 0).object(|member| {
        let name = raw.get(member.key.start + 1..member.key.end - 1);
        if let Some((name, value)) = name.zip(raw.get(member.value)) {
            each(name, value);
        }
    });
    // The body was found to be JSON when it was peeked at; what is no object has no members.
    debug_assert!(read.is_ok() || !raw.starts_with(b"{"), "a peeked body holds broken JSON");
}

#[cfg(test)]
mod tests;
