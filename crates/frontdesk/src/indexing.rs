//! Making messages ready to be found that are not yet.

use std::sync::Arc;
use std::time::Duration;

use frontdesk_core::Store;
use tokio::time::sleep;
use tracing::{info, warn};

/// How many messages at a time: few enough that no visitor waits for them.
const AT_ONCE: u32 = 200;

/// The pause after that.
const BREATH: Duration = Duration::from_millis(20);

/// How long until more is looked for.
const PAUSE: Duration = Duration::from_mins(1);

/// Goes on for ever: there are messages of an older version's database, and answers whose server was killed.
pub(crate) async fn catch_up(store: Arc<dyn Store>) {
    let mut indexed = 0;
    loop {
        match store.index_messages(AT_ONCE).await {
            Ok(0) => {
                if indexed > 0 {
                    info!(messages = indexed, "messages can be found that could not");
                }
                indexed = 0;
                sleep(PAUSE).await;
            }
            Ok(count) => {
                indexed += count;
                sleep(BREATH).await;
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "messages are not indexed for now");
                sleep(PAUSE).await;
            }
        }
    }
}
