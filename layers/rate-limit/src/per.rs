use crate::Dimension;

/// A set of dimensions. A rule counts apart what differs in one of them; the empty set counts all
/// requests together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Per(u8);

impl Per {
    /// No dimension: all requests are counted together.
    pub const ALL_TOGETHER: Self = Self(0);

    /// The set with one dimension more.
    #[must_use]
    pub const fn and(self, dimension: Dimension) -> Self {
        Self(self.0 | 1 << dimension as u8)
    }

    /// Whether a dimension is in the set.
    pub const fn contains(self, dimension: Dimension) -> bool {
        self.0 & 1 << dimension as u8 != 0
    }

    /// The dimensions, in the order of [`Dimension::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Dimension> {
        Dimension::ALL.into_iter().filter(move |dimension| self.contains(*dimension))
    }

    /// Whether it tells callers apart, so that what is counted concerns one of them alone.
    pub fn is_callers_own(self) -> bool {
        self.iter().any(Dimension::is_caller)
    }
}

impl FromIterator<Dimension> for Per {
    fn from_iter<I: IntoIterator<Item = Dimension>>(dimensions: I) -> Self {
        dimensions.into_iter().fold(Self::ALL_TOGETHER, Self::and)
    }
}

impl From<Dimension> for Per {
    fn from(dimension: Dimension) -> Self {
        Self::ALL_TOGETHER.and(dimension)
    }
}
