//! The connection that calls go over.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, cmd};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::RedisUrl;

/// How long connecting, and the first answer, may take.
const CONNECTING: Duration = Duration::from_secs(1);

/// How long to wait before the next try.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

/// After so many calls in a row that were not answered in time the server is taken for lost.
const LATE: u32 = 3;

/// One connection, shared by all calls. Where there is none, calls return at once.
pub(crate) struct Link {
    client: Client,
    server: String,
    state: Mutex<State>,
    lost: Notify,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// How many calls in a row were not answered in time.
    late: u32,
    /// Whether the loss of the server was said and is not over.
    is_told: bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(url: &RedisUrl) -> Self {
        Self { client: url.client(), server: url.to_string(), state: Mutex::default(), lost: Notify::new() }
    }

    /// Calls the server. `None` if it is away, refuses, or takes longer than the limit.
    pub(crate) async fn call<T, F>(
        &self,
        limit: Duration,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let connection = self.lock().connection.clone()?;
        match timeout(limit, work(connection)).await {
            Ok(Ok(value)) => {
                self.lock().late = 0;
                Some(value)
            }
            Ok(Err(error)) => {
                self.lose(&describe(&error));
                None
            }
            Err(_) => {
                let late = {
                    let mut state = self.lock();
                    state.late += 1;
                    state.late
                };
                if late >= LATE {
                    self.lose("it does not answer in time");
                }
                None
            }
        }
    }

    fn lose(&self, why: &str) {
        let mut state = self.lock();
        if state.connection.take().is_some() {
            self.lost.notify_one();
        }
        state.late = 0;
        if !std::mem::replace(&mut state.is_told, true) {
            warn!(server = %self.server, why, "Redis is lost: each node limits and looks for itself until it is back");
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING));
        let connecting = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            cmd("PING").exec_async(&mut connection).await?;
            Ok(connection)
        };
        match timeout(CONNECTING * 2, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(describe(&error)),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }

    fn use_again(&self, connection: MultiplexedConnection) {
        let mut state = self.lock();
        state.connection = Some(connection);
        let was_lost = std::mem::take(&mut state.is_told);
        info!(server = %self.server, "{}", if was_lost { "Redis is back" } else { "connected to Redis" });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an error says, as far as it cannot be something that a visitor or an operator has sent.
pub(crate) fn describe(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("{} ({code})", error.category()),
        None => error.category().to_owned(),
    }
}

/// Connects whenever there is no connection, as long as somebody has the link.
pub(crate) async fn keep(link: Weak<Link>) {
    while let Some(held) = link.upgrade() {
        match held.connect().await {
            Ok(connection) => {
                held.use_again(connection);
                wait_for_loss(held).await;
            }
            Err(why) => held.lose(&why),
        }
        sleep(PAUSE).await;
    }
}

/// Waits without holding the link longer than a moment at a time.
async fn wait_for_loss(link: Arc<Link>) {
    let weak = Arc::downgrade(&link);
    let mut held = Some(link);
    while let Some(link) = held.take() {
        if timeout(PAUSE, link.lost.notified()).await.is_ok() {
            return;
        }
        drop(link);
        held = weak.upgrade();
    }
}
