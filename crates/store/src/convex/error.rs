use std::io;

use frontdesk_core::{StoreError, StoreErrorKind};
use thiserror::Error;

use super::ConvexUrl;

/// Why a deployment of Convex cannot be used. Written for whoever starts the server.
#[derive(Debug, Error)]
pub enum OpenConvexError {
    /// It cannot be reached, or does not work now.
    #[error("cannot reach Convex at {url}: {why}")]
    Unreachable {
        /// The deployment.
        url: ConvexUrl,
        /// Why.
        why: String,
    },
    /// The key is none of this deployment's, or does not allow what the server does.
    #[error(
        "Convex at {url} does not accept CONVEX_STORE_KEY ({why}): it needs a key of this deployment with the permissions \
         deployment:functions:runInternalQueries and deployment:functions:runInternalMutations"
    )]
    Key {
        /// The deployment.
        url: ConvexUrl,
        /// Convex's words.
        why: String,
    },
    /// Our functions are not there, or the deployment is switched off.
    #[error(
        "Frontdesk's functions do not run on Convex at {url}: deploy them (npx convex deploy in the folder convex)"
    )]
    Functions {
        /// The deployment.
        url: ConvexUrl,
    },
    /// The functions are those of another version.
    #[error(
        "the functions on Convex at {url} are of another version (their tables are {found}, this program knows {known}): \
         deploy the ones of this version"
    )]
    Schema {
        /// The deployment.
        url: ConvexUrl,
        /// What is there.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The functions run for everybody.
    #[error(
        "the functions on Convex at {url} run without a key, so everybody can read everything: deploy ours"
    )]
    Public {
        /// The deployment.
        url: ConvexUrl,
    },
    /// Data was being moved here.
    #[error(
        "a move to this deployment was not finished: run frontdesk migrate-store again, or begin with an empty one"
    )]
    Unfinished,
    /// Connections cannot be prepared.
    #[error("cannot prepare connections to Convex: {0}")]
    Client(#[source] reqwest::Error),
    /// A runtime cannot be started.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[source] io::Error),
}

/// What can go wrong in a call. Says nothing of what was sent: there are texts and a key in it.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// It may or may not have been carried out, and may be tried again.
    #[error("{0}")]
    Unavailable(String),
    /// Something answers that is not Convex, or Convex does not take the call.
    #[error("{0}")]
    Unexpected(String),
    /// The key does not allow it.
    #[error("the key is refused: {0}")]
    Denied(String),
    /// The function refused, on purpose.
    #[error("refused: {0}")]
    Refused(String),
    /// The function failed, is missing, or the deployment is switched off: Convex does not say which.
    #[error(
        "the function failed, is missing, or the deployment is switched off; Convex's own logs say which"
    )]
    Function,
    /// The function gave something else than it should.
    #[error("what it gave makes no sense: {0}")]
    Value(String),
}

impl Failure {
    /// What is stored, or a part of it, makes no sense.
    pub(super) fn corrupt(what: &str) -> StoreError {
        Self::Value(what.to_owned()).into()
    }

    fn kind(&self) -> StoreErrorKind {
        match self {
            // What the functions find to be missing though it was stored.
            Self::Refused(code) if matches!(code.as_str(), "answer_missing" | "not_made") => {
                StoreErrorKind::Corrupt
            }
            Self::Refused(_) => StoreErrorKind::Conflict,
            Self::Value(_) => StoreErrorKind::Corrupt,
            Self::Unavailable(_) | Self::Unexpected(_) | Self::Denied(_) | Self::Function => {
                StoreErrorKind::Unavailable
            }
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind(), failure)
    }
}
