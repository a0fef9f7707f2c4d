use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::connection::{Connection, Connector};
use super::error::{Failure, Remedy};
use super::{OpenPostgresError, PostgresUrl, Threads, rows};

/// The connection does nothing but live, so the server has to find out soon when its other end is gone.
const SETTINGS: &str = "SET statement_timeout = 1300; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
                        SET tcp_keepalives_count = 3";

/// "frontdes" in ASCII, and one more.
const LOCK: &str = "SELECT pg_try_advisory_lock(7382085259403486580)";

/// How long a process that has just ended may hold it.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before the next try to have it back.
const PAUSE: Duration = Duration::from_secs(1);

/// Holds the database for one process's answers, over a connection of its own, for as long as this lives. When that
/// connection is lost, it is made again.
#[derive(Debug)]
pub(crate) struct PostgresLock {
    _threads: Threads,
}

impl PostgresLock {
    /// Takes the lock; `None` if another process has it.
    pub(crate) fn take(url: &PostgresUrl) -> Result<Option<Self>, OpenPostgresError> {
        let threads = Threads::start("postgres-lock")?;
        let runtime = threads.handle();
        let encryption = super::tls::Encryption::of(url)?;
        let connector = Arc::new(Connector::new(url.clone(), encryption, runtime.clone()));
        let (tell, told) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            match patiently(&connector).await {
                Ok(Some(held)) => {
                    let _ = tell.send(Ok(true));
                    keep(&connector, held).await;
                }
                Ok(None) => drop(tell.send(Ok(false))),
                Err(failure) => {
                    let server = connector.url().to_string();
                    let _ = tell.send(Err(OpenPostgresError::unreachable(server, &failure)));
                }
            }
        });
        let is_taken = told.recv().unwrap_or(Ok(false))?;
        Ok(is_taken.then_some(Self { _threads: threads }))
    }
}

async fn patiently(connector: &Connector) -> Result<Option<Connection>, Failure> {
    let began = Instant::now();
    loop {
        let is_over = began.elapsed() > PATIENCE;
        match try_once(connector).await {
            Ok(None) if !is_over => {}
            // The server may be starting too.
            Err(failure) if failure.remedy() == Remedy::Reconnect && !is_over => {}
            result => return result,
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn try_once(connector: &Connector) -> Result<Option<Connection>, Failure> {
    let connection = connector.connect_as(&[SETTINGS]).await?;
    let rows = connection.query(LOCK, &[]).await?;
    let is_ours = rows.first().map_or(Ok(false), |row| rows::get(row, 0))?;
    Ok(is_ours.then_some(connection))
}

async fn keep(connector: &Connector, mut held: Connection) {
    loop {
        held.ended().await;
        warn!("the connection that holds the database for this process is lost");
        held = loop {
            sleep(PAUSE).await;
            match try_once(connector).await {
                Ok(Some(connection)) => break connection,
                Ok(None) => error!("another frontdesk serves the API on this database now: stop one of them"),
                Err(failure) => warn!(%failure, "the database cannot be held for this process"),
            }
        };
        info!("the database is held for this process again");
    }
}
