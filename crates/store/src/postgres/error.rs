use std::error::Error as _;
use std::io;

use frontdesk_core::{StoreError, StoreErrorKind};
use thiserror::Error;
use tokio_postgres::error::SqlState;

/// Why a store could not be opened. Written for whoever starts the server; never with the password.
#[derive(Debug, Error)]
pub enum OpenPostgresError {
    /// The file with the certificates to trust cannot be read.
    #[error("cannot read the certificates of sslrootcert: {0}")]
    Certificates(String),
    /// There is no way to the server, or it does not let us in.
    #[error("cannot connect to PostgreSQL at {server}: {why}")]
    Connect {
        /// The server, without the password.
        server: String,
        /// Why.
        why: String,
        /// Whether it may be possible in a moment.
        may_pass: bool,
    },
    /// The server is there, but cannot be worked with.
    #[error("PostgreSQL at {server} refused: {why}")]
    Refused {
        /// The server, without the password.
        server: String,
        /// Why.
        why: String,
    },
    /// A migration failed. It was undone.
    #[error("cannot bring the database's schema up to date ({name}): {why}")]
    Migration {
        /// The migration.
        name: &'static str,
        /// Why.
        why: String,
    },
    /// The database was made by a newer version of this program.
    #[error(
        "the database was made by a newer version (its schema is {found}, this program knows {known}): upgrade"
    )]
    Newer {
        /// The database's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A migration that was applied is not the one this program has.
    #[error(
        "the database's schema {version} is not the one this program knows: was it made by a development build?"
    )]
    Foreign {
        /// The schema.
        version: i64,
    },
    /// Data was being moved here.
    #[error(
        "a move to this database was not finished: run frontdesk migrate-store again, or begin with an empty one"
    )]
    Unfinished,
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

impl OpenPostgresError {
    pub(super) fn unreachable(server: String, failure: &Failure) -> Self {
        let may_pass = failure.remedy() == Remedy::Reconnect;
        Self::Connect { server, why: failure.to_string(), may_pass }
    }
}

/// What can go wrong in a unit of work. Says nothing of the values in it: the server's details would.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The server refused.
    #[error("{message} ({})", .state.code())]
    Server { state: SqlState, message: String },
    /// The connection is gone, or there was none to be had.
    #[error("{0}")]
    Disconnected(String),
    /// There is no speaking with the server: it has no encryption, or not the right certificate.
    #[error("{0}")]
    Misfit(String),
    /// It took longer than anybody waits.
    #[error("the database did not answer in time")]
    TimedOut,
    /// Somebody else was first: nothing was done, and the next try finds what they did.
    #[error("another session of the same name was begun at the same time")]
    Raced,
    /// What is stored makes no sense.
    #[error("{0}")]
    Corrupt(String),
}

/// What may be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing was done; the same may be tried again on the same connection.
    Again,
    /// Another connection may do better.
    Reconnect,
    /// It stays as it is.
    None,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => {
                Self::Server { state: refusal.code().clone(), message: refusal.message().to_owned() }
            }
            None if is_lost(&error) => Self::Disconnected(with_cause(&error)),
            None => Self::Misfit(with_cause(&error)),
        }
    }
}

/// Whether a connection broke or did not come about, which may be otherwise the next time.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_closed() || cause.is_some_and(|cause| cause.kind() != io::ErrorKind::InvalidData)
}

fn with_cause(error: &tokio_postgres::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Failure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Raced => Remedy::Again,
            Self::Disconnected(_) => Remedy::Reconnect,
            Self::Server { state, .. } => match state.code() {
                "40001" | "40P01" => Remedy::Again,
                // Shut down, crashed, not up yet; or a standby now.
                "57P01" | "57P02" | "57P03" | "25006" => Remedy::Reconnect,
                code if code.starts_with("08") => Remedy::Reconnect,
                _ => Remedy::None,
            },
            Self::Misfit(_) | Self::TimedOut | Self::Corrupt(_) => Remedy::None,
        }
    }

    /// Whether the connection can be used for something else now.
    pub(super) fn leaves_connection(&self) -> bool {
        self.remedy() != Remedy::Reconnect && !matches!(self, Self::TimedOut | Self::Misfit(_))
    }

    pub(super) fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Server { state, .. } => match state.code() {
                "53100" => StoreErrorKind::Full,
                "XX001" | "XX002" => StoreErrorKind::Corrupt,
                code if code.starts_with("22") || code.starts_with("23") => StoreErrorKind::Conflict,
                _ => StoreErrorKind::Unavailable,
            },
            Self::Disconnected(_) | Self::Misfit(_) | Self::TimedOut | Self::Raced => {
                StoreErrorKind::Unavailable
            }
            Self::Corrupt(_) => StoreErrorKind::Corrupt,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind(), failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Failure {
        Failure::Server { state: SqlState::from_code(code), message: String::new() }
    }

    #[test]
    fn what_the_server_says_tells_what_to_do() {
        for (code, kind, remedy) in [
            ("40001", StoreErrorKind::Unavailable, Remedy::Again),
            ("40P01", StoreErrorKind::Unavailable, Remedy::Again),
            ("57P01", StoreErrorKind::Unavailable, Remedy::Reconnect),
            ("57P03", StoreErrorKind::Unavailable, Remedy::Reconnect),
            ("25006", StoreErrorKind::Unavailable, Remedy::Reconnect),
            ("08006", StoreErrorKind::Unavailable, Remedy::Reconnect),
            ("57014", StoreErrorKind::Unavailable, Remedy::None),
            ("53100", StoreErrorKind::Full, Remedy::None),
            ("53300", StoreErrorKind::Unavailable, Remedy::None),
            ("23505", StoreErrorKind::Conflict, Remedy::None),
            ("22021", StoreErrorKind::Conflict, Remedy::None),
            ("XX001", StoreErrorKind::Corrupt, Remedy::None),
        ] {
            assert_eq!((refused(code).kind(), refused(code).remedy()), (kind, remedy), "{code}");
        }
    }
}
