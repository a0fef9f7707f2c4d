//! Runs every test, or some parts.

use std::time::Instant;

use crate::fuzz;
use crate::setup;
use crate::shell::{Outcome, command, run};

type Part = (&'static str, fn() -> Outcome);

/// What can be run by itself.
const PARTS: [Part; 5] = [
    ("rust", rust),
    ("widget", widget),
    ("convex", convex),
    ("fuzz", || fuzz::fuzz(&[])),
    ("browser", browser),
];

/// Installs what is needed and runs the named parts, or all.
pub(crate) fn test(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        return Err(format!(
            "There is no part called {unknown}; there are rust, widget, convex, fuzz and browser."
        ));
    }
    setup::setup()?;
    let mut failed = Vec::new();
    let mut times = Vec::new();
    for (name, part) in PARTS {
        if !names.is_empty() && !names.iter().any(|asked| asked == name) {
            continue;
        }
        let began = Instant::now();
        if let Err(problem) = part() {
            failed.push(format!("{name}: {problem}"));
        }
        times.push(format!("{name} {} s", began.elapsed().as_secs()));
    }
    println!("\nTimes: {}", times.join(", "));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn rust() -> Outcome {
    let mut tests = command(".", "cargo test --workspace --all-features --no-fail-fast");
    run(tests.env("FRONTDESK_TEST", "full").env("FRONTDESK_TOOLS", setup::tools_folder()))
}

fn widget() -> Outcome {
    for script in ["typecheck", "lint", "test", "size"] {
        run(command("widget", &format!("npm run --silent {script}")).env("FRONTDESK_TEST", "full"))?;
    }
    Ok(())
}

fn convex() -> Outcome {
    for script in ["typecheck", "lint", "fresh", "test"] {
        run(&mut command("convex", &format!("npm run --silent {script}")))?;
    }
    Ok(())
}

fn browser() -> Outcome {
    run(&mut command(".", "cargo build --package frontdesk"))?;
    for script in ["typecheck", "lint", "test"] {
        run(command("e2e", &format!("npm run --silent {script}"))
            .env("FRONTDESK_TOOLS", setup::tools_folder()))?;
    }
    Ok(())
}
