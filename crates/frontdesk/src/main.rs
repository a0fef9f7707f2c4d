//! Frontdesk: an AI chat desk for any website in one program.
//!
//! This crate is the program: its command line, its settings, the wiring of its parts, and its life from start to end.

mod cli;
mod commands;
mod config;
mod console;
mod first_run;
mod indexing;
mod lifecycle;
mod logging;
mod node_files;
mod panics;
mod ports;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command.unwrap_or_default() {
        Command::Serve { only } => lifecycle::serve(only.into()),
        Command::CheckConfig { only } => commands::check_config(only.into()),
        Command::ResetPassword => commands::reset_password(),
        Command::HashPassword => commands::hash_password(),
        Command::EndSessions => commands::end_sessions(),
        Command::Backup { file } => commands::backup(file.as_deref()),
        Command::Restore { file, replace } => commands::restore(&file, replace),
        Command::Export { file } => commands::export(file.as_deref()),
        Command::MigrateStore { from, to, verify } => commands::migrate_store(&from, &to, verify),
        Command::ImportOrigin { folder } => commands::import_origin(&folder),
        Command::Healthcheck { only } => commands::healthcheck(only.into()),
        Command::NotifyTest => commands::notify_test(),
        Command::Openapi => Ok(commands::openapi()),
        Command::EnvExample => Ok(commands::env_example()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            console::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
