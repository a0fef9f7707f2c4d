//! One message, sent many times at once.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use frontdesk_llm::ApiForm;
use frontdesk_testkit::ModelServer;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_sent_many_times_at_once_is_answered_once_and_everybody_gets_that_answer() {
    const ROUNDS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let server = ModelServer::saying(&["one ", "two ", "three"]);
    let app = Arc::new(App::new(folder.path(), &server.base_url(), ApiForm::ChatCompletions).await);
    for round in 0..ROUNDS {
        let mut sending = JoinSet::new();
        for _ in 0..16 {
            let router = app.router.clone();
            let body = json!({ "sessionId": format!("s{round}"), "message": "hello" }).to_string();
            let request = Request::post("/v1/chat")
                .header("x-api-key", "key")
                .header("host", "a")
                .header("content-type", "application/json")
                .header("idempotency-key", "k")
                .body(Body::from(body))
                .unwrap();
            sending.spawn(async move {
                let response = router.oneshot(request).await.unwrap();
                let status = response.status().as_u16();
                let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
                let reply: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((status, &reply["message"]), (200, &json!("one two three")), "{reply}");
                reply["messageId"].to_string()
            });
        }
        let answers: HashSet<_> = sending.join_all().await.into_iter().collect();
        assert_eq!(answers.len(), 1);
    }
    assert_eq!(server.calls().len(), ROUNDS);
}
