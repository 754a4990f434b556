use std::fmt;

use serde_json::Value;

/// The way from the top of a document to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a mapping's value.
    Key(String),
    /// To a sequence's item.
    Index(usize),
}

impl Path {
    /// The way along these keys.
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).to_owned())).collect())
    }

    /// The way one key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// The way to an item.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Whether this is the document itself.
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key of this name is on the way.
    pub fn passes(&self, name: &str) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Key(key) if key == name))
    }

    /// Whether the last step is to this key.
    pub fn ends_in(&self, name: &str) -> bool {
        matches!(self.0.last(), Some(Step::Key(key)) if key == name)
    }

    /// Whether this value stands in that one, or is it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Finds the value in a document.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// As in `providers.openai.models[2]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if depth == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_finds() {
        let path = Path::of(&["a", "b"]).index(1);
        assert_eq!(path.to_string(), "a.b[1]");
        assert_eq!(path.find(&serde_json::json!({"a": {"b": [1, 2]}})), Some(&Value::from(2)));
        assert_eq!(path.find(&serde_json::json!({"a": 1})), None);
        assert!(path.is_within(&Path::of(&["a"])) && !Path::of(&["a"]).is_within(&path));
    }
}
