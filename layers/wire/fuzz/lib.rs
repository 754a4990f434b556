//! What the fuzz targets share.

/// Splits an input into bytes to feed and the size of the pieces to feed them in, so that the
/// fuzzer chooses both.
pub fn pieces(data: &[u8]) -> (&[u8], usize) {
    match data.split_first() {
        Some((size, rest)) => (rest, usize::from(*size).max(1)),
        None => (data, 1),
    }
}

/// Feeds a stream decoder the bytes at once and in pieces, and holds that both give the same.
#[macro_export]
macro_rules! stream {
    ($decoder:ty, $data:expr) => {{
        let (bytes, size) = $crate::pieces($data);
        let run = |size: usize| {
            let mut decoder = <$decoder>::new(tollway_wire::DecodeContext::default());
            let mut events = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.feed(piece);
                while let Some(event) = decoder.next_event() {
                    events.push(event);
                }
            }
            let end = decoder.finish();
            while let Some(event) = decoder.next_event() {
                events.push(event);
            }
            (events, end)
        };
        let (whole, pieces) = (run(bytes.len().max(1)), run(size));
        assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }};
}
