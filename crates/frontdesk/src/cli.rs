use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Only;

/// An AI chat desk for any website: widget, chat API and dashboard in one program.
///
/// Without a command it serves. Settings are environment variables; `frontdesk check-config` lists them.
#[derive(Debug, Parser)]
#[command(name = "frontdesk", version, about, long_about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API, the widget and the dashboard.
    Serve {
        /// Serve only this part.
        #[arg(long, value_enum)]
        only: Option<Part>,
    },
    /// Say which settings are in force, where they come from, and what is wrong with them.
    CheckConfig {
        /// As if only this part were served.
        #[arg(long, value_enum)]
        only: Option<Part>,
    },
    /// Give the dashboard a new password, print it, and sign everybody out.
    ResetPassword,
    /// Read a password from standard input and print its hash, for DASHBOARD_PASSWORD_HASH.
    HashPassword,
    /// Sign everybody out of the dashboard.
    EndSessions,
    /// Back all data up to one file, while a server runs or not.
    Backup {
        /// Where to; it must not exist. Without it: a new file in the folder `backups` beside the data.
        file: Option<PathBuf>,
    },
    /// Put a backup in the place of the data. No server may be running.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Put the data aside that is there, even if it has conversations.
        #[arg(long)]
        replace: bool,
    },
    /// Write all data as lines of JSON, without secrets, while a server runs or not.
    Export {
        /// Where to; it must not exist. Without it, or with `-`: standard output.
        file: Option<PathBuf>,
    },
    /// Copy everything from one store to another, of any engine, and compare the two. No server may be running.
    ///
    /// If it is broken off, the same command goes on where it was. A store is named by its URL; or by `configured`, which is
    /// the one that the settings name, `convex`, which is the one of `CONVEX_URL` and `CONVEX_STORE_KEY`, or `env:NAME`, whose
    /// URL is in that variable, so that its password does not stand on the command line.
    MigrateStore {
        /// The store to read.
        #[arg(long, value_name = "STORE")]
        from: String,
        /// The store to write to; empty, or it does not exist yet.
        #[arg(long, value_name = "STORE")]
        to: String,
        /// Only compare the two.
        #[arg(long)]
        verify: bool,
    },
    /// Write the conversations of the older system, which this one follows, into the store that the settings name. No
    /// server may be running. What was imported before is left as it is.
    ImportOrigin {
        /// What `npx convex export` has made, unpacked: with `conversations/documents.jsonl` and
        /// `messages/documents.jsonl` in it.
        folder: PathBuf,
    },
    /// Ask the server on this machine whether it lives. For containers.
    Healthcheck {
        /// Ask this part.
        #[arg(long, value_enum)]
        only: Option<Part>,
    },
    /// Send a test notice to the team, every way that is set, and say what came of it.
    NotifyTest,
    /// Print the API's OpenAPI document.
    Openapi,
    /// Print the example of a file of settings.
    EnvExample,
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve { only: None }
    }
}

/// A part of the program that can be served alone.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// The API and the widget.
    Api,
    /// The dashboard.
    Dashboard,
}

impl From<Option<Part>> for Only {
    fn from(part: Option<Part>) -> Self {
        match part {
            None => Self::Everything,
            Some(Part::Api) => Self::Api,
            Some(Part::Dashboard) => Self::Dashboard,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_in_order() {
        Cli::command().debug_assert();
    }
}
