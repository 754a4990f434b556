//! Multipart forms that are looked through for their model: any chunking finds the same, also where
//! what has passed is let go, and what was read is what was fed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::others::{FormModel, InForm, boundary};

/// What is kept of a form that passes: the head of a part, and what a delimiter may begin with.
const MOST_KEPT: usize = 8 * 1024 + 256 + 300;

fuzz_target!(|data: &[u8]| {
    let (bytes, size) = tollway_wire_fuzz::pieces(data);
    if let Some(told) = std::str::from_utf8(bytes).ok().and_then(boundary) {
        assert!((1..=70).contains(&told.len()));
    }
    let whole = kept(bytes, bytes.len().max(1));
    assert_eq!(whole, kept(bytes, size));
    if let Some(Some(found)) = &whole {
        assert_eq!(&bytes[found.at.clone()], found.name.as_bytes());
        assert!(!found.name.is_empty() && found.name.len() <= 256);
    }
    assert_eq!(whole.map(|found| found.map(|found| found.name)), passing(bytes, size));
});

fn kept(bytes: &[u8], size: usize) -> Option<Option<InForm>> {
    let mut form = FormModel::new("b");
    let mut fed = 0;
    let found = bytes.chunks(size).find_map(|piece| {
        fed += piece.len();
        form.feed(piece)
    });
    assert_eq!(form.len(), fed);
    assert_eq!(form.into_bytes(), bytes[..fed]);
    found
}

fn passing(bytes: &[u8], size: usize) -> Option<Option<String>> {
    let mut form = FormModel::new("b");
    let found = bytes.chunks(size).find_map(|piece| {
        let found = form.feed(piece);
        if found.is_none() {
            form.forget();
            assert!(form.len() <= MOST_KEPT, "{}", form.len());
        }
        found
    })?;
    Some(found.map(|found| found.name))
}
