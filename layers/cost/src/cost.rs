use crate::{Class, Money};

/// What a request cost: in all, and by class. The classes add up to the whole, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub(crate) total: Money,
    pub(crate) by_class: [Money; Class::COUNT],
}

impl Cost {
    /// In all.
    pub const fn total(&self) -> Money {
        self.total
    }

    /// For a class.
    pub fn of(&self, class: Class) -> Money {
        self.by_class.get(class.index()).copied().unwrap_or_default()
    }

    /// The classes that cost something.
    pub fn classes(&self) -> impl Iterator<Item = (Class, Money)> {
        Class::ALL.into_iter().zip(self.by_class).filter(|(_, amount)| *amount != Money::ZERO)
    }
}
