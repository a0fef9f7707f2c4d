//! A real language model, small enough to run here. Its shape is checked, not its wisdom.

use frontdesk_testkit::{Program, Request, Tools};
use serde_json::json;

use crate::BINARY;

#[test]
fn a_real_model_answers_through_all_forms() {
    let Some(tools) = Tools::find() else { return };
    let (_server, base_url) = tools.local_model();
    for form in ["chat", "responses", "anthropic"] {
        let program = Program::new(BINARY)
            .set("OPENAI_BASE_URL", &base_url)
            .set("UPSTREAM_API", form)
            .set("MAX_OUTPUT_TOKENS", "40")
            .set("UPSTREAM_EXTRA_BODY", r#"{"temperature":0.2,"top_p":0.9,"seed":7}"#)
            .started();
        let ask = |message: &str| {
            let body = json!({ "sessionId": "s", "message": message });
            program.ask(&Request::post("/v1/chat/stream", &body).header("x-api-key", Program::PUBLIC_KEY))
        };
        for question in ["What is the capital of France?", "And of Italy?"] {
            let events = ask(question).events();
            let words: Vec<_> = events.iter().filter_map(|event| event["token"].as_str()).collect();
            let done = events.last().unwrap();
            assert_eq!(done["type"], "done", "{form}: {done}");
            assert_eq!(done["message"].as_str().unwrap(), words.concat(), "{form}");
            assert!(words.len() > 3, "{form}: it comes word by word: {words:?}");
            assert!(done["usage"]["inputTokens"].as_u64().unwrap() > 10, "{form}: {done}");
        }
    }
}
