//! The copy of the table in README.

use std::path::Path;
use std::{env, fs};

const BEGIN: &str = "<!-- matrix: written by `make matrix-readme` -->\n";
const END: &str = "\n<!-- end of matrix -->";

/// Holds README's copy to the table; writes it anew where `TOLLWAY_WRITE_MATRIX` is set.
#[track_caller]
pub(crate) fn holds(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let parts = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(copy, after)| (before, copy, after)));
    let Some((before, copy, after)) = parts else { panic!("README has no place for the matrix: {BEGIN}") };
    if copy == table {
        return;
    }
    assert!(
        env::var_os("TOLLWAY_WRITE_MATRIX").is_some(),
        "README's matrix is not the one above: `make matrix-readme` writes it"
    );
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}
