/// What a rule may tell requests apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The public id of the caller's key.
    Key,
    /// The caller's user.
    User,
    /// The caller's team.
    Team,
    /// The model, as the client named it.
    Model,
    /// The provider that will be asked.
    Provider,
    /// The route.
    Route,
    /// The client's network address.
    Address,
}

impl Dimension {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Key, Self::User, Self::Team, Self::Model, Self::Provider, Self::Route, Self::Address];

    /// The name used in configuration, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Team => "team",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Route => "route",
            Self::Address => "address",
        }
    }

    /// Whether it says who asks. What such a rule counts is the caller's own business; what any
    /// other counts is that of all callers together, and none of them is told.
    pub const fn is_caller(self) -> bool {
        matches!(self, Self::Key | Self::User | Self::Team | Self::Address)
    }
}
