//! PostgreSQL: a server that several processes may share, and what speaks its protocol.
//!
//! Every unit of work that writes is a transaction on a connection of its own, with the conversation's row locked, so that
//! several processes can work at once. Reading is one statement each, which shows one state of the data, over connections
//! that everybody shares. Texts and ends of answers are stored together with those of others.
//!
//! What is lost with a connection is tried again over another one, within the time that a visitor waits. A commit that is
//! not answered may have been done: what is repeated then finds out by the ids that came in.

mod abandoned;
mod answers;
mod batches;
mod changes;
mod connection;
mod conversations;
mod drafts;
mod engine;
mod error;
mod export;
mod filtering;
mod inbox;
mod migrations;
mod nodes;
mod operators;
mod pool;
mod readers;
mod rows;
mod search;
mod sites;
mod statements;
mod target;
mod tls;
mod turns;
#[cfg(test)]
mod upgrading;
mod url;

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use frontdesk_core::{Clock, CloseTurn, SavePartial, Timestamp};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, sleep};

use batches::Batches;
use connection::Connector;
use engine::Engine;
pub use error::OpenPostgresError;
pub(crate) use export::export;
use migrations::{MIGRATIONS, Migration};
pub(crate) use nodes::nodes;
pub(crate) use target::PostgresTarget;
use tls::Encryption;
pub use url::PostgresUrl;

/// How long a server may take to come up, when it is started together with us.
const START: Duration = Duration::from_secs(5);

/// A store on a server.
pub(crate) struct PostgresStore {
    engine: Arc<Engine>,
    partials: Batches<SavePartial>,
    endings: Batches<CloseTurn>,
    /// Where connections live.
    _threads: Threads,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the server, and brings the database's schema up to date.
    pub(crate) fn open(url: &PostgresUrl, clock: &dyn Clock) -> Result<Self, OpenPostgresError> {
        Self::open_as(url, clock, &MIGRATIONS)
    }

    fn open_as(
        url: &PostgresUrl,
        clock: &dyn Clock,
        migrations: &'static [Migration],
    ) -> Result<Self, OpenPostgresError> {
        let threads = Threads::start("postgres")?;
        let runtime = threads.handle();
        let encryption = Encryption::of(url)?;
        let connector = Arc::new(Connector::new(url.clone(), encryption, runtime.clone()));
        let (tell, told) = mpsc::channel();
        let migrating = migrate(Arc::clone(&connector), clock.now(), migrations);
        runtime.spawn(async move { tell.send(migrating.await) });
        let ended = || {
            let why = "it was given up".to_owned();
            OpenPostgresError::Connect { server: url.to_string(), why, may_pass: false }
        };
        told.recv().unwrap_or_else(|_| Err(ended()))?;

        let engine = Arc::new(Engine::new(connector));
        runtime.spawn(abandoned::end_all(Arc::downgrade(&engine)));
        Ok(Self {
            partials: Batches::start(Arc::downgrade(&engine), runtime),
            endings: Batches::start(Arc::downgrade(&engine), runtime),
            engine,
            _threads: threads,
        })
    }
}

/// Migrates, and waits a little for a server that cannot be reached.
async fn migrate(
    connector: Arc<Connector>,
    now: Timestamp,
    migrations: &'static [Migration],
) -> Result<(), OpenPostgresError> {
    let began = Instant::now();
    loop {
        match migrations::apply(Arc::clone(&connector), now, migrations).await {
            Err(OpenPostgresError::Connect { may_pass: true, .. }) if began.elapsed() < START => {
                sleep(Duration::from_millis(200)).await;
            }
            result => return result,
        }
    }
}

/// Threads of our own: connections do not end with the runtime of whoever happens to ask for one, and opening can wait
/// within any other.
#[derive(Debug)]
struct Threads {
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    fn start(name: &str) -> Result<Self, OpenPostgresError> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name(name).enable_all().build();
        let runtime = runtime.map_err(OpenPostgresError::Thread)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    /// Without waiting: whoever waits for something to be stored keeps the store.
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}
