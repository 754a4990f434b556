//! The gateway's own list, and what lies beside the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tollway_cost::{PriceBook, PriceFile};

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The list as it is written.
pub(crate) fn file() -> PriceFile {
    serde_saphyr::from_str(&read("config/pricing.yaml")).unwrap()
}

/// The book of the list.
pub(crate) fn book() -> PriceBook {
    PriceBook::try_from(file()).unwrap()
}

/// `shared/NAME`, beside the checkout or above it. None where it is not.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    root().ancestors().skip(1).map(|above| above.join("shared").join(name)).find(|path| path.exists())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}
