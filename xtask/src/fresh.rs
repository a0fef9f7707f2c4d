//! Whether the generated files are what their sources say.

use std::fs;

use crate::generate::{FILES, generate};
use crate::shell::{Outcome, root};

/// Generates the files again and fails if one of them changes.
pub(crate) fn fresh() -> Outcome {
    let contents = || FILES.map(|file| fs::read(root().join(file)).unwrap_or_default());
    let before = contents();
    generate()?;
    let after = contents();
    let stale: Vec<_> = (0..FILES.len()).filter(|n| before[*n] != after[*n]).map(|n| FILES[n]).collect();
    if stale.is_empty() {
        println!("Fresh: {}", FILES.join(", "));
        return Ok(());
    }
    Err(format!("Not committed as generated: {}. They have been written now.", stale.join(", ")))
}
