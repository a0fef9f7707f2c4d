//! Hostile bytes: builds the fuzz targets and runs them, with stable Rust and without cargo-fuzz.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::shell::{Outcome, command, read, root, run};

/// How long each target is run if nobody says otherwise, in seconds.
pub(crate) const SECONDS: u32 = 60;

/// What `cargo fuzz` gives to the compiler, without its sanitizers, which stable Rust does not have.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// How many targets run at once.
const AT_ONCE: usize = 2;

/// Builds the fuzz targets and runs the named ones, or all.
///
/// `arguments` are the seconds for each, if the first one is a number, and names of targets.
pub(crate) fn fuzz(arguments: &[String]) -> Outcome {
    let seconds = arguments.first().and_then(|first| first.parse().ok());
    let names = if seconds.is_some() { &arguments[1..] } else { arguments };
    let all = targets()?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(format!("There is no target called {unknown}; there are {}.", all.join(", ")));
    }
    let chosen = if names.is_empty() { all } else { names.to_vec() };
    let programs = build()?;
    run_all(&chosen, &programs, seconds.unwrap_or(SECONDS))
}

/// The names of the targets: each has a file.
fn targets() -> Outcome<Vec<String>> {
    let files = fs::read_dir(root().join("fuzz/targets")).map_err(|error| error.to_string())?;
    let names = files.filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Builds all targets. Gives the folder they are in.
fn build() -> Outcome<PathBuf> {
    let version = read(&mut command(".", "rustc --version --verbose"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let folder = root().join("target/fuzz");
    // With a target named, the flags are for what runs there and not for what builds it.
    let mut build = command("fuzz", &format!("cargo build --release --bins --target {host} --target-dir"));
    run(build.arg(&folder).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    Ok(folder.join(host).join("release"))
}

fn run_all(names: &[String], programs: &Path, seconds: u32) -> Outcome {
    println!("\n{} fuzz targets, {seconds} s each, {AT_ONCE} at once", names.len());
    let waiting = Mutex::new(names.iter().collect::<VecDeque<_>>());
    let next = || waiting.lock().ok()?.pop_front();
    let work = || {
        let mut crashes = Vec::new();
        while let Some(name) = next() {
            match run_one(name, programs, seconds) {
                Ok(line) => println!("{name:20} {line}"),
                Err(problem) => {
                    println!("{name:20} FAILED");
                    crashes.push(problem);
                }
            }
        }
        crashes
    };
    let crashes: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| vec!["the program that runs the targets has a defect".to_owned()])
        });
        ended.flatten().collect()
    });
    if crashes.is_empty() { Ok(()) } else { Err(crashes.join("\n\n")) }
}

/// Runs a target. Gives what it reached, in words.
fn run_one(name: &str, programs: &Path, seconds: u32) -> Outcome<String> {
    let found = root().join("target/fuzz/corpus").join(name);
    let crashes = root().join("target/fuzz/crashes").join(name);
    for folder in [&found, &crashes] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let log_path = root().join("target/fuzz").join(format!("{name}.log"));
    let log = fs::File::create(&log_path).map_err(|error| format!("{}: {error}", log_path.display()))?;
    let program = programs.join(name);
    let mut target = Command::new(&program);
    target.current_dir(root().join("fuzz"));
    // A single input may take ten seconds on a busy machine; the longest took milliseconds.
    target.args([&format!("-max_total_time={seconds}"), "-timeout=10", "-rss_limit_mb=2048"]);
    target.args(["-max_len=4096", "-use_value_profile=1", "-print_final_stats=1"]);
    target.arg(format!("-artifact_prefix={}/", crashes.display()));
    target.arg(format!("-dict=dictionaries/{name}.dict"));
    // What is new goes into the first folder; the second one is the kept corpus.
    target.arg(&found).arg(format!("corpus/{name}"));
    let status = target.stdout(Stdio::null()).stderr(log).status().map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&fs::read(&log_path).unwrap_or_default()).into_owned();
    let last = |begin: &str| log.lines().rev().find_map(|line| line.strip_prefix(begin)).map(str::trim);
    if !status.success() {
        let panic = log.lines().skip_while(|line| !line.contains("panicked at")).take(3);
        let input = log.lines().find_map(|line| line.split("Test unit written to ").nth(1));
        return Err(format!(
            "{name}: {}\ninput: {}\nlog: {}\nagain: {} {}",
            panic.collect::<Vec<_>>().join("\n"),
            input.unwrap_or("none was written"),
            log_path.display(),
            program.display(),
            input.unwrap_or_default(),
        ));
    }
    let runs = last("stat::number_of_executed_units:").unwrap_or("?");
    let reached = log.lines().rev().find(|line| line.contains(" cov: ")).unwrap_or_default();
    let number = |name: &str| {
        reached.split_whitespace().skip_while(|word| *word != name).nth(1).unwrap_or("?").to_owned()
    };
    Ok(format!(
        "{runs:>10} runs, {:>6} branches, {:>6} features, corpus {}",
        number("cov:"),
        number("ft:"),
        number("corp:")
    ))
}
