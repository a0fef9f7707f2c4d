//! The developers' commands: `cargo xtask` lists them.
//!
//! It has no dependencies, so that it is built in a second before anything else is.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command of the terminal")]

mod fresh;
mod generate;
mod measure;
mod setup;
mod shell;
mod test;

use std::env;
use std::process::ExitCode;

use shell::Outcome;

const HELP: &str = "\
cargo xtask COMMAND

  test [PART...]   install what the tests need and run them all, or some: rust, widget, convex, browser
  setup            only install what the tests need
  generate         write the files that are made from others: the widget's bundle, .env.example, docs/openapi.json
  fresh            fail if one of those is not what `generate` would write
  deny             check licences, sources and who may depend on whom (deny.toml)
  measure          build for release and measure: start, memory, sizes";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    match run(command, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, rest: &[String]) -> Outcome {
    match (command, rest) {
        ("test", parts) => test::test(parts),
        ("setup", []) => setup::setup(),
        ("generate", []) => generate::generate(),
        ("fresh", []) => fresh::fresh(),
        ("deny", []) => setup::deny(),
        ("measure", []) => measure::measure(),
        _ => Err(HELP.to_owned()),
    }
}
