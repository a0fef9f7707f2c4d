use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use frontdesk_core::{ConversationId, ConversationName, FeedCursor, Role, SiteFeed, SiteNews};
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use serde::Serialize;
use tokio::time::timeout;

use super::Dashboard;
use super::conversations::conversation_id;
use super::list::count;
use super::looking::Tab;
use super::pseudonym::Pseudonym;
use super::session::Operator;
use crate::extract::{PathText, Query};
use crate::feed::{Audience, feed_cursor, follow_feed};
use crate::layers::RequestContext;
use crate::stream::{Framing, HEARTBEAT};
use crate::{ApiError, Code};

/// Follows a conversation for as long as the operator is signed in.
pub(super) async fn conversation(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(context): Extension<RequestContext>,
    operator: Operator,
    PathText(conversation): PathText,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let conversation = conversation_id(&conversation)?;
    let name = ConversationName::Id(dashboard.settings.site, conversation);
    let cursor = feed_cursor(&headers, &query)?;
    let feed = dashboard.ports.feeds.open(name, cursor).await?.ok_or(Code::ConversationNotFound)?;
    Ok(follow_feed(feed, Audience::Operators, Framing::Sse, &context.id, operator.signed_out(dashboard)))
}

/// What happens in the inbox, for the script of a page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum InboxEvent {
    /// Nothing; so that a page knows that it would hear.
    Alive { needs_person: u32 },
    /// A conversation is new or has changed.
    Changed {
        id: String,
        /// The number of the change.
        revision: u32,
        /// What the visitor is called.
        visitor: String,
        status: &'static str,
        /// Whether the operator has it.
        is_mine: bool,
        /// Whether the visitor has the last word.
        is_from_visitor: bool,
        /// Whether it has just begun.
        is_new: bool,
        needs_person: u32,
    },
    /// Any of them may have changed, or one is gone.
    Missed { needs_person: u32 },
    /// A visitor types, or has ceased to.
    Typing { id: String, is_typing: bool },
}

/// So few messages has a conversation that has just begun: the visitor's and the answer, or who asked for a person.
const BEGINNING: u32 = 3;

struct InboxFollower {
    dashboard: Arc<Dashboard>,
    operator: Operator,
    feed: SiteFeed,
    has_begun: bool,
}

/// Follows the inbox for as long as the operator is signed in.
pub(super) async fn inbox(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
) -> Result<Response, ApiError> {
    let feed = dashboard.ports.feeds.open_site(dashboard.settings.site).await?;
    let end = operator.clone().signed_out(Arc::clone(&dashboard));
    let follower = InboxFollower { dashboard, operator, feed, has_begun: false };
    let events = stream::unfold(follower, async |mut follower| Some((follower.next().await?, follower)));
    Ok(Framing::Sse.respond(events.take_until(Box::pin(end))))
}

impl InboxFollower {
    /// The next event; `None` when the server is being shut down, or cannot read what has happened.
    async fn next(&mut self) -> Option<Bytes> {
        let news = if self.has_begun { timeout(HEARTBEAT, self.feed.next()).await } else { Ok(None) };
        let event = match news {
            Ok(None) if self.has_begun => return None,
            Ok(None) | Err(_) => InboxEvent::Alive { needs_person: self.needs_person().await? },
            Ok(Some(SiteNews::Missed)) => InboxEvent::Missed { needs_person: self.needs_person().await? },
            Ok(Some(SiteNews::Changed(conversation))) => self.change(conversation).await?,
            Ok(Some(SiteNews::Typing { conversation, is_typing })) => {
                InboxEvent::Typing { id: conversation.to_string(), is_typing }
            }
        };
        self.has_begun = true;
        Some(Framing::Sse.encode(None::<FeedCursor>, &event))
    }

    async fn needs_person(&self) -> Option<u32> {
        count(&self.dashboard, Tab::NeedsPerson).await.ok()
    }

    async fn change(&self, conversation: ConversationId) -> Option<InboxEvent> {
        let needs_person = self.needs_person().await?;
        let name = ConversationName::Id(self.dashboard.settings.site, conversation);
        let Some((_, summary)) = self.dashboard.ports.store.conversation(&name).await.ok()? else {
            return Some(InboxEvent::Missed { needs_person });
        };
        let answering = summary.state.answering.as_ref().map(|answering| &answering.operator);
        Some(InboxEvent::Changed {
            id: conversation.to_string(),
            revision: summary.revision,
            visitor: Pseudonym::of(&summary.session, summary.identity.as_ref()).name,
            status: summary.state.status.as_str(),
            is_mine: answering == Some(&self.operator.name),
            is_from_visitor: summary.last_role == Role::Visitor,
            is_new: summary.message_count <= BEGINNING,
            needs_person,
        })
    }
}
