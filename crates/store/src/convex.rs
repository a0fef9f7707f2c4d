//! Convex: the functions of `convex/`, called over its HTTP API.
//!
//! Each method of the contract is one mutation or query there, so that Convex's transactions are ours. A mutation carries
//! ids that tell when it was carried out before, so it is sent again whenever its answer was lost. The functions are
//! internal: they run only for those who have a key.

mod client;
mod conversations;
mod error;
mod export;
mod inbox;
mod nodes;
mod operators;
mod reply;
mod settings;
mod sites;
mod target;
mod turns;
mod values;

use std::sync::Arc;

use frontdesk_core::{Random, StoreError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use client::{Client, Kind};
use error::Failure;
pub use error::OpenConvexError;
pub(crate) use export::export;
pub(crate) use nodes::nodes;
pub use settings::{ConvexKey, ConvexSettings, ConvexUrl, InvalidConvexKey, InvalidConvexUrl};
pub(crate) use target::ConvexTarget;
use values::Whole;

/// The tables and functions that this program works with: `SCHEMA` in `convex/functions/schema.ts`.
const SCHEMA: u32 = 5;

/// What the program needs to know before it asks for anything else.
const READY: &str = "health:ready";

/// A store in a deployment of Convex.
#[derive(Debug)]
pub(crate) struct ConvexStore {
    client: Client,
    random: Arc<dyn Random>,
}

#[derive(Deserialize)]
struct Ready {
    schema: Whole<u32>,
    /// The mark of a move to the deployment that was not finished.
    moving: Option<String>,
}

impl ConvexStore {
    /// Reaches the deployment, and sees that it has our functions and keeps them from strangers.
    ///
    /// Blocks until that is done, also when it is called from within a runtime.
    pub(crate) fn open(settings: &ConvexSettings, random: Arc<dyn Random>) -> Result<Self, OpenConvexError> {
        // Connections belong to the runtime that made them, so the check has a client of its own.
        let checked = Self::new(settings, Arc::clone(&random))?;
        let check = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(OpenConvexError::Runtime)?.block_on(checked.check())
        };
        match std::thread::spawn(check).join() {
            Ok(result) => result?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Self::new(settings, random)
    }

    fn new(settings: &ConvexSettings, random: Arc<dyn Random>) -> Result<Self, OpenConvexError> {
        let client = Client::new(settings, Arc::clone(&random)).map_err(OpenConvexError::Client)?;
        Ok(Self { client, random })
    }

    async fn check(&self) -> Result<(), OpenConvexError> {
        let url = self.client.url().clone();
        let ready: Ready =
            self.client.call(Kind::Mutation, READY, &json!({})).await.map_err(|failure| match failure {
                Failure::Denied(why) => OpenConvexError::Key { url: url.clone(), why },
                Failure::Function => OpenConvexError::Functions { url: url.clone() },
                failure => OpenConvexError::Unreachable { url: url.clone(), why: failure.to_string() },
            })?;
        let Whole(found) = ready.schema;
        if found != SCHEMA {
            return Err(OpenConvexError::Schema { url, found, known: SCHEMA });
        }
        // Whatever else it answers, it must not be what only we may know.
        if self.client.call_without_key::<Ready>(Kind::Mutation, READY, &json!({})).await.is_ok() {
            return Err(OpenConvexError::Public { url });
        }
        if ready.moving.is_some() { Err(OpenConvexError::Unfinished) } else { Ok(()) }
    }

    /// Reads. May be repeated as often as it takes.
    async fn query<T: DeserializeOwned>(&self, path: &str, args: Value) -> Result<T, StoreError> {
        Ok(self.client.call(Kind::Query, path, &args).await?)
    }

    /// Writes. May be repeated too: its arguments name what it makes.
    async fn mutation<T: DeserializeOwned>(&self, path: &str, args: Value) -> Result<T, StoreError> {
        Ok(self.client.call(Kind::Mutation, path, &args).await?)
    }
}
