/// How sure a piece of advice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It rests on an assumption about the application: try it first.
    WorthTrying,
    /// It rests on what is usual: tokens may come to other numbers.
    Likely,
    /// It follows from the prices and from what was counted.
    Certain,
}

impl Confidence {
    /// The words in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorthTrying => "worth trying",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}
