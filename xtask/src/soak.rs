//! Runs tests in their long form, which takes hours.
//!
//! What has no long form is run by `cargo xtask test`.

use std::time::Instant;

use crate::setup;
use crate::shell::{Outcome, command, root, run};

/// The name of a run, and its command but for the part that is the same for all of its kind.
type Run = (&'static str, &'static str);

/// The program's tests. Each runs by itself, because some of them measure time and memory.
const PROGRAM: [Run; 8] = [
    ("crash", "--test it -- crash::"),
    ("nodes", "--test it -- nodes::"),
    ("moving", "--test it -- moving::"),
    ("deploy", "--test load -- deploy::"),
    ("overload", "--test load -- overload::"),
    ("slow-readers", "--test load -- slow_readers::"),
    ("idle-streams", "--test load -- idle_streams::"),
    ("long-run", "--test load -- long_run::"),
];

/// Those in a browser.
const BROWSER: [Run; 1] = [("many-live", "many-live")];

/// Runs the named ones, or all, with the program built for release, and prints which have failed.
pub(crate) fn soak(names: &[String]) -> Outcome {
    let known: Vec<_> = PROGRAM.iter().chain(&BROWSER).map(|(name, _)| *name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("There is no run called {unknown}; there are {}.", known.join(", ")));
    }
    let is_asked = |(name, _): &&Run| names.is_empty() || names.iter().any(|asked| asked == name);
    setup::setup()?;
    let program = PROGRAM.iter().filter(is_asked).map(|(name, rest)| {
        let cargo = "cargo test --release --package frontdesk";
        (*name, command(".", &format!("{cargo} {rest} --nocapture --test-threads 1")))
    });
    let browser = BROWSER.iter().filter(is_asked).map(|(name, rest)| {
        let mut command = command("e2e", &format!("npm run test -- {rest}"));
        command.env("FRONTDESK_BINARY", root().join("target/release/frontdesk"));
        (*name, command)
    });
    run(&mut command(".", "cargo build --release --package frontdesk"))?;
    let mut failed = Vec::new();
    let mut times = Vec::new();
    for (name, mut command) in program.chain(browser) {
        let began = Instant::now();
        let command = command.env("FRONTDESK_TEST", "soak").env("FRONTDESK_TOOLS", setup::tools_folder());
        if let Err(problem) = run(command) {
            failed.push(format!("{name}: {problem}"));
        }
        times.push(format!("{name} {} s", began.elapsed().as_secs()));
    }
    println!("\nTimes: {}", times.join(", "));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
