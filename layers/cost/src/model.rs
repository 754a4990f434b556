use crate::{Day, entry::Entry};

/// A model of the price list.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) id: Box<str>,
    pub(crate) exact: bool,
    pub(crate) retires: Option<Day>,
    /// By the days from which they hold, the last first.
    pub(crate) entries: Vec<Entry>,
}

impl Model {
    /// Its name in the list.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The day its provider takes it away, where that is known.
    pub const fn retires(&self) -> Option<Day> {
        self.retires
    }

    pub(crate) fn entry(&self, day: Day) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.from <= day)
    }
}
