//! P4: an incomplete answer is never shown or stored as complete, wherever and however the model's stream is cut.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use frontdesk_core::{MessageStatus, SessionId, SessionKey, SiteId, ThreadPage};
use frontdesk_llm::ApiForm;
use frontdesk_testkit::{Effort, ModelServer, Step, Wire, stream};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::App;

/// How the stream is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The connection is closed, which is also how the stream's end is told.
    Close,
    /// The connection is closed in the middle of a chunked body.
    CloseChunked,
    /// The connection is reset.
    Reset,
}

const WORDS: usize = 200;

static ANSWER: LazyLock<Vec<String>> = LazyLock::new(|| (0..WORDS).map(|n| format!("w{n} ")).collect());

fn whole(wire: Wire, path: &str) -> Vec<u8> {
    let words: Vec<_> = ANSWER.iter().map(String::as_str).collect();
    stream(wire, path, &words)
}

/// How many events are whole in the first `length` bytes, and whether the end marker is among them.
fn arrived(bytes: &[u8], length: usize) -> (usize, bool) {
    let text = std::str::from_utf8(&bytes[..length]).unwrap();
    let Some((_, body)) = text.split_once("\r\n\r\n") else { return (0, false) };
    // Chunk sizes stand on lines of their own between the events, which end in an empty line all the same.
    let whole = body.rfind("\n\n").map_or("", |end| &body[..end + 2]);
    let words = whole.matches("\"w").count();
    let ends = ["\"finish_reason\":\"stop\"", "\"type\":\"response.completed\"", "\"type\":\"message_stop\""];
    (words, ends.iter().any(|end| whole.contains(end)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_done_only_if_its_end_was_seen() {
    for (form, path) in [
        (ApiForm::ChatCompletions, "/v1/chat/completions"),
        (ApiForm::Responses, "/v1/responses"),
        (ApiForm::Messages, "/v1/messages"),
    ] {
        for cut in [Cut::Close, Cut::CloseChunked, Cut::Reset] {
            let wire = if matches!(cut, Cut::CloseChunked) { Wire::Chunked } else { Wire::UntilClose };
            let bytes = Arc::new(whole(wire, path));
            let tried = try_all(form, cut, &bytes).await;
            println!("{path}, {cut:?}: {tried} of {} offsets", bytes.len() + 1);
        }
    }
}

async fn try_all(form: ApiForm, cut: Cut, bytes: &Arc<Vec<u8>>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let script_bytes = Arc::clone(bytes);
    let server = ModelServer::start(move |call| {
        // Each message says where its answer is to be cut.
        let talk = call.body.get("messages").or(call.body.get("input")).and_then(Value::as_array).unwrap();
        let offset: usize = talk.last().unwrap()["content"].as_str().unwrap().parse().unwrap();
        let mut steps = vec![Step::Send(script_bytes[..offset].to_vec())];
        if matches!(cut, Cut::Reset) {
            steps.extend([Step::Pause(Duration::from_millis(1)), Step::Reset]);
        }
        steps
    });
    let app = Arc::new(App::new(folder.path(), &server.base_url(), form).await);
    let stride = Effort::asked().pick(211, 1);
    let places = Arc::new(Semaphore::new(32));
    let mut checking = JoinSet::new();
    for offset in (0..=bytes.len()).step_by(stride) {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (app, bytes) = (Arc::clone(&app), Arc::clone(bytes));
        checking.spawn(async move {
            check(&app, cut, &bytes, offset).await;
            drop(place);
        });
    }
    checking.join_all().await.len()
}

async fn check(app: &App, cut: Cut, bytes: &[u8], offset: usize) {
    let session = format!("s{offset}");
    let response = app.send("/v1/chat/stream", &session, &offset.to_string()).await;
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let events: Vec<Value> = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let shown: String = events.iter().filter_map(|event| event["token"].as_str()).collect();
    let last = events.last().unwrap();

    let (words, ended) = arrived(bytes, offset);
    let expected = ANSWER[..words].concat();
    // A reset may overtake bytes that were on their way.
    let overtaken = matches!(cut, Cut::Reset) && shown.len() < expected.len();
    assert!(expected.starts_with(&shown), "offset {offset}, {cut:?}");
    assert!(overtaken || shown == expected, "offset {offset}, {cut:?}: {shown:?}");
    let is_done = last["type"] == "done";
    assert!(!is_done || ended, "offset {offset}, {cut:?}: done without an end");
    assert!(
        is_done || !ended || matches!(cut, Cut::Reset),
        "offset {offset}, {cut:?}: the end was seen: {last}"
    );

    let key =
        SessionKey { site: SiteId::DEFAULT, session: SessionId::parse(&session).unwrap(), secret: None };
    let page = ThreadPage { before: None, limit: 10 };
    let stored = app.store.session_thread(&key, page).await.unwrap().unwrap().messages.pop().unwrap();
    let status = match (is_done, shown.is_empty()) {
        (true, _) => MessageStatus::Complete,
        (false, false) => MessageStatus::Interrupted,
        (false, true) => MessageStatus::Failed,
    };
    assert_eq!((stored.status, stored.text), (status, shown), "offset {offset}, {cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_the_stream_is_never_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = ModelServer::start(|_| {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\
                    data: {\"choices\":[{\"delta\":{\"content\":\"Half an \"}}]}\n\n\
                    data: {\"error\":{\"code\":502,\"message\":\"secret words of the server\"}}\n\n\
                    data: [DONE]\n\n";
        vec![Step::Send(text.as_bytes().to_vec())]
    });
    let app = App::new(folder.path(), &server.base_url(), ApiForm::ChatCompletions).await;
    let response = app.send("/v1/chat/stream", "s", "hello").await;
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("\"code\":\"upstream_error\"") && !text.contains("\"done\""), "{text}");
    assert!(!text.contains("secret words"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_at_once_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let server = ModelServer::saying(&["one ", "two ", "three"]);
    let app = Arc::new(App::new(folder.path(), &server.base_url(), ApiForm::ChatCompletions).await);
    let places = Arc::new(Semaphore::new(32));
    let mut sending = JoinSet::new();
    for n in 0..200 {
        let (app, places) = (Arc::clone(&app), Arc::clone(&places));
        sending.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let response = app.send("/v1/chat", &format!("s{n}"), "hello").await;
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()["message"].as_str().unwrap().to_owned()
        });
    }
    let answers = sending.join_all().await;
    assert!(answers.iter().all(|answer| answer == "one two three"));
}
