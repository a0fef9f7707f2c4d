//! The files that are made from others, and are committed so that building the program needs nothing but Rust.

use std::fs;

use crate::setup;
use crate::shell::{Outcome, command, read, root, run};

/// Each such file.
pub(crate) const FILES: [&str; 4] = [
    "crates/web/assets/chat-widget.js",
    "crates/web/assets/chat-widget.sources",
    ".env.example",
    "docs/openapi.json",
];

/// Writes them all.
pub(crate) fn generate() -> Outcome {
    setup::npm("widget")?;
    run(&mut command("widget", "npm run --silent build"))?;
    for (file, subcommand) in [(".env.example", "env-example"), ("docs/openapi.json", "openapi")] {
        let text =
            read(&mut command(".", &format!("cargo run --quiet --package frontdesk -- {subcommand}")))?;
        fs::write(root().join(file), text).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}
