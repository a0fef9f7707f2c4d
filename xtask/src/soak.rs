//! Runs tests in their long form, which takes hours.
//!
//! What has no long form is run by `cargo xtask test`.

use std::time::Instant;

use crate::shell::{Outcome, command, run};

/// The name of a run, the test binary of the program that it is in, and the test.
type Run = (&'static str, &'static str, &'static str);

/// What has a long form. Each runs by itself, because some of them measure time and memory.
const RUNS: [Run; 6] = [
    ("crash", "it", "crash::"),
    ("deploy", "load", "deploy::"),
    ("overload", "load", "overload::"),
    ("slow-readers", "load", "slow_readers::"),
    ("idle-streams", "load", "idle_streams::"),
    ("long-run", "load", "long_run::"),
];

/// Runs the named ones, or all, with the program built for release, and prints which have failed.
pub(crate) fn soak(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| RUNS.iter().all(|(run, ..)| run != name)) {
        let known: Vec<_> = RUNS.iter().map(|(run, ..)| *run).collect();
        return Err(format!("There is no run called {unknown}; there are {}.", known.join(", ")));
    }
    let mut failed = Vec::new();
    let mut times = Vec::new();
    for (name, binary, test) in RUNS {
        if !names.is_empty() && !names.iter().any(|asked| asked == name) {
            continue;
        }
        let began = Instant::now();
        let mut tests = command(
            ".",
            &format!("cargo test --release --package frontdesk --test {binary} -- --nocapture {test}"),
        );
        if let Err(problem) = run(tests.env("FRONTDESK_TEST", "soak")) {
            failed.push(format!("{name}: {problem}"));
        }
        times.push(format!("{name} {} s", began.elapsed().as_secs()));
    }
    println!("\nTimes: {}", times.join(", "));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
