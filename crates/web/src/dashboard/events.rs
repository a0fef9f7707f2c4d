use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frontdesk_core::{ConversationId, ConversationName};
use http::HeaderMap;

use super::Dashboard;
use super::session::Operator;
use crate::extract::{PathText, Query};
use crate::feed::{Audience, feed_cursor, follow_feed};
use crate::layers::RequestContext;
use crate::stream::Framing;
use crate::{ApiError, Code};

/// Follows a conversation for as long as the operator is signed in.
pub(super) async fn events(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(context): Extension<RequestContext>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let conversation = ConversationId::parse(&conversation).ok_or(Code::ConversationNotFound)?;
    let name = ConversationName::Id(dashboard.settings.site, conversation);
    let cursor = feed_cursor(&headers, &query)?;
    let feed = dashboard.ports.feeds.open(name, cursor).await?.ok_or(Code::ConversationNotFound)?;
    Ok(follow_feed(feed, Audience::Operators, Framing::Sse, &context.id, operator.signed_out(dashboard)))
}
