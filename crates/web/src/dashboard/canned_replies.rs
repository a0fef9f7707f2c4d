//! Replies that are ready to be sent.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frontdesk_core::{CannedReplies, CannedReply, SiteDocument};
use http::StatusCode;

use super::Dashboard;
use super::actions::line_ends;
use super::done::Done;
use super::form::Form;
use super::frame::{Frame, render};
use super::looking::Looking;
use super::session::Operator;
use crate::ApiError;
use crate::extract::Query;
use crate::site_documents::canned_replies;

#[derive(Template)]
#[template(path = "canned-replies.html")]
struct CannedRepliesPage {
    frame: Frame,
    replies: Vec<CannedReply>,
    /// The reply that was not taken, and why.
    refused: Option<Refused>,
}

/// A reply that was not taken.
struct Refused {
    reply: CannedReply,
    /// The shortcut that it had before.
    was: String,
    why: String,
}

impl CannedRepliesPage {
    /// Why this reply was not taken.
    fn refusal(&self, was: &str) -> Option<&Refused> {
        self.refused.as_ref().filter(|refused| refused.was == was)
    }
}

/// The replies of the site.
pub(super) async fn read(dashboard: &Dashboard) -> Result<Vec<CannedReply>, ApiError> {
    let replies = canned_replies(&*dashboard.ports.store, dashboard.settings.site).await?;
    Ok(replies.as_slice().to_vec())
}

/// The page.
pub(super) async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let toast = Done::read(&query)?.map(|done| done.toast(&Looking::default(), None));
    let frame = Frame::new(&dashboard, &operator, "/replies").await?.saying(toast);
    let replies = read(&dashboard).await?;
    render(&CannedRepliesPage { frame, replies, refused: None })
}

/// Keeps a reply, new or changed, or deletes one.
pub(super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    form: Form,
) -> Result<Response, ApiError> {
    let was = form.text("was").to_owned();
    let shortcut = form.text("shortcut").trim().trim_start_matches('/').to_lowercase();
    let reply = CannedReply { shortcut, text: line_ends(form.text("text")) };
    let before = read(&dashboard).await?;
    let mut replies = before.clone();
    let place = replies.iter().position(|other| other.shortcut == was);
    match (place, form.text("do")) {
        (Some(place), "delete") => drop(replies.remove(place)),
        (Some(place), _) => replies[place] = reply.clone(),
        (None, "delete") => {}
        (None, _) => replies.push(reply.clone()),
    }
    match CannedReplies::new(replies) {
        Ok(replies) => {
            let (site, document) = (dashboard.settings.site, SiteDocument::CannedReplies);
            dashboard.ports.store.set_site_document(site, document, replies.to_json()).await?;
            Ok(Done::saved("/replies"))
        }
        Err(why) => {
            let why = why.to_string();
            // The place in the list says nothing to who sees one form.
            let why = why.split_once(": ").map_or(why.as_str(), |(_, rule)| rule).to_owned();
            let frame = Frame::new(&dashboard, &operator, "/replies").await?;
            let refused = Some(Refused { reply, was, why });
            let page = render(&CannedRepliesPage { frame, replies: before, refused })?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
    }
}
