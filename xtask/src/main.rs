//! The developers' commands: `cargo xtask` lists them.
//!
//! It has no dependencies, so that it is built in a second before anything else is.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command of the terminal")]

mod bench;
mod fresh;
mod fuzz;
mod generate;
mod measure;
mod setup;
mod shell;
mod soak;
mod test;

use std::env;
use std::process::ExitCode;

use shell::Outcome;

const HELP: &str = "\
cargo xtask COMMAND

  test [PART...]   install what the tests need and run them all, or some: rust, widget, convex, fuzz, browser
  fuzz [SECONDS] [TARGET...]
                   run the fuzz targets, or some, for 60 seconds or as many as you say
  soak [NAME...]   run the tests that have a long form in it, one after the other, or some of them; three hours in all,
                   or less with FRONTDESK_SOAK_MINUTES for those that run for a time
  setup            only install what the tests need
  generate         write the files that are made from others: the widget's bundle, .env.example, docs/openapi.json
  fresh            fail if one of those is not what `generate` would write
  deny             check licences, sources and who may depend on whom (deny.toml)
  bench [TURNS]    lists, threads and searches over a million conversations, or fewer, in SQLite and PostgreSQL
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
        ("fuzz", arguments) => fuzz::fuzz(arguments),
        ("soak", names) => soak::soak(names),
        ("setup", []) => setup::setup(),
        ("generate", []) => generate::generate(),
        ("fresh", []) => fresh::fresh(),
        ("deny", []) => setup::deny(),
        ("bench", []) => bench::bench("1000000"),
        ("bench", [turns]) => bench::bench(turns),
        ("measure", []) => measure::measure(),
        _ => Err(HELP.to_owned()),
    }
}
