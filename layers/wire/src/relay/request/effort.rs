//! `reasoning_effort` for a server whose models take only some levels.

use super::Edit;
use crate::{Effort, ReasoningStyle, Traits, scan::unquote, splice::quote};

const NAME: &str = "reasoning_effort";

impl Edit<'_> {
    /// Sets the level to the nearest the model takes. It is left out where the model thinks always or
    /// never, and listed unless it asked for what the model does by itself.
    pub(super) fn effort(&mut self, traits: &Traits) {
        for place in self.live(NAME).collect::<Vec<_>>() {
            let Some(word) = unquote(self.raw(place)).map(std::borrow::Cow::into_owned) else { continue };
            let lost = match (traits.reasoning, Effort::from_wire(&word)) {
                // Groq's word for what the model does by itself.
                (_, None) if word == "default" => false,
                // A word nobody knows is the server's to refuse.
                (_, None) => continue,
                (ReasoningStyle::None, Some(wanted)) => wanted != Effort::None,
                (ReasoningStyle::Always, Some(wanted)) => wanted == Effort::None,
                (_, Some(wanted)) => {
                    let nearest = traits.nearest_effort(wanted);
                    if nearest != wanted {
                        self.splice.replace(place, quote(nearest.as_str()));
                    }
                    continue;
                }
            };
            self.splice.remove(place);
            if lost {
                self.list(NAME.to_owned());
            }
        }
    }
}
