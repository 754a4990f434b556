use std::fmt::Write;

use crate::{Dimension, Dimensions, Per};

/// Who is counted, as text: the values of a rule's dimensions, for a [`Store`](crate::Store)'s keys.
///
/// Values are told apart by their length, so that no value can be made to look like two: `3:abc2:de`.
/// All requests together are the empty text.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which dimensions count.
    pub per: Per,
    /// The request's values.
    pub dimensions: &'a Dimensions,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for dimension in self.per.iter() {
            match (dimension, self.dimensions.value(dimension), self.dimensions.address()) {
                (Dimension::Address, None, Some(address)) => {
                    let mut text = String::new();
                    write!(text, "{address}")?;
                    write!(f, "{}:{text}", text.len())?;
                }
                (_, value, _) => {
                    let value = value.unwrap_or_default();
                    write!(f, "{}:{value}", value.len())?;
                }
            }
        }
        Ok(())
    }
}
