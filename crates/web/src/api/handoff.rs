use std::sync::Arc;

use axum::extract::State;
use frontdesk_core::{AskForPerson, EmailAddress, InvalidEmailAddress, SiteId, Store, StoreError, Timestamp};
use http::HeaderMap;
use jiff::Timestamp as Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::chat::AnsweredBy;
use crate::extract::{FromJson, JsonBody, PathText, SendQuota, Visitor, own_session, required_text, visit};
use crate::reply::JsonReply;
use crate::site_documents::{office_hours, widget_config};
use crate::{ApiError, Code, ErrorObject};

/// A visitor who wants to talk to a person. Other members are ignored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct HandoffRequest {
    /// Where to write to if nobody comes: at most 254 characters. What was given before stays if this is left out.
    #[schema(value_type = Option<String>, format = "email", max_length = 254)]
    email: Option<Value>,
    /// The address of the page that the chat is on. What is no address of a page is ignored.
    #[schema(value_type = Option<String>, example = "https://shop.example/rates")]
    page: Option<Value>,
    /// The address of the page before that.
    #[schema(value_type = Option<String>)]
    referrer: Option<Value>,
}

impl FromJson for HandoffRequest {}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HandoffReply {
    /// `asked`; `away` if nobody of the team is there now.
    status: &'static str,
    /// With `away`: when somebody is there again, as RFC 3339 has it; `null` if that is not known.
    #[schema(format = "date-time", example = "2026-11-26T09:00:00Z")]
    until: Option<String>,
    conversation_id: String,
    /// The operator who has the conversation already.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<AnsweredBy>,
}

/// Asks for a person.
///
/// The team is told, and the conversation waits for somebody to take it over; until then the AI goes on answering. It begins
/// the conversation if nothing was said yet. To ask again changes nothing, but for the e-mail address.
#[utoipa::path(
    post, path = "/v1/sessions/{sessionId}/handoff", tag = "chat",
    request_body = HandoffRequest,
    params(
        ("sessionId" = String, Path, description = "The visitor's session."),
        ("x-session-secret" = String, Header, description = "The session's secret."),
    ),
    security(("publicKey" = []), ("widgetKey" = [])),
    responses(
        (status = 200, description = "The team is told.", body = HandoffReply),
        (status = 400, description = "The request is not in order; `code` says how.", body = ErrorObject),
        (status = 401, description = "`unauthorized` or `session_secret_required`", body = ErrorObject),
        (status = 403, description = "`origin_denied`, or `handoff_off` if the site's owner has turned it off.", body = ErrorObject),
        (status = 408, description = "`request_timeout`", body = ErrorObject),
        (status = 413, description = "`payload_too_large`", body = ErrorObject),
        (status = 415, description = "`unsupported_media_type` or `unsupported_encoding`", body = ErrorObject),
        (status = 429, description = "`rate_limited`: it counts as a message.", body = ErrorObject),
        (status = 503, description = "`storage_unavailable` or `storage_full`", body = ErrorObject),
    )
)]
pub(crate) async fn handoff(
    State(api): State<Arc<Api>>,
    visitor: Visitor,
    _quota: SendQuota,
    PathText(session): PathText,
    headers: HeaderMap,
    JsonBody(body): JsonBody<HandoffRequest>,
) -> Result<JsonReply<HandoffReply>, ApiError> {
    let contact = body.email.map(email).transpose()?;
    let session = own_session(visitor.site, &session, &headers)?;
    let store = &*api.ports.store;
    if !widget_config(store, visitor.site).await?.offers_people() {
        return Err(Code::HandoffOff.into());
    }
    let presence = presence(store, visitor.site, api.ports.clock.now()).await?;
    let visit = visit(&headers, body.page.as_ref(), body.referrer.as_ref());
    let ask = AskForPerson { contact, is_away: presence.is_away, visit };
    let asked = api.ports.inbox.ask_for_person(session, ask).await?;
    Ok(JsonReply(HandoffReply {
        status: if presence.is_away { "away" } else { "asked" },
        until: presence.until.and_then(instant),
        conversation_id: asked.conversation.to_string(),
        answered_by: asked.answering.as_ref().map(AnsweredBy::from),
    }))
}

fn email(value: Value) -> Result<EmailAddress, ApiError> {
    let text = required_text("email", Some(value))?;
    let invalid =
        |rule: InvalidEmailAddress| ApiError::new(Code::InvalidRequest).detail("email", rule.to_string());
    EmailAddress::parse(&text).map_err(invalid)
}

/// Whether somebody of the team is there.
struct Presence {
    is_away: bool,
    /// When somebody is there again.
    until: Option<Timestamp>,
}

async fn presence(store: &dyn Store, site: SiteId, now: Timestamp) -> Result<Presence, StoreError> {
    let hours = office_hours(store, site).await?.filter(|hours| !hours.is_open(now));
    let until = hours.as_ref().and_then(|hours| hours.opens_next(now));
    Ok(Presence { is_away: hours.is_some(), until })
}

fn instant(moment: Timestamp) -> Option<String> {
    Some(Instant::from_millisecond(moment.millis()).ok()?.to_string())
}
