//! The document that describes the API.

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
            assert!(responses.contains_key("200"), "{name}");
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
    assert_eq!(operations, 13);
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
