//! The document that describes the API.

use frontdesk_core::{ModelError, ModelErrorKind};
use serde_json::Value;

use crate::desk::Desk;

#[tokio::test]
async fn the_document_is_the_one_in_the_repository() {
    let served = Desk::open().await.get("/v1/openapi.json").send().await.body;
    let committed = include_str!("../../../../docs/openapi.json");
    assert_eq!(served.trim_end(), committed.trim_end(), "run: cargo xtask generate");
}

#[tokio::test]
async fn every_operation_says_what_it_takes_and_how_it_fails() {
    let document: Value = serde_json::from_str(&frontdesk_web::api::document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let name = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("200") || responses.contains_key("204"), "{name}");
            let is_guarded = operation.get("security").is_some();
            assert_eq!(is_guarded, responses.contains_key("401"), "{name}");
            assert_eq!(is_guarded, responses.contains_key("429"), "{name}");
            for (status, response) in responses {
                let headers = response["headers"].as_object().unwrap();
                let waits = ["429", "503"].contains(&status.as_str());
                assert_eq!(waits, headers.contains_key("Retry-After"), "{name} {status}");
                assert!(headers.contains_key("x-request-id"), "{name} {status}");
            }
        }
    }
    assert_eq!(operations, 38);
}

/// The names that the origin's admin API had.
const OF_THE_ORIGIN: [&str; 2] = ["_id", "_creationTime"];

#[test]
fn members_have_the_names_that_they_have_on_the_wire() {
    let document: Value = serde_json::from_str(&frontdesk_web::api::document()).unwrap();
    let mut waiting = vec![&document["components"]["schemas"]];
    while let Some(value) = waiting.pop() {
        for name in value["properties"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(!name.contains('_') || OF_THE_ORIGIN.contains(&&**name), "{name}");
        }
        waiting.extend(value.as_object().into_iter().flat_map(serde_json::Map::values));
        waiting.extend(value.as_array().into_iter().flatten());
    }
}

#[tokio::test]
async fn the_events_of_a_stream_have_the_members_that_the_document_says() {
    let document: Value = serde_json::from_str(&frontdesk_web::api::document()).unwrap();
    let schemas = document["components"]["schemas"]["StreamEvent"]["oneOf"].as_array().unwrap();
    let desk = Desk::open().await;
    let good = desk.say(desk.send("/v1/chat/stream", "Hello"), "Hi").await;
    let busy = ModelError::new(ModelErrorKind::Busy(None), "a busy server");
    let failing = async { desk.model().await.fail(busy) };
    let (bad, ()) = tokio::join!(desk.send("/v1/chat/stream", "Hello").send(), failing);
    let events = [good.events(), bad.events()].concat();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start", "token", "done", "start", "error"]);
    for event in events {
        let schema =
            schemas.iter().find(|schema| schema["properties"]["type"]["enum"][0] == event["type"]).unwrap();
        for name in event.as_object().unwrap().keys() {
            assert!(schema["properties"].get(name).is_some(), "{name} is not documented: {event}");
        }
        for name in schema["required"].as_array().unwrap() {
            assert!(event.get(name.as_str().unwrap()).is_some(), "{name} is missing: {event}");
        }
    }
}
