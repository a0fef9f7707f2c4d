//! What operators wait for.

use crate::shell::{Outcome, command, run};

/// Runs `crates/store/benches/inbox.rs` over so many turns, in each engine that runs here.
pub(crate) fn bench(turns: &str) -> Outcome {
    for engine in ["sqlite", "postgres"] {
        run(&mut command(
            ".",
            &format!("cargo bench --package frontdesk-store --bench inbox -- {engine} {turns}"),
        ))?;
    }
    Ok(())
}
