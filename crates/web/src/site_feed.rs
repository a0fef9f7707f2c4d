//! Which of a site's conversations change, as a stream of events.

use axum::response::Response;
use bytes::Bytes;
use frontdesk_core::{SiteFeed, SiteNews};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::stream::{Framing, HEARTBEAT};

/// Something that happened to a site's conversations. Clients ignore members and types that they do not know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum SiteEvent {
    /// From here on everything is told. Comes once, first.
    Ready,
    /// This one has changed, is new or is no more; or its visitor's chat has come or gone.
    #[serde(rename_all = "camelCase")]
    Changed { conversation_id: String },
    /// Some may have changed that were not told: read the list anew.
    Missed,
    /// Its visitor types, or has ceased to. Without a word for eight seconds it is over.
    #[serde(rename_all = "camelCase")]
    Typing { conversation_id: String, typing: bool },
}

/// A response that tells what changes until the server is shut down, or until `end`.
pub(crate) fn follow_site(
    feed: SiteFeed,
    framing: Framing,
    end: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let begin = stream::iter([encode(framing, &SiteEvent::Ready)]);
    let events = stream::unfold((feed, framing), async |(mut feed, framing)| {
        let bytes = match timeout(HEARTBEAT, feed.next()).await {
            Err(_) => framing.heartbeat(),
            Ok(news) => encode(framing, &news?.into()),
        };
        Some((bytes, (feed, framing)))
    });
    framing.respond(begin.chain(events).take_until(end))
}

fn encode(framing: Framing, event: &SiteEvent) -> Bytes {
    framing.encode(None::<u8>, event)
}

impl From<SiteNews> for SiteEvent {
    fn from(news: SiteNews) -> Self {
        match news {
            SiteNews::Changed(conversation) => Self::Changed { conversation_id: conversation.to_string() },
            SiteNews::Missed => Self::Missed,
            SiteNews::Typing { conversation, is_typing: typing } => {
                Self::Typing { conversation_id: conversation.to_string(), typing }
            }
        }
    }
}
