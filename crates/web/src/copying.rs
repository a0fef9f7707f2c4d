//! Copies of whole conversations, as files.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use frontdesk_core::{
    ConversationId, Message, Prices, SessionKey, SiteId, Store, StoreError, Thread, ThreadPage, Timestamp,
};
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::transcript::{Format, Reader, Transcript};
use crate::{ApiError, Code};

/// How many messages are read at a time.
const PAGE: u32 = 200;

/// What is copied.
#[derive(Clone, Debug)]
pub(crate) enum Original {
    /// A visitor's own conversation, as the visitor sees it.
    Session(SessionKey),
    /// A conversation of a site, with everything that is kept of it.
    Conversation(SiteId, ConversationId),
}

impl Original {
    /// The messages at the places after the first `read`.
    async fn read(&self, store: &dyn Store, read: u32) -> Result<Option<Thread>, StoreError> {
        let page = ThreadPage { before: Some(read.saturating_add(PAGE + 1)), limit: PAGE };
        match self {
            Self::Session(session) => store.session_thread(session, page).await,
            Self::Conversation(site, conversation) => store.thread(*site, *conversation, page).await,
        }
    }

    const fn reader(&self) -> Reader {
        match self {
            Self::Session(_) => Reader::Visitor,
            Self::Conversation(..) => Reader::Operators,
        }
    }
}

/// A response with a copy; `None` if there is nothing to copy.
pub(crate) async fn copy(
    store: Arc<dyn Store>,
    original: Original,
    format: Format,
    now: Timestamp,
    prices: Prices,
) -> Result<Option<Response>, ApiError> {
    let Some(first) = original.read(&*store, 0).await? else { return Ok(None) };
    let transcript = Transcript::new(format, original.reader(), &first.conversation, now, prices);
    let name = format!("attachment; filename=\"{}\"", transcript.file_name());
    let copying = Copying { store, original, transcript, page: Some(first), read: 0 };
    let body = Body::from_stream(stream::unfold(copying, Copying::next));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).map_err(|error| ApiError::new(Code::Internal).because(error))?,
    );
    Ok(Some(response))
}

/// A copy that is being sent: as much of a long conversation is held as is read at a time.
struct Copying {
    store: Arc<dyn Store>,
    original: Original,
    transcript: Transcript,
    /// What comes next; `None` when all has been sent.
    page: Option<Thread>,
    /// The place of the last message that was read.
    read: u32,
}

impl Copying {
    /// The next piece. An error cuts the response off, so that nobody takes half of a copy for all of it.
    async fn next(mut self) -> Option<(Result<Bytes, StoreError>, Self)> {
        let mut thread = self.page.take()?;
        // The last page begins before its place.
        thread.messages.retain(|message| message.seq > self.read);
        let is_whole =
            thread.messages.last().is_none_or(|last| last.seq >= thread.conversation.message_count);
        self.read = thread.messages.last().map_or(self.read, |last| last.seq);
        let mut piece = self.transcript.messages(self.shown(thread.messages));
        if is_whole {
            piece.push_str(self.transcript.end());
            return Some((Ok(piece.into()), self));
        }
        match self.original.read(&*self.store, self.read).await {
            Ok(Some(thread)) => self.page = Some(thread),
            // It was deleted meanwhile.
            Ok(None) => piece.push_str(self.transcript.end()),
            Err(error) => return Some((Err(error), self)),
        }
        Some((Ok(piece.into()), self))
    }

    /// Those that the reader may see.
    fn shown(&self, messages: Vec<Message>) -> Vec<Message> {
        let is_for_visitor = self.original.reader() == Reader::Visitor;
        messages.into_iter().filter(|message| !is_for_visitor || message.role.is_for_visitors()).collect()
    }
}
