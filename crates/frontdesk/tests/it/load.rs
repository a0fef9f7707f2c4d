//! Clients that send messages, and what the server has acknowledged to them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use frontdesk_core::{MessageStatus, SessionId, SessionKey, SiteId, SystemClock, ThreadPage};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::{ModelServer, Program, Request};
use serde_json::json;

/// Clients, each with a session of its own that it keeps over several servers.
pub(crate) struct Load {
    acknowledged: Vec<Arc<Mutex<Vec<String>>>>,
    next: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn of(clients: usize) -> Self {
        let acknowledged = (0..clients).map(|_| Arc::default()).collect();
        Self { acknowledged, next: Arc::default(), over: Arc::default(), threads: Vec::new() }
    }

    /// A model whose answers are the ones that [`compare`] expects.
    pub(crate) fn model() -> ModelServer {
        ModelServer::saying(&["An ", "answer ", "in ", "pieces."])
    }

    /// Begins to send, without a pause.
    pub(crate) fn begin(&mut self, address: SocketAddr) {
        self.over = Arc::default();
        for (n, acknowledged) in self.acknowledged.iter().enumerate() {
            let (next, over) = (Arc::clone(&self.next), Arc::clone(&self.over));
            let acknowledged = Arc::clone(acknowledged);
            self.threads.push(thread::spawn(move || {
                send_until_the_end(address, &format!("client-{n}"), &next, &acknowledged, &over);
            }));
        }
    }

    /// Sends no more, and waits for what is on its way.
    pub(crate) fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for client in self.threads.drain(..) {
            client.join().unwrap();
        }
    }

    /// What has been acknowledged so far, client by client.
    pub(crate) fn acknowledged(&self) -> Vec<Vec<String>> {
        self.acknowledged.iter().map(|acknowledged| acknowledged.lock().unwrap().clone()).collect()
    }
}

/// Sends messages until the server is gone, and keeps those that were acknowledged by `start`.
fn send_until_the_end(
    address: SocketAddr,
    session: &str,
    next: &AtomicUsize,
    acknowledged: &Mutex<Vec<String>>,
    over: &AtomicBool,
) {
    while !over.load(Ordering::Relaxed) {
        let text = format!("message {}", next.fetch_add(1, Ordering::Relaxed));
        let request = Request::post("/v1/chat/stream", &json!({ "sessionId": session, "message": text }))
            .header("x-api-key", Program::PUBLIC_KEY);
        let Ok(stream) = request.open(address) else { continue };
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("\"type\":\"start\"")) {
            acknowledged.lock().unwrap().push(text);
            // To the end of the answer, so that the next message finds the conversation free.
            lines.for_each(drop);
        }
    }
}

/// Reads a file, and finds every acknowledged message in it once, in order and without holes. Says how many.
pub(crate) fn compare(database: &Path, acknowledged: &[Vec<String>]) -> usize {
    compare_in(&StoreUrl::Sqlite(database.to_owned()), acknowledged)
}

/// The same in any store.
pub(crate) fn compare_in(store: &StoreUrl, acknowledged: &[Vec<String>]) -> usize {
    tokio::runtime::Runtime::new().unwrap().block_on(compare_all(store, acknowledged))
}

async fn compare_all(store: &StoreUrl, acknowledged: &[Vec<String>]) -> usize {
    let store = open(store, &SystemClock::start()).unwrap();
    let mut count = 0;
    for (n, acknowledged) in acknowledged.iter().enumerate() {
        let session = SessionId::parse(&format!("client-{n}")).unwrap();
        let key = SessionKey { site: SiteId::DEFAULT, session, secret: None };
        let page = ThreadPage { before: None, limit: u32::MAX };
        let Some(thread) = store.session_thread(&key, page).await.unwrap() else {
            assert!(acknowledged.is_empty());
            continue;
        };
        assert!(
            thread.messages.iter().map(|message| message.seq).eq(1..=thread.conversation.message_count),
            "holes"
        );
        let texts: Vec<_> = thread.messages.iter().map(|message| message.text.as_str()).collect();
        for text in acknowledged {
            assert_eq!(texts.iter().filter(|stored| **stored == text).count(), 1, "{text}");
            count += 1;
        }
        let complete = thread.messages.iter().filter(|message| message.status == MessageStatus::Complete);
        assert!(complete.into_iter().all(|message| message.text == "An answer in pieces."));
    }
    count
}
