//! Running other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Done, or what to tell the developer.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap_or_else(|_| PathBuf::from("."))
}

/// A command in a folder of the repository; its first word is the program.
pub(crate) fn command(folder: &str, words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(root().join(folder));
    command
}

/// Runs a command to its end, with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("\n$ {}", described(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", described(command))),
        Err(error) => Err(format!("{} could not be started: {error}", described(command))),
    }
}

/// Runs a command to its end. Gives what it printed to its standard output.
pub(crate) fn read(command: &mut Command) -> Outcome<String> {
    let described = described(command);
    let output = command.output().map_err(|error| format!("{described} could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{described}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{described}: {error}"))
}

/// Whether a command can be run and succeeds.
pub(crate) fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
