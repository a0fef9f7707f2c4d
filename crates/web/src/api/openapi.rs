use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE};
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use super::{Api, documented_routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Frontdesk API",
        description = "Chat with a website's assistant, and read its conversations.\n\nEvery refusal and failure is one \
                       JSON object; its `code` is stable. Every 429 and 503 has `Retry-After`."
    ),
    tags(
        (name = "chat", description = "What a visitor's client does. The key is public: it names the site."),
        (name = "admin", description = "What programs of the site's owner do."),
        (name = "widget", description = "The embeddable chat."),
        (name = "operation", description = "For whoever runs the server."),
    ),
    modifiers(&Keys)
)]
struct Document;

struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, header, meaning) in [
            ("publicKey", "x-api-key", "The site's public key (WIDGET_API_KEY)."),
            ("widgetKey", "x-widget-api-key", "The same key, under the name the widget uses."),
            ("adminKey", "x-admin-api-key", "The site's admin key (ADMIN_API_KEY)."),
        ] {
            let scheme =
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(header, meaning)));
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The OpenAPI document of the public listener, as JSON.
pub fn document() -> String {
    let documented = OpenApiRouter::<Arc<Api>>::with_openapi(Document::openapi()).merge(documented_routes());
    let mut document = documented.into_openapi();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .flatten()
        {
            add_response_headers(operation);
        }
    }
    add_origins_name(&mut document);
    document.to_pretty_json().unwrap_or_default()
}

/// The headers that responses have wherever they come from.
fn add_response_headers(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut add = |name: &str, meaning: &str| {
            let header =
                HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some(meaning));
            response.headers.insert(name.to_owned(), RefOr::T(header.build()));
        };
        add("x-request-id", "The request's id, as the server's log has it.");
        if ["429", "503"].contains(&status.as_str()) {
            add("Retry-After", "In how many seconds it is worth trying again (RFC 9110, section 10.2.3).");
        }
        let takes_key = operation.parameters.iter().flatten().any(is_idempotency_key);
        if status == "200" && takes_key {
            add("Idempotency-Replayed", "`true` if the message had been accepted before under this key.");
        }
    }
}

fn is_idempotency_key(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == "Idempotency-Key")
}

/// The origin's clients know the stream under another address too.
fn add_origins_name(document: &mut utoipa::openapi::OpenApi) {
    let Some(mut item) = document.paths.get_path_item("/v1/chat/stream").cloned() else { return };
    if let Some(operation) = &mut item.post {
        operation.operation_id = Some("chat_stream_of_the_origin".to_owned());
        operation.summary = Some("The same as POST /v1/chat/stream, for clients of the origin.".to_owned());
    }
    document.paths.paths.insert("/chat".to_owned(), item);
}

/// This document.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "operation",
    responses((status = 200, description = "The OpenAPI document.", content_type = "application/json"))
)]
pub(crate) async fn openapi(State(api): State<Arc<Api>>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, api.openapi.clone()).into_response()
}
