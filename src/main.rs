//! `tollway`: arguments → configuration → runtime → exit code.

use std::process::ExitCode;

use clap::Parser;
use tollway::cli::{self, Cli};

// Requests are many small allocations that live shortly and may end on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
