use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::PostgresUrl;
use super::error::Failure;
use super::tls::Encryption;

/// What every connection begins with. The server gives up a little before we do, so that a slow statement does not cost the
/// connection; and it ends transactions that we have left.
const BEGIN_CONNECTION: &str = "SET statement_timeout = 1300; SET idle_in_transaction_session_timeout = 5000";

/// What counts as stored survives a crash of the server, whatever its default is.
const BE_DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Neither parallel workers nor compiled expressions: our statements are short, and either takes longer to begin than they do.
/// A server that knows no such setting has nothing to turn off.
const STAY_SHORT: &str = "SELECT set_config(name, value, false)
     FROM (VALUES ('jit', 'off'), ('max_parallel_workers_per_gather', '0')) AS asked (name, value)
     WHERE current_setting(name, true) IS NOT NULL";

/// How long to let a server alone that could not be reached: after the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Makes connections, and pauses between tries when there are none to be had.
pub(super) struct Connector {
    url: PostgresUrl,
    encryption: Option<Encryption>,
    /// Where connections live, whoever asks for them.
    runtime: Handle,
    pause: Mutex<Pause>,
}

#[derive(Default)]
struct Pause {
    length: Duration,
    until: Option<Instant>,
}

impl Connector {
    pub(super) fn new(url: PostgresUrl, encryption: Option<Encryption>, runtime: Handle) -> Self {
        Self { url, encryption, runtime, pause: Mutex::default() }
    }

    pub(super) fn url(&self) -> &PostgresUrl {
        &self.url
    }

    /// A new connection with our settings.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        if self.pause().until.is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Disconnected("there was no connection to be had a moment ago".to_owned()));
        }
        let result = self.connect_as(&[BEGIN_CONNECTION, BE_DURABLE, STAY_SHORT]).await;
        let mut pause = self.pause();
        if result.is_ok() {
            *pause = Pause::default();
        } else {
            pause.length = (pause.length * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            pause.until = Some(Instant::now() + pause.length);
        }
        result
    }

    /// A new connection with these settings, for what takes longer than a visitor waits.
    pub(super) async fn connect_as(&self, settings: &'static [&'static str]) -> Result<Connection, Failure> {
        let (config, encryption, runtime) =
            (self.url.config().clone(), self.encryption.clone(), self.runtime.clone());
        let connecting = self.runtime.spawn(async move {
            let (client, task) = if let Some(encryption) = encryption {
                let (client, connection) = config.connect(encryption).await?;
                (client, run(&runtime, connection))
            } else {
                let (client, connection) = config.connect(NoTls).await?;
                (client, run(&runtime, connection))
            };
            let connection = Connection {
                client,
                statements: Mutex::default(),
                is_condemned: AtomicBool::new(false),
                task,
            };
            for setting in settings {
                connection.client.batch_execute(setting).await?;
            }
            Ok(connection)
        });
        connecting.await.unwrap_or_else(|error| Err(Failure::Disconnected(error.to_string())))
    }

    fn pause(&self) -> std::sync::MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries a connection's bytes for as long as it lives.
fn run(
    runtime: &Handle,
    connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
) -> AbortHandle {
    let carrying = runtime.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %Failure::from(error), "a connection to the database ended");
        }
    });
    carrying.abort_handle()
}

/// A connection, closed with this value, with the statements that were prepared on it.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    is_condemned: AtomicBool,
    task: AbortHandle,
}

impl Drop for Connection {
    /// At once: a server that does not answer would never let it end in order.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Connection {
    /// Whether there is any hope in using it again.
    pub(super) fn is_sound(&self) -> bool {
        !self.client.is_closed() && !self.is_condemned.load(Ordering::Relaxed)
    }

    /// Says that it is not to be used again.
    pub(super) fn condemn(&self) {
        self.is_condemned.store(true, Ordering::Relaxed);
    }

    pub(super) async fn prepare(&self, sql: &'static str) -> Result<Statement, Failure> {
        let statements = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statements().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        statements().insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) async fn query(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        Ok(self.client.query(&self.prepare(sql).await?, values).await?)
    }

    pub(super) async fn query_opt(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Option<Row>, Failure> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    pub(super) async fn execute(&self, sql: &'static str, values: Values<'_>) -> Result<u64, Failure> {
        Ok(self.client.execute(&self.prepare(sql).await?, values).await?)
    }

    /// Sends several statements at once, and says of each how many rows it touched.
    pub(super) async fn execute_all(
        &self,
        steps: &[(&'static str, Values<'_>)],
    ) -> Result<Vec<u64>, Failure> {
        let mut prepared = Vec::with_capacity(steps.len());
        for (sql, _) in steps {
            prepared.push(self.prepare(sql).await?);
        }
        // Each is sent when it is first polled, which is in this order.
        let sending =
            prepared.iter().zip(steps).map(|(statement, (_, values))| self.client.execute(statement, values));
        Ok(try_join_all(sending).await?)
    }

    /// Runs statements without values, one after the other.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }
}
