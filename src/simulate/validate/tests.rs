//! The validators: good requests pass, and each wrong one is refused in its provider's words.

#![expect(clippy::needless_pass_by_value, reason = "JSON is passed as it is written")]

mod anthropic;
mod gemini;
mod mistral_groq;
mod openai;
mod recorded;

use super::super::fault::Fault;
use serde_json::Value;

type Validator = fn(&str, &Value) -> Result<(), Fault>;

/// Changes a good request at one place and looks for a part of the refusal.
struct Good {
    validator: Validator,
    model: &'static str,
    body: Value,
}

impl Good {
    #[track_caller]
    fn new(validator: Validator, model: &'static str, body: Value) -> Self {
        if let Err(fault) = validator(model, &body) {
            panic!("the good request is refused: {fault}");
        }
        Self { validator, model, body }
    }

    /// The same request with other fields; null takes a field away.
    fn with(&self, fields: &Value) -> Value {
        let mut body = self.body.clone();
        for (key, value) in fields.as_object().unwrap() {
            if value.is_null() {
                body.as_object_mut().unwrap().remove(key);
            } else {
                body[key] = value.clone();
            }
        }
        body
    }

    #[track_caller]
    fn takes(&self, fields: Value) {
        if let Err(fault) = (self.validator)(self.model, &self.with(&fields)) {
            panic!("{fields} is refused: {fault}");
        }
    }

    #[track_caller]
    fn refuses(&self, fields: Value, words: &str) -> Fault {
        let fault =
            (self.validator)(self.model, &self.with(&fields)).expect_err(&format!("{fields} is accepted"));
        let told = fault.body().to_string();
        assert!(fault.to_string().contains(words) || told.contains(words), "{fields}: {fault}");
        fault
    }
}
