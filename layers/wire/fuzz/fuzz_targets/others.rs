//! What passes without being understood: the bytes of a WebSocket, the end of an answer, a JSON body
//! that names a model. Any chunking counts the same, and a renamed body differs in its model alone.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tollway_core::Usage;
use tollway_wire::others::{NamedModel, SocketTap, TailTap};

fuzz_target!(|data: &[u8]| {
    let (bytes, size) = tollway_wire_fuzz::pieces(data);
    let whole = bytes.len().max(1);
    assert_eq!(socket(bytes, whole), socket(bytes, size));
    // The same message in one frame, however it is cut, counts what its end counts.
    let framed = frames(bytes, size);
    assert_eq!(socket(&framed, framed.len().max(1)), socket(&framed, size));
    assert_eq!(socket(&framed, size), socket(&frames(bytes, whole), whole));
    assert_eq!(tail(bytes, whole), tail(bytes, size));
    named(bytes);
});

fn socket(bytes: &[u8], size: usize) -> Option<Usage> {
    let mut tap = SocketTap::default();
    bytes.chunks(size).for_each(|piece| tap.feed(piece));
    tap.usage()
}

/// A text message in frames of some size, with a ping between them.
fn frames(message: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let count = message.chunks(size).len();
    for (at, piece) in message.chunks(size).enumerate() {
        let last = if at + 1 == count { 0x80 } else { 0 };
        out.extend([last | u8::from(at == 0), 127]);
        out.extend((piece.len() as u64).to_be_bytes());
        out.extend(piece);
        out.extend([0x89, 2, b'{', b'"']);
    }
    out
}

fn tail(bytes: &[u8], size: usize) -> Option<Usage> {
    let mut tap = TailTap::default();
    bytes.chunks(size).for_each(|piece| tap.feed(piece));
    tap.usage()
}

fn named(bytes: &[u8]) {
    let Some(model) = NamedModel::in_json(bytes) else { return };
    let body = Bytes::copy_from_slice(bytes);
    assert_eq!(model.renamed(&body, model.name()), body);
    let renamed = model.renamed(&body, "another \"name\"");
    let again = NamedModel::in_json(&renamed).map(|again| again.name().to_owned());
    assert_eq!(again.as_deref(), Some("another \"name\""));
    assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&renamed).is_ok());
}
