use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;

use super::connection::{Connection, Connector};
use super::error::Failure;

/// How many connections all readers share.
const COUNT: usize = 2;

/// Connections that everybody reads over at once, each question sent before the last one is answered.
pub(super) struct Readers {
    connector: Arc<Connector>,
    shared: [Mutex<Option<Arc<Connection>>>; COUNT],
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, shared: Default::default(), next: AtomicUsize::new(0) }
    }

    /// One of the connections, made anew if it has ended.
    pub(super) async fn get(&self) -> Result<Arc<Connection>, Failure> {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % COUNT;
        let mut shared = self.shared[at].lock().await;
        if let Some(connection) = shared.as_ref().filter(|connection| connection.is_sound()) {
            return Ok(Arc::clone(connection));
        }
        *shared = None;
        let connection = Arc::new(self.connector.connect().await?);
        *shared = Some(Arc::clone(&connection));
        Ok(connection)
    }
}
