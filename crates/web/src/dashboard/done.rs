//! What was just done, as the address that it leads to says it: the page says it once more in words.

use axum::response::{IntoResponse as _, Redirect, Response};
use frontdesk_core::ConversationId;

use super::frame::{Toast, Undo};
use super::looking::Looking;
use crate::ApiError;
use crate::extract::Query;

/// How many conversations are changed at once.
pub(super) const MOST_AT_ONCE: usize = 100;

/// What was done, and to which conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) deed: Deed,
    pub(super) conversations: Vec<ConversationId>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Closed,
    Reopened,
    Deleted,
    Tagged,
    Saved,
}

impl Deed {
    const ALL: [Self; 5] = [Self::Closed, Self::Reopened, Self::Deleted, Self::Tagged, Self::Saved];

    const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Deleted => "deleted",
            Self::Tagged => "tagged",
            Self::Saved => "saved",
        }
    }
}

impl Done {
    pub(super) const fn new(deed: Deed, conversations: Vec<ConversationId>) -> Self {
        Self { deed, conversations }
    }

    /// What an address says was done, if it does.
    pub(super) fn read(query: &Query) -> Result<Option<Self>, ApiError> {
        let name = query.text("done")?.unwrap_or_default();
        let ids = query.text("ids")?.unwrap_or_default().split(',');
        let conversations = ids.filter_map(ConversationId::parse).take(MOST_AT_ONCE).collect();
        let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name);
        Ok(deed.map(|deed| Self { deed, conversations }))
    }

    /// As parameters of an address. What is deleted has no names any more, only a number.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let ids: Vec<_> = self.conversations.iter().map(ConversationId::to_string).collect();
        let mut parameters = vec![("done", self.deed.name().to_owned())];
        if !ids.is_empty() {
            parameters.push(("ids", ids.join(",")));
        }
        parameters
    }

    /// Sends the browser to a page that says that its form was kept.
    pub(super) fn saved(path: &str) -> Response {
        Redirect::to(&format!("{path}?done={}", Deed::Saved.name())).into_response()
    }

    /// In words, with the way back if there is one.
    pub(super) fn toast(&self, looking: &Looking, shown: Option<&str>) -> Toast {
        let what = match self.conversations.len() {
            0 | 1 => "Conversation".to_owned(),
            count => format!("{count} conversations"),
        };
        let text = match self.deed {
            Deed::Closed => format!("{what} closed"),
            Deed::Reopened => format!("{what} reopened"),
            Deed::Deleted => format!("{what} deleted"),
            Deed::Tagged => format!("{what} tagged"),
            Deed::Saved => "Saved".to_owned(),
        };
        let back = match self.deed {
            Deed::Closed => Some(("open", "reopen")),
            Deed::Reopened => Some(("closed", "close")),
            Deed::Deleted | Deed::Tagged | Deed::Saved => None,
        };
        let undo = back.filter(|_| !self.conversations.is_empty()).map(|(status, deed)| {
            match (self.conversations.as_slice(), shown) {
                ([one], Some(shown)) if one.to_string() == shown => Undo {
                    action: looking.at(&format!("/conversations/{one}/status")),
                    fields: vec![("status", status.to_owned())],
                },
                (all, _) => Undo {
                    action: looking.at("/conversations/bulk"),
                    fields: all
                        .iter()
                        .map(|id| ("id", id.to_string()))
                        .chain([("do", deed.to_owned())])
                        .collect(),
                },
            }
        });
        Toast { text, undo }
    }
}
