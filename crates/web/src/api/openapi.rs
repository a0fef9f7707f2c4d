use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE};
use utoipa::OpenApi;
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
    documented.into_openapi().to_pretty_json().unwrap_or_default()
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
