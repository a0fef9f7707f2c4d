//! P1: an acknowledged message survives a crash of the process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use frontdesk_core::{MessageStatus, SessionId, SessionKey, SiteId, SystemClock, ThreadPage};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::{Effort, ModelServer, Program, Request};
use serde_json::json;

use crate::BINARY;

const CLIENTS: usize = 8;

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

#[test]
fn no_acknowledged_message_is_lost() {
    let rounds = Effort::asked().pick(4, 100);
    let model = ModelServer::saying(&["An ", "answer ", "in ", "pieces."]);
    let mut program =
        Program::new(BINARY).set("OPENAI_BASE_URL", &model.base_url()).set("UPSTREAM_API", "chat");
    let acknowledged: Vec<Arc<Mutex<Vec<String>>>> = (0..CLIENTS).map(|_| Arc::default()).collect();
    let next = Arc::new(AtomicUsize::new(0));
    for round in 0..rounds {
        program.start();
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = acknowledged
            .iter()
            .enumerate()
            .map(|(n, acknowledged)| {
                let (address, next) = (program.api(), Arc::clone(&next));
                let (acknowledged, over) = (Arc::clone(acknowledged), Arc::clone(&over));
                thread::spawn(move || {
                    send_until_the_end(address, &format!("client-{n}"), &next, &acknowledged, &over);
                })
            })
            .collect();
        // Spread over the time in which a server starts, works and flushes.
        thread::sleep(Duration::from_millis(10 + (round * 37) % 140));
        program.child().kill();
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    }
    let stored = tokio::runtime::Runtime::new().unwrap().block_on(compare(&program, &acknowledged));
    println!("{rounds} crashes: {stored} messages acknowledged, none lost");
    assert!(stored > usize::try_from(rounds).unwrap(), "the clients hardly came to send anything");
}

/// Reads everything back, and finds every acknowledged message once, in order and without holes.
async fn compare(program: &Program, acknowledged: &[Arc<Mutex<Vec<String>>>]) -> usize {
    let path = program.folder().join("data/frontdesk.db");
    let store = open(&StoreUrl::Sqlite(path), &SystemClock::start()).unwrap();
    let mut count = 0;
    for (n, acknowledged) in acknowledged.iter().enumerate() {
        let session = SessionId::parse(&format!("client-{n}")).unwrap();
        let key = SessionKey { site: SiteId::DEFAULT, session, secret: None };
        let page = ThreadPage { before: None, limit: u32::MAX };
        let Some(thread) = store.session_thread(&key, page).await.unwrap() else {
            assert!(acknowledged.lock().unwrap().is_empty());
            continue;
        };
        assert!(
            thread.messages.iter().map(|message| message.seq).eq(1..=thread.conversation.message_count),
            "holes"
        );
        let texts: Vec<_> = thread.messages.iter().map(|message| message.text.as_str()).collect();
        for text in acknowledged.lock().unwrap().iter() {
            assert_eq!(texts.iter().filter(|stored| **stored == text).count(), 1, "{text}");
            count += 1;
        }
        let complete = thread.messages.iter().filter(|message| message.status == MessageStatus::Complete);
        assert!(complete.into_iter().all(|message| message.text == "An answer in pieces."));
    }
    count
}
