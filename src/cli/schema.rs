//! `tollway schema`: the JSON Schema of the configuration.

use std::io::{self, Write};

/// Prints the schema.
pub fn run(out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &crate::config::schema())?;
    writeln!(out)
}
