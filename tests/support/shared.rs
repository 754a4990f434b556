//! What lies beside the checkout.

use std::path::{Path, PathBuf};

/// `shared/NAME`, beside the checkout or above it. None where it is not.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    checkout.ancestors().skip(1).map(|above| above.join("shared").join(name)).find(|path| path.exists())
}
