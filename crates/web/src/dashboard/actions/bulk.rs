use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frontdesk_core::{ConversationId, ConversationStatus};

use super::super::Dashboard;
use super::super::conversations::back_to_list;
use super::super::done::{Deed, Done, MOST_AT_ONCE};
use super::super::form::Form;
use super::super::frame::{Frame, render};
use super::super::looking::Looking;
use super::super::session::Operator;
use super::delete::DeletePage;
use super::tags;
use crate::extract::Query;
use crate::{ApiError, Code};

/// Does one thing with several conversations. Before it deletes any it asks once more.
pub(in super::super) async fn form(
    State(dashboard): State<Arc<Dashboard>>,
    operator: Operator,
    query: Query,
    form: Form,
) -> Result<Response, ApiError> {
    let (site, inbox) = (dashboard.settings.site, &dashboard.ports.inbox);
    let ids: Vec<ConversationId> =
        form.all("id").filter_map(ConversationId::parse).take(MOST_AT_ONCE).collect();
    let what = form.text("do");
    if ids.is_empty() {
        return back_to_list(&query, None);
    }
    let deed = match what {
        "close" | "reopen" => {
            let (status, deed) = match what {
                "close" => (ConversationStatus::Closed, Deed::Closed),
                _ => (ConversationStatus::Open, Deed::Reopened),
            };
            for id in &ids {
                inbox.set_status(site, *id, operator.name.clone(), status).await?;
            }
            deed
        }
        "tag" => {
            let rule = |rule: frontdesk_core::InvalidTag| {
                ApiError::new(Code::InvalidRequest).detail("add", rule.to_string())
            };
            let add = tags::read(&form, "add").map_err(rule)?;
            if add.is_empty() {
                return back_to_list(&query, None);
            }
            for id in &ids {
                inbox.tag(site, *id, add.clone(), Vec::new()).await?;
            }
            Deed::Tagged
        }
        "delete" if form.text("sure").is_empty() => return ask(&dashboard, &operator, &query, &ids).await,
        "delete" => {
            for id in &ids {
                inbox.delete(site, *id).await?;
            }
            Deed::Deleted
        }
        _ => {
            let rule = "must be close, reopen, tag or delete";
            return Ok(ApiError::new(Code::InvalidRequest).detail("do", rule).into_response());
        }
    };
    back_to_list(&query, Some(Done::new(deed, ids)))
}

async fn ask(
    dashboard: &Dashboard,
    operator: &Operator,
    query: &Query,
    ids: &[ConversationId],
) -> Result<Response, ApiError> {
    let looking = Looking::read(query)?;
    render(&DeletePage {
        frame: Frame::new(dashboard, operator, "/").await?,
        action: looking.at("/conversations/bulk"),
        keep: looking.at("/"),
        one: None,
        ids: ids.iter().map(ConversationId::to_string).collect(),
    })
}
